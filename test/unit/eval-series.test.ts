import { describe, expect, test } from 'vitest';
import { deviation, lagOf, pearson, smoothed } from '../../scripts/eval/series.ts';

/** A head that nods and turns, sampled at any time. */
const nod = (t: number): number => 10 * Math.sin(t / 4) + 4 * Math.sin(t / 1.7 + 1);
const turn = (t: number): number => 6 * Math.cos(t / 5) + 2 * Math.sin(t / 2.3);
const sampled = (of: (t: number) => number, late: number): number[] =>
  Array.from({ length: 120 }, (_, t) => of(t - late));

describe('correlation', () => {
  test('is 1, −1 and 0 where it must be, and blind to scale and offset', () => {
    const a = sampled(nod, 0);
    expect(
      pearson(
        a,
        a.map((value) => 3 * value + 7),
      ),
    ).toBeCloseTo(1, 9);
    expect(
      pearson(
        a,
        a.map((value) => -value),
      ),
    ).toBeCloseTo(-1, 9);
    const circle = Array.from({ length: 64 }, (_, i) => (2 * Math.PI * i) / 64);
    expect(pearson(circle.map(Math.sin), circle.map(Math.cos))).toBeCloseTo(0, 9);
  });

  test('leaves out what was not found, and says nothing of too little or of what never changes', () => {
    const a = sampled(nod, 0);
    const b = a.map((value, i) => (i % 3 === 0 ? Number.NaN : 2 * value));
    expect(pearson(a, b)).toBeCloseTo(1, 9);
    expect(pearson([1, 2, 3], [1, 2, 3])).toBeNaN();
    expect(
      pearson(
        a,
        a.map(() => 5),
      ),
    ).toBeNaN();
    expect(deviation([1, 3, Number.NaN])).toBe(1);
  });
});

describe('lag', () => {
  const plate = [sampled(nod, 0), sampled(turn, 0)];
  const delayed = (late: number): number[][] => [sampled(nod, late), sampled(turn, late)];

  test.each([0, 1, 2, 3, -2])('a program %d pictures late is found to be', (late) => {
    expect(lagOf(plate, delayed(late))).toBeCloseTo(late, 1);
  });

  test.each([0.4, 1.3])('also between pictures: %d', (late) => {
    expect(Math.abs(lagOf(plate, delayed(late)) - late)).toBeLessThan(0.1);
  });

  test('is unknown where nothing moves, or nothing that belongs together', () => {
    expect(lagOf([plate[0]!.map(() => 1)], [plate[0]!.map(() => 2)])).toBeNaN();
    let seed = 1;
    const noise = plate[0]!.map(() => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    });
    expect(lagOf([plate[0]!], [noise])).toBeNaN();
  });
});

describe('smoothing without delay', () => {
  const vectors = (of: (t: number) => number): Float32Array[] =>
    Array.from({ length: 20 }, (_, t) => Float32Array.of(of(t)));

  test('keeps a parabola, calms an outlier, and does not reach across a gap', () => {
    const parabola = vectors((t) => 0.5 * t * t - 3 * t + 2);
    for (const [t, vector] of smoothed(parabola, 4).entries()) expect(vector![0]).toBeCloseTo(parabola[t]![0]!, 3);
    const spike = vectors((t) => (t === 10 ? 9 : 0));
    expect(smoothed(spike, 4)[10]![0]).toBeLessThan(3);
    const broken = vectors((t) => (t > 10 ? 100 : 0)).map((vector, t) => (t === 10 ? null : vector));
    const result = smoothed(broken, 4);
    expect([result[9]![0], result[10], result[11]![0]]).toEqual([0, null, 100]);
  });
});
