import { describe, expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { chromaSize, i420Bytes } from '../../server/frame/frame.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { type Plane, planesOf, randomPicture, sampleAt } from '../fixtures/kernels.ts';

const arena = new Arena(64);
const kernels = loadKernels(arena);

function run(picture: Uint8Array, w: number, h: number, ow: number, oh: number, kernel: 'half' | 'scale'): Uint8Array {
  const at = arena.allocate(picture.length);
  const bytes = i420Bytes(ow, oh);
  // A guard behind the output shows a write past its end.
  const out = arena.allocate(bytes + 64);
  arena.bytes(at, picture.length).set(picture);
  arena.bytes(out, bytes + 64).fill(0xa5);
  if (kernel === 'half') kernels.half(at, w, h, out);
  else kernels.scale(at, w, h, out, ow, oh);
  const result = arena.bytes(out, bytes + 64).slice();
  arena.release(at, picture.length);
  arena.release(out, bytes + 64);
  expect([...result.subarray(bytes)].every((value) => value === 0xa5)).toBe(true);
  return result.subarray(0, bytes);
}

/** Weight of input `p` in output `i` along one axis, by area where the picture shrinks and linearly where it grows. */
function weight(p: number, i: number, ratio: number): number {
  if (ratio > 1) return Math.max(0, Math.min(p + 1, (i + 1) * ratio) - Math.max(p, i * ratio)) / ratio;
  return Math.max(0, 1 - Math.abs(p - ((i + 0.5) * ratio - 0.5)));
}

function reference(plane: Plane, ow: number, oh: number): number[] {
  const rx = plane.width / ow;
  const ry = plane.height / oh;
  const out: number[] = [];
  for (let y = 0; y < oh; y++) {
    for (let x = 0; x < ow; x++) {
      let sum = 0;
      for (let q = Math.floor(y * ry) - 1; q <= Math.ceil((y + 1) * ry); q++) {
        for (let p = Math.floor(x * rx) - 1; p <= Math.ceil((x + 1) * rx); p++) {
          sum += weight(p, x, rx) * weight(q, y, ry) * sampleAt(plane, p, q);
        }
      }
      out.push(sum);
    }
  }
  return out;
}

describe('half', () => {
  test.each([
    [16, 16],
    [17, 33],
    [70, 50],
    [4096, 3],
  ])('averages 2×2 samples of a %i×%i picture, rounding up, edges repeated', (w, h) => {
    const picture = randomPicture(w, h, 7);
    const ow = chromaSize(w);
    const oh = chromaSize(h);
    const got = planesOf(run(picture, w, h, ow, oh, 'half'), ow, oh);
    planesOf(picture, w, h).forEach((plane, k) => {
      const half = got[k];
      if (!half) throw new Error('no plane');
      const want = new Uint8Array(half.samples.length);
      for (let y = 0; y < half.height; y++) {
        for (let x = 0; x < half.width; x++) {
          const sum =
            sampleAt(plane, 2 * x, 2 * y) +
            sampleAt(plane, 2 * x + 1, 2 * y) +
            sampleAt(plane, 2 * x, 2 * y + 1) +
            sampleAt(plane, 2 * x + 1, 2 * y + 1);
          want[y * half.width + x] = (sum + 2) >> 2;
        }
      }
      expect(Buffer.compare(half.samples, want)).toBe(0);
    });
  });
});

describe('scale', () => {
  test.each([
    ['to three quarters', 128, 96, 96, 72],
    ['to two thirds, odd', 99, 51, 66, 34],
    ['to a third', 96, 96, 33, 32],
    ['far down', 200, 120, 16, 10],
    ['up', 32, 24, 50, 37],
    ['of both kinds', 64, 16, 40, 40],
  ])('resamples %s', (_, w, h, ow, oh) => {
    const picture = randomPicture(w, h, 3);
    const got = planesOf(run(picture, w, h, ow, oh, 'scale'), ow, oh);
    planesOf(picture, w, h).forEach((plane, k) => {
      const scaled = got[k];
      if (!scaled) throw new Error('no plane');
      const want = reference(plane, scaled.width, scaled.height);
      const worst = want.reduce((most, value, i) => Math.max(most, Math.abs(value - (scaled.samples[i] ?? 0))), 0);
      expect(worst).toBeLessThan(0.52);
    });
  });

  test('leaves a plain picture plain', () => {
    const plain = new Uint8Array(i420Bytes(130, 74)).fill(99);
    expect(run(plain, 130, 74, 97, 55, 'scale').every((value) => value === 99)).toBe(true);
  });
});
