type Point = readonly [number, number];

/** An eye's landmarks (MediaPipe face mesh), each lid from the left corner on screen to the right one. */
export interface Lids {
  upper: readonly number[];
  lower: readonly number[];
}

/** From left to right on screen where the performer faces the camera. */
export const LIDS: readonly Lids[] = [
  { upper: [33, 246, 161, 160, 159, 158, 157, 173, 133], lower: [33, 7, 163, 144, 145, 153, 154, 155, 133] },
  { upper: [362, 398, 384, 385, 386, 387, 388, 466, 263], lower: [362, 382, 381, 380, 374, 373, 390, 249, 263] },
];

/**
 * Fills a plane of width × height with how much of each pixel lies between two lids, 0–1, softly over a pixel. @param most what a
 * pixel in the middle is. @param upper and lower the lids' points
 * in pixels of the plane, pixel middles at whole numbers; eyes lie across the plane, not upright in it.
 */
export function fillOpening(
  plane: Float32Array,
  width: number,
  height: number,
  upper: readonly Point[],
  lower: readonly Point[],
  most = 1,
): void {
  plane.fill(0);
  for (let x = 0; x < width; x++) {
    const [top, bottom] = [heightAt(upper, x), heightAt(lower, x)];
    // A shut eye's lids may lie across each other.
    if (!(bottom > top)) continue;
    for (let y = Math.max(0, Math.floor(top)); y <= Math.min(height - 1, Math.ceil(bottom)); y++)
      plane[y * width + x] = most * Math.min(1, Math.max(0, Math.min(y - top, bottom - y) + 0.5));
  }
}

/** The height of a line of points above x; no number beside it. */
function heightAt(points: readonly Point[], x: number): number {
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1]!, points[i]!];
    if (x >= Math.min(x0, x1) && x <= Math.max(x0, x1) && x0 !== x1) return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
  }
  return Number.NaN;
}
