import { blurred, type Masked } from './similarity.ts';

/** σ of what is broad, as a share of the picture's side when the face fills about four fifths of it: a twelfth of the face. */
const BROAD = 1 / 16;

/**
 * How far a picture of a face is from the same face at another age, code values, where the mask is 1: mean |a − b| over R, G and B.
 * `whole` counts everything. `detail` counts what is left when the broad part of the difference is gone (a Gaussian inside the mask):
 * wrinkles, folds, spots and their colours, without complexion and exposure, which a treatment could meet by a tint alone. Pixel by pixel:
 * whoever only blurs takes the young face's own pores as well and comes no nearer.
 * @param a, b packed 8-bit RGB of the mask's size, cropped to the face.
 */
export function ageDistance(
  a: Uint8Array,
  b: Uint8Array,
  { width, height, mask }: Masked,
): { whole: number; detail: number } {
  const sigma = BROAD * Math.min(width, height);
  const reach = Math.ceil(2.5 * sigma);
  const weight = blurred(Float64Array.from(mask), width, height, sigma, reach);
  let [whole, detail, count] = [0, 0, 0];
  for (let channel = 0; channel < 3; channel++) {
    const difference = Float64Array.from(mask, (inside, i) => (inside ? a[3 * i + channel]! - b[3 * i + channel]! : 0));
    const broad = blurred(difference, width, height, sigma, reach);
    for (let i = 0; i < mask.length; i++) {
      if (!mask[i]) continue;
      whole += Math.abs(difference[i]!);
      detail += Math.abs(difference[i]! - broad[i]! / weight[i]!);
      count++;
    }
  }
  return { whole: whole / count, detail: detail / count };
}
