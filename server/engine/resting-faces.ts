import { allFinite } from '../face/reading.ts';
import { LANDMARKS, type Track } from '../face/types.ts';
import { type Head, onHead } from './casting/head.ts';

/** Turned further than this a face's proportions are guessed from one side. */
const MAX_TURN_DEG = 25;
/** Canonical units (about centimetres): lips so much further apart than the average head's speak, and weigh little. */
const SPEAKING = 0.5;
const LEAST_WEIGHT = 0.05;
/** So many calm pictures weigh as much as the average head that is assumed before anything is known: half a second. */
const AVERAGE_HEAD = 15;
/** No more is remembered than about eight seconds: a performer may come closer, a lens may be changed. */
const MOST = 240;
const LIPS = [13, 14] as const;

interface Resting {
  sum: Float64Array;
  weight: number;
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
      const weight = Math.max(LEAST_WEIGHT, Math.exp(-((open / SPEAKING) ** 2)));
      let face = this.#faces.get(id);
      if (!face) {
        face = { sum: new Float64Array(3 * LANDMARKS), weight: 0, face: new Float32Array(3 * LANDMARKS) };
        this.#faces.set(id, face);
      }
      add(face, points, weight, this.#head.canonical);
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

function add(resting: Resting, points: Float32Array, weight: number, average: Float32Array): void {
  const { sum, face } = resting;
  const kept = resting.weight > MOST ? MOST / resting.weight : 1;
  resting.weight = resting.weight * kept + weight;
  const known = resting.weight / (resting.weight + AVERAGE_HEAD);
  for (let k = 0; k < face.length; k++) {
    sum[k] = sum[k]! * kept + weight * points[k]!;
    const mean = sum[k]! / resting.weight;
    const assumed = average[k] ?? mean;
    face[k] = assumed + (mean - assumed) * known;
  }
}
