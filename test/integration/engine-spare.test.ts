import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChaosRig, isPicture, nowMs } from '../../scripts/bench/chaos-rig.ts';
import { codedClip } from '../../scripts/bench/clip.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { feedBecomes, liveCamera, liveServer } from '../fixtures/live.ts';

const SOON = { timeout: 20_000, interval: 50 };
const CLIP = { width: 640, height: 360, frames: 60, bitrate: 2_000_000 };

async function metric(server: RunningServer, series: string): Promise<number> {
  const response = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.apiToken}` } });
  const line = (await response.text()).split('\n').find((one) => one.startsWith(`understudy_${series} `));
  return Number(line?.split(' ').at(-1));
}
const spareReady = (server: RunningServer): Promise<void> =>
  expect.poll(() => metric(server, 'spare_engine_ready'), SOON).toBe(1);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A camera and a monitor that looks at every face; the engine of their feed is killed or stopped. */
describe('the engine of a feed that somebody watches', () => {
  let rig: ChaosRig;
  beforeAll(async () => {
    rig = await ChaosRig.open({ clip: CLIP, rate: { num: 30, den: 1 }, others: 0 });
  }, 60_000);
  afterAll(() => rig?.close());

  it.each([
    ['killed', 'SIGKILL' as const, 0],
    ['hung', 'SIGSTOP' as const, 1],
  ])(
    'when it is %s, the spare takes over: no connection ends, no raw face is shown',
    async (_, signal, hangs) => {
      await spareReady(rig.server);
      const { engines, spare } = rig.server.pids();
      const [before, losses] = [
        engines.bench as number,
        await metric(rig.server, 'feed_engine_restarts_total{feed="bench"}'),
      ];
      await rig.look();
      const from = rig.notes.length;
      const atMs = nowMs();
      process.kill(before, signal);
      const fresh = await rig.fresh(atMs, 20_000);
      expect(fresh).not.toBeNull();
      expect(rig.server.pids().engines).toEqual({ bench: spare });
      await expect.poll(() => isAlive(before), SOON).toBe(false);
      expect(rig.peers.lost).toBe(0);
      const pictures = rig.notes.slice(from).filter(isPicture);
      expect(pictures.length).toBeGreaterThan(0);
      expect(pictures.filter(({ seen }) => seen?.raw)).toEqual([]);
      expect(await metric(rig.server, 'feed_engine_restarts_total{feed="bench"}')).toBe(losses + 1);
      expect(await metric(rig.server, 'feed_engine_hangs_total{feed="bench"}')).toBe(hangs);
      const { message } = (await rig.feed()) ?? {};
      // A machine that is too slow for the full size says that first.
      if (hangs > 0)
        expect(message).toMatch(/did not answer any more and was ended; another takes over|Resolution lowered/);
      // And one engine for the feed, one spare: nothing was started twice.
      await spareReady(rig.server);
      expect(rig.server.pids().engines).toEqual({ bench: spare });
      expect(rig.server.pids().spare).not.toBe(spare);
    },
    60_000,
  );
});

describe('a stage without feeds', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await liveServer();
  });
  afterAll(() => server?.close());

  it('gives its spare to the first camera, and a hung front is ended and comes back with its engines', async () => {
    await spareReady(server);
    expect(await metric(server, 'spare_engine_resident_memory_bytes')).toBeGreaterThan(50e6);
    const { spare, front } = server.pids();
    const clip = await codedClip({ width: 320, height: 180, frames: 30, bitrate: 500_000, counter: false });
    const camera = await liveCamera(server, 'a', clip);
    await feedBecomes(server, 'a', ({ state }) => state === 'live');
    expect(server.pids().engines).toEqual({ a: spare });
    await camera.close();
    process.kill(front as number, 'SIGSTOP');
    await expect.poll(() => isAlive(front as number), SOON).toBe(false);
    await expect.poll(() => server.pids().front ?? front, SOON).not.toBe(front);
    await expect.poll(() => isAlive(spare as number), SOON).toBe(false);
    await expect.poll(() => server.pids().spare ?? spare, SOON).not.toBe(spare);
  }, 60_000);
});
