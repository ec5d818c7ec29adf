import type { Affine } from '../../server/double/surface.ts';
import type { Landmarks } from '../../server/face/types.ts';

/** Of a value from 0 to 1. */
export const byteOf = (value: number): number => Math.round(255 * Math.min(1, Math.max(0, value)));

/** Where a landmark lies in the crop. */
export function inCrop({ points }: Landmarks, landmark: number, [a, b, c, d, e, f]: Affine): readonly [number, number] {
  const [x, y] = [points[3 * landmark]!, points[3 * landmark + 1]!];
  return [a * x + b * y + c, d * x + e * y + f];
}

/** A picture of `channels` interleaved floats a pixel. */
export interface Floats {
  width: number;
  height: number;
  channels: number;
  values: Float32Array;
}

/**
 * Cuts the crop that `toCrop` (frame pixel → crop pixel) places in a picture: bilinear, planar bytes of 0–1 values, 0 outside the picture.
 * @param out channels × size² bytes.
 */
export function cutFloats(
  { width, height, channels, values }: Floats,
  toCrop: Affine,
  size: number,
  out: Uint8Array,
): void {
  const [a, b, c, d, e, f] = toCrop;
  const determinant = a * e - b * d;
  for (let v = 0; v < size; v++)
    for (let u = 0; u < size; u++) {
      const x = (e * (u - c) - b * (v - f)) / determinant;
      const y = (a * (v - f) - d * (u - c)) / determinant;
      const x0 = Math.floor(x);
      const y0 = Math.floor(y);
      const inside = x0 >= 0 && y0 >= 0 && x0 + 1 < width && y0 + 1 < height;
      const [fx, fy] = [x - x0, y - y0];
      for (let k = 0; k < channels; k++) {
        const at = (row: number, column: number): number => values[channels * (row * width + column) + k]!;
        const value = inside
          ? (1 - fy) * ((1 - fx) * at(y0, x0) + fx * at(y0, x0 + 1)) +
            fy * ((1 - fx) * at(y0 + 1, x0) + fx * at(y0 + 1, x0 + 1))
          : 0;
        out[k * size * size + v * size + u] = byteOf(value);
      }
    }
}

/** Ends of each brow, corners of each eye and of the mouth, and how far beyond them, in shares of their distance, people look. */
const LOOKED_AT = [
  { corners: [70, 107], wide: 0.7, high: 0.4 },
  { corners: [336, 300], wide: 0.7, high: 0.4 },
  { corners: [33, 133], wide: 0.85, high: 0.55 },
  { corners: [362, 263], wide: 0.85, high: 0.55 },
  { corners: [61, 291], wide: 0.65, high: 0.55 },
] as const;

/** 255 on brows, eyes and mouth, fading to 0 around them: where a wrong pixel weighs more. `out`: size² bytes. */
export function lookedAt(landmarks: Landmarks, toCrop: Affine, size: number, out: Uint8Array): void {
  out.fill(0);
  for (const { corners, wide, high } of LOOKED_AT) {
    const [[x0, y0], [x1, y1]] = [inCrop(landmarks, corners[0], toCrop), inCrop(landmarks, corners[1], toCrop)];
    const length = Math.hypot(x1 - x0, y1 - y0) || 1;
    const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
    const [tx, ty] = [(x1 - x0) / length, (y1 - y0) / length];
    for (let v = 0; v < size; v++)
      for (let u = 0; u < size; u++) {
        const along = ((u - cx) * tx + (v - cy) * ty) / (wide * length);
        const across = ((v - cy) * tx - (u - cx) * ty) / (high * length);
        const near = Math.min(1, Math.max(0, 2 * (1 - Math.hypot(along, across))));
        const k = v * size + u;
        out[k] = Math.max(out[k]!, Math.round(255 * near));
      }
  }
}
