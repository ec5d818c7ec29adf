import { deltaE2000, labOfLinear, linearOf } from '../../server/colour/difference.ts';

/** Equal pictures: the error of rounding alone is at this level, so more says nothing. */
const MOST_DB = 60;

/** A square of packed 8-bit RGB with a mask: what counts is 1, what does not 0. */
export interface Masked {
  width: number;
  height: number;
  mask: Uint8Array;
}

/** Peak signal-to-noise ratio over R, G and B where the mask is 1, dB, at most 60; NaN when it is nowhere. */
export function psnrDb(a: Uint8Array, b: Uint8Array, { mask }: Masked): number {
  let square = 0;
  let count = 0;
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    for (let k = 3 * i; k < 3 * i + 3; k++) square += (a[k]! - b[k]!) ** 2;
    count += 3;
  }
  return count ? Math.min(MOST_DB, 10 * Math.log10((255 * 255 * count) / square)) : Number.NaN;
}

/** Mean |a − b| over R, G and B where the mask is 1, code values; NaN when it is nowhere. */
export function meanDifference(a: Uint8Array, b: Uint8Array, { mask }: Masked): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    for (let k = 3 * i; k < 3 * i + 3; k++) sum += Math.abs(a[k]! - b[k]!);
    count += 3;
  }
  return sum / count;
}

const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;
const SIGMA = 1.5;
const REACH = 5;

/**
 * Mean structural similarity of luma (BT.709 of the code values) where the mask is 1: 11×11 Gaussian windows, σ 1.5,
 * K1 0.01, K2 0.03 (Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 13 (2004)). Windows at the mask's edge weigh only what is
 * inside, so that nothing outside the face counts; with a mask of ones it is the published measure (edges included).
 */
export function ssim(a: Uint8Array, b: Uint8Array, masked: Masked): number {
  const { width, height, mask } = masked;
  const [x, y] = [lumaOf(a), lumaOf(b)];
  const mean = (value: (i: number) => number): Float64Array =>
    blurred(
      Float64Array.from(mask, (inside, i) => (inside ? value(i) : 0)),
      width,
      height,
      SIGMA,
      REACH,
    );
  const weight = mean(() => 1);
  const [mx, my] = [mean((i) => x[i]!), mean((i) => y[i]!)];
  const [mxx, myy, mxy] = [mean((i) => x[i]! ** 2), mean((i) => y[i]! ** 2), mean((i) => x[i]! * y[i]!)];
  let sum = 0;
  let count = 0;
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    const w = weight[i]!;
    const [ax, ay] = [mx[i]! / w, my[i]! / w];
    const [vx, vy, cov] = [mxx[i]! / w - ax * ax, myy[i]! / w - ay * ay, mxy[i]! / w - ax * ay];
    sum += ((2 * ax * ay + C1) * (2 * cov + C2)) / ((ax * ax + ay * ay + C1) * (vx + vy + C2));
    count++;
  }
  return count ? sum / count : Number.NaN;
}

const lumaOf = (rgb: Uint8Array): Float64Array =>
  Float64Array.from(
    { length: rgb.length / 3 },
    (_, i) => 0.2126 * rgb[3 * i]! + 0.7152 * rgb[3 * i + 1]! + 0.0722 * rgb[3 * i + 2]!,
  );

/** Gaussian blur, rows then columns; outside the picture counts as 0. */
export function blurred(from: Float64Array, width: number, height: number, sigma: number, reach: number): Float64Array {
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)));
  const total = kernel.reduce((sum, value) => sum + value, 0);
  const rows = new Float64Array(from.length);
  const out = new Float64Array(from.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = Math.max(-reach, -x); k <= Math.min(reach, width - 1 - x); k++)
        sum += kernel[k + reach]! * from[y * width + x + k]!;
      rows[y * width + x] = sum / total;
    }
  }
  for (let y = 0; y < height; y++) {
    const [top, bottom] = [Math.max(-reach, -y), Math.min(reach, height - 1 - y)];
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = top; k <= bottom; k++) sum += kernel[k + reach]! * rows[(y + k) * width + x]!;
      out[y * width + x] = sum / total;
    }
  }
  return out;
}

/** Light on a face at some places, linear R, G, B: of the picture and of the truth. */
export type LightSample = readonly [r: number, g: number, b: number, tr: number, tg: number, tb: number];

/**
 * The light of two pictures where the mask is 1, both blurred inside it with `sigma` pixels (light and complexion, not
 * detail), on a grid of a third of sigma.
 */
export function lightSamples(a: Uint8Array, b: Uint8Array, masked: Masked, sigma: number): LightSample[] {
  const { width, height, mask } = masked;
  const reach = Math.ceil(2.5 * sigma);
  const blur = (rgb: Uint8Array, channel: number): Float64Array =>
    blurred(
      Float64Array.from(mask, (inside, i) => (inside ? rgb[3 * i + channel]! : 0)),
      width,
      height,
      sigma,
      reach,
    );
  const weight = blurred(Float64Array.from(mask), width, height, sigma, reach);
  const planes = [a, b].flatMap((rgb) => [0, 1, 2].map((channel) => blur(rgb, channel)));
  const step = Math.max(1, Math.floor(sigma / 3));
  const found: LightSample[] = [];
  for (let y = 0; y < height; y += step) {
    for (let x = 0; x < width; x += step) {
      const i = y * width + x;
      if (mask[i]) found.push(planes.map((plane) => linearOf(plane[i]! / weight[i]!)) as unknown as LightSample);
    }
  }
  return found;
}

export type Gain = readonly [r: number, g: number, b: number];

/** Median ΔE2000 of samples, the picture's light times a gain; NaN without samples. */
export function lightDifference(samples: readonly LightSample[], [kr, kg, kb]: Gain = [1, 1, 1]): number {
  const found = samples
    .map(([r, g, b, tr, tg, tb]) => deltaE2000(labOfLinear(kr * r, kg * g, kb * b), labOfLinear(tr, tg, tb)))
    .sort((m, n) => m - n);
  return found.length ? found[found.length >> 1]! : Number.NaN;
}

/** The one gain per channel that brings the sum of the picture's light to the truth's: the complexion between them. */
export function complexionGain(samples: readonly LightSample[]): Gain {
  const sum = (k: number): number => samples.reduce((total, sample) => total + sample[k]!, 0);
  return [sum(3) / sum(0), sum(4) / sum(1), sum(5) / sum(2)];
}

/** A square crop halved while it is larger than `most`: light has no detail, and blurring costs by the pixel. */
export function halvedTo(
  rgb: Uint8Array[],
  masked: Masked,
  most: number,
): { rgb: Uint8Array[]; masked: Masked; scale: number } {
  let scale = 1;
  while (Math.max(masked.width, masked.height) > most) {
    const { width, height } = masked;
    const [w, h] = [width >> 1, height >> 1];
    const mask = new Uint8Array(w * h);
    const out = rgb.map(() => new Uint8Array(3 * w * h));
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const from = [
          2 * y * width + 2 * x,
          2 * y * width + 2 * x + 1,
          2 * (y + 0.5) * width + 2 * x,
          2 * (y + 0.5) * width + 2 * x + 1,
        ];
        mask[y * w + x] = from.every((i) => masked.mask[i]) ? 1 : 0;
        for (const [k, one] of rgb.entries())
          for (let c = 0; c < 3; c++)
            out[k]![3 * (y * w + x) + c] = from.reduce((sum, i) => sum + one[3 * i + c]!, 0) / 4 + 0.5;
      }
    }
    rgb = out;
    masked = { width: w, height: h, mask };
    scale *= 2;
  }
  return { rgb, masked, scale };
}
