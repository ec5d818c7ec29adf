import { describe, expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { type Plane, planesOf, randomPicture, sampleAt } from '../fixtures/kernels.ts';

const arena = new Arena(32);
const kernels = loadKernels(arena);
type Affine = [number, number, number, number, number, number];
interface Matrix {
  kr: number;
  kb: number;
  full: 0 | 1;
}
const BT709: Matrix = { kr: 0.2126, kb: 0.0722, full: 0 };

function bilinear(plane: Plane, x: number, y: number): number {
  const sx = Math.min(Math.max(x, 0), plane.width - 1);
  const sy = Math.min(Math.max(y, 0), plane.height - 1);
  const x0 = Math.floor(sx);
  const y0 = Math.floor(sy);
  const top = sampleAt(plane, x0, y0) * (1 - sx + x0) + sampleAt(plane, x0 + 1, y0) * (sx - x0);
  const low = sampleAt(plane, x0, y0 + 1) * (1 - sx + x0) + sampleAt(plane, x0 + 1, y0 + 1) * (sx - x0);
  return top * (1 - sy + y0) + low * (sy - y0);
}

/** RGB 0–255 at a position of the picture, in double precision, straight from the definition of Y'CbCr; null outside. */
function reference(picture: Uint8Array, w: number, h: number, x: number, y: number, m: Matrix): number[] | null {
  if (x < -0.5 || y < -0.5 || x > w - 0.5 || y > h - 0.5) return null;
  const [yp, up, vp] = planesOf(picture, w, h);
  const sx = Math.min(Math.max(x, 0), w - 1);
  const sy = Math.min(Math.max(y, 0), h - 1);
  const luma = (bilinear(yp, sx, sy) - (m.full ? 0 : 16)) / (m.full ? 255 : 219);
  const cb = (bilinear(up, sx / 2 - 0.25, sy / 2 - 0.25) - 128) / (m.full ? 255 : 224);
  const cr = (bilinear(vp, sx / 2 - 0.25, sy / 2 - 0.25) - 128) / (m.full ? 255 : 224);
  const r = luma + 2 * (1 - m.kr) * cr;
  const b = luma + 2 * (1 - m.kb) * cb;
  const g = (luma - m.kr * r - m.kb * b) / (1 - m.kr - m.kb);
  return [r, g, b].map((value) => Math.min(Math.max(value * 255, 0), 255));
}

function warp(picture: Uint8Array, w: number, h: number, affine: Affine, size: number, m: Matrix, mul = 1, add = 0) {
  const at = arena.allocate(picture.length + 16);
  const out = arena.allocate(size * size * 12);
  arena.bytes(at, picture.length).set(picture);
  kernels.warp(at, w, h, ...affine, size, out, mul, add, m.kr, m.kb, m.full);
  const values = arena.floats(out, size * size * 3).slice();
  arena.release(at, picture.length + 16);
  arena.release(out, size * size * 12);
  return values;
}

describe('warp', () => {
  const turned: Affine = [0.83, -0.31, 4.2, 0.31, 0.83, -2.6];
  test.each([
    ['BT.709, limited', 33, 21, turned, BT709],
    ['BT.601, full', 40, 30, [1.7, 0.2, -3.1, -0.2, 1.7, 5.5], { kr: 0.299, kb: 0.114, full: 1 }],
    ['BT.2020, limited', 17, 64, [0.4, 0, -1.3, 0, 0.4, 30.1], { kr: 0.2627, kb: 0.0593, full: 0 }],
    ['the smallest picture', 16, 16, [1, 0, 0, 0, 1, 0], BT709],
  ] as [string, number, number, Affine, Matrix][])(
    'samples bilinearly and converts to RGB: %s',
    (_, w, h, affine, m) => {
      const picture = randomPicture(w, h);
      const size = 24;
      const got = warp(picture, w, h, affine, size, m);
      const [a, b, c, d, e, f] = affine;
      let worst = 0;
      let outside = 0;
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const want = reference(picture, w, h, a * x + b * y + c, d * x + e * y + f, m);
          if (!want) outside++;
          for (let k = 0; k < 3; k++) {
            const value = got[k * size * size + y * size + x] ?? Number.NaN;
            worst = Math.max(worst, Math.abs(value - (want ? (want[k] ?? 0) : 0)));
          }
        }
      }
      expect(outside).toBeLessThan(size * size);
      // The edge is kept a thousandth of a pixel away from: at full contrast that is a quarter of a code value.
      expect(worst).toBeLessThan(0.5);
    },
  );

  test('gives `add` outside the picture and rgb·mul + add inside', () => {
    const grey = new Uint8Array(32 * 32 * 1.5).fill(128);
    grey.fill(235, 0, 32 * 32);
    const got = warp(grey, 32, 32, [4, 0, -20, 0, 4, -20], 20, BT709, 2 / 255, -1);
    expect(got[0]).toBe(-1);
    expect(got[7 * 20 + 7]).toBeCloseTo(1, 5);
    expect(got[19 * 20 + 19]).toBe(-1);
  });

  test('knows the colours of the BT.709 bars', () => {
    const bar = (y: number, u: number, v: number): Uint8Array => {
      const picture = new Uint8Array(16 * 16 * 1.5);
      picture.fill(y, 0, 256).fill(u, 256, 320).fill(v, 320);
      return picture;
    };
    const middle = (picture: Uint8Array): number[] => {
      const got = warp(picture, 16, 16, [1, 0, 4, 0, 1, 4], 4, BT709);
      return [0, 16, 32].map((at) => Math.round(got[at + 5] ?? 0));
    };
    expect(middle(bar(63, 102, 240))).toEqual([255, 1, 0]);
    expect(middle(bar(173, 42, 26))).toEqual([0, 255, 1]);
    expect(middle(bar(32, 240, 118))).toEqual([1, 0, 255]);
  });
});
