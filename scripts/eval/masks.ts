import { OVAL } from '../../server/face/mesh.ts';
import type { Picture } from '../../server/frame/frame.ts';
import type { Area } from './rgb.ts';

/** A mask video's inside, in limited range as in full. */
const INSIDE = 128;

/** Bounds of a mask, or null where it is empty. */
export function boundsOf({ planes: [luma], width, height }: Picture): Area | null {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (luma[y * width + x]! < INSIDE) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  return right < 0 ? null : [left, top, right - left + 1, bottom - top + 1];
}

export const isInside = ({ planes: [luma], width }: Picture, x: number, y: number): boolean =>
  luma[Math.round(y) * width + Math.round(x)]! >= INSIDE;

/** 1 in an area's pixels where the face is and nothing is before it. */
export function maskIn([x0, y0, w, h]: Area, face: Picture, kept: Picture | null): Uint8Array {
  const mask = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const at = (y0 + y) * face.width + x0 + x;
      if (face.planes[0][at]! >= INSIDE && !(kept && kept.planes[0][at]! >= INSIDE)) mask[y * w + x] = 1;
    }
  }
  return mask;
}

/** Difference up to which a kept pixel counts as the plate's, code values in Y, U and V: not to be seen. */
const SAME = 4;

/**
 * Of the pixels that must stay in front of a face (inside the outline that the landmarks give it, where a double would be
 * painted), how many are the plate's.
 */
export function keptPixels(
  plate: Picture,
  program: Picture,
  kept: Picture,
  points: Float32Array,
): { same: number; count: number } {
  const { width, height } = plate;
  const outline = OVAL.map((i) => [points[3 * i]!, points[3 * i + 1]!] as const);
  const rows = outline.map(([, y]) => y);
  const chroma = (width + 1) >> 1;
  let [same, count] = [0, 0];
  for (let y = Math.max(0, Math.ceil(Math.min(...rows))); y <= Math.min(height - 1, Math.max(...rows)); y++) {
    for (const [from, to] of spans(outline, y)) {
      for (let x = Math.max(0, Math.ceil(from)); x <= Math.min(width - 1, to); x++) {
        const at = y * width + x;
        if (kept.planes[0][at]! < INSIDE) continue;
        const c = (y >> 1) * chroma + (x >> 1);
        const away = (plane: 0 | 1 | 2, i: number): number =>
          Math.abs(plate.planes[plane][i]! - program.planes[plane][i]!);
        count++;
        if (Math.max(away(0, at), away(1, c), away(2, c)) <= SAME) same++;
      }
    }
  }
  return { same, count };
}

/** Where a row lies inside a polygon: pairs of crossings, left to right. */
function spans(polygon: readonly (readonly [number, number])[], y: number): [number, number][] {
  const crossings: number[] = [];
  for (const [k, [x1, y1]] of polygon.entries()) {
    const [x2, y2] = polygon[(k + 1) % polygon.length]!;
    if (y1 <= y !== y2 <= y) crossings.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
  }
  crossings.sort((a, b) => a - b);
  return Array.from({ length: crossings.length >> 1 }, (_, k) => [crossings[2 * k]!, crossings[2 * k + 1]!]);
}
