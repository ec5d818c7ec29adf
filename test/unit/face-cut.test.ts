import { describe, expect, test } from 'vitest';
import { CutDetector, CUT_GRID as SIDE } from '../../server/face/cut.ts';

/** A picture of soft blobs, different for every seed, −1…1. */
function shot(seed: number, shift = 0, gain = 0.5, offset = 0): Float32Array {
  const out = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const u = (x + shift) / SIDE;
      const v = y / SIDE;
      out[y * SIDE + x] =
        offset + gain * Math.sin(seed * 5.1 + 7 * u + 3 * Math.sin(seed * 2.3 + 5 * v)) * Math.cos(seed + 6 * v);
    }
  }
  return out;
}

describe('cut detector', () => {
  test('sees a cut to another shot, once', () => {
    const cuts = new CutDetector();
    expect([shot(1), shot(1), shot(2), shot(2)].map((picture) => cuts.see(picture))).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  test('takes neither motion nor light for a cut', () => {
    const cuts = new CutDetector();
    const run = [shot(1), shot(1, 2), shot(1, 4), shot(1, 4, 0.1, 0.6), shot(1, 4, 0.5, -0.3), shot(1, 4)];
    expect(run.map((picture) => cuts.see(picture))).toEqual(run.map(() => false));
  });

  test('takes black, white and a covered lens for no shot at all', () => {
    const cuts = new CutDetector();
    const plain = (value: number): Float32Array => new Float32Array(SIDE * SIDE).fill(value);
    const run = [shot(1), plain(-1), shot(2), plain(0.98), shot(3), plain(-0.7), plain(0)];
    expect(run.map((picture) => cuts.see(picture))).toEqual(run.map(() => false));
  });
});
