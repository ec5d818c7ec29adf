import type { Masked } from './similarity.ts';

/** Side of the box whose mean, taken twice, is what is broad: about a seventh of the face's height, when the crop is the face. */
const BROAD = 1 / 7;

/**
 * How far a picture of a face is from the same face at another age when complexion and exposure are left out: mean |a − b| over R, G and
 * B where the mask is 1, less the broad part of the difference, code values. What counts is wrinkles, folds, spots and their colours,
 * pixel by pixel: a tint alone gains nothing, and who only blurs takes the young face's own pores as well and comes no nearer.
 * @param a, b packed 8-bit RGB of the mask's size, cropped to the face. NaN when the mask is 0 everywhere.
 */
export function detailDistance(a: Uint8Array, b: Uint8Array, { width, height, mask }: Masked): number {
  const reach = Math.max(1, Math.round((BROAD * height) / 2));
  const broad = (plane: Float64Array): Float64Array =>
    boxSums(boxSums(plane, width, height, reach), width, height, reach);
  const weight = broad(Float64Array.from(mask));
  let [sum, count] = [0, 0];
  for (let channel = 0; channel < 3; channel++) {
    const difference = Float64Array.from(mask, (inside, i) => (inside ? a[3 * i + channel]! - b[3 * i + channel]! : 0));
    const smooth = broad(difference);
    for (let i = 0; i < mask.length; i++) {
      if (!mask[i]) continue;
      sum += Math.abs(difference[i]! - smooth[i]! / weight[i]!);
      count++;
    }
  }
  return sum / count;
}

/** Sums over squares of 2·reach + 1, rows then columns; outside counts as 0. */
function boxSums(plane: Float64Array, width: number, height: number, reach: number): Float64Array {
  const rows = new Float64Array(plane.length);
  const out = new Float64Array(plane.length);
  const slide = (from: Float64Array, to: Float64Array, start: number, step: number, count: number): void => {
    let sum = 0;
    for (let k = 0; k < Math.min(reach, count); k++) sum += from[start + k * step]!;
    for (let k = 0; k < count; k++) {
      if (k + reach < count) sum += from[start + (k + reach) * step]!;
      if (k - reach - 1 >= 0) sum -= from[start + (k - reach - 1) * step]!;
      to[start + k * step] = sum;
    }
  };
  for (let y = 0; y < height; y++) slide(plane, rows, y * width, 1, width);
  for (let x = 0; x < width; x++) slide(rows, out, x, width, height);
  return out;
}
