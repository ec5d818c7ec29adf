import type { Landmarks } from '../../face/types.ts';
import type { HeadPose } from '../pose.ts';
import type { Affine } from '../surface.ts';
import { around, CELLS, cellsWhere, grow, mark, Sums, Votes } from './cells.ts';
import type { FaceShape } from './face-place.ts';
import { Fringe } from './fringe.ts';
import { extent, type HolePart, partsOf } from './hole-parts.ts';
import { Lately } from './lately.ts';
import { Likeness, type Seen, type ZoneView } from './likeness.ts';
import { type Frame, frameIn, Spectacles } from './spectacles.ts';

/** A part of the face of which so much lies in a hole should not look like itself: so well correlated, it is to be seen, and the network is wrong. */
const COVERED = 0.4;
const SEEN = 0.8;
/**
 * But only where so much of what is broad there looked like itself point by point too. Less is chance: a hand may look like a mouth for one picture, and a fingertip is as bright
 * as the cheek that was there; of what is broad and reaches in from the outline nothing is closed for it.
 */
const AGREED = 0.15;
/** Cells (5 cm) that a strand of hair reaches over at least. */
const STRAND = 14;
/**
 * Share of a part that looks like the performer's own face from which the rest of it is taken for that too, light having moved and nothing
 * having come, but for what is quite something else.
 */
const MOST_OWN = 0.35;
/** Shares of the face, of what is broad and of what is thin, beyond which nothing of that kind is left out. */
const MOST_BROAD = 0.7;
const MOST_THIN = 0.25;
/** But up to this, where so much of the face was left out in the picture before: a hand comes nearer by degrees, a network that is fooled by light is so at once. */
const MOST_BEFORE = 0.35;
const MOST_GROWN = 0.93;
/** A network that takes so much of the face, of what is plainly the performer's own, for something, is not believed about hair either. */
const FOOLED = 0.3;
/** A frame of which so much looks like the performer's own face is none. */
const BARE = 0.5;
/** Hair hangs no lower than this before the outline, centimetres on the canonical head: between the eyes (2.5) and the mouth (−3.7). */
const LOWEST = 0;
/** Cosine of the angle to the camera under which parts of a face are not told apart. */
const TURNED = Math.cos((38 * Math.PI) / 180);
/** Something must stand there for so many frames before it is left out. */
const STANDS = 2;
/** But what is, so much of it, far from what was there a moment ago, is left out at once: a hand that has come. */
const SUDDEN = 0.6;
/** One that has stood there for so many is not new when it is found again after one in which it was not. */
const MOST_STANDING = 4;
/** Once the network was caught, nothing broad is left out for so long but what is nothing like what was there a moment ago; caught again within a second, so many times as long as it was caught, at most. */
const DISTRUST_US = 100_000;
const MOST_DISTRUST = 3;
const SECOND_US = 1_000_000;
/** Frames that the face must have been learnt from. */
const LEARNT = 8;
/** Inside the outline; further in, where nothing fades any more; and how far from there something goes on outwards, cells. */
const INSIDE = 0.3;
const INNER = 0.8;
const REACH = 4;

/** A face that is looked at; hole: what the network says, 0 the face, 1 something before it, corrected in place. */
export interface Judged extends Seen {
  /** The same by the network's pixels (spectacles.ts). */
  fine: Float32Array;
  trackId: number;
  captureUs: number;
  landmarks: Landmarks;
  pose: HeadPose;
  toCrop: Affine;
  /** 0 on the outline of the face and beyond, 1 inside. */
  rim: Float32Array;
}

export interface Judgement {
  /** Shares of the face, 0–1. */
  broad: number;
  thin: number;
  zones: readonly ZoneView[];
  /** Cells that the network took for something before the face, and that look like the performer's own. */
  own: number;
  /** Why broad holes are not left out, or not all of them; empty where they are. */
  why: string;
}

interface Kept {
  learnt: number;
  standing: number;
  /** When the network took the performer's own face for something, the last few times. */
  caughtUs: number[];
  spectacles: Spectacles;
  lately: Lately;
  fringe: Fringe;
  /** Share of the face that was left out, broad things only, in the picture before. */
  before: number;
}

/**
 * Decides what of a hole that the network sees may be left out. It answers for the worst mistake, the performer's own face left bare: what
 * looks like the face that is remembered is no occluder, whatever the network says. What is left out wrongly is then at most skin.
 */
export class HoleKeeper {
  readonly #likeness: Likeness;
  readonly #tracks = new Map<number, Kept>();
  readonly #votes = new Votes();
  readonly #sums = new Sums();
  /** For measuring. */
  last: Judgement | null = null;

  constructor(shape: FaceShape) {
    this.#likeness = new Likeness(shape);
  }

  /** Cells that may be left out, 1; null: none. Of the frame of spectacles `fine` is made whole. */
  judge(face: Judged): Uint8Array | null {
    const { trackId, captureUs, hole, rim } = face;
    const kept = this.#tracks.get(trackId) ?? {
      learnt: 0,
      standing: 0,
      caughtUs: [],
      spectacles: new Spectacles(),
      lately: new Lately(),
      fringe: new Fringe(),
      before: 0,
    };
    this.#tracks.set(trackId, kept);
    const found = hole.slice();
    withoutFringe(hole, rim, this.#sums);
    const again = kept.lately.propose(hole);
    const proposed = found.slice();
    for (const i of again.keys()) proposed[i] = hole[i]!;
    this.#likeness.look(face.landmarks, face.toCrop, { ...face, hole: proposed });
    this.#onlyStrange(trackId, hole, again);
    const { parts, frame, own } = this.#sift(face, kept);
    const worn = kept.spectacles.see(frame, face.fine);
    const frames = frame?.cells;
    const hair = kept.fringe.see(found, rim, this.#mayHang(trackId, kept.learnt));
    const { inside, broad, thin } = shares(parts, rim);
    const covered = new Uint8Array(CELLS);
    for (const { cells } of parts) for (const i of cells) if (!frames?.[i]) covered[i] = 1;
    const zones = this.#likeness.zones(trackId, covered);
    const taken = new Uint8Array(CELLS);
    for (const { cells } of parts) for (const i of cells) mark(taken, i, 1);
    for (const i of worn) taken[i] = 1;
    const why = this.#refused(face, kept, broad, own > AGREED * broad * inside ? zones : []);
    this.last = { broad, thin, zones, own, why };
    if (why === 'own face') kept.caughtUs = [...kept.caughtUs.slice(1 - MOST_DISTRUST), captureUs];
    else if (why !== 'turned' && broad < MOST_BROAD) {
      this.#likeness.learn(trackId, zones, taken);
      kept.learnt++;
    }
    kept.standing = parts.length > 0 ? Math.min(MOST_STANDING, kept.standing + 1) : Math.max(0, kept.standing - STANDS);
    if (kept.standing === 1 && this.#sudden(trackId, parts)) kept.standing = STANDS;
    const caught = why === 'own face' || why === 'distrusted';
    const opens = kept.standing >= STANDS && (why === '' || caught);
    const open = new Uint8Array(CELLS);
    if (opens) markCells(open, parts, frames, true);
    if (opens && caught) this.#onlyNew(trackId, open, rim);
    kept.before = opens ? broad : 0;
    kept.lately.keep(open, again, face.fine);
    if (own > FOOLED * inside || why === 'too much') hair.fill(0);
    if (kept.standing >= STANDS && thin <= MOST_THIN) {
      markCells(open, parts, frames, false);
      for (const i of worn) if (rim[i]! > 0) open[i] = 1;
    }
    const grown = grow(open, rim, hole);
    for (let i = 0; i < CELLS; i++) if (hair[i]) grown[i] = 1;
    return grown.includes(1) ? grown : null;
  }

  /** Of what is only proposed again, takes out what may be the performer's own. */
  #onlyStrange(trackId: number, hole: Float32Array, again: ReadonlyMap<number, number>): void {
    if (again.size === 0) return;
    this.#votes.collect((tell) => this.#likeness.strange(trackId, tell));
    for (const [i, found] of again) if (!this.#votes.most(i, 1)) hole[i] = found;
  }

  /** Whether a cell of the outline may show what reaches in over it: hair above, and further down what was not there a moment ago. */
  #mayHang(trackId: number, learnt: number): (cell: number) => boolean {
    let asked = false;
    return (cell) => {
      if ((this.#likeness.placeOf(cell)?.[1] ?? -Infinity) >= LOWEST) return true;
      if (learnt < LEARNT) return false;
      if (!asked) this.#votes.collect((tell) => this.#likeness.strange(trackId, tell));
      asked = true;
      return this.#votes.most(cell, 2);
    };
  }

  /** Closes all but what is nothing like what was there a moment ago, and reaches in from the outline. */
  #onlyNew(trackId: number, open: Uint8Array, rim: Float32Array): void {
    this.#votes.collect((tell) => this.#likeness.strange(trackId, tell));
    const left = Float32Array.from(open, (one, i) => (one && this.#votes.most(i, 2) ? 1 : 0));
    open.fill(0);
    for (const { cells, fromOutline } of partsOf(left, rim)) if (fromOutline) for (const i of cells) open[i] = 1;
  }

  /** Whether most of what is broad there now is something else than what was there a moment ago. */
  #sudden(trackId: number, parts: readonly HolePart[]): boolean {
    const cells = parts.filter(({ broad }) => broad.length > 0).flatMap((part) => part.cells);
    if (cells.length === 0) return false;
    this.#votes.collect((tell) => this.#likeness.strange(trackId, tell));
    return cells.filter((i) => this.#votes.most(i, 1)).length >= SUDDEN * cells.length;
  }

  /** What of a hole may be something, which of it spectacles, null: none, and how many cells look like the performer's own. */
  #sift(face: Judged, { spectacles, learnt }: Kept): { parts: HolePart[]; frame: Frame | null; own: number } {
    const { trackId, hole, rim } = face;
    const raw = partsOf(hole, rim);
    // Most faces have nothing before them.
    if (raw.length === 0) return { parts: [], frame: null, own: 0 };
    // Worn from the first picture on, spectacles are remembered as part of the face, and it is known through them.
    const found = frameIn(raw, (cell) => this.#likeness.placeOf(cell));
    const shadow = found && !spectacles.worn && learnt >= LEARNT && this.#isBare(trackId, found);
    const frame = (shadow ? null : found) ?? spectacles.again(hole);
    const frames = frame?.cells ?? null;
    const own = this.#closeOwn(trackId, hole, raw, frames);
    return { parts: this.#partsOf(face, raw, frames), frame, own };
  }

  /** Whether a frame is where the performer's own face was to be seen and still is: a shadow round the eyes. */
  #isBare(trackId: number, { cells }: Frame): boolean {
    this.#votes.collect((tell) => this.#likeness.own(trackId, tell));
    let [own, all] = [0, 0];
    for (let i = 0; i < CELLS; i++) {
      if (!cells[i] || !this.#votes.any(i, 1)) continue;
      all++;
      if (this.#votes.most(i, 1)) own++;
    }
    return own > BARE * all;
  }

  /** Closes what looks like the performer's own face, and of a part of which much does what is not quite something else. Answers how many cells look so. */
  #closeOwn(trackId: number, hole: Float32Array, raw: readonly HolePart[], frames: Uint8Array | null): number {
    this.#votes.collect((tell) => this.#likeness.own(trackId, tell));
    let closed = 0;
    const close = (i: number): void => {
      if (hole[i]! > 0) closed++;
      hole[i] = 0;
    };
    const own = cellsWhere((i) => hole[i]! >= 0.1 && !frames?.[i] && this.#votes.most(i, 2));
    const doubtful = raw.filter(({ cells }) => cells.reduce((sum, i) => sum + own[i]!, 0) > MOST_OWN * cells.length);
    if (doubtful.length > 0) this.#votes.collect((tell) => this.#likeness.strange(trackId, tell));
    for (const { cells } of doubtful)
      for (const i of cells)
        around(i, 1, (k) => {
          if (!this.#votes.most(k, 2)) close(k);
        });
    for (const { cells, broad, fromOutline } of raw) {
      const mine = cells.filter((i) => own[i]);
      if (broad.length === 0 || !fromOutline || mine.length > AGREED * cells.length) continue;
      closed += mine.length;
      for (const i of mine) own[i] = 0;
    }
    for (let i = 0; i < CELLS; i++) if (own[i]) close(i);
    return closed;
  }

  /** The parts of a hole that may be something: nothing floats before a face, so that what is no frame hangs together with what reached in from the outline. */
  #partsOf({ hole, rim }: Judged, raw: readonly HolePart[], frames: Uint8Array | null): HolePart[] {
    const rooted = new Uint8Array(CELLS);
    for (const { cells, fromOutline } of raw) if (fromOutline) for (const i of cells) rooted[i] = 1;
    return partsOf(hole, rim).filter(
      ({ cells, broad, fromOutline }) =>
        cells.some((i) => frames?.[i]) ||
        (broad.length > 0 ? cells.some((i) => rooted[i]) : fromOutline && extent(cells) >= STRAND),
    );
  }

  forget(trackId: number): void {
    this.#likeness.forget(trackId);
    this.#tracks.delete(trackId);
  }

  /** Why nothing broad is left out, or (own face, distrusted) only what is new there; empty: it is. */
  #refused({ captureUs, pose }: Judged, kept: Kept, broad: number, zones: readonly ZoneView[]): string {
    if (broad === 0) return '';
    if (zones.some(({ holeShare, inHole }) => holeShare > COVERED && inHole > SEEN)) return 'own face';
    const caught = kept.caughtUs.filter((at) => captureUs - at < SECOND_US);
    if (captureUs - (caught.at(-1) ?? -Infinity) < DISTRUST_US * caught.length) return 'distrusted';
    if (broad > (kept.before >= MOST_BEFORE ? MOST_GROWN : MOST_BROAD)) return 'too much';
    if (pose.rotation[8]! < TURNED) return 'turned';
    return kept.learnt < LEARNT ? 'not learnt' : '';
  }
}

/**
 * Takes out of a hole what lies only on the outline, where the drawn face fades anyway: what is something reaches further in. Beyond the
 * outline nothing is drawn.
 */
function withoutFringe(hole: Float32Array, rim: Float32Array, sums: Sums): void {
  sums.fill(cellsWhere((i) => hole[i]! >= 0.5 && rim[i]! >= INNER));
  for (let i = 0; i < CELLS; i++) if (rim[i]! <= 0 || (rim[i]! < INNER && sums.around(i, REACH) === 0)) hole[i] = 0;
}

/** How many cells lie inside the outline, and how much of the face lies in parts that are broad somewhere, and in thin ones. */
function shares(parts: readonly HolePart[], rim: Float32Array): Record<'inside' | 'broad' | 'thin', number> {
  let [inside, broad, thin] = [0, 0, 0];
  for (let i = 0; i < CELLS; i++) if (rim[i]! >= INSIDE) inside++;
  for (const part of parts)
    for (const i of part.cells) {
      if (rim[i]! < INSIDE) continue;
      if (part.broad.length > 0) broad++;
      else thin++;
    }
  return { inside, broad: broad / Math.max(1, inside), thin: thin / Math.max(1, inside) };
}

/** Sets the cells to 1 of parts that are broad somewhere, or of those that are not; without the frame of spectacles. */
function markCells(open: Uint8Array, parts: readonly HolePart[], frames: Uint8Array | undefined, broad: boolean): void {
  for (const part of parts)
    if (part.broad.length > 0 === broad) for (const i of part.cells) if (!frames?.[i]) open[i] = 1;
}
