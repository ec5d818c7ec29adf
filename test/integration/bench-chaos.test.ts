import { afterEach, describe, expect, it } from 'vitest';
import { longestGap } from '../../scripts/bench/chaos.ts';
import { FaceWatch } from '../../scripts/bench/chaos-faces.ts';
import { ImpairedWay, type Impairment } from '../../scripts/bench/chaos-impair.ts';
import { CAMERA_LEG, ChaosRig, isPicture, MONITOR_LEG, nowMs } from '../../scripts/bench/chaos-rig.ts';
import { codedClip } from '../../scripts/bench/clip.ts';
import { Decoder } from '../../server/engine/decoder.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { Arena } from '../../server/frame/arena.ts';

const PACKET_BYTES = 1200;
const ways: ImpairedWay[] = [];
afterEach(() => {
  for (const way of ways.splice(0)) way.close();
});

/** Sends `count` packets, one every `everyMs` of the way's clock, and settles with those that came when nothing more can come. */
async function through(
  impairment: Impairment,
  count: number,
  seed = 7,
  everyMs = 0,
): Promise<{ number: number; afterMs: number }[]> {
  const way = new ImpairedWay(seed);
  ways.push(way);
  way.set(impairment);
  const came: { number: number; afterMs: number }[] = [];
  const fromMs = performance.now();
  for (let number = 0; number < count; number++) {
    const sentMs = fromMs + number * everyMs;
    way.pass(PACKET_BYTES, () => came.push({ number, afterMs: performance.now() - sentMs }), sentMs);
  }
  await expect.poll(() => came.length, { timeout: 5000 }).toBe(way.counts.passed);
  return came;
}
const numbers = (came: { number: number }[]): number[] => came.map(({ number }) => number);

describe('an impaired way', () => {
  it('passes everything at once and in order when it is good', async () => {
    const came = await through({}, 100);
    expect(numbers(came)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('loses the share it was told to, the same packets for the same seed and others for another', async () => {
    const came = numbers(await through({ loss: 0.05 }, 4000));
    expect(came.length).toBeGreaterThan(3740);
    expect(came.length).toBeLessThan(3860);
    expect(numbers(await through({ loss: 0.05 }, 4000))).toEqual(came);
    expect(numbers(await through({ loss: 0.05 }, 4000, 8))).not.toEqual(came);
    // Other settings draw as much: what is lost stays the same.
    expect(numbers(await through({ loss: 0.05, jitterMs: 5 }, 4000))).toEqual(came);
  });

  it('delays, jitters without changing the order, and reorders only what it was told to', async () => {
    const delayed = await through({ delayMs: 40, jitterMs: 20 }, 50);
    expect(numbers(delayed)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    // A timer may be a millisecond early.
    expect(Math.min(...delayed.map(({ afterMs }) => afterMs))).toBeGreaterThanOrEqual(39);
    const shuffled = numbers(await through({ reorder: 0.1 }, 200));
    const back = shuffled.filter((number, index) => number < Math.max(0, ...shuffled.slice(0, index)));
    expect(back.length).toBeGreaterThan(5);
    expect(back.length).toBeLessThan(40);
  });

  it('lets a cap’s rate through, keeps no more than its short queue, and nothing through a cut', async () => {
    // 2 s of 1.2 kB every 10 ms are 960 kbps.
    const came = await through({ kbps: 300 }, 200, 7, 10);
    const kbps = (came.length * PACKET_BYTES * 8) / 2000;
    expect(kbps).toBeGreaterThan(290);
    expect(kbps).toBeLessThan(325);
    expect(numbers(came)).toEqual([...numbers(came)].sort((a, b) => a - b));
    expect(await through({ cut: true }, 20)).toEqual([]);
  });
});

it('the longest gap counts the window’s edges', () => {
  const at = (...times: number[]) => times.map((atMs) => ({ atMs }));
  expect(longestGap(at(90, 110, 150, 180), 100, 200)).toBe(40);
  expect(longestGap(at(170), 100, 200)).toBe(70);
  expect(longestGap([], 100, 200)).toBe(100);
});

it('knows the performer’s own face again after coding, and no other picture for it', async () => {
  const clip = await codedClip({ width: 640, height: 360, frames: 12, bitrate: 2_000_000 });
  const watch = await FaceWatch.learn(clip, 1_000_000);
  const pictures = new Pictures(new Arena(64));
  const decoder = new Decoder(pictures, 'test');
  try {
    for (const [index, frame] of clip.entries()) {
      const decoded = await decoder.decode(frame);
      if (!('picture' in decoded)) throw new Error(decoded.why);
      const { picture } = decoded;
      expect(watch.look(picture)).toMatchObject({ counter: index, raw: true });
      const [luma] = picture.planes;
      // Without its number it is still the same face.
      luma.fill(62, 0, 16 * picture.width);
      expect(watch.look(picture)).toMatchObject({ counter: null, raw: true });
      luma.fill(62);
      expect(watch.look(picture)).toMatchObject({ counter: null, raw: false });
      pictures.give(picture);
    }
  } finally {
    decoder.close();
  }
});

it('a front killed at once comes back on its port; camera and monitor connect again by themselves and see no raw face', async () => {
  const clip = { width: 640, height: 360, frames: 60, bitrate: 2_000_000 };
  const rig = await ChaosRig.open({ clip, rate: { num: 30, den: 1 }, others: 0 });
  try {
    await rig.impair(CAMERA_LEG, 'up', { loss: 0.05 });
    await rig.impair(MONITOR_LEG, 'down', { loss: 0.05 });
    const lossyMs = nowMs();
    await expect.poll(async () => (await rig.fresh(lossyMs, 5000)) !== null, { timeout: 6000 }).toBe(true);
    const { front } = rig.server.pids();
    const killedMs = rig.kill('front');
    const fresh = await rig.fresh(killedMs, 20_000);
    expect(fresh).not.toBeNull();
    expect(rig.server.pids().front).not.toBe(front);
    expect(rig.peers).toMatchObject({ count: 2, lost: 2, opened: 4 });
    const faces = rig.notes.filter(isPicture);
    expect(faces.length).toBeGreaterThan(2);
    expect(faces.filter(({ seen }) => seen?.raw)).toEqual([]);
  } finally {
    await rig.close();
  }
}, 60_000);
