import type { Landmarks } from '../face/types.ts';
import type { Picture } from '../frame/frame.ts';

/** Rows that are looked at: enough for eyes and brows, few enough to cost nothing. */
const MAX_ROWS = 64;
/** Differences over this many pixels stand for the full height of an edge. */
const WIDE = 3;
/** σ of the blur that resampling gives the double anyway, frame pixels. */
const OWN_SIGMA = 0.55;
const MAX_SIGMA = 2.2;
/** Skin and lashes have edges finer than a step: measured on renders blurred by a known σ. */
const TEXTURED = 1.25;
/** No camera is sharper than its own pixels. */
const LEAST_SIGMA = 0.65;
const TAU_US = 700_000;
const FORGET_US = 1_500_000;
/** σ² in crop pixels at softness 1 and what softness 2 adds (means over 5×5 and 7×7). */
const FIRST_VARIANCE = 2;
const SECOND_VARIANCE = 4;

/** Landmarks of the corners of the brows and eyes: where a face is never without edges. */
const EYES_AREA = [70, 300, 105, 334, 145, 374, 33, 263];

/**
 * How soft the camera draws this face, so that the double is drawn no sharper. For an edge blurred with σ the squared
 * difference of neighbours, over that of samples WIDE apart, falls with σ alone: the strongest edges (eyes, brows) decide.
 */
export class SoftnessMeter {
  readonly #kept = new Map<number, { sigma: number; captureUs: number }>();

  /** @param scale crop pixels per frame pixel. Returns the network's `softness`, 0–2. */
  measure(trackId: number, picture: Picture, landmarks: Landmarks, scale: number): number {
    const measured = Math.max(LEAST_SIGMA, blurSigma(picture, landmarks));
    const { captureUs } = picture.id;
    const kept = this.#kept.get(trackId);
    const elapsedUs = kept ? captureUs - kept.captureUs : -1;
    const fresh = !kept || elapsedUs < 0 || elapsedUs > FORGET_US;
    const sigma = fresh ? measured : kept.sigma + (measured - kept.sigma) * (1 - Math.exp(-elapsedUs / TAU_US));
    this.#kept.set(trackId, { sigma, captureUs });
    const variance = Math.max(0, sigma * sigma - OWN_SIGMA * OWN_SIGMA) * scale * scale;
    return variance <= FIRST_VARIANCE
      ? variance / FIRST_VARIANCE
      : Math.min(2, 1 + (variance - FIRST_VARIANCE) / SECOND_VARIANCE);
  }

  forget(trackId: number): void {
    this.#kept.delete(trackId);
  }
}

/** σ of the plate's blur around the eyes, frame pixels; 0 for a sharp or edgeless picture. */
export function blurSigma({ planes: [luma], width, height }: Picture, { points }: Landmarks): number {
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  for (const point of EYES_AREA) {
    x0 = Math.min(x0, points[3 * point]!);
    x1 = Math.max(x1, points[3 * point]!);
    y0 = Math.min(y0, points[3 * point + 1]!);
    y1 = Math.max(y1, points[3 * point + 1]!);
  }
  const left = Math.max(WIDE, Math.floor(x0));
  const right = Math.min(width - WIDE - 1, Math.ceil(x1));
  const top = Math.max(WIDE, Math.floor(y0));
  const bottom = Math.min(height - WIDE - 1, Math.ceil(y1));
  const step = Math.max(1, Math.floor((bottom - top) / MAX_ROWS));
  let near = 0;
  let far = 0;
  for (let y = top; y <= bottom; y += step) {
    for (let x = left, at = y * width + left; x <= right; x++, at++) {
      // Both directions: a head may be tilted, and motion blurs only one of them.
      near += (luma[at + 1]! - luma[at]!) ** 2 + (luma[at + width]! - luma[at]!) ** 2;
      far += (luma[at + WIDE]! - luma[at - WIDE]!) ** 2 + (luma[at + WIDE * width]! - luma[at - WIDE * width]!) ** 2;
    }
  }
  return far < 1 ? 0 : Math.min(MAX_SIGMA, TEXTURED * sigmaOfRatio(near / far));
}

/**
 * For a step edge of unit height blurred with σ, a difference over d is erf(d / (2√2 σ)) at its steepest and its square
 * sums to about d² / (2√π σ) for d ≪ σ and to d for d ≫ σ: ratio ≈ 1 / (2√π σ) / (2·WIDE) for the pair used here, less
 * what a wide edge has not yet reached. Solved for σ by the table below.
 */
function sigmaOfRatio(ratio: number): number {
  for (let k = 1; k < RATIOS.length; k++) {
    const [before, after] = [RATIOS[k - 1]!, RATIOS[k]!];
    if (ratio >= after) return Math.max(0, (k - 1 + (before - ratio) / Math.max(before - after, 1e-9)) * SIGMA_STEP);
  }
  return MAX_SIGMA;
}

const SIGMA_STEP = 0.1;

/** Σ(difference over 1)² / Σ(difference over 2·WIDE)² of a step blurred with σ = 0, 0.1, … (pixel area included). */
const RATIOS = Float32Array.from({ length: Math.round(MAX_SIGMA / SIGMA_STEP) + 1 }, (_, k) => {
  const sigma = Math.hypot(k * SIGMA_STEP, 0.29);
  const edge = (x: number): number => 1 / (1 + Math.exp((-1.702 * x) / sigma));
  let near = 0;
  let far = 0;
  for (let x = -20; x < 20; x += 0.1) {
    near += (edge(x + 1) - edge(x)) ** 2;
    far += (edge(x + WIDE) - edge(x - WIDE)) ** 2;
  }
  return near / far;
});
