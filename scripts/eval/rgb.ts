import { chromaSize, type Picture } from '../../server/frame/frame.ts';
import { matrixOf } from '../../server/frame/kernels.ts';

/** Left, top, width, height in frame pixels; may reach beyond the frame. */
export type Area = readonly [x: number, y: number, w: number, h: number];

/** A part of a picture as packed RGB; beyond its edge the edge goes on. */
export function rgbOf({ planes, width, height, colour }: Picture, [x0, y0, w, h]: Area): Buffer {
  const [kr, kb, full] = matrixOf(colour);
  const [scaleY, base, scaleC] = full ? [1, 0, 1] : [255 / 219, 16, 255 / 224];
  const out = Buffer.alloc(3 * w * h);
  const byte = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));
  for (let v = 0, at = 0; v < h; v++) {
    for (let u = 0; u < w; u++, at += 3) {
      const [x, y] = [Math.min(width - 1, Math.max(0, x0 + u)), Math.min(height - 1, Math.max(0, y0 + v))];
      const luma = (planes[0][y * width + x]! - base) * scaleY;
      const chroma = (y >> 1) * chromaSize(width) + (x >> 1);
      const red = 2 * (1 - kr) * (planes[2][chroma]! - 128) * scaleC;
      const blue = 2 * (1 - kb) * (planes[1][chroma]! - 128) * scaleC;
      out[at] = byte(luma + red);
      out[at + 1] = byte(luma - (kr * red + kb * blue) / (1 - kr - kb));
      out[at + 2] = byte(luma + blue);
    }
  }
  return out;
}

/** The same part with whole numbers, so that its pixels are the frame's. */
export const whole = ([x, y, w, h]: Area): Area => [Math.round(x), Math.round(y), Math.round(w), Math.round(h)];
