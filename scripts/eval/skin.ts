import { readFileSync } from 'node:fs';
import type { Picture } from '../../server/frame/frame.ts';

interface MeshFile {
  leftEye: number[];
  rightEye: number[];
  leftBrow: number[];
  rightBrow: number[];
  lips: { outer: number[]; inner: number[] };
}

/** Ridge, tip, wings and nostrils. */
const NOSE = [1, 2, 4, 5, 6, 44, 48, 64, 97, 98, 122, 129, 195, 197, 274, 278, 294, 326, 327, 351, 358];
/** Within this share of the distance between the eyes' outer corners of such a point is no bare skin. */
const REACH = 0.1;

let features: number[] | null = null;

function featurePoints(): number[] {
  if (features) return features;
  const file = new URL('../../models/perception/face-mesh.json', import.meta.url);
  const { leftEye, rightEye, leftBrow, rightBrow, lips } = JSON.parse(readFileSync(file, 'utf8')) as MeshFile;
  features = [...leftEye, ...rightEye, ...leftBrow, ...rightBrow, ...lips.outer, ...lips.inner, ...NOSE];
  return features;
}

/** A density with 0 around brows, eyes, nose and lips: every face has edges there, in the same places, whoever it is. */
export function skinOnly(density: Float32Array, { width, height }: Picture, points: Float32Array): Float32Array {
  const skin = density.slice();
  const reach = REACH * Math.hypot(points[3 * 33]! - points[3 * 263]!, points[3 * 33 + 1]! - points[3 * 263 + 1]!);
  for (const point of featurePoints()) {
    const [px, py] = [points[3 * point]!, points[3 * point + 1]!];
    for (let y = Math.max(0, Math.ceil(py - reach)); y <= Math.min(height - 1, py + reach); y++) {
      for (let x = Math.max(0, Math.ceil(px - reach)); x <= Math.min(width - 1, px + reach); x++) {
        if (Math.hypot(x - px, y - py) <= reach) skin[y * width + x] = 0;
      }
    }
  }
  return skin;
}
