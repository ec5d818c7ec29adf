/** A plane's value between its pixels, bilinear; beyond its edges they are held. In numbers only: it is asked thousands of times a face. */
export function bilinear(
  values: Float32Array | Uint8Array,
  columns: number,
  rows: number,
  x: number,
  y: number,
): number {
  const px = Math.min(columns - 1.001, Math.max(0, x));
  const py = Math.min(rows - 1.001, Math.max(0, y));
  const left = Math.floor(px);
  const top = Math.floor(py);
  const at = top * columns + left;
  const upper = values[at]! * (1 - (px - left)) + values[at + 1]! * (px - left);
  const lower = values[at + columns]! * (1 - (px - left)) + values[at + columns + 1]! * (px - left);
  return upper * (1 - (py - top)) + lower * (py - top);
}
