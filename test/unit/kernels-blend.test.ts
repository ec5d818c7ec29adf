import { describe, expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { i420Bytes } from '../../server/frame/frame.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { type Plane, planesOf, randomPicture, sampleAt } from '../fixtures/kernels.ts';

const SIZE = 64;
const PIXELS = SIZE * SIZE;
const BT709 = [0.2126, 0.0722] as const;
const BT601 = [0.299, 0.114] as const;
type Affine = readonly [number, number, number, number, number, number];

const arena = new Arena(16);
const kernels = loadKernels(arena);

interface Scene {
  width: number;
  height: number;
  toCrop: Affine;
  weights?: readonly [number, number];
  full?: 0 | 1;
}

/** A smooth colourful square whose alpha is a soft disc of radius `reach` (share of the half side). */
function layer(reach: number): Float32Array {
  const rgba = new Float32Array(4 * PIXELS);
  for (let y = 0, i = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++, i++) {
      rgba[i] = 0.2 + (0.6 * x) / SIZE;
      rgba[PIXELS + i] = 0.9 - (0.7 * y) / SIZE;
      rgba[2 * PIXELS + i] = 0.5 + 0.3 * Math.sin(x / 9);
      const distance = Math.hypot(x - 31.5, y - 31.5) / 32;
      rgba[3 * PIXELS + i] = Math.min(1, Math.max(0, (reach - distance) * 6));
    }
  }
  return rgba;
}

function blend(
  scene: Scene,
  rgba: Float32Array,
  kernel: 'blend' | 'change' = 'blend',
): { before: Uint8Array; after: Uint8Array } {
  const { width, height, toCrop, weights = BT709, full = 0 } = scene;
  const bytes = i420Bytes(width, height);
  const picture = arena.allocate(bytes);
  const at = arena.allocate(rgba.length * 4);
  const scratch = arena.allocate(rgba.length * 4);
  const before = randomPicture(width, height, 5);
  arena.bytes(picture, bytes).set(before);
  arena.floats(at, rgba.length).set(rgba);
  const even = (v: number): number => v + (v % 2);
  kernels[kernel](
    picture,
    width,
    height,
    0,
    0,
    even(width),
    even(height),
    ...toCrop,
    at,
    SIZE,
    scratch,
    ...weights,
    full,
  );
  const after = arena.bytes(picture, bytes).slice();
  arena.release(picture, bytes);
  arena.release(at, rgba.length * 4);
  arena.release(scratch, rgba.length * 4);
  return { before, after };
}

/** Premultiplied Y′CbCr (0–255) and alpha of a layer pixel, by BT.709's or BT.601's own formula. */
function coded(
  rgba: Float32Array,
  i: number,
  [kr, kb]: readonly [number, number],
  full: 0 | 1,
): [number, number, number, number] {
  const [r, g, b, a] = [0, 1, 2, 3].map((plane) => rgba[plane * PIXELS + i]!) as [number, number, number, number];
  const luma = kr * r + (1 - kr - kb) * g + kb * b;
  const y = full ? 255 * luma : 16 + 219 * luma;
  const span = full ? 255 : 224;
  return [a * y, a * (128 + (span * (b - luma)) / (2 * (1 - kb))), a * (128 + (span * (r - luma)) / (2 * (1 - kr))), a];
}

/** Blended by definition for scales where the kernel does not average first. */
function expected(plane: 0 | 1 | 2, of: Plane, scene: Scene, rgba: Float32Array): Float64Array {
  const {
    toCrop: [a, b, c, d, e, f],
    weights = BT709,
    full = 0,
  } = scene;
  const out = new Float64Array(of.width * of.height);
  for (let y = 0, k = 0; y < of.height; y++) {
    for (let x = 0; x < of.width; x++, k++) {
      const [fx, fy] = plane === 0 ? [x, y] : [2 * x + 0.5, 2 * y + 0.5];
      const [u, v] = [a * fx + b * fy + c, d * fx + e * fy + f];
      const there = sampleAt(of, x, y);
      out[k] = there;
      if (u < 0 || v < 0 || u > SIZE - 1 || v > SIZE - 1) continue;
      const [x0, y0] = [Math.min(SIZE - 2, Math.floor(u)), Math.min(SIZE - 2, Math.floor(v))];
      const sum = [0, 0];
      for (const [dx, dy] of [
        [0, 0],
        [1, 0],
        [0, 1],
        [1, 1],
      ] as const) {
        const share = (dx ? u - x0 : 1 - u + x0) * (dy ? v - y0 : 1 - v + y0);
        const at = coded(rgba, (y0 + dy) * SIZE + x0 + dx, weights, full);
        sum[0]! += share * at[plane];
        sum[1]! += share * at[3];
      }
      out[k] = sum[0]! + (1 - sum[1]!) * there;
    }
  }
  return out;
}

const turned = (scale: number, angle: number, x: number, y: number): Affine => {
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  return [cos, sin, 31.5 - cos * x - sin * y, -sin, cos, 31.5 + sin * x - cos * y];
};

describe('blend', () => {
  test.each([
    ['BT.709 limited', BT709, 0],
    ['BT.601 full', BT601, 1],
  ] as const)('%s: luma within one code of the formula, bytes outside the layer untouched', (_, weights, full) => {
    const scene: Scene = { width: 150, height: 90, toCrop: turned(0.7, 0.3, 70, 44), weights, full };
    const rgba = layer(0.8);
    const { before, after } = blend(scene, rgba);
    const [was] = planesOf(before, 150, 90);
    const [is] = planesOf(after, 150, 90);
    const wanted = expected(0, was, scene, rgba);
    let touched = 0;
    for (let i = 0; i < wanted.length; i++) {
      expect(Math.abs(is.samples[i]! - wanted[i]!)).toBeLessThanOrEqual(1);
      if (wanted[i] === was.samples[i] && is.samples[i] !== was.samples[i]) touched++;
    }
    expect(touched).toBe(0);
  });

  test('chroma within one code of the formula where the layer is larger than the picture shows it', () => {
    const scene: Scene = { width: 200, height: 180, toCrop: turned(0.36, -0.2, 100, 90) };
    const rgba = layer(0.8);
    const { before, after } = blend(scene, rgba);
    for (const plane of [1, 2] as const) {
      const was = planesOf(before, 200, 180)[plane];
      const wanted = expected(plane, was, scene, rgba);
      const is = planesOf(after, 200, 180)[plane];
      for (let i = 0; i < wanted.length; i++) expect(Math.abs(is.samples[i]! - wanted[i]!)).toBeLessThanOrEqual(1);
    }
  });

  test('a transparent layer, or one that lies outside, changes no byte', () => {
    const scene: Scene = { width: 97, height: 61, toCrop: turned(1, 0, 50, 30) };
    const clear = blend(scene, layer(-1));
    expect(clear.after).toEqual(clear.before);
    const beyond = blend({ ...scene, toCrop: turned(1, 0, 400, 30) }, layer(1));
    expect(beyond.after).toEqual(beyond.before);
  });

  test('a small face keeps the mean colour of its layer: nothing is skipped over', () => {
    // 64 layer pixels on 10 picture pixels; stripes of one pixel must come out grey.
    const rgba = new Float32Array(4 * PIXELS).fill(1);
    for (let i = 0; i < PIXELS; i++) for (const plane of [0, 1, 2]) rgba[plane * PIXELS + i] = i % 2;
    const { after } = blend({ width: 64, height: 64, toCrop: turned(6.4, 0, 32, 32) }, rgba);
    for (let y = 30; y < 34; y++)
      for (let x = 30; x < 34; x++) expect(Math.abs(after[y * 64 + x]! - 126)).toBeLessThan(4);
  });

  test('an odd width: the last column of every plane is reached', () => {
    const rgba = new Float32Array(4 * PIXELS).fill(1);
    const { after } = blend({ width: 33, height: 20, toCrop: turned(1, 0, 32, 0) }, rgba);
    const [y, u, v] = planesOf(after, 33, 20);
    for (let row = 0; row < 20; row++) expect(y.samples[row * 33 + 32]).toBe(235);
    for (let row = 0; row < 10; row++) expect([u.samples[row * 17 + 15], v.samples[row * 17 + 15]]).toEqual([128, 128]);
  });
});

describe('change', () => {
  const scene: Scene = { width: 150, height: 90, toCrop: turned(0.7, 0.3, 70, 44) };

  test('differences of 0 leave every byte as it was', () => {
    const none = layer(0.8);
    none.fill(0, 0, 3 * PIXELS);
    const { before, after } = blend(scene, none, 'change');
    expect(after).toEqual(before);
  });

  test.each([
    ['BT.709 limited', BT709, 0],
    ['BT.601 full', BT601, 1],
  ] as const)('%s: adds the difference in the picture’s own codes, and only where it holds', (_, weights, full) => {
    const rgba = layer(0.8);
    const difference = [0.08, -0.05, 0.02] as const;
    for (const plane of [0, 1, 2] as const) rgba.fill(difference[plane], plane * PIXELS, (plane + 1) * PIXELS);
    const { before, after } = blend({ ...scene, weights, full }, rgba, 'change');
    const [kr, kb] = weights;
    const [r, g, b] = difference;
    const luma = kr * r + (1 - kr - kb) * g + kb * b;
    const span = full ? 255 : 224;
    const wanted = [
      (full ? 255 : 219) * luma,
      (span * (b - luma)) / (2 * (1 - kb)),
      (span * (r - luma)) / (2 * (1 - kr)),
    ];
    const changed = [0, 0, 0];
    const planes = planesOf(before, 150, 90).map((was, k) => [was, planesOf(after, 150, 90)[k as 0 | 1 | 2]] as const);
    for (const [k, [was, is]] of planes.entries()) {
      for (let i = 0; i < was.samples.length; i++) {
        if (is.samples[i] === was.samples[i]) continue;
        changed[k]!++;
        const clipped = Math.min(255, Math.max(0, was.samples[i]! + wanted[k]!));
        expect(Math.abs(is.samples[i]! - clipped)).toBeLessThanOrEqual(1);
      }
    }
    const corner = planes[0]?.[1].samples[0];
    expect(corner).toBe(planes[0]?.[0].samples[0]);
    for (const count of changed) expect(count).toBeGreaterThan(500);
  });
});
