import { luma } from './luma.ts';

/** Means and deviations of Y, Cb, Cr under a mask; 6 numbers. */
type Statistics = Float64Array;

const TAU_US = 400_000;
const FORGET_US = 1_500_000;
/** Contrast and saturation are not changed by more than this factor: a shadow on one side is not a face of another contrast. */
const MOST = 1.6;
/** Every n-th pixel of every n-th row is looked at. */
const STEP = 2;

/**
 * Brings a made face to the colour of the plate it is laid into: mean and deviation of Y′, Cb and Cr under the mask, after Reinhard et al.,
 * "Color transfer between images" (2001), in a space that costs one matrix instead of two cube roots a pixel. What is measured is
 * smoothed over each track's time, so that the colour does not flicker.
 */
export class ColourMatch {
  readonly #kept = new Map<number, { statistics: Statistics; captureUs: number }>();

  /** Changes `made` in place. Both planar R, G, B, 0–1; `mask` says where they are compared. */
  apply(
    track: number,
    captureUs: number,
    made: Float32Array,
    plate: Float32Array,
    mask: Float32Array,
    size: number,
  ): void {
    const have = statistics(made, mask, size);
    const want = statistics(plate, mask, size);
    if (!have || !want) return;
    // What is smoothed is the change, so that a face that moves under steady light keeps its own shading.
    const change = new Float64Array(6);
    for (let k = 0; k < 3; k++) {
      change[2 * k] = want[2 * k]! - have[2 * k]!;
      const ratio = want[2 * k + 1]! / Math.max(1e-3, have[2 * k + 1]!);
      change[2 * k + 1] = Math.min(MOST, Math.max(1 / MOST, ratio));
    }
    // One that is no number would stay in the smoothing for as long as the face is followed.
    if (!change.every(Number.isFinite)) return;
    const kept = this.#kept.get(track);
    const elapsedUs = kept ? captureUs - kept.captureUs : -1;
    if (kept && elapsedUs >= 0 && elapsedUs < FORGET_US) {
      const share = 1 - Math.exp(-elapsedUs / TAU_US);
      change.forEach((value, k) => {
        change[k] = kept.statistics[k]! + share * (value - kept.statistics[k]!);
      });
    }
    this.#kept.set(track, { statistics: change, captureUs });
    recolour(made, have, change);
  }

  forget(track: number): void {
    this.#kept.delete(track);
  }
}

function statistics(planes: Float32Array, mask: Float32Array, size: number): Statistics | null {
  const n = size * size;
  const sums = new Float64Array(6);
  let weight = 0;
  for (let y = 0; y < size; y += STEP) {
    for (let i = y * size; i < (y + 1) * size; i += STEP) {
      const w = mask[i]!;
      if (w < 0.5) continue;
      const [r, g, b] = [planes[i]!, planes[n + i]!, planes[2 * n + i]!];
      const l = luma(r, g, b);
      weight += w;
      [l, b - l, r - l].forEach((value, k) => {
        sums[2 * k]! += w * value;
        sums[2 * k + 1]! += w * value * value;
      });
    }
  }
  if (weight < 16) return null;
  for (let k = 0; k < 3; k++) {
    sums[2 * k]! /= weight;
    sums[2 * k + 1] = Math.sqrt(Math.max(0, sums[2 * k + 1]! / weight - sums[2 * k]! ** 2));
  }
  return sums;
}

function recolour(planes: Float32Array, have: Statistics, change: Float64Array): void {
  const n = planes.length / 3;
  const moved = (value: number, k: number): number =>
    (value - have[2 * k]!) * change[2 * k + 1]! + have[2 * k]! + change[2 * k]!;
  for (let i = 0; i < n; i++) {
    const [r, g, b] = [planes[i]!, planes[n + i]!, planes[2 * n + i]!];
    const l = luma(r, g, b);
    const y = moved(l, 0);
    const blue = y + moved(b - l, 1);
    const red = y + moved(r - l, 2);
    planes[i] = Math.min(1, Math.max(0, red));
    planes[n + i] = Math.min(1, Math.max(0, (y - 0.2126 * red - 0.0722 * blue) / 0.7152));
    planes[2 * n + i] = Math.min(1, Math.max(0, blue));
  }
}
