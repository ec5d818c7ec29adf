import { allFinite } from '../face/reading.ts';
import { LANDMARKS, type Track } from '../face/types.ts';
import { type Head, onHead } from './casting/head.ts';

/** Turned further than this a face's proportions are guessed from one side. */
const MAX_TURN_DEG = 25;
/** Canonical units (about centimetres): lips so much further apart than the average head's speak, and weigh little. */
const SPEAKING = 0.5;
const LEAST_WEIGHT = 0.05;
/** Lips that move less than this tell nothing of how a face changes with them. */
const STILL_LIPS = 0.05;
/** A head turned sideways by so many degrees weighs 1/e: what it shows of the proportions is half a guess. */
const TURNED_DEG = 15;
/** So many calm pictures weigh as much as the average head that is assumed before anything is known: a third of a second. */
const AVERAGE_HEAD = 9;
/** No more is remembered than about eight seconds: a performer may come closer, a lens may be changed. */
const MOST = 240;
const LIPS = [13, 14] as const;

interface Resting {
  weight: number;
  /** Weighted sums: of the points, of how far the lips are open beyond the average head's, of its square, and of its product with each point. */
  points: Float64Array;
  open: number;
  openSquare: number;
  openPoints: Float64Array;
  /** Written anew at every picture. */
  face: Float32Array;
}

/**
 * What each followed face looks like at rest, as far as its pictures have told: for performers who were not asked for a neutral face.
 * Begins as an average head and becomes theirs within a few seconds, without a step.
 */
export class RestingFaces {
  readonly #head: Head;
  readonly #faces = new Map<number, Resting>();

  constructor(head: Head) {
    this.#head = head;
  }

  /** Takes in one picture's faces. */
  see(tracks: readonly Track[]): void {
    for (const { id, state, landmarks, yawDeg, pitchDeg } of tracks) {
      // Where two cross it is not sure whose points these are.
      if (state !== 'known' || !landmarks || !(Math.max(Math.abs(yawDeg), Math.abs(pitchDeg)) < MAX_TURN_DEG)) continue;
      const points = onHead(this.#head, landmarks.points);
      if (!allFinite(points)) continue;
      const open = Math.max(0, opening(points) - opening(this.#head.canonical));
      const calm = Math.max(LEAST_WEIGHT, Math.exp(-((open / SPEAKING) ** 2)));
      const weight = calm * Math.exp(-((yawDeg / TURNED_DEG) ** 2));
      let face = this.#faces.get(id);
      if (!face) {
        face = unknown();
        this.#faces.set(id, face);
      }
      add(face, points, { weight, open, average: this.#head.canonical });
    }
  }

  /** 478 × 3, canonical units, as FaceInput.neutral: valid until the next picture; null for a face of which nothing is known. */
  of(trackId: number): Float32Array | null {
    return this.#faces.get(trackId)?.face ?? null;
  }

  forget(trackId: number): void {
    this.#faces.delete(trackId);
  }
}

function opening(points: Float32Array): number {
  const [a, b] = LIPS;
  return Math.hypot(
    points[3 * a]! - points[3 * b]!,
    points[3 * a + 1]! - points[3 * b + 1]!,
    points[3 * a + 2]! - points[3 * b + 2]!,
  );
}

const unknown = (): Resting => ({
  weight: 0,
  points: new Float64Array(3 * LANDMARKS),
  open: 0,
  openSquare: 0,
  openPoints: new Float64Array(3 * LANDMARKS),
  face: new Float32Array(3 * LANDMARKS),
});

/**
 * Each point at rest is where its straight line over the opening of the lips has them shut (weighted least squares): who speaks all the time
 * is not taken for somebody with a long chin.
 */
function add(
  resting: Resting,
  points: Float32Array,
  { weight, open, average }: { weight: number; open: number; average: Float32Array },
): void {
  const { face } = resting;
  const kept = resting.weight > MOST ? MOST / resting.weight : 1;
  const total = resting.weight * kept + weight;
  resting.weight = total;
  resting.open = resting.open * kept + weight * open;
  resting.openSquare = resting.openSquare * kept + weight * open * open;
  const meanOpen = resting.open / total;
  const spread = resting.openSquare / total - meanOpen * meanOpen + STILL_LIPS ** 2 * (1 + 1 / total);
  // Gently at first, then quickly: no step is seen.
  const known = total ** 2 / (total ** 2 + AVERAGE_HEAD ** 2);
  for (let k = 0; k < face.length; k++) {
    resting.points[k] = resting.points[k]! * kept + weight * points[k]!;
    resting.openPoints[k] = resting.openPoints[k]! * kept + weight * open * points[k]!;
    const mean = resting.points[k]! / total;
    const slope = (resting.openPoints[k]! / total - meanOpen * mean) / spread;
    const own = mean - slope * meanOpen;
    const assumed = average[k] ?? own;
    face[k] = assumed + (own - assumed) * known;
  }
}
