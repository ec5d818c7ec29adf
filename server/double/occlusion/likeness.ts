import type { Landmarks } from '../../face/types.ts';
import type { Affine } from '../surface.ts';
import { cellAt, cellOf } from './cells.ts';
import { correlation, line } from './correlate.ts';
import type { FaceShape } from './face-place.ts';

/** Parts of a face that tell whose it is, by the middle of each triangle on the canonical head, x to image right, y up, centimetres. */
const ZONES: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => x < -0.8 && x > -5.6 && y > 1 && y < 5.4,
  (x, y) => x > 0.8 && x < 5.6 && y > 1 && y < 5.4,
  (x, y) => Math.abs(x) < 2.2 && y > -2 && y < 3,
  (x, y) => Math.abs(x) < 3.4 && y > -5.6 && y < -1.7,
];

/** What is compared at once around a point, centimetres each way. */
const AROUND = 1.3;
const MOST_AROUND = 40;
/** Frames that a point must have been seen in before it is remembered. */
const KNOWN = 8;
/** Each frame's share of what is remembered, about a second; and where the face does not look like itself now, seven. */
const SHARE = 0.04;
const DOUBTED_SHARE = 0.005;
/** The same of what was there a moment ago: light comes by degrees, a hand at once. */
const QUICK_SHARE = 0.35;
/** Correlation from which a part of the face looks like itself. */
const ITSELF = 0.85;
/** Triangles that face the camera less than this (cosine) show nothing. */
const FACING = 0.3;
/** Fewer points say nothing of a part. */
const ENOUGH = 14;
/** Standard deviation of luma, 0–1, below which there is nothing to know a face by. */
const PLAIN = 0.008;
/** Correlation with what is remembered around a point from which it is the performer's own; with what the double has there. */
const OWN = 0.75;
const LIKE_DOUBLE = 0.7;
/** So near to what is remembered, in standard deviations of the face's luma, it is the performer's own too: plain skin correlates with nothing. */
const SAME = 0.22;

/** So far from it, in the same, it is something else, however the light may move. */
const STRANGE = 0.6;

/** How one part of the face looks now. */
export interface ZoneView {
  /** Share of its points that are to be seen, and are remembered, that lie in a hole. */
  holeShare: number;
  /** Correlation with what is remembered of it, −1 to 1: of all of it, and of what lies in a hole. NaN: cannot be said. */
  all: number;
  inHole: number;
}

/** What is looked at, in cells (server/double/cells.ts). */
export interface Cells {
  hole: Float32Array;
  /** The plate's and the drawn face's, 0–1, and how much of that is laid over the plate. */
  luma: Float32Array;
  drawn: Float32Array;
  alpha: Float32Array;
}

interface Memory {
  /** Of each point: luma, in standard deviations of the face's from its mean. */
  luma: Float32Array;
  /** The same over the last few frames only. */
  quick: Float32Array;
  /** Frames in which it was seen. */
  seen: Uint16Array;
}

/**
 * Remembers what the performer's own face looks like, point by point of the landmark mesh, and tells where it is to be seen: light
 * that changes, even from side to side, leaves a correlation as it is, and a hand before a mouth does not look like that mouth.
 */
export class Likeness {
  readonly #corners: Int32Array;
  readonly #on: { x: Float32Array; y: Float32Array };
  readonly #zones: readonly Int32Array[];
  readonly #around: readonly Int32Array[];
  readonly #tracks = new Map<number, Memory>();
  readonly #now: Float32Array;
  readonly #drawn: Float32Array;
  readonly #laid: Float32Array;
  readonly #hole: Float32Array;
  readonly #some = new Int32Array(MOST_AROUND + 1);
  /** The cell of each point; −1 where it is not to be seen. */
  readonly #cell: Int32Array;

  constructor({ canonical, triangles }: FaceShape) {
    const count = triangles.length;
    this.#corners = Int32Array.from(triangles.flat());
    const middle = (axis: number): Float32Array =>
      Float32Array.from(triangles, (t) => t.reduce((sum, p) => sum + canonical[3 * p + axis]!, 0) / 3);
    const [x, y] = [middle(0), middle(1)];
    this.#on = { x, y };
    const all = Int32Array.from({ length: count }, (_, i) => i);
    this.#zones = ZONES.map((inside) => all.filter((i) => inside(x[i]!, -y[i]!)));
    this.#around = Array.from(all, (i) => {
      const near = all.filter((k) => Math.hypot(x[k]! - x[i]!, y[k]! - y[i]!) < AROUND);
      return near.filter((_, k) => k % Math.ceil(near.length / MOST_AROUND) === 0);
    });
    const floats = (): Float32Array => new Float32Array(count);
    [this.#now, this.#drawn, this.#laid, this.#hole] = [floats(), floats(), floats(), floats()];
    this.#cell = new Int32Array(count);
  }

  /** Reads the points of a face: all other methods are about them. */
  look({ points }: Landmarks, [a, b, c, d, e, f]: Affine, { hole, luma, drawn, alpha }: Cells): void {
    for (let t = 0; t < this.#now.length; t++) {
      const [p, q, r] = [3 * this.#corners[3 * t]!, 3 * this.#corners[3 * t + 1]!, 3 * this.#corners[3 * t + 2]!];
      const [x0, y0, z0] = [points[p]!, points[p + 1]!, points[p + 2]!];
      const [x1, y1, z1] = [points[q]! - x0, points[q + 1]! - y0, points[q + 2]! - z0];
      const [x2, y2, z2] = [points[r]! - x0, points[r + 1]! - y0, points[r + 2]! - z0];
      const area = x1 * y2 - x2 * y1;
      const faces = area > FACING * Math.hypot(y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, area);
      const [x, y] = [x0 + (x1 + x2) / 3, y0 + (y1 + y2) / 3];
      const [u, v] = [a * x + b * y + c, d * x + e * y + f];
      this.#cell[t] = faces ? cellOf(u, v) : -1;
      if (!faces) continue;
      this.#now[t] = cellAt(luma, u, v);
      this.#hole[t] = cellAt(hole, u, v);
      this.#drawn[t] = cellAt(drawn, u, v);
      this.#laid[t] = cellAt(alpha, u, v);
    }
  }

  /**
   * Tells for each point in a hole whether it shows the performer's own face: it looks like what is remembered around it, or is as it was a
   * moment ago, or, where nothing is remembered, looks like the double, which is a face too.
   */
  own(trackId: number, tell: (cell: number, own: boolean) => void): void {
    const memory = this.#tracks.get(trackId);
    const fit = memory && this.#fit(memory);
    // Every second point: each stands for a centimetre around it.
    for (let i = 0; i < this.#now.length; i += 2) {
      if (this.#cell[i]! < 0 || this.#hole[i]! < 0.1) continue;
      const known = memory !== undefined && memory.seen[i]! >= KNOWN;
      const same =
        known && fit && Math.abs((this.#now[i]! - fit[1]) / Math.max(1e-3, fit[0]) - memory.quick[i]!) < SAME;
      tell(this.#cell[i]!, same || (known ? this.#recalled(i, memory) >= OWN : this.#likeDouble(i) >= LIKE_DOUBLE));
    }
  }

  /** Tells for each point in a hole whether it is far from what was there a moment ago, or was never seen. */
  strange(trackId: number, tell: (cell: number, strange: boolean) => void): void {
    const memory = this.#tracks.get(trackId);
    const fit = memory && this.#fit(memory);
    const apart = (i: number): number =>
      memory && fit ? Math.abs((this.#now[i]! - fit[1]) / Math.max(1e-3, fit[0]) - memory.quick[i]!) : 0;
    const known = (i: number): boolean => (memory?.seen[i] ?? 0) >= KNOWN;
    // Where all of the face has changed it was the light.
    let [sum, count] = [0, 0];
    for (let i = 0; i < this.#now.length; i++) {
      if (this.#cell[i]! < 0 || this.#hole[i]! >= 0.1 || !known(i)) continue;
      sum += apart(i) ** 2;
      count++;
    }
    const least = Math.max(STRANGE, 3 * Math.sqrt(sum / Math.max(1, count)));
    for (let i = 0; i < this.#now.length; i++)
      if (this.#cell[i]! >= 0 && this.#hole[i]! >= 0.1) tell(this.#cell[i]!, !known(i) || apart(i) > least);
  }

  /** One view for each part of a face that tells whose it is. */
  zones(trackId: number, hole: (cell: number) => boolean): ZoneView[] {
    const memory = this.#tracks.get(trackId);
    return this.#zones.map((zone) => {
      const known = memory ? zone.filter((i) => this.#cell[i]! >= 0 && memory.seen[i]! >= KNOWN) : zone;
      const within = known.filter((i) => hole(this.#cell[i]!));
      const like = (points: Int32Array): number =>
        memory && points.length >= ENOUGH ? correlation(points, this.#now, memory.luma, this.#on, PLAIN) : Number.NaN;
      return {
        holeShare: known.length ? within.length / known.length : 0,
        all: like(known),
        inHole: like(within),
      };
    });
  }

  /** Tells how high cells lie in the band where spectacles are worn, temple to temple: above the middle of the eyes, or below. */
  eyes(tell: (cell: number, above: boolean) => void): void {
    for (let i = 0; i < this.#now.length; i++) {
      const up = -this.#on.y[i]!;
      if (this.#cell[i]! >= 0 && up > 0.2 && up < 5.4) tell(this.#cell[i]!, up > 2.4);
    }
  }

  /** Takes what was read into the memory, but for what lies in a hole. */
  learn(trackId: number, zones: readonly ZoneView[], hole: (cell: number) => boolean): void {
    const count = this.#now.length;
    let memory = this.#tracks.get(trackId);
    if (!memory) {
      memory = { luma: new Float32Array(count), quick: new Float32Array(count), seen: new Uint16Array(count) };
      this.#tracks.set(trackId, memory);
    }
    const doubted = zones.some(({ all }) => all < ITSELF);
    const free: number[] = [];
    for (let i = 0; i < count; i++) if (this.#cell[i]! >= 0 && !hole(this.#cell[i]!)) free.push(i);
    const [gain, offset] = this.#fit(memory) ?? spread(free, this.#now);
    for (const i of free) {
      memory.seen[i] = Math.min(60_000, memory.seen[i]! + 1);
      const share = Math.max(doubted ? DOUBTED_SHARE : SHARE, 1 / memory.seen[i]!);
      const value = (this.#now[i]! - offset) / Math.max(0.01, gain);
      memory.luma[i]! += (value - memory.luma[i]!) * share;
      memory.quick[i]! += (value - memory.quick[i]!) * Math.max(QUICK_SHARE, 1 / memory.seen[i]!);
    }
  }

  /** Whether a point's part of the face is remembered, by the cell it lies in; only of parts that tell whose face it is. */
  known(trackId: number, tell: (cell: number, known: boolean) => void): void {
    const memory = this.#tracks.get(trackId);
    for (const zone of this.#zones)
      for (const i of zone) if (this.#cell[i]! >= 0) tell(this.#cell[i]!, (memory?.seen[i] ?? 0) >= KNOWN);
  }

  forget(trackId: number): void {
    this.#tracks.delete(trackId);
  }

  /** How what is remembered becomes what is seen now: by what lies well away from any hole. */
  #fit({ luma, seen }: Memory): readonly [gain: number, offset: number] | null {
    const free: number[] = [];
    for (let i = 0; i < this.#now.length; i++)
      if (this.#cell[i]! >= 0 && this.#hole[i]! < 0.1 && seen[i]! >= KNOWN) free.push(i);
    return line(free, luma, this.#now);
  }

  #recalled(i: number, { luma, seen }: Memory): number {
    let count = 0;
    for (const k of this.#around[i]!) if (this.#cell[k]! >= 0 && seen[k]! >= KNOWN) this.#some[count++] = k;
    if (count < ENOUGH) return Number.NaN;
    return correlation(this.#some.subarray(0, count), this.#now, luma, this.#on, PLAIN);
  }

  /** Through its openings the double shows the plate itself: there it tells nothing. */
  #likeDouble(i: number): number {
    let count = 0;
    for (const k of this.#around[i]!) if (this.#cell[k]! >= 0 && this.#laid[k]! > 0.9) this.#some[count++] = k;
    if (count < ENOUGH) return Number.NaN;
    return correlation(this.#some.subarray(0, count), this.#now, this.#drawn, this.#on, PLAIN);
  }
}

/** Deviation and mean of values at some points. */
function spread(points: readonly number[], values: Float32Array): readonly [deviation: number, mean: number] {
  const mean = points.reduce((sum, i) => sum + values[i]!, 0) / Math.max(1, points.length);
  const squares = points.reduce((sum, i) => sum + (values[i]! - mean) ** 2, 0);
  return [Math.sqrt(squares / Math.max(1, points.length)), mean];
}
