import { describe, expect, test } from 'vitest';
import { CaptureClock } from '../../server/media/rtp/clock.ts';

/** Deterministic noise, 0–1. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Runs a camera whose clock is off by `ppm`; returns the error of each capture time against true capture + least delay, ms. */
function run(seconds: number, ppm: number, delayMs: (t: number) => number, firstTs = 0): number[] {
  const clock = new CaptureClock();
  const errors: number[] = [];
  for (let i = 0; i < seconds * 30; i++) {
    const trueUs = (i * 1e6) / 30;
    const ts = (firstTs + Math.round(trueUs * 0.09 * (1 + ppm * 1e-6))) >>> 0;
    const capture = clock.captureUs(ts, 5e9 + trueUs + delayMs(i / 30) * 1000);
    errors.push((capture - 5e9 - trueUs) / 1000 - 5);
  }
  return errors;
}

describe('capture clock', () => {
  test('delay above the path’s floor does not move capture times', () => {
    const random = noise(1);
    // 5 ms floor; two thirds of the frames up to 60 ms later.
    const errors = run(20, 0, () => 5 + Math.max(0, random() - 1 / 3) * 90).slice(30);
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(2.5);
  });

  test('congestion of seconds is delay, not time', () => {
    const errors = run(30, 0, (t) => (t > 10 && t < 14 ? 205 : 5));
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(1);
  });

  test('follows a camera whose clock drifts by 100 ppm either way', () => {
    for (const ppm of [100, -100]) {
      const errors = run(120, ppm, () => 5).slice(30);
      expect(Math.max(...errors.map(Math.abs))).toBeLessThan(2);
    }
  });

  test('a camera that slips a second for good is late for ten seconds, not for an hour', () => {
    const errors = run(40, 0, (t) => (t > 10 ? 1005 : 5));
    expect(Math.abs(errors[15 * 30] ?? 0)).toBeLessThan(10);
    expect(errors.slice(22 * 30).every((error) => Math.abs(error - 1000) < 10)).toBe(true);
  });

  test('goes on over the wrap of RTP time', () => {
    const errors = run(3, 0, () => 5, 0xffff_ffff - 90_000);
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(0.1);
  });

  test('a new source’s timestamps begin anew, near their arrival', () => {
    const clock = new CaptureClock();
    clock.captureUs(1000, 1e9);
    expect(clock.captureUs(2_000_000_000, 1e9 + 33_333)).toBeCloseTo(1e9 + 33_333, -1);
    expect(clock.captureUs(2_000_003_000, 1e9 + 66_666)).toBeCloseTo(1e9 + 66_666, -1);
  });

  test('capture times rise with timestamps', () => {
    const random = noise(7);
    const clock = new CaptureClock();
    let last = -Infinity;
    for (let i = 0; i < 2000; i++) {
      const capture = clock.captureUs(i * 1500, 1e9 + (i * 1e6) / 60 + random() * 40_000);
      expect(capture).toBeGreaterThan(last);
      last = capture;
    }
  });
});
