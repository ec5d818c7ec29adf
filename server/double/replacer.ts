import type { Landmarks } from '../face/types.ts';
import type { Picture } from '../frame/frame.ts';

/** What a look's dials are set to. Unknown names are refused when the look is opened. */
export type LookParams = Readonly<Record<string, number>>;

/** One face to be replaced in one picture. */
export interface FaceInput {
  picture: Picture;
  /** Smoothed, frame pixels. */
  landmarks: Landmarks;
  params: LookParams;
  /**
   * The performer's face at rest, 478 × 3 in the canonical head's axes and units (canonicalPoints in pose.ts): a look with proportions
   * of its own takes the performer's away with it. Null, or none: an average head is assumed.
   */
  neutral?: Float32Array | null;
  /** The track this face belongs to, for state that must not leak from one face to another (light smoothing). */
  trackId: number;
}

/**
 * The replaced face, planar float32 in kernel memory, `size`² pixels a plane, over the crop of the frame given by `toCrop`.
 * Valid until the next replace() of the same replacer.
 */
export interface ReplacedFace {
  /**
   * `cover`: encoded R, G, B 0–1 and straight alpha, laid over the performer's face, which it hides. `change`: what is added to the
   * plate's encoded R, G, B (−1 to 1) and where (0–1): the performer's own face stays to be seen.
   */
  how: 'cover' | 'change';
  at: number;
  size: number;
  /** Frame pixel (centre at integer) → crop pixel: x' = a·x + b·y + c, y' = d·x + e·y + f. */
  toCrop: readonly [a: number, b: number, c: number, d: number, e: number, f: number];
}

/** One opened look on one engine. */
export interface Replacer {
  readonly name: string;
  readonly provider: string;
  /** Largest |yaw| in degrees at which the look holds; beyond it the casting's safe state takes over. */
  readonly maxYawDeg: number;
  replace(face: FaceInput): Promise<ReplacedFace>;
  /** Forgets what was kept for a track that has ended. */
  forget(trackId: number): void;
  close(): void;
}
