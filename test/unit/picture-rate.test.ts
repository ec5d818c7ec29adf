import { expect, it } from 'vitest';
import { PictureRate } from '../../server/stage/picture-rate.ts';

function rateOf(...times: number[]): number | null {
  const rate = new PictureRate();
  for (const time of times) rate.add(time >>> 0);
  return rate.perSecond;
}
const every = (gap: number, count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => from + gap * i);

it('is what a camera’s timestamps say', () => {
  expect(rateOf()).toBeNull();
  expect(rateOf(7)).toBeNull();
  expect(rateOf(7, 7)).toBeNull();
  expect(rateOf(...every(3000, 20))).toBe(30);
  expect(rateOf(...every(3003, 3))).toBeCloseTo(29.97, 2);
});

it('does not mind a lost picture, a jump, or where the clock begins anew', () => {
  expect(rateOf(...every(1500, 10), ...every(1500, 10, 18_000))).toBe(60);
  expect(rateOf(...every(3000, 10), ...every(3000, 6, 9_000_000))).toBe(30);
  expect(rateOf(...every(3000, 10, 2 ** 32 - 15_000))).toBe(30);
});

it('follows a camera that changes its rate within half a second', () => {
  expect(rateOf(...every(3000, 30), ...every(1500, 15, 90_000))).toBe(60);
});
