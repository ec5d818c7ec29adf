import { expect, test } from 'vitest';
import { COMPARED, Gallery, meanView, type View } from '../../server/engine/casting/gallery.ts';

const view = (yawDeg: number, pitchDeg: number, value = 0): View => ({
  shape: Float64Array.of(value),
  yawDeg,
  pitchDeg,
});

test('a face is compared with its own views in nearly the same pose', () => {
  const gallery = new Gallery();
  expect(gallery.near(view(0, 0))).toEqual([]);
  for (let pitch = -30; pitch <= 30; pitch += 2) for (let i = 0; i < 5; i++) gallery.add(view(0, pitch, pitch), 0);
  const near = gallery.near(view(0, 20));
  expect(near).toHaveLength(COMPARED);
  const mean = meanView(near);
  expect(mean.shape[0]).toBe(mean.pitchDeg);
  expect(Math.abs(mean.pitchDeg - 20)).toBeLessThan(1.5);
  gallery.clear();
  expect([gallery.size, gallery.near(view(0, 20))]).toEqual([0, []]);
});

test('it stays small, however long a performer is watched, and new views take the place of old ones', () => {
  const gallery = new Gallery();
  for (let i = 0; i < 30_000; i++) gallery.add(view(20 * Math.sin(i / 50), 30 * Math.sin(i / 81), i), i * 33_333);
  expect(gallery.size).toBeLessThan(2000);
  const still = new Gallery();
  for (let i = 0; i < 600; i++) still.add(view(0, 0, i), i * 33_333);
  expect(still.size).toBe(10);
  expect(Math.min(...still.near(view(0, 0)).map(({ shape }) => shape[0] ?? 0))).toBeGreaterThan(400);
});
