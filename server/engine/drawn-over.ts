import type { ReplacedFace } from '../double/replacer.ts';
import type { Track } from '../face/types.ts';
import type { Arena } from '../frame/arena.ts';

/** Forehead, bridge and tip of the nose, cheeks, upper lip, chin: opaque in every look that hides a face. */
const PLACES = [9, 168, 1, 50, 280, 164, 199];
/** So many of them hide a face: a turned head hides a cheek, a wide mouth moves the chin. */
const WHOLE = 5;
/** So many are enough while something stands before a face that was hidden as a whole just before: a hand over mouth and cheek. */
const BEHIND_SOMETHING = 3;
/**
 * For so long. A double that leaves out what stands before the face cannot be told from one that leaves the face out; things before a face
 * come and go, a mistake stays.
 */
const BEHIND_SOMETHING_US = 8_000_000;

/** Judges whether a drawn face really lies over the face it was drawn for: a network's zeros, or no numbers, would leave it bare. */
export class DrawnOver {
  /** When each track was last hidden as a whole, by the camera's clock. */
  readonly #whole = new Map<number, number>();

  /** @param captureUs the picture's time. */
  hides(
    drawn: ReplacedFace,
    { id, landmarks }: Pick<Track, 'id' | 'landmarks'>,
    captureUs: number,
    arena: Arena,
  ): boolean {
    if (!landmarks) return false;
    const hidden = opaquePlaces(drawn, landmarks.points, arena);
    if (hidden >= WHOLE) {
      this.#whole.set(id, captureUs);
      return true;
    }
    const since = captureUs - (this.#whole.get(id) ?? Number.NaN);
    return hidden >= BEHIND_SOMETHING && since <= BEHIND_SOMETHING_US;
  }

  forget(trackId: number): void {
    this.#whole.delete(trackId);
  }
}

function opaquePlaces({ at, size, toCrop }: ReplacedFace, points: Float32Array, arena: Arena): number {
  const alpha = arena.floats(at + 3 * size * size * 4, size * size);
  const [a, b, c, d, e, f] = toCrop;
  return PLACES.filter((point) => {
    const x = points[3 * point] ?? Number.NaN;
    const y = points[3 * point + 1] ?? Number.NaN;
    const [u, v] = [Math.round(a * x + b * y + c), Math.round(d * x + e * y + f)];
    return u >= 0 && v >= 0 && u < size && v < size && (alpha[v * size + u] ?? 0) >= 0.5;
  }).length;
}
