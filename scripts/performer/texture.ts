import sharp from 'sharp';

/** 8-bit RGBA picture; colours are sRGB-coded, alpha is linear. Row 0 is the top. */
export interface Texture {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

/** sRGB code → linear light (IEC 61966-2-1). */
export const LINEAR = Float32Array.from({ length: 256 }, (_, i) => {
  const c = i / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
});

/** Linear light → sRGB code value 0–255, not rounded. */
export function encodeSrgb(x: number): number {
  const c = x < 0 ? 0 : x > 1 ? 1 : x;
  return 255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);
}

/** Reads a PNG; `width` resamples it (Lanczos) to that width. */
export async function loadTexture(path: string, width?: number): Promise<Texture> {
  const picture = sharp(path).ensureAlpha();
  const sized = width ? picture.resize(width, null, { kernel: 'lanczos3' }) : picture;
  const { data, info } = await sized.raw().toBuffer({ resolveWithObject: true });
  return {
    width: info.width,
    height: info.height,
    data: new Uint8ClampedArray(data.buffer, data.byteOffset, data.length),
  };
}

/**
 * Spreads the colour of opaque texels into transparent ones, so that bilinear sampling at cut-out edges
 * does not pull in whatever the painter left there.
 */
export function bleedColour(t: Texture, steps: number): void {
  const { width, height, data } = t;
  const solid = new Uint8Array(width * height);
  for (let i = 0; i < solid.length; i++) solid[i] = data[4 * i + 3]! > 40 ? 1 : 0;
  for (let step = 0; step < steps; step++) {
    const before = Uint8Array.from(solid);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const k = y * width + x;
        if (before[k]) continue;
        let n = 0;
        const sum = [0, 0, 0];
        for (const [i, j] of [
          [-1, 0],
          [1, 0],
          [0, -1],
          [0, 1],
        ] as const) {
          const q = k + i + j * width;
          if (x + i < 0 || x + i >= width || y + j < 0 || y + j >= height || !before[q]) continue;
          for (let c = 0; c < 3; c++) sum[c] = sum[c]! + data[4 * q + c]!;
          n++;
        }
        if (n === 0) continue;
        for (let c = 0; c < 3; c++) data[4 * k + c] = sum[c]! / n;
        solid[k] = 1;
      }
  }
}

/** Mixes another texture of the same size into one, each channel of the other's light scaled by its gain first. */
export function mixTexture(t: Texture, other: Texture, amount: number, gain: readonly number[]): void {
  for (let c = 0; c < 3; c++) {
    const scaled = Float32Array.from(LINEAR, (v) => encodeSrgb(v * gain[c]!));
    for (let i = c; i < t.data.length; i += 4) t.data[i] = t.data[i]! * (1 - amount) + scaled[other.data[i]!]! * amount;
  }
}

/** Bilinear sample in linear light at u, v (v upwards, 0–1): out = [r, g, b, alpha 0–1]. */
export function sample(t: Texture, u: number, v: number, out: Float32Array): void {
  const { width, height, data } = t;
  const fx = Math.min(width - 1.001, Math.max(0, u * width - 0.5));
  const fy = Math.min(height - 1.001, Math.max(0, (1 - v) * height - 0.5));
  const ix = Math.floor(fx);
  const iy = Math.floor(fy);
  const gx = fx - ix;
  const gy = fy - iy;
  const p = 4 * (iy * width + ix);
  const q = p + 4 * width;
  const w00 = (1 - gx) * (1 - gy);
  const w10 = gx * (1 - gy);
  const w01 = (1 - gx) * gy;
  const w11 = gx * gy;
  for (let c = 0; c < 3; c++)
    out[c] =
      w00 * LINEAR[data[p + c]!]! +
      w10 * LINEAR[data[p + 4 + c]!]! +
      w01 * LINEAR[data[q + c]!]! +
      w11 * LINEAR[data[q + 4 + c]!]!;
  out[3] = (w00 * data[p + 3]! + w10 * data[p + 7]! + w01 * data[q + 3]! + w11 * data[q + 7]!) / 255;
}
