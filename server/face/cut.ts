/** Cells a side of the small picture that is compared. */
const GRID = 48;
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

  /** @param plane side² values of a letterboxed picture, −1…1. @returns whether it is another shot than the picture before. */
  see(plane: Float32Array, side: number): boolean {
    const now = normalised(plane, side);
    const before = this.#last;
    this.#last = now;
    if (!now || !before) return false;
    let correlation = 0;
    for (let i = 0; i < now.length; i++) correlation += now[i]! * before[i]!;
    return correlation < ANOTHER_SHOT;
  }
}

/** The picture in GRID² means, without its own mean, of length one; null where it shows no pattern. The letterbox (−1) counts as nothing. */
function normalised(plane: Float32Array, side: number): Float32Array | null {
  const cell = side / GRID;
  const means = new Float32Array(GRID * GRID);
  const held = new Uint8Array(GRID * GRID);
  let inside = 0;
  let total = 0;
  for (let j = 0; j < GRID; j++) {
    for (let i = 0; i < GRID; i++) {
      let sum = 0;
      for (let y = j * cell; y < (j + 1) * cell; y++) {
        const from = y * side + i * cell;
        for (let at = from; at < from + cell; at++) sum += plane[at]!;
      }
      const mean = sum / (cell * cell);
      if (mean <= -1) continue;
      means[j * GRID + i] = mean;
      held[j * GRID + i] = 1;
      inside++;
      total += mean;
    }
  }
  const middle = total / Math.max(inside, 1);
  let square = 0;
  for (let at = 0; at < means.length; at++) {
    const off = held[at] ? means[at]! - middle : 0;
    means[at] = off;
    square += off * off;
  }
  if (square < inside * CONTRAST * CONTRAST) return null;
  const length = Math.sqrt(square);
  for (let at = 0; at < means.length; at++) means[at]! /= length;
  return means;
}
