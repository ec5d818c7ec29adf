import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import { Decoder } from '../../server/engine/decoder.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { Arena } from '../../server/frame/arena.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import { openPublisher } from '../../server/media/peer/publisher.ts';
import { splitAnnexB } from '../../server/media/rtp/annexb.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { feedBecomes, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';

const SIZE = { width: 640, height: 360 };

async function scrape(server: RunningServer): Promise<Map<string, number>> {
  const answer = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.apiToken}` } });
  const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}
const encoding = (metrics: Map<string, number>): string[] =>
  [...metrics]
    .filter(([series, value]) => series.startsWith('understudy_rendition_encoding') && value === 1)
    .map(([series]) => /rendition="(\w+)",codec="(\w+)"/.exec(series)?.slice(1).join('/') ?? '');

const pictures = new Pictures(new Arena(64));

/** Mean luma of a frame that can be decoded by itself. */
async function meanLuma(frame: CodedFrame): Promise<number> {
  const decoder = new Decoder(pictures, 'test');
  try {
    const decoded = await decoder.decode(frame);
    if (!('picture' in decoded)) throw new Error(decoded.why);
    const [luma] = decoded.picture.planes;
    const mean = luma.reduce((sum, value) => sum + value, 0) / luma.length;
    pictures.give(decoded.picture);
    return mean;
  } finally {
    decoder.close();
  }
}

describe('renditions of a live feed', () => {
  let server: RunningServer;
  let clip: CodedFrame[];
  beforeAll(async () => {
    clip = await codedClip({ ...SIZE, frames: 60, bitrate: 2_000_000, counter: false });
    server = await liveServer({ engine: { maxEncoders: 3 } });
  }, 60_000);
  afterAll(() => server?.close());

  it('opens what is watched and closes it after the last viewer: VP8 and H.264, full and low, each with the same timestamps', async () => {
    const camera = await liveCamera(server, 'a', clip);
    await feedBecomes(server, 'a', ({ state }) => state === 'live');
    const monitors = [
      await liveMonitor(server, 'a', 'program'),
      await liveMonitor(server, 'a', 'program', { codec: 'vp8' }),
      await liveMonitor(server, 'a', 'low'),
    ];
    try {
      const frames = await Promise.all(monitors.map((monitor) => monitor.first(({ key }) => key)));
      expect(frames.map(({ codec, width, height }) => [codec, width, height])).toEqual([
        ['h264', 640, 360],
        ['vp8', 640, 360],
        ['h264', 320, 180],
      ]);
      const lumas = await Promise.all(frames.map(meanLuma));
      for (const luma of lumas) expect(Math.abs(luma - (lumas[0] as number))).toBeLessThan(4);
      expect(frames.map(({ rtpTs }) => rtpTs % 3000)).toEqual([0, 0, 0]);
      expect(encoding(await scrape(server))).toEqual(['program/h264', 'program/vp8', 'low/h264']);
      // A fourth encoder would be one too many; the camera's own plate needs none.
      await expect(liveMonitor(server, 'a', 'low', { codec: 'vp8' })).rejects.toThrow(/engine\.maxEncoders/);
      const plate = await liveMonitor(server, 'a', 'plate');
      const raw = await plate.first(({ key }) => key);
      const units = ({ bytes }: CodedFrame): Buffer => Buffer.concat(splitAnnexB(bytes));
      expect(units(raw).equals(units(clip[0] as CodedFrame))).toBe(true);
      await plate.close();
    } finally {
      await Promise.all(monitors.map((monitor) => monitor.close()));
      await expect.poll(async () => encoding(await scrape(server)), { timeout: 10_000 }).toEqual([]);
      await camera.close();
      await feedBecomes(server, 'a', ({ state }) => state === 'idle');
    }
  });

  it('encodes the plate for viewers that cannot take the camera’s codec', async () => {
    const camera = await liveCamera(server, 'a', clip);
    await feedBecomes(server, 'a', ({ state }) => state === 'live');
    const plate = await liveMonitor(server, 'a', 'plate', { codec: 'vp8' });
    try {
      const raw = await plate.first(({ key }) => key);
      expect(raw).toMatchObject({ codec: 'vp8', ...SIZE });
      expect(encoding(await scrape(server))).toEqual(['plate/vp8']);
    } finally {
      await plate.close();
      await camera.close();
      await feedBecomes(server, 'a', ({ state }) => state === 'idle');
    }
  });

  it('shows a slate in the viewer’s own codec and size when the engine is lost', async () => {
    const camera = await liveCamera(server, 'a', clip);
    await feedBecomes(server, 'a', ({ state }) => state === 'live');
    const monitors = [
      await liveMonitor(server, 'a', 'program', { codec: 'vp8' }),
      await liveMonitor(server, 'a', 'low', { codec: 'h264' }),
    ];
    try {
      await Promise.all(monitors.map((monitor) => monitor.first(({ key }) => key)));
      await Promise.all(monitors.map((monitor) => monitor.next()));
      const slates = monitors.map((monitor) => monitor.next(({ key }) => key));
      process.kill(server.pids().engines.a as number, 'SIGKILL');
      const [vp8, low] = await Promise.all(slates);
      expect([vp8?.codec, vp8?.width, vp8?.height]).toEqual(['vp8', 640, 360]);
      expect([low?.codec, low?.width, low?.height]).toEqual(['h264', 320, 180]);
      for (const slate of [vp8, low]) expect(Math.abs((await meanLuma(slate as CodedFrame)) - 65)).toBeLessThan(6);
      // The camera's own times again, perhaps already: the spare is quick.
      const own = ({ key, rtpTs }: CodedFrame) => key && rtpTs % 3000 === 0;
      await Promise.all(monitors.map((monitor, k) => monitor.after([vp8, low][k] as CodedFrame, own)));
    } finally {
      await Promise.all(monitors.map((monitor) => monitor.close()));
      await camera.close();
      await feedBecomes(server, 'a', ({ state }) => state === 'idle');
    }
  });
});

/** A monitor's offer that nobody will connect with: what it gets is in the answer. */
const offerOf = (...formats: string[]): string =>
  [
    'v=0',
    'o=- 1 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    'm=video 9 UDP/TLS/RTP/SAVPF 96 97',
    'c=IN IP4 0.0.0.0',
    'a=mid:0',
    'a=recvonly',
    'a=rtcp-mux',
    'a=ice-ufrag:abcd',
    'a=ice-pwd:abcdefghijklmnopqrstuvwx',
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
    'a=setup:actpass',
    ...formats,
    '',
  ].join('\r\n');
const H264 = (more: string): string[] => ['a=rtpmap:96 H264/90000', `a=fmtp:96 packetization-mode=1;${more}`];
const VP8 = ['a=rtpmap:97 VP8/90000'];

describe('a 1920×1080 feed and what monitors offer', () => {
  let server: RunningServer;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const clip = await codedClip({ width: 1920, height: 1080, frames: 10, bitrate: 4_000_000, counter: false });
    server = await liveServer();
    const camera = await liveCamera(server, 'hd', clip);
    close = () => camera.close();
    await feedBecomes(server, 'hd', ({ camera: sent }) => sent?.width === 1920);
  }, 60_000);
  afterAll(async () => {
    await close?.();
    await server?.close();
  });

  const ask = async (rendition: string, offer: string, feed = 'hd') => {
    const answer = await fetch(`${server.url}/whep/${feed}/${rendition}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/sdp',
        authorization: `Bearer ${server.apiToken}`,
        // The sentence, not an offer of the server's own.
        accept: 'application/sdp, application/problem+json',
      },
      body: offer,
    });
    const text = await answer.text();
    const given = answer.headers.get('location')?.split('/')[3];
    const sends = /a=rtpmap:\d+ (\w+)/.exec(text)?.[1];
    const level = /profile-level-id=(\w+)/.exec(text)?.[1];
    return { status: answer.status, given, sends, level, text };
  };

  it('level 4.0, said in the answer, where level 3.1 is no limit', async () => {
    const offer = offerOf(...H264('level-asymmetry-allowed=1;profile-level-id=42e01f'), ...VP8);
    expect(await ask('program', offer)).toMatchObject({
      status: 201,
      given: 'program',
      sends: 'H264',
      level: '42e028',
    });
    expect(await ask('low', offer)).toMatchObject({ status: 201, given: 'low', sends: 'H264', level: '42e01f' });
  });

  it('what the camera means counts, not what a network held back and then let through at once', async () => {
    const clip = await codedClip({ width: 1920, height: 1080, frames: 10, bitrate: 4_000_000, counter: false });
    const camera = await openPublisher({ url: `${server.url}/whip/burst`, token: server.apiToken, codec: 'h264' });
    await camera.arrived(10_000);
    for (let i = 0; i < 60; i++) camera.send({ ...(clip[i % 10] as CodedFrame), rtpTs: 3000 * i });
    await feedBecomes(server, 'burst', ({ camera: sent }) => (sent?.fps ?? 0) > 40);
    expect(await ask('low', offerOf(...H264('profile-level-id=42e01f')), 'burst')).toMatchObject({
      status: 201,
      level: '42e01f',
    });
    await camera.close();
  });

  it('VP8 where 3.1 is one; else the low rendition; else a sentence that says what is missing', async () => {
    const strict = H264('profile-level-id=42e01f');
    expect(await ask('program', offerOf(...strict, ...VP8))).toMatchObject({ given: 'program', sends: 'VP8' });
    expect(await ask('program', offerOf(...strict))).toMatchObject({ given: 'low', sends: 'H264', level: '42e01f' });
    const refused = await ask('plate', offerOf(...strict));
    expect(refused.status).toBe(422);
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'sdp_unusable' });
    expect(refused.text).toContain('1920×1080, offer VP8, or H.264 in packetization mode 1 with level 4.0');
  });
});
