import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readRigidFace } from '../../server/face/mesh.ts';
import { OneEuro } from '../../server/face/one-euro.ts';
import { LandmarkSmoother } from '../../server/face/smooth.ts';
import { LANDMARKS } from '../../server/face/types.ts';

const rigid = readRigidFace(fileURLToPath(new URL('../../models/perception', import.meta.url)));
const FRAME = 1 / 30;

/** A face-like cloud 80 pixels wide whose eyes lie level. */
function cloud(cx: number, cy: number, noise: (i: number) => number = () => 0): Float32Array {
  const points = new Float32Array(LANDMARKS * 3);
  for (let i = 0; i < LANDMARKS; i++) {
    const angle = i * 2.399963;
    const radius = 40 * Math.sqrt((i + 0.5) / LANDMARKS);
    points.set([cx + radius * Math.cos(angle), cy + radius * Math.sin(angle), 0], i * 3);
  }
  points.set([cx - 25, cy - 10, 0], 33 * 3);
  points.set([cx + 25, cy - 10, 0], 263 * 3);
  return points.map((value, i) => value + noise(i));
}

/** Deterministic noise, about ±amplitude. */
const noisy = (seed: number, amplitude: number) => (i: number) => amplitude * Math.sin((i + 1) * 78.233 * (seed + 1));

describe('One-Euro filter', () => {
  test('gives back a constant exactly, and the first value unchanged', () => {
    const filter = new OneEuro(1, 2, { minCutoff: 1, beta: 5, speedCutoff: 4 });
    for (let i = 0; i < 10; i++) {
      const value = Float64Array.of(3.5, -2);
      filter.filter(value, FRAME);
      expect([...value]).toEqual([3.5, -2]);
    }
  });

  test('follows a ramp with a lag that shrinks with speed', () => {
    const lag = (perSecond: number): number => {
      const filter = new OneEuro(1, 1, { minCutoff: 1, beta: 16, speedCutoff: 4 });
      let last = 0;
      for (let i = 0; i < 60; i++) {
        const value = Float64Array.of(i * FRAME * perSecond);
        filter.filter(value, FRAME);
        last = (i * FRAME * perSecond - (value[0] ?? 0)) / (perSecond * FRAME);
      }
      return last;
    };
    expect(lag(2)).toBeLessThan(0.3);
    expect(lag(0.05)).toBeGreaterThan(lag(2) * 3);
  });

  test('does not move when time stands still', () => {
    const filter = new OneEuro(1, 1, { minCutoff: 1, beta: 16, speedCutoff: 4 });
    filter.filter(Float64Array.of(1), FRAME);
    const value = Float64Array.of(9);
    filter.filter(value, 0);
    expect(value[0]).toBe(1);
  });
});

describe('landmark smoothing', () => {
  test('a still face under noise shimmers less than half as much', () => {
    const smoother = new LandmarkSmoother(rigid);
    let raw = 0;
    let smooth = 0;
    let before: [Float32Array, Float32Array] | null = null;
    for (let t = 0; t < 40; t++) {
      const points = cloud(300, 200, noisy(t, 0.2));
      const out = smoother.smooth(points, FRAME);
      if (before && t > 10) {
        points.forEach((value, i) => {
          raw += Math.abs(value - (before?.[0][i] ?? 0));
          smooth += Math.abs((out[i] ?? 0) - (before?.[1][i] ?? 0));
        });
      }
      before = [points, out];
    }
    expect(smooth / raw).toBeLessThan(0.5);
  });

  test('a walking face is followed within a third of a frame, its shape untouched', () => {
    const smoother = new LandmarkSmoother(rigid);
    let out = new Float32Array(0);
    const perFrame = 6;
    for (let t = 0; t < 30; t++) out = new Float32Array(smoother.smooth(cloud(100 + t * perFrame, 200), FRAME));
    const truth = cloud(100 + 29 * perFrame, 200);
    const lag = (truth[0] ?? 0) - (out[0] ?? 0);
    expect(lag).toBeGreaterThanOrEqual(0);
    expect(lag / perFrame).toBeLessThan(0.34);
    const worst = out.reduce(
      (most, value, i) => Math.max(most, Math.abs(value + (i % 3 === 0 ? lag : 0) - (truth[i] ?? 0))),
      0,
    );
    expect(worst).toBeLessThan(0.05);
  });

  test('is the same for the same frames and times', () => {
    const run = (): Float32Array => {
      const smoother = new LandmarkSmoother(rigid);
      let out = new Float32Array(0);
      for (let t = 0; t < 12; t++)
        out = new Float32Array(smoother.smooth(cloud(100 + t, 200, noisy(t, 1)), t % 3 === 0 ? 0.04 : 0.03));
      return out;
    };
    expect(Buffer.compare(Buffer.from(run().buffer), Buffer.from(run().buffer))).toBe(0);
  });
});
