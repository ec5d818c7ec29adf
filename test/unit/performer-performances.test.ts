import { describe, expect, test } from 'vitest';
import { CLIP_KINDS, type ClipKind, writePerformance } from '../../scripts/performer/performances.ts';

const SECONDS = 4;
const FPS = 30;
const looks = { skin: [0.4, 0.25, 0.18], eyes: 0.32 } as const;
const kindOf = (name: string): ClipKind => {
  const kind = CLIP_KINDS.find((k) => k.name === name);
  if (!kind) throw new Error(`There is no kind of clip called ${name}.`);
  return kind;
};
const write = (name: string, seed = 1000, role: 0 | 1 = 0) =>
  writePerformance(kindOf(name), seed, SECONDS, looks, role);
const frames = Array.from({ length: SECONDS * FPS }, (_, i) => i / FPS);
const DEG = 180 / Math.PI;

describe('written performances', () => {
  test('come again with their seed and differ by seed and by role', () => {
    const at = (seed: number, role: 0 | 1) => frames.map((t) => write('crossing', seed, role).moment(t).face);
    expect(at(1000, 0)).toEqual(at(1000, 0));
    expect(at(1001, 0)).not.toEqual(at(1000, 0));
    expect(at(1000, 1)).not.toEqual(at(1000, 0));
  });

  test.each(CLIP_KINDS.map((k) => k.name))('%s keeps its angles and every rig value in range', (name) => {
    const kind = kindOf(name);
    const performance = write(name);
    for (const t of frames) {
      const { pose, face } = performance.moment(t);
      expect(Math.abs(pose.yaw) * DEG).toBeLessThanOrEqual(kind.yaw + 1e-6);
      expect(Math.abs(pose.pitch) * DEG).toBeLessThanOrEqual(kind.pitch + 1e-6);
      for (const [unit, v] of Object.entries(face)) expect(v >= (unit === 'brows' ? -1 : 0) && v <= 1).toBe(true);
    }
  });

  test('the still part stands still for at least 1.5 s, and moves before it', () => {
    const performance = write('still');
    const [from, to] = kindOf('still').still ?? [0, 0];
    expect((to - from) * SECONDS).toBeGreaterThanOrEqual(1.5);
    const poses = frames.map((t) => performance.moment(t));
    const held = poses.slice(Math.ceil(from * SECONDS * FPS), Math.floor(to * SECONDS * FPS));
    const numbers = (i: number) => Object.values({ ...held[i]?.pose, ...held[i]?.face }).flat();
    held.forEach((_, i) => {
      numbers(i).forEach((v, k) => {
        expect(v).toBeCloseTo(numbers(0)[k] ?? Number.NaN, 9);
      });
    });
    expect(new Set(poses.slice(0, 30).map((m) => m.pose.yaw)).size).toBeGreaterThan(10);
  });

  test('a wall turns around the performer, and the key crosses', () => {
    const azimuths = (name: string, of: 'wallAzimuth' | 'keyAzimuth') =>
      frames.map((t) => write(name).moment(t).light[of]);
    for (const list of [azimuths('wall', 'wallAzimuth'), azimuths('key', 'keyAzimuth')]) {
      expect((list[0] ?? 0) * (list.at(-1) ?? 0)).toBeLessThan(0);
      list.forEach((v, i) => {
        expect(v).toBeGreaterThanOrEqual(list[i - 1] ?? -Infinity);
      });
    }
  });

  test('things come before the face and go; two people cross, and the nearer one leaves and comes back', () => {
    const hand = write('hand');
    const kinds = frames.map((t) => hand.occluder(t)?.kind);
    for (const kind of ['hand', 'microphone', undefined]) expect(kinds).toContain(kind);
    const [near, far] = [write('crossing', 1000, 0), write('crossing', 1000, 1)];
    const gap = (u: number) => near.place(u * SECONDS)[0] - far.place(u * SECONDS)[0];
    expect(gap(0) * gap(0.5)).toBeLessThan(0);
    expect(near.place(0.75 * SECONDS)[0]).toBeGreaterThan(5);
    expect(near.place(SECONDS)[0]).toBeLessThan(3);
    expect(near.place(0)[2]).toBeGreaterThan(far.place(0)[2]);
  });
});
