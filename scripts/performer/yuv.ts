/**
 * 8-bit RGB (code values, not rounded, interleaved) → I420, BT.709 matrix, limited range (ITU-R BT.709-6, 3.4–3.6),
 * chroma averaged over 2×2. A fixed ordered pattern of ±½ code dithers luma, so that soft walls do not band.
 */
export function rgbToI420(rgb: Float32Array, width: number, height: number): Buffer {
  const half = width / 2;
  const out = Buffer.alloc(width * height * 1.5);
  const atU = width * height;
  const atV = atU + half * (height / 2);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const k = 3 * (y * width + x);
      const luma = 0.2126 * rgb[k]! + 0.7152 * rgb[k + 1]! + 0.0722 * rgb[k + 2]!;
      out[y * width + x] = Math.floor(16 + (219 / 255) * luma + BAYER[4 * (y & 3) + (x & 3)]!);
    }
  for (let y = 0; y < height; y += 2)
    for (let x = 0; x < width; x += 2) {
      const k = 3 * (y * width + x);
      const mean = (c: number) =>
        (rgb[k + c]! + rgb[k + 3 + c]! + rgb[k + 3 * width + c]! + rgb[k + 3 * width + 3 + c]!) / 4;
      const [r, g, b] = [mean(0), mean(1), mean(2)];
      const luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
      const o = (y >> 1) * half + (x >> 1);
      out[atU + o] = Math.round(128 + (224 / 255) * ((b - luma) / 1.8556));
      out[atV + o] = Math.round(128 + (224 / 255) * ((r - luma) / 1.5748));
    }
  return out;
}

/** 4×4 Bayer thresholds, 1/32 … 31/32. */
const BAYER = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5].map((v) => (v + 0.5) / 16);
