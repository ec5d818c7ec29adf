import type { Landmarks } from '../face/types.ts';
import type { Arena } from '../frame/arena.ts';
import { luma } from './luma.ts';
import type { ReplacedFace } from './replacer.ts';

/** Landmarks around the middle of a face: brow, nose, cheeks, lips, chin. */
const PLACES = [9, 168, 1, 50, 280, 164, 199];
const HIDDEN = 5;
/** A face varies by more than this between brow and chin, of 0 to 1. */
const FLAT = 0.01;
const BLACK = 0.02;

/** What is wrong with a face that a double made for the probe; null where nothing is. */
export function judge({ at, size, toCrop }: ReplacedFace, { points }: Landmarks, arena: Arena): string | null {
  const plane = size * size;
  const layer = arena.floats(at, 4 * plane);
  if (!layer.every(Number.isFinite)) return 'it makes what are no numbers';
  const [a, b, c, d, e, f] = toCrop;
  const hidden = PLACES.filter((point) => {
    const [x, y] = [points[3 * point]!, points[3 * point + 1]!];
    const [u, v] = [Math.round(a * x + b * y + c), Math.round(d * x + e * y + f)];
    return u >= 0 && v >= 0 && u < size && v < size && layer[3 * plane + v * size + u]! >= 0.5;
  });
  if (hidden.length < HIDDEN)
    return `its mask hides ${hidden.length} of ${PLACES.length} places of the face, and ${HIDDEN} are needed`;
  let [count, sum, squares] = [0, 0, 0];
  for (let i = 0; i < plane; i++) {
    if (layer[3 * plane + i]! < 0.5) continue;
    const value = luma(layer[i]!, layer[plane + i]!, layer[2 * plane + i]!);
    count++;
    sum += value;
    squares += value * value;
  }
  const mean = sum / count;
  const deviation = Math.sqrt(Math.max(0, squares / count - mean * mean));
  if (mean < BLACK) return 'it makes a black face';
  return deviation < FLAT ? 'it makes a face of one colour' : null;
}
