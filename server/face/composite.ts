import type { Arena } from '../frame/arena.ts';
import type { Picture } from '../frame/frame.ts';
import { type Kernels, matrixOf } from '../frame/kernels.ts';

/** A planar float32 square of four planes in kernel memory and where it lies in the frame. */
export interface FaceLayer {
  /** Laid over the picture by its alpha, or added to it (server/double/replacer.ts). */
  how: 'cover' | 'change';
  at: number;
  size: number;
  /** Frame pixel → crop pixel. */
  toCrop: readonly [a: number, b: number, c: number, d: number, e: number, f: number];
}

/** The smallest box with even corners that holds every picture sample the layer can reach: x0, y0, x1, y1; null when it lies outside. */
export function layerBox(
  { size, toCrop }: FaceLayer,
  width: number,
  height: number,
): [number, number, number, number] | null {
  const [a, b, c, d, e, f] = toCrop;
  const determinant = a * e - b * d;
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [u, v] of [
    [0, 0],
    [size, 0],
    [0, size],
    [size, size],
  ] as const) {
    const x = (e * (u - c) - b * (v - f)) / determinant;
    const y = (a * (v - f) - d * (u - c)) / determinant;
    [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)];
  }
  const even = (value: number): number => value - (value % 2);
  const left = even(Math.max(0, Math.floor(x0) - 1));
  const top = even(Math.max(0, Math.floor(y0) - 1));
  const right = Math.min(even(width + 1), even(Math.ceil(x1) + 3));
  const bottom = Math.min(even(height + 1), even(Math.ceil(y1) + 3));
  return Number.isFinite(determinant) && left < right && top < bottom ? [left, top, right, bottom] : null;
}

/**
 * Lays a replaced face into its picture, in place, in the picture's own matrix and range. Where the layer is transparent
 * every byte stays what it was. Answers false where it has no place in the picture: then nothing was laid.
 */
export function compositeFace(picture: Picture, layer: FaceLayer, kernels: Kernels, arena: Arena): boolean {
  const box = layerBox(layer, picture.width, picture.height);
  if (!box) return false;
  const bytes = 4 * layer.size * layer.size * 4;
  const scratch = arena.allocate(bytes);
  const [kr, kb, full] = matrixOf(picture.colour);
  try {
    kernels[layer.how === 'change' ? 'change' : 'blend'](
      picture.at,
      picture.width,
      picture.height,
      ...box,
      ...layer.toCrop,
      layer.at,
      layer.size,
      scratch,
      kr,
      kb,
      full,
    );
    return true;
  } finally {
    arena.release(scratch, bytes);
  }
}
