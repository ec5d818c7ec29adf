import type { Landmarks } from '../face/types.ts';
import { CELLS, FREE, grow, partsOf, THIN } from './cells.ts';
import type { FaceShape } from './face-place.ts';
import { Likeness, type ZoneView } from './likeness.ts';
import type { HeadPose } from './pose.ts';
import type { Affine } from './surface.ts';

/** A part of the face of which so much lies in a hole should not look like itself: so well correlated, it is to be seen, and the network is wrong. */
const COVERED = 0.4;
const SEEN = 0.6;
/** Less of it may be covered, but what is in the hole must not look like the performer either. */
const TOUCHED = 0.15;
const SEEN_IN_HOLE = 0.65;
/** A hole in which the plate differs so little from the face that is remembered (mean square, in its own deviations) shows that face. */
const SAME = 0.04;
/** Shares of the face, of what is broad and of what is thin, beyond which nothing of that kind is left out. */
const MOST_BROAD = 0.6;
const MOST_THIN = 0.15;
/** Cosine of the angle to the camera under which parts of a face are not told apart. */
const TURNED = Math.cos((38 * Math.PI) / 180);
/** Something must stand there for so many frames before it is left out. */
const STANDS = 2;
/** Once the network was caught, nothing is left out for so long. */
const DISTRUST_US = 500_000;
/** Frames that the face must have been learnt from. */
const LEARNT = 8;
/** Inside the outline. */
const INSIDE = 0.3;

/** A face that is looked at, in cells (server/double/cells.ts). */
export interface Judged {
  trackId: number;
  captureUs: number;
  landmarks: Landmarks;
  pose: HeadPose;
  toCrop: Affine;
  /** What the network says: 0 the face, 1 something before it; set to 0 beyond the outline. */
  hole: Float32Array;
  /** 0 on the outline of the face and beyond, 1 inside. */
  rim: Float32Array;
  luma: Float32Array;
}

export interface Judgement {
  /** Shares of the face, 0–1. */
  broad: number;
  thin: number;
  zones: readonly ZoneView[];
  apart: readonly number[];
  /** Why broad holes are not left out; empty where they are. */
  why: string;
}

interface Kept {
  learnt: number;
  standing: number;
  distrustUntilUs: number;
}

/**
 * Decides what of a hole that the network sees may be left out. It answers for the worst mistake, the performer's own face left bare: what
 * looks like the face that is remembered is no occluder, whatever the network says. What is left out wrongly is then at most skin.
 */
export class HoleKeeper {
  readonly #likeness: Likeness;
  readonly #tracks = new Map<number, Kept>();
  readonly #parts = new Uint8Array(CELLS);
  /** For measuring. */
  last: Judgement | null = null;

  constructor(shape: FaceShape) {
    this.#likeness = new Likeness(shape);
  }

  /** Cells that may be left out, 1; null: none. */
  judge(face: Judged): Uint8Array | null {
    const { trackId, captureUs, hole, rim } = face;
    const kept = this.#tracks.get(trackId) ?? { learnt: 0, standing: 0, distrustUntilUs: -Infinity };
    this.#tracks.set(trackId, kept);
    // Beyond the outline nothing is drawn that could be left out.
    for (let i = 0; i < CELLS; i++) if (rim[i]! <= 0) hole[i] = 0;
    const parts = partsOf(hole, this.#parts);
    const { broad, thin } = shares(this.#parts, rim);
    const zones = this.#likeness.look(trackId, face.landmarks, face.toCrop, face.luma, hole);
    const apart = this.#likeness.apart(trackId, parts, this.#parts);
    const why = this.#refused(face, kept, broad, zones);
    this.last = { broad, thin, zones, apart, why };
    if (why === 'own face') kept.distrustUntilUs = captureUs + DISTRUST_US;
    else if (why !== 'turned' && broad < MOST_BROAD) {
      this.#likeness.learn(trackId);
      kept.learnt++;
    }
    kept.standing = broad + thin > 0 ? kept.standing + 1 : 0;
    if (kept.standing < STANDS) return null;
    const mayBeOpen = (part: number): boolean =>
      part === THIN ? thin <= MOST_THIN : part !== FREE && why === '' && !(apart[part - 1]! < SAME);
    const open = this.#parts.map((part) => (mayBeOpen(part) ? 1 : 0));
    return open.includes(1) ? grow(open, rim) : null;
  }

  forget(trackId: number): void {
    this.#likeness.forget(trackId);
    this.#tracks.delete(trackId);
  }

  /** Why nothing broad is left out; empty: it is. */
  #refused({ captureUs, pose }: Judged, kept: Kept, broad: number, zones: readonly ZoneView[]): string {
    if (broad === 0) return '';
    const own = zones.some(
      ({ holeShare, all, inHole }) =>
        (holeShare > COVERED && all > SEEN) || (holeShare > TOUCHED && inHole > SEEN_IN_HOLE),
    );
    if (own) return 'own face';
    if (captureUs < kept.distrustUntilUs) return 'distrusted';
    if (broad > MOST_BROAD) return 'too much';
    if (pose.rotation[8]! < TURNED) return 'turned';
    if (kept.learnt < LEARNT) return 'not learnt';
    if (zones.some(({ holeShare, all }) => holeShare > COVERED && Number.isNaN(all))) return 'not known';
    return '';
  }
}

/** How much of the face lies in broad holes, and in thin ones. */
function shares(parts: Uint8Array, rim: Float32Array): { broad: number; thin: number } {
  let [inside, broad, thin] = [0, 0, 0];
  for (let i = 0; i < CELLS; i++) {
    if (rim[i]! < INSIDE) continue;
    inside++;
    if (parts[i] === THIN) thin++;
    else if (parts[i] !== FREE) broad++;
  }
  return { broad: broad / Math.max(1, inside), thin: thin / Math.max(1, inside) };
}
