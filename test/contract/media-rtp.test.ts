import { afterEach, describe, expect, test } from 'vitest';
import type { VideoCodec } from '../../server/frame/coded.ts';
import { openPublisher, type Publisher } from '../../server/media/peer/publisher.ts';
import { openViewer, type ReceivedFrame, type Viewer } from '../../server/media/peer/viewer.ts';
import { createRtpEngine } from '../../server/media/rtp/engine.ts';
import { type SyntheticOptions, SyntheticCamera } from '../fixtures/peer-clip.ts';
import { eventually, PassThrough, steadily } from '../fixtures/peer-loop.ts';
import { UdpRelay } from '../fixtures/udp-relay.ts';

const bindAddress = '127.0.0.1';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function stage(codec: VideoCodec = 'h264'): PassThrough {
  const engine = createRtpEngine({ bindAddress });
  closers.push(() => engine.close());
  return new PassThrough(engine, codec);
}

interface Camera {
  publisher: Publisher;
  sent: number[];
  stop(): void;
}

async function startCamera(loop: PassThrough, options: SyntheticOptions = {}, relay?: UdpRelay): Promise<Camera> {
  const camera = new SyntheticCamera(options);
  const publisher = await openPublisher({
    signal: loop.whip,
    bindAddress,
    codec: options.codec ?? 'h264',
    onKeyRequest: () => camera.requestKey(),
    ...(relay ? { rewriteAnswer: (answer: string) => relay.rewrite(answer) } : {}),
  });
  const sent: number[] = [];
  const ticking = steadily(options.fps ?? 30, () => {
    const frame = camera.next();
    sent.push(frame.rtpTs);
    publisher.send(frame);
  });
  let stopped = false;
  const stop = (): void => {
    if (stopped) return;
    stopped = true;
    ticking.stop();
    camera.close();
  };
  closers.push(async () => {
    stop();
    await publisher.close();
  });
  return { publisher, sent, stop };
}

async function watch(loop: PassThrough, codec: VideoCodec = 'h264', relay?: UdpRelay): Promise<{ viewer: Viewer; frames: ReceivedFrame[] }> {
  const frames: ReceivedFrame[] = [];
  const viewer = await openViewer({
    signal: loop.whep,
    bindAddress,
    codec,
    onFrame: (frame) => frames.push(frame),
    ...(relay ? { rewriteAnswer: (answer: string) => relay.rewrite(answer) } : {}),
  });
  closers.push(() => viewer.close());
  return { viewer, frames };
}

describe.each(['h264', 'vp8'] as const)('%s in, out to viewers', (codec) => {
  test('frames arrive whole, in order, with the camera’s own timestamps', async () => {
    const loop = stage(codec);
    const { sent } = await startCamera(loop, { codec, firstTs: 0xffff_ff00 });
    const a = await watch(loop, codec);
    const b = await watch(loop, codec);
    await eventually(() => a.frames.length >= 30 && b.frames.length >= 30, 'both viewers have 30 frames');
    for (const { frames } of [a, b]) {
      expect(frames[0]?.key).toBe(true);
      const first = sent.indexOf(frames[0]?.rtpTs ?? -1);
      expect(first).toBeGreaterThanOrEqual(0);
      expect(frames.map((frame) => frame.rtpTs)).toEqual(sent.slice(first, first + frames.length));
      expect([frames[0]?.width, frames[0]?.height]).toEqual([320, 180]);
    }
    const byTs = new Map(loop.frames.map((frame) => [frame.rtpTs, frame.bytes]));
    for (const frame of a.frames) expect(Buffer.compare(frame.bytes, byTs.get(frame.rtpTs) as Uint8Array)).toBe(0);
    expect(a.viewer.stats().lost).toBe(0);
  });
});
