import { describe, expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { chromaSize } from '../../server/frame/frame.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { planesOf, randomPicture } from '../fixtures/kernels.ts';

const arena = new Arena(64);
const kernels = loadKernels(arena);
const scratch = arena.allocate(65536);

interface Ellipse {
  cx: number;
  cy: number;
  rx: number;
  ry: number;
  rot: number;
  feather: number;
}

function cover(picture: Uint8Array, w: number, h: number, e: Ellipse, strength = 1): Uint8Array {
  const at = arena.allocate(picture.length + 64);
  arena
    .bytes(at, picture.length + 64)
    .fill(0xa5)
    .set(picture);
  kernels.cover(at, w, h, e.cx, e.cy, e.rx, e.ry, e.rot, e.feather, strength, scratch);
  const all = arena.bytes(at, picture.length + 64).slice();
  arena.release(at, picture.length + 64);
  expect(all.subarray(picture.length).every((value) => value === 0xa5)).toBe(true);
  return all.subarray(0, picture.length);
}

/** 1 on the ellipse's edge, in units of its radii. */
function reach(e: Ellipse, x: number, y: number): number {
  const dx = x - e.cx;
  const dy = y - e.cy;
  const along = dx * Math.cos(e.rot) + dy * Math.sin(e.rot);
  const across = dy * Math.cos(e.rot) - dx * Math.sin(e.rot);
  return Math.hypot(along / e.rx, across / e.ry);
}

const face: Ellipse = { cx: 101.3, cy: 80.7, rx: 40, ry: 55, rot: 0.3, feather: 9 };
const correlation = (a: number[], b: number[]): number => {
  const mean = (v: number[]): number => v.reduce((sum, x) => sum + x, 0) / v.length;
  const [ma, mb] = [mean(a), mean(b)];
  let ab = 0;
  let aa = 0;
  let bb = 0;
  a.forEach((x, i) => {
    const y = (b[i] ?? 0) - mb;
    ab += (x - ma) * y;
    aa += (x - ma) ** 2;
    bb += y * y;
  });
  return ab / Math.sqrt(aa * bb || 1);
};

describe('cover', () => {
  test('changes nothing beyond the feather, in any plane', () => {
    const [w, h] = [203, 161];
    const before = planesOf(randomPicture(w, h), w, h);
    const after = planesOf(cover(randomPicture(w, h), w, h, face), w, h);
    const limit = 1 + face.feather / Math.min(face.rx, face.ry) + 0.02;
    let outside = 0;
    before.forEach((plane, k) => {
      const step = k === 0 ? 1 : 2;
      for (let y = 0; y < plane.height; y++) {
        for (let x = 0; x < plane.width; x++) {
          const centre = (v: number): number => (v + 0.5) * step - 0.5;
          if (reach(face, centre(x), centre(y)) <= limit) continue;
          outside++;
          expect(after[k]?.samples[y * plane.width + x]).toBe(plane.samples[y * plane.width + x]);
        }
      }
    });
    expect(outside).toBeGreaterThan(10_000);
  });

  test('at half strength lies half way between the picture and its cover, in every plane', () => {
    const [w, h] = [203, 161];
    const before = randomPicture(w, h);
    const whole = cover(before, w, h, face);
    const half = cover(before, w, h, face, 0.5);
    half.forEach((value, i) => {
      expect(Math.abs(value - ((before[i] ?? 0) + (whole[i] ?? 0)) / 2)).toBeLessThanOrEqual(1);
    });
    expect(cover(before, w, h, face, 0)).toEqual(before);
  });

  test('leaves nothing of the picture inside: noise becomes nearly flat, and no detail correlates', () => {
    const [w, h] = [203, 161];
    const [before] = planesOf(randomPicture(w, h), w, h);
    const [after] = planesOf(cover(randomPicture(w, h), w, h, face), w, h);
    const [old, now]: [number[], number[]] = [[], []];
    for (let y = 1; y < h - 1; y++) {
      for (let x = 1; x < w - 1; x++) {
        if (reach(face, x, y) > 0.98) continue;
        const detail = (s: Uint8Array): number => {
          const at = (dx: number, dy: number): number => s[(y + dy) * w + x + dx] ?? 0;
          return at(0, 0) - (at(-1, 0) + at(1, 0) + at(0, -1) + at(0, 1)) / 4;
        };
        old.push(detail(before.samples));
        now.push(detail(after.samples));
      }
    }
    expect(Math.abs(correlation(old, now))).toBeLessThan(0.05);
    // Rounding alone makes steps of one.
    expect(Math.max(...now.map(Math.abs))).toBeLessThanOrEqual(1);
  });

  test('keeps the colour that was there', () => {
    const [w, h] = [128, 128];
    const plain = new Uint8Array(w * h * 1.5).fill(90);
    plain.fill(150, w * h);
    expect(cover(plain, w, h, { ...face, cx: 64, cy: 64 }).every((value, i) => value === plain[i])).toBe(true);
  });

  test('moves with the face: the same content two pixels on is covered the same way', () => {
    const [w, h] = [200, 160];
    const picture = randomPicture(w, h, 5);
    const moved = new Uint8Array(picture.length);
    const shift = (from: Uint8Array, to: Uint8Array, width: number, by: number): void => {
      for (let i = by; i < from.length; i++) if (i % width >= by) to[i] = from[i - by] ?? 0;
    };
    const source = planesOf(picture, w, h);
    planesOf(moved, w, h).forEach((plane, k) => {
      shift(source[k]?.samples ?? plane.samples, plane.samples, plane.width, k === 0 ? 2 : 1);
    });
    const here = cover(picture, w, h, face);
    const there = cover(moved, w, h, { ...face, cx: face.cx + 2 });
    let worst = 0;
    for (let y = 0; y < h; y++) {
      for (let x = 20; x < w - 20; x++) {
        if (reach(face, x, y) > 1.2) continue;
        worst = Math.max(worst, Math.abs((here[y * w + x] ?? 0) - (there[y * w + x + 2] ?? 0)));
      }
    }
    expect(worst).toBeLessThanOrEqual(1);
  });

  test.each([
    ['half outside on the left', -5, 60, 40],
    ['over a corner', 198, 158, 70],
    ['far outside', -500, -500, 30],
    ['larger than the picture', 100, 80, 900],
    ['of almost no size', 30, 30, 0.3],
  ])('stays inside the picture: %s', (_, cx, cy, r) => {
    const [w, h] = [199, 159];
    const picture = randomPicture(w, h, 9);
    const after = cover(picture, w, h, { cx, cy, rx: r, ry: r * 1.3, rot: 1, feather: 12 });
    const middle = reach({ cx, cy, rx: r, ry: r * 1.3, rot: 1, feather: 12 }, w / 2, h / 2);
    if (middle > 2)
      expect(after[Math.floor(h / 2) * w + Math.floor(w / 2)]).toBe(picture[Math.floor(h / 2) * w + Math.floor(w / 2)]);
    expect(after.length).toBe(w * h + 2 * chromaSize(w) * chromaSize(h));
  });
});
