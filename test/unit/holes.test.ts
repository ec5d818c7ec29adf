import { expect, test } from 'vitest';
import { Holes } from '../../server/double/holes.ts';
import { SIZE } from '../../server/double/surface.ts';

type Inside = (u: number, v: number) => boolean;
const disc =
  (cu: number, cv: number, radius: number): Inside =>
  (u, v) =>
    Math.hypot(u - cu, v - cv) < radius;
const plane = (value: (u: number, v: number) => number): Float32Array =>
  Float32Array.from({ length: SIZE * SIZE }, (_, i) => value(i % SIZE, Math.floor(i / SIZE)));
const face = disc(128, 128, 90);
const coverage = plane((u, v) => (face(u, v) ? 1 : 0));
const drawnBut = (hole: Inside): Float32Array => plane((u, v) => (face(u, v) && !hole(u, v) ? 1 : 0));
const at = (values: Float32Array, u: number, v: number): number => values[v * SIZE + u]!;

test('a hole with drawing all around it is closed, with its edge', () => {
  const eye = disc(90, 100, 14);
  const alpha = drawnBut(eye);
  expect(new Holes().close(alpha, coverage)).toBeGreaterThan(20);
  for (let v = 80; v < 120; v++) for (let u = 70; u < 110; u++) expect(at(alpha, u, v)).toBe(1);
});

test('what reaches in from outside stays open, and the outline as it was', () => {
  const hand: Inside = (u, v) => u > 140 && Math.abs(v - 160) < 20;
  const alpha = drawnBut(hand);
  const before = alpha.slice();
  expect(new Holes().close(alpha, coverage)).toBe(0);
  expect(alpha).toEqual(before);
});

test('a hand and an eye at once: only the eye is closed', () => {
  const [eye, hand] = [disc(90, 100, 14), ((u, v) => u > 140 && Math.abs(v - 160) < 20) as Inside];
  const alpha = drawnBut((u, v) => eye(u, v) || hand(u, v));
  const holes = new Holes();
  expect(holes.close(alpha, coverage)).toBeGreaterThan(20);
  expect([at(alpha, 90, 100), at(alpha, 180, 160)]).toEqual([1, 0]);
  expect(holes.close(alpha, coverage)).toBe(0);
});

test('nothing drawn at all stays nothing: whoever judges the whole face must see it; no numbers are no drawing', () => {
  const none = new Float32Array(SIZE * SIZE);
  expect(new Holes().close(none, coverage)).toBe(0);
  expect(none.some((value) => value !== 0)).toBe(false);
  const alpha = plane((u, v) => (disc(90, 100, 14)(u, v) ? Number.NaN : face(u, v) ? 1 : 0));
  new Holes().close(alpha, coverage);
  expect(at(alpha, 90, 100)).toBe(1);
});
