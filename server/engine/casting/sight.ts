import type { Track } from '../../face/types.ts';
import type { Frame } from '../../frame/frame.ts';

/** How well a face is to be seen in a picture. */
export interface Sight {
  /** Of the face, frame pixels. */
  width: number;
  /** Mean luma around the eyes and the nose, 0–255 as coded. */
  level: number;
  /** Share of the edges' height that lies within a 32nd of the face's width: small where focus or motion has blurred it. */
  detail: number;
}

/** Around brows, eyes and nose: where a face is never without edges. */
const AREA = [70, 300, 105, 334, 33, 263, 129, 358, 2];
/** Fine differences are taken over this share of the face's width, coarse ones over six times as much. */
const FINE = 1 / 32;
const COARSE = 3;
/** Rows that are looked at. */
const MAX_ROWS = 64;

/** Reads it off the luma; null where the face has no landmarks or lies at the picture's very edge. */
export function sightOf({ planes: [luma], width, height, format }: Frame, { landmarks, box }: Track): Sight | null {
  if (!landmarks || format !== 'i420') return null;
  const fine = Math.max(1, Math.round(box.w * FINE));
  const coarse = COARSE * fine;
  const xs = AREA.map((point) => landmarks.points[3 * point] ?? 0);
  const ys = AREA.map((point) => landmarks.points[3 * point + 1] ?? 0);
  const [left, right] = [
    Math.max(coarse, Math.floor(Math.min(...xs))),
    Math.min(width - coarse, Math.ceil(Math.max(...xs))),
  ];
  const [top, bottom] = [
    Math.max(coarse, Math.floor(Math.min(...ys))),
    Math.min(height - coarse, Math.ceil(Math.max(...ys))),
  ];
  if (!(right > left && bottom > top)) return null;
  const step = Math.max(1, Math.floor((bottom - top) / MAX_ROWS));
  let [near, far, sum, count] = [0, 0, 0, 0];
  for (let y = top; y < bottom; y += step) {
    for (let x = left, at = y * width + left; x < right; x += step, at += step) {
      const value = luma[at]!;
      near += (luma[at + fine]! - value) ** 2 + (luma[at + fine * width]! - value) ** 2;
      far += (luma[at + coarse]! - luma[at - coarse]!) ** 2;
      far += (luma[at + coarse * width]! - luma[at - coarse * width]!) ** 2;
      sum += value;
      count++;
    }
  }
  return { width: box.w, level: sum / count, detail: far > 0 ? near / far : 0 };
}
