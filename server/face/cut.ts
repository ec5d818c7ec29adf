/** Cells a side of the small picture that is compared. */
export const CUT_GRID = 48;
/** Pictures whose brightness pattern correlates less than this have nothing in common: another shot. A pan of a fifth of a picture a second keeps 0.9. */
const ANOTHER_SHOT = 0.15;
/** Less contrast than this (of −1…1) is no pattern: black, white, a covered lens. */
const CONTRAST = 0.03;

/**
 * Tells a cut (a vision mixer before us switched cameras) from motion and from light: the correlation of consecutive small pictures
 * does not change with brightness or contrast.
 */
export class CutDetector {
  #last: Float32Array | null = null;

  reset(): void {
    this.#last = null;
  }

  /** @param means of a letterboxed picture's values, −1…1, over CUT_GRID² cells. @returns whether it is another shot than the picture before. */
  see(means: Float32Array): boolean {
    const now = normalised(means);
    const before = this.#last;
    this.#last = now;
    if (!now || !before) return false;
    let correlation = 0;
    for (let i = 0; i < now.length; i++) correlation += now[i]! * before[i]!;
    return correlation < ANOTHER_SHOT;
  }
}

/** The means without their own mean, of length one; null where they show no pattern. The letterbox (−1) counts as nothing. */
function normalised(means: Float32Array): Float32Array | null {
  let inside = 0;
  let total = 0;
  for (let at = 0; at < means.length; at++) {
    if (means[at]! <= -1) continue;
    inside++;
    total += means[at]!;
  }
  const middle = total / Math.max(inside, 1);
  const pattern = new Float32Array(means.length);
  let square = 0;
  for (let at = 0; at < means.length; at++) {
    if (means[at]! <= -1) continue;
    pattern[at] = means[at]! - middle;
    square += pattern[at]! * pattern[at]!;
  }
  if (square < inside * CONTRAST * CONTRAST) return null;
  const length = Math.sqrt(square);
  for (let at = 0; at < pattern.length; at++) pattern[at]! /= length;
  return pattern;
}
