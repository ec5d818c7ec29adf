/** Shares of faces of whose rest all is known, as after a neutral capture, and nothing. */
const CAPTURED = 0.35;
const STRANGERS = 0.1;
/** Turned further than this, a face's proportions are guessed from one side (server/engine/resting-faces.ts). */
const MOST_TURNED = (25 * Math.PI) / 180;
const MOST = 12;
const FEWEST = 3;

/**
 * What would be known of a performer's face at rest. On a set it is captured at casting, or it becomes known over some seconds from an average
 * head and the mean of what was seen, expressions and all (server/engine/resting-faces.ts).
 */
export class Rest {
  readonly #captured: Float32Array;
  readonly #average: Float32Array;
  readonly #seen: Float32Array[] = [];

  /** @param captured the face at rest, canonical units, 478 × 3. @param average an average head's. */
  constructor(captured: Float32Array, average: Float32Array) {
    this.#captured = captured;
    this.#average = average;
  }

  /** A face has been seen. @param pose radians. */
  saw(canonical: Float32Array, { yaw, pitch }: { yaw: number; pitch: number }): void {
    if (Math.max(Math.abs(yaw), Math.abs(pitch)) < MOST_TURNED && this.#seen.length < MOST)
      this.#seen.push(canonical.slice());
  }

  /** As FaceInput.neutral, for a face at any moment of a performance. @param next 0–1. */
  known(next: () => number): Float32Array | null {
    const [kind, share] = [next(), next()];
    if (kind < STRANGERS) return null;
    if (kind < STRANGERS + CAPTURED) return this.#captured;
    const few = this.#seen.length < FEWEST;
    return this.#captured.map((own, i) => {
      const average = this.#average[i] ?? own;
      const mean = few ? own : this.#seen.reduce((sum, face) => sum + face[i]!, 0) / this.#seen.length;
      return average + share * (mean - average);
    });
  }
}

export const thousandths = (values: Float32Array): number[] =>
  [...values].map((value) => Math.round(1000 * value) / 1000);
