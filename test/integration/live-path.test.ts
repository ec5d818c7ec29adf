import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import { Decoder } from '../../server/engine/decoder.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { Arena } from '../../server/frame/arena.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { feedBecomes, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';

const SIZE = { width: 640, height: 360 };
/** The middle of the demo performer's face in the first second, in shares of the picture. */
const FACE = { x: 0.47, y: 0.36, w: 0.06, h: 0.14 };
const SLATE_GREY = 62;

const pictures = new Pictures(new Arena(64));

/** Luma of the performer's face in a frame that can be decoded by itself. */
async function faceOf(frame: CodedFrame): Promise<number[]> {
  const decoder = new Decoder(pictures, 'test');
  try {
    const decoded = await decoder.decode(frame);
    if (!('picture' in decoded)) throw new Error(decoded.why);
    const { picture } = decoded;
    const [x0, y0] = [Math.round(FACE.x * picture.width), Math.round(FACE.y * picture.height)];
    const [w, h] = [Math.round(FACE.w * picture.width), Math.round(FACE.h * picture.height)];
    const luma = Array.from(
      { length: w * h },
      (_, i) => picture.planes[0][(y0 + Math.floor(i / w)) * picture.width + x0 + (i % w)] ?? 0,
    );
    pictures.give(picture);
    return luma;
  } finally {
    decoder.close();
  }
}

const meanDifference = (a: number[], b: number[]): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;

describe('the live path', () => {
  let server: RunningServer;
  let clip: CodedFrame[];
  beforeAll(async () => {
    clip = await codedClip({ ...SIZE, frames: 60, bitrate: 2_000_000, counter: false });
    server = await liveServer();
  }, 60_000);
  afterAll(() => server?.close());

  it('brings a replaced face to the monitor, with the camera’s own timestamps, and the plate beside it', async () => {
    const camera = await liveCamera(server, 'a', clip);
    await feedBecomes(server, 'a', ({ state }) => state === 'live');
    const program = await liveMonitor(server, 'a', 'program');
    const plate = await liveMonitor(server, 'a', 'plate');
    try {
      await feedBecomes(server, 'a', ({ faces }) => faces.some(({ shown }) => shown === 'replaced'));
      const replaced = await program.first(({ key }) => key);
      const raw = await plate.first(({ key }) => key);
      expect(replaced.rtpTs % 3000).toBe(0);
      expect(raw.rtpTs % 3000).toBe(0);
      expect([replaced.width, replaced.height]).toEqual([SIZE.width, SIZE.height]);
      const feed = await feedBecomes(server, 'a', ({ viewers }) => viewers.program === 1 && viewers.plate === 1);
      expect(feed).toMatchObject({ state: 'live', provider: 'cpu', look: 'mara' });
      program.requestKey();
      const again = await program.next(({ key }) => key);
      expect(meanDifference(await faceOf(again), await faceOf(clip[0] as CodedFrame))).toBeGreaterThan(4);
    } finally {
      await program.close();
      await plate.close();
      await camera.close();
      await feedBecomes(server, 'a', ({ state }) => state === 'idle');
    }
  });

  it('an engine killed at once drops no viewer: slate, then fresh pictures within two seconds, and never the raw face', async () => {
    const camera = await liveCamera(server, 'a', clip);
    await feedBecomes(server, 'a', ({ state }) => state === 'live');
    const monitor = await liveMonitor(server, 'a');
    try {
      await feedBecomes(server, 'a', ({ faces }) => faces.some(({ shown }) => shown === 'replaced'));
      await monitor.next();
      const before = monitor.frames.length;
      const engine = server.pids().engines.a as number;
      const killed = performance.now();
      process.kill(engine, 'SIGKILL');
      const slate = await monitor.next(({ key }) => key);
      expect(Math.min(...(await faceOf(slate)))).toBeGreaterThanOrEqual(SLATE_GREY - 6);
      expect(slate.arrivalMs - killed).toBeLessThan(500);
      const plates = await Promise.all([clip[0], clip[0]].map((frame) => faceOf(frame as CodedFrame)));
      const fresh = await monitor.after(slate, ({ key, rtpTs }) => key && rtpTs % 3000 === 0);
      // The promise is two seconds, and `bench chaos` measures it; twice that is left to a machine that runs other tests beside.
      expect(fresh.arrivalMs - killed).toBeLessThan(4000);
      expect(meanDifference(await faceOf(fresh), plates[0] ?? [])).toBeGreaterThan(4);
      expect(server.pids().engines.a).not.toBe(engine);
      expect(monitor.lost).toBeNull();
      expect(monitor.frames.length).toBeGreaterThan(before);
      const times = monitor.frames.map(({ rtpTs }) => rtpTs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
    } finally {
      await monitor.close();
      await camera.close();
      await feedBecomes(server, 'a', ({ state }) => state === 'idle');
    }
  });

  it('refuses a second camera on a feed while the first one sends, and a monitor while there is none', async () => {
    const camera = await liveCamera(server, 'a', clip);
    try {
      await feedBecomes(server, 'a', ({ state }) => state === 'live');
      await expect(liveCamera(server, 'a', clip)).rejects.toThrow(/already on this feed/);
    } finally {
      await camera.close();
    }
    await feedBecomes(server, 'a', ({ state }) => state === 'idle');
    await expect(liveMonitor(server, 'a')).rejects.toThrow(/No camera/);
  });

  it('says that the port is taken', async () => {
    const port = Number(new URL(server.url).port);
    await expect(liveServer({ server: { port } })).rejects.toThrow(new RegExp(`Port ${port} is taken`));
  });
});
