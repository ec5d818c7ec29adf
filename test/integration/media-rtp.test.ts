import * as av from 'node-av';
import { afterEach, describe, expect, test } from 'vitest';
import { Problem } from '../../server/config/problem.ts';
import type { VideoCodec } from '../../server/frame/coded.ts';
import { createRtpEngine, type RtpEngineOptions } from '../../server/media/rtp/engine.ts';
import { type RunningCamera, type RunningViewer, startCamera, startViewer } from '../fixtures/peer-camera.ts';
import type { SyntheticOptions } from '../fixtures/peer-clip.ts';
import { eventually, PassThrough } from '../fixtures/peer-loop.ts';
import { UdpRelay } from '../fixtures/udp-relay.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function stage(codec: VideoCodec = 'h264', options: RtpEngineOptions = {}): PassThrough {
  const engine = createRtpEngine({ bindAddress: '127.0.0.1', ...options });
  closers.push(() => engine.close());
  return new PassThrough(engine, codec);
}

async function camera(loop: PassThrough, options: SyntheticOptions = {}, relay?: UdpRelay): Promise<RunningCamera> {
  const running = await startCamera(loop, options, relay);
  closers.push(() => running.close());
  return running;
}

async function monitor(loop: PassThrough, codec: VideoCodec = 'h264', relay?: UdpRelay): Promise<RunningViewer> {
  const running = await startViewer(loop, codec, relay);
  closers.push(() => running.viewer.close());
  return running;
}

function impair(relay: UdpRelay): UdpRelay {
  closers.push(() => relay.close());
  return relay;
}

describe.each(['h264', 'vp8'] as const)('%s in, out to viewers', (codec) => {
  test('frames arrive whole, in order, with the camera’s own timestamps', async () => {
    const loop = stage(codec);
    const { sent } = await camera(loop, { codec, firstTs: 0xffff_ff00 });
    const viewers = [await monitor(loop, codec), await monitor(loop, codec), await monitor(loop, codec)];
    await eventually(() => viewers.every(({ frames }) => frames.length >= 30), 'every viewer has 30 frames');
    const taken = new Map(loop.frames.map((frame) => [frame.rtpTs, frame.bytes]));
    for (const { frames, viewer } of viewers) {
      expect(frames[0]?.key).toBe(true);
      const first = sent.indexOf(frames[0]?.rtpTs ?? -1);
      expect(first).toBeGreaterThanOrEqual(0);
      expect(frames.map(({ rtpTs }) => rtpTs)).toEqual(sent.slice(first, first + frames.length));
      for (const { bytes, rtpTs } of frames) expect(Buffer.compare(bytes, taken.get(rtpTs) as Uint8Array)).toBe(0);
      expect(frames[0]).toMatchObject({ width: 320, height: 180 });
      expect(viewer.stats()).toMatchObject({ lost: 0, reordered: 0 });
    }
    expect(loop.rendition.viewers).toBe(3);
    expect(loop.ingest?.stats()).toMatchObject({ state: 'connected', codec, lost: 0 });
  });

  test('5 % loss and reordering on both legs are repaired: no frame is missing', async () => {
    const loop = stage(codec);
    const [inLeg, outLeg] = [
      impair(new UdpRelay({ loss: 0.05, delayMs: 4, jitterMs: 4 })),
      impair(new UdpRelay({}, { loss: 0.05, delayMs: 4, jitterMs: 4 })),
    ];
    const { sent } = await camera(loop, { codec, bitrate: 4e6 }, inLeg);
    const { frames, viewer } = await monitor(loop, codec, outLeg);
    await eventually(() => frames.length >= 60, '60 frames through the bad network', 15_000);
    const first = sent.indexOf(frames[0]?.rtpTs ?? -1);
    expect(frames.map(({ rtpTs }) => rtpTs)).toEqual(sent.slice(first, first + frames.length));
    expect(inLeg.stats.toAnswerer.dropped).toBeGreaterThan(10);
    expect(outLeg.stats.toOfferer.dropped).toBeGreaterThan(10);
    expect(viewer.stats().recovered).toBeGreaterThan(0);
    expect(viewer.stats().lost).toBe(0);
    expect(loop.ingest?.stats().lost).toBe(0);
    expect(loop.viewers[0]?.stats().nacks).toBeGreaterThan(0);
  });
});

describe('key frames', () => {
  test('an unrepairable gap at the camera’s leg brings a key frame, and nothing undecodable between', async () => {
    const loop = stage();
    const relay = impair(new UdpRelay());
    const { publisher } = await camera(loop, {}, relay);
    await eventually(() => loop.frames.length > 5, 'the first frames');
    const asked = publisher.stats().keyRequests;
    // One packet, and every repetition of it.
    let victim = -1;
    relay.toAnswerer = {
      drop: (datagram) => {
        if (((datagram[1] ?? 0) & 0x7f) !== 96) return false;
        if (victim < 0) victim = datagram.readUInt16BE(2);
        return datagram.readUInt16BE(2) === victim;
      },
    };
    await eventually(() => victim >= 0, 'a packet is lost');
    const before = loop.frames.length;
    await eventually(() => loop.frames.length > before + 3, 'frames after the outage');
    expect(loop.frames[before]?.key).toBe(true);
    expect(publisher.stats().keyRequests).toBeGreaterThan(asked);
    expect(loop.ingest?.stats().lost).toBeGreaterThan(0);
  });

  test('a viewer gets nothing before a key frame, and its requests are paced', async () => {
    const loop = stage();
    const { publisher } = await camera(loop);
    await eventually(() => loop.frames.length > 5, 'the first frames');
    const { frames, viewer } = await monitor(loop);
    await eventually(() => frames.length > 0, 'a first frame');
    expect(frames[0]?.key).toBe(true);
    const [wanted, asked] = [loop.keysWanted, publisher.stats().keyRequests];
    const startMs = performance.now();
    const begging = setInterval(() => viewer.requestKey(), 5);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    clearInterval(begging);
    const most = Math.ceil((performance.now() - startMs) / 300) + 1;
    expect(loop.keysWanted - wanted).toBeGreaterThanOrEqual(2);
    expect(loop.keysWanted - wanted).toBeLessThanOrEqual(most);
    expect(publisher.stats().keyRequests - asked).toBeLessThanOrEqual(most);
  });

  test('a lost last packet is noticed by silence, not by the next frame', async () => {
    const loop = stage();
    const relay = impair(new UdpRelay());
    // Two frames a second: a frame that waited for the next one would come half a second late.
    const { sent } = await camera(loop, { fps: 2 }, relay);
    await eventually(() => loop.frames.length >= 2, 'the first frames');
    const dropped = new Set<number>();
    relay.toAnswerer = {
      drop: (datagram) => {
        const [second = 0, seq] = [datagram[1], datagram.readUInt16BE(2)];
        const isMarked = second >> 7 === 1 && (second & 0x7f) === 96;
        if (!isMarked || dropped.has(seq)) return false;
        dropped.add(seq);
        return true;
      },
    };
    const count = loop.frames.length;
    const sentBefore = sent.length;
    await eventually(() => sent.length > sentBefore, 'another frame');
    await eventually(() => loop.frames.length > count, 'the frame whose end was lost', 200);
    expect(dropped.size).toBe(1);
  });
});

describe('pictures', () => {
  test.each([
    [16, 16],
    [322, 182],
    [1920, 1080],
  ])('%i×%i', async (width, height) => {
    const loop = stage();
    await camera(loop, { width, height, fps: 10 });
    const { frames } = await monitor(loop);
    await eventually(() => frames.length > 2, 'three frames');
    expect(frames[0]).toMatchObject({ width, height });
  });

  test('colour is read from the bitstream', async () => {
    const loop = stage();
    const colour = {
      colorSpace: av.AVCOL_SPC_BT709,
      colorPrimaries: av.AVCOL_PRI_BT709,
      colorTrc: av.AVCOL_TRC_BT709,
      colorRange: av.AVCOL_RANGE_MPEG,
    } as const;
    await camera(loop, { colour });
    await eventually(() => loop.frames.length > 0, 'a frame');
    expect(loop.frames[0]?.colour).toEqual({
      matrix: 'bt709',
      primaries: 'bt709',
      transfer: 'bt709',
      range: 'limited',
    });
  });
});

describe('lifetimes', () => {
  test('closing a session from either side, and the engine with everything', async () => {
    const loop = stage();
    const running = await camera(loop);
    await monitor(loop);
    const second = await monitor(loop);
    await second.viewer.close();
    await eventually(() => loop.rendition.viewers === 1, 'one viewer is left');
    expect(loop.closedViewers).toHaveLength(1);
    loop.rendition.close();
    loop.rendition.close();
    expect(loop.rendition.viewers).toBe(0);
    expect(loop.closedViewers).toHaveLength(2);
    await running.close();
    expect(loop.states.map((state) => state.split(':')[0])).toEqual(['connected', 'closed']);
    expect(loop.ingest?.stats().state).toBe('closed');
  });

  test('refusals are problems, and the engine goes on', async () => {
    const loop = stage('h264', { maxViewers: 1 });
    await expect(loop.whip('nonsense')).rejects.toMatchObject({ code: 'sdp_malformed' });
    await expect(loop.whep('v=0\r\n')).rejects.toBeInstanceOf(Problem);
    await camera(loop);
    await monitor(loop);
    await expect(startViewer(loop)).rejects.toMatchObject({ code: 'full' });
    expect(loop.states.map((state) => state.split(':')[0])).toEqual(['connected']);
  });

  test('no more cameras than allowed', async () => {
    const loop = stage('h264', { maxIngests: 1 });
    await camera(loop);
    await expect(startCamera(loop)).rejects.toMatchObject({ code: 'full' });
  });
});
