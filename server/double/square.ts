import type { Picture } from '../frame/frame.ts';
import { type Kernels, matrixOf } from '../frame/kernels.ts';
import type { Affine } from './surface.ts';

/** Cuts the square that an affine leads to out of a picture: planar R, G, B, size² floats each, encoded 0–1, at `out`. */
export function cutSquare(kernels: Kernels, picture: Picture, toCrop: Affine, size: number, out: number): void {
  const [a, b, c, d, e, f] = toCrop;
  const determinant = a * e - b * d;
  const [ia, ib, id, ie] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  const [kr, kb, full] = matrixOf(picture.colour);
  const { at, width, height } = picture;
  kernels.warp(
    ...([at, width, height, ia, ib, -ia * c - ib * f, id, ie, -id * c - ie * f] as const),
    ...([size, out, 1 / 255, 0, kr, kb, full] as const),
  );
}

/** Planar R, G, B → pixels of B, G, R (NHWC), or back where `from` holds pixels. */
export function toPixelsBgr(planar: Float32Array, pixels: Float32Array): void {
  const n = pixels.length / 3;
  for (let i = 0, at = 0; i < n; i++) {
    pixels[at++] = planar[2 * n + i]!;
    pixels[at++] = planar[n + i]!;
    pixels[at++] = planar[i]!;
  }
}

export function toPlanarRgb(pixels: Float32Array, planar: Float32Array): void {
  const n = pixels.length / 3;
  for (let i = 0, at = 0; i < n; i++) {
    planar[2 * n + i] = pixels[at++]!;
    planar[n + i] = pixels[at++]!;
    planar[i] = pixels[at++]!;
  }
}

/**
 * Sharpens planes in place: out = in + power · (in − blurred), 3×3 binomial blur (σ about 0.85 pixels).
 * @param power 0 changes nothing.
 */
export function sharpen(planes: Float32Array, size: number, power: number): void {
  if (power === 0) return;
  const n = size * size;
  for (let p = 0; p + n <= planes.length; p += n) {
    const source = planes.slice(p, p + n);
    const at = (x: number, y: number): number =>
      source[Math.min(size - 1, Math.max(0, y)) * size + Math.min(size - 1, Math.max(0, x))]!;
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const sides = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
        const corners = at(x - 1, y - 1) + at(x + 1, y - 1) + at(x - 1, y + 1) + at(x + 1, y + 1);
        const middle = at(x, y);
        const blurred = (4 * middle + 2 * sides + corners) / 16;
        planes[p + y * size + x] = Math.min(1, Math.max(0, middle + power * (middle - blurred)));
      }
    }
  }
}

/** Raises each colour to 1 / gamma, in place: above 1 brightens. */
export function applyGamma(planes: Float32Array, gamma: readonly [number, number, number]): void {
  const n = planes.length / 3;
  gamma.forEach((value, channel) => {
    if (value === 1) return;
    for (let i = channel * n; i < (channel + 1) * n; i++) planes[i] = Math.max(0, planes[i]!) ** (1 / value);
  });
}
