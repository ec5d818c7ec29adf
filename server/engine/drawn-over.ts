import type { ReplacedFace } from '../double/replacer.ts';
import type { Track } from '../face/types.ts';
import type { Arena } from '../frame/arena.ts';

/** Forehead, bridge and tip of the nose, cheeks, upper lip, chin: opaque in every look that hides a face. */
const PLACES = [9, 168, 1, 50, 280, 164, 199];
/** So many of them hide a face: a turned head hides a cheek, a wide mouth moves the chin. */
const ENOUGH = 5;

/** Whether a drawn face really lies over the face it was drawn for: a network's zeros, or no numbers, would leave it bare. */
export function drawnOver(
  { at, size, toCrop }: ReplacedFace,
  { landmarks }: Pick<Track, 'landmarks'>,
  arena: Arena,
): boolean {
  if (!landmarks) return false;
  const alpha = arena.floats(at + 3 * size * size * 4, size * size);
  const [a, b, c, d, e, f] = toCrop;
  const hidden = PLACES.filter((point) => {
    const x = landmarks.points[3 * point] ?? Number.NaN;
    const y = landmarks.points[3 * point + 1] ?? Number.NaN;
    const [u, v] = [Math.round(a * x + b * y + c), Math.round(d * x + e * y + f)];
    return u >= 0 && v >= 0 && u < size && v < size && (alpha[v * size + u] ?? 0) >= 0.5;
  });
  return hidden.length >= ENOUGH;
}
