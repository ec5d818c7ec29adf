import { chromaSize, type Picture } from '../../server/frame/frame.ts';
import type { Layer } from './mask.ts';

/** Largest difference of any sample of any plane outside a luma mask, 0–255. A chroma sample is outside when its four luma samples are. */
export function changeOutside(plate: Picture, program: Picture, mask: Uint8Array): number {
  const { width, height } = plate;
  let most = 0;
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) most = Math.max(most, Math.abs(plate.planes[0][i]! - program.planes[0][i]!));
  }
  const [cw, ch] = [chromaSize(width), chromaSize(height)];
  for (const plane of [1, 2] as const) {
    for (let y = 0; y < ch; y++) {
      for (let x = 0; x < cw; x++) {
        const i = 2 * y * width + 2 * x;
        if (mask[i] || mask[i + 1] || mask[i + width] || mask[i + width + 1]) continue;
        most = Math.max(most, Math.abs(plate.planes[plane][y * cw + x]! - program.planes[plane][y * cw + x]!));
      }
    }
  }
  return most;
}

/** Mean luma difference where a layer is dense, 0–255; NaN where it is nowhere dense. */
export function changeInside(plate: Picture, program: Picture, density: Float32Array): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < density.length; i++) {
    if (density[i]! < 0.9) continue;
    sum += Math.abs(plate.planes[0][i]! - program.planes[0][i]!);
    count++;
  }
  return sum / count;
}

/** Share of the inner part of a box (an ellipse of 70 %) where luma differs, 0–1. */
export function changedShare(
  plate: Picture,
  program: Picture,
  [x, y, w, h]: readonly [number, number, number, number],
): number {
  let changed = 0;
  let count = 0;
  for (let v = Math.max(0, Math.ceil(y)); v < Math.min(plate.height, y + h); v++) {
    for (let u = Math.max(0, Math.ceil(x)); u < Math.min(plate.width, x + w); u++) {
      if (((u - x - w / 2) / (0.35 * w)) ** 2 + ((v - y - h / 2) / (0.35 * h)) ** 2 > 1) continue;
      count++;
      if (plate.planes[0][v * plate.width + u] !== program.planes[0][v * plate.width + u]) changed++;
    }
  }
  return count ? changed / count : 0;
}

/**
 * Correlation of plate and program in what is finer than about 5 pixels, where the layer and everything within the
 * filter's reach is dense. NaN where that is too little to say anything.
 */
export function detailCorrelation(plate: Picture, program: Picture, density: Float32Array): number {
  const { width, height } = plate;
  const REACH = 2;
  const [a, b]: [number[], number[]] = [[], []];
  const highPass = (luma: Uint8Array, at: number): number => {
    let sum = 0;
    for (let v = -REACH; v <= REACH; v++) for (let u = -REACH; u <= REACH; u++) sum += luma[at + v * width + u]!;
    return luma[at]! - sum / (2 * REACH + 1) ** 2;
  };
  for (let y = REACH; y < height - REACH; y++) {
    for (let x = REACH; x < width - REACH; x++) {
      const at = y * width + x;
      if (density[at]! < 0.97) continue;
      let dense = true;
      for (let v = -REACH; v <= REACH && dense; v += REACH) {
        for (let u = -REACH; u <= REACH && dense; u += REACH) dense = density[at + v * width + u]! >= 0.97;
      }
      if (!dense) continue;
      a.push(highPass(plate.planes[0], at));
      b.push(highPass(program.planes[0], at));
    }
  }
  return a.length < 100 ? Number.NaN : correlation(a, b);
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - ma, b[i]! - mb];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(Math.max(aa * bb, 1e-9));
}

const PATCH = 64;

/** A face as seen through its layer's crop: 64² of Y, U, V, planar, and where the layer is dense. */
export interface Patch {
  values: Float32Array;
  dense: Uint8Array;
}

export function patchOf(picture: Picture, { size, toCrop: [a, b, c, d, e, f], alpha }: Layer): Patch {
  const { width, height } = picture;
  const determinant = a * e - b * d;
  const step = size / PATCH;
  const values = new Float32Array(3 * PATCH * PATCH);
  const dense = new Uint8Array(PATCH * PATCH);
  const cw = chromaSize(width);
  for (let j = 0, i = 0; j < PATCH; j++) {
    for (let k = 0; k < PATCH; k++, i++) {
      const [u, v] = [k * step + (step - 1) / 2 - c, j * step + (step - 1) / 2 - f];
      const x = Math.min(width - 2, Math.max(0, (e * u - b * v) / determinant));
      const y = Math.min(height - 2, Math.max(0, (a * v - d * u) / determinant));
      values[i] = bilinear(picture.planes[0], width, x, y);
      const at = (Math.floor(y) >> 1) * cw + (Math.floor(x) >> 1);
      values[PATCH * PATCH + i] = picture.planes[1][at]!;
      values[2 * PATCH * PATCH + i] = picture.planes[2][at]!;
      dense[i] = alpha[Math.round(j * step + 1) * size + Math.round(k * step + 1)]! > 0.9 ? 1 : 0;
    }
  }
  return { values, dense };
}

export function bilinear(plane: Uint8Array, stride: number, x: number, y: number): number {
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - x0, y - y0];
  const at = y0 * stride + x0;
  const top = plane[at]! * (1 - fx) + plane[at + 1]! * fx;
  return top * (1 - fy) + (plane[at + stride]! * (1 - fx) + plane[at + stride + 1]! * fx) * fy;
}

/** Mean |x(t−1) − 2x(t) + x(t+1)| of luma where all three patches are dense: what jumps to and fro, not what moves on. */
export function jumpiness(before: Patch, now: Patch, after: Patch): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < PATCH * PATCH; i++) {
    if (!before.dense[i] || !now.dense[i] || !after.dense[i]) continue;
    sum += Math.abs(before.values[i]! - 2 * now.values[i]! + after.values[i]!);
    count++;
  }
  return sum / count;
}
