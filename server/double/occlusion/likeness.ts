import type { Landmarks } from '../../face/types.ts';
import { luma } from '../luma.ts';
import type { Affine } from '../surface.ts';
import { around, CELLS, cellOf, cellsAt } from './cells.ts';
import { correlation, line, spread } from './correlate.ts';
import type { FaceShape } from './face-place.ts';
import { emptyTints, type TintChange, type TintMemory, Tints } from './tints.ts';

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
/** Cells around one whose points tell where it lies: on a turned face's far side there are few. */
const NEAR = 3;
/** Fewer points say nothing of a part. */
const ENOUGH = 14;
/** Standard deviation of luma, 0–1, below which there is nothing to know a face by. */
const PLAIN = 0.008;
/** Correlation with what is remembered around a point from which it is the performer's own; with what the double has there. */
const OWN = 0.75;
const LIKE_DOUBLE = 0.7;
/** So near to what is remembered, in standard deviations of the face's luma, it is the performer's own too: plain skin correlates with nothing. */
const SAME = 0.15;
/** So much of a hole where a point lies, and it is asked: beside a hand the face is to be seen, and says nothing of the hand. */
const FOUND = 0.5;
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

/** What is looked at. */
export interface Seen {
  /** In cells (cells.ts): what is taken for something before the face, 0–1; the plate, encoded R, G, B, 0–1. */
  hole: Float32Array;
  plate: readonly [r: Float32Array, g: Float32Array, b: Float32Array];
  /** The drawn face, by the frame's pixels: its luma, 0–1, and how much of it is laid over the plate. */
  drawn: { luma(x: number, y: number): number; alpha(x: number, y: number): number };
}

type Fit = readonly [gain: number, offset: number] | null;

const NOTHING_KNOWN = { fit: null, tint: { red: 0, blue: 0, least: Infinity } };

interface Memory {
  /** Of each point: luma, in standard deviations of the face's from its mean. */
  luma: Float32Array;
  /** The same over the last few frames only. */
  quick: Float32Array;
  tints: TintMemory;
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
  readonly #tints: Tints;
  readonly #drawn: Float32Array;
  readonly #laid: Float32Array;
  readonly #hole: Float32Array;
  readonly #some: Int32Array;
  readonly #within: Int32Array;
  /** The cell of each point; −1 where it is not to be seen. */
  readonly #cell: Int32Array;
  /** Where each point lies in the frame. */
  readonly #at: Float32Array;
  /** The drawn face; of its points, #laid and #drawn, only those have been read that were asked for (#laid ≥ 0). */
  #double: Seen['drawn'] | null = null;
  /** Of each cell: sums of x and y up over its points, and their number; once they are asked for. */
  readonly #places = new Float32Array(3 * CELLS);
  #placed = false;
  #fitted: { memory: Memory; fit: Fit; tint: TintChange } | null = null;

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
    this.#tints = new Tints(count);
    this.#cell = new Int32Array(count);
    this.#at = new Float32Array(2 * count);
    this.#some = new Int32Array(count);
    this.#within = new Int32Array(count);
  }

  /** Reads the points of a face: all other methods are about them. In numbers only: it is done for 900 points of every face. */
  look({ points }: Landmarks, [a, b, c, d, e, f]: Affine, { hole, plate, drawn }: Seen): void {
    this.#double = drawn;
    this.#laid.fill(-1);
    this.#fitted = null;
    this.#placed = false;
    const corners = this.#corners;
    const grids = [...plate, hole];
    const read = new Float32Array(grids.length);
    for (let t = 0; t < this.#now.length; t++) {
      const p = 3 * corners[3 * t]!;
      const q = 3 * corners[3 * t + 1]!;
      const r = 3 * corners[3 * t + 2]!;
      const x0 = points[p]!;
      const y0 = points[p + 1]!;
      const z0 = points[p + 2]!;
      const x1 = points[q]! - x0;
      const y1 = points[q + 1]! - y0;
      const z1 = points[q + 2]! - z0;
      const x2 = points[r]! - x0;
      const y2 = points[r + 1]! - y0;
      const z2 = points[r + 2]! - z0;
      const area = x1 * y2 - x2 * y1;
      const nx = y1 * z2 - z1 * y2;
      const ny = z1 * x2 - x1 * z2;
      if (!(area > FACING * Math.sqrt(nx * nx + ny * ny + area * area))) {
        this.#cell[t] = -1;
        continue;
      }
      const x = x0 + (x1 + x2) / 3;
      const y = y0 + (y1 + y2) / 3;
      const u = a * x + b * y + c;
      const v = d * x + e * y + f;
      this.#at[2 * t] = x;
      this.#at[2 * t + 1] = y;
      this.#cell[t] = cellOf(u, v);
      cellsAt(grids, u, v, read);
      this.#now[t] = luma(read[0]!, read[1]!, read[2]!);
      this.#tints.read(t, read[0]!, read[1]!, read[2]!);
      this.#hole[t] = read[3]!;
    }
  }

  /**
   * Tells for each point in a hole whether it shows the performer's own face: it looks like what is remembered around it, or is as it was a
   * moment ago, or, where nothing is remembered, looks like the double, which is a face too.
   */
  own(trackId: number, tell: (cell: number, own: boolean) => void): void {
    const memory = this.#tracks.get(trackId);
    const { fit, tint } = this.#fit(memory);
    // Every second point: each stands for a centimetre around it.
    for (let i = 0; i < this.#now.length; i += 2) {
      if (this.#cell[i]! < 0 || this.#hole[i]! < FOUND) continue;
      const known = memory !== undefined && memory.seen[i]! >= KNOWN;
      if (known && this.#tints.isOther(i, memory.tints, tint)) {
        tell(this.#cell[i]!, false);
        continue;
      }
      const same =
        known && fit && Math.abs((this.#now[i]! - fit[1]) / Math.max(1e-3, fit[0]) - memory.quick[i]!) < SAME;
      tell(this.#cell[i]!, same || (known ? this.#recalled(i, memory) >= OWN : this.#likeDouble(i) >= LIKE_DOUBLE));
    }
  }

  /** Tells for each point in a hole whether it is far from what was there a moment ago, or was never seen. */
  strange(trackId: number, tell: (cell: number, strange: boolean) => void): void {
    const memory = this.#tracks.get(trackId);
    const { fit, tint } = this.#fit(memory);
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
    const other = (i: number): boolean =>
      !memory || !known(i) || apart(i) > least || this.#tints.isOther(i, memory.tints, tint);
    for (let i = 0; i < this.#now.length; i++)
      if (this.#cell[i]! >= 0 && this.#hole[i]! >= 0.1) tell(this.#cell[i]!, other(i));
  }

  /** One view for each part of a face that tells whose it is. @param hole 1 for cells that lie in one. */
  zones(trackId: number, hole: Uint8Array): ZoneView[] {
    const memory = this.#tracks.get(trackId);
    return this.#zones.map((zone) => {
      let [known, within] = [0, 0];
      for (const i of zone) {
        const cell = this.#cell[i]!;
        if (memory && (cell < 0 || memory.seen[i]! < KNOWN)) continue;
        this.#some[known++] = i;
        if (cell >= 0 && hole[cell]) this.#within[within++] = i;
      }
      const like = (points: Int32Array, count: number): number =>
        memory && count >= ENOUGH ? correlation(points, count, this.#now, memory.luma, this.#on, PLAIN) : Number.NaN;
      return {
        holeShare: known ? within / known : 0,
        all: like(this.#some, known),
        inHole: like(this.#within, within),
      };
    });
  }

  /** Where on the canonical head a cell lies, centimetres, x to image right, y up: the mean of the points nearest to it; null: there are none near. */
  placeOf(cell: number): readonly [x: number, y: number] | null {
    if (!this.#placed) this.#place();
    for (let reach = 0; reach <= NEAR; reach++) {
      let [x, y, count] = [0, 0, 0];
      around(cell, reach, (k) => {
        x += this.#places[3 * k]!;
        y += this.#places[3 * k + 1]!;
        count += this.#places[3 * k + 2]!;
      });
      if (count > 0) return [x / count, y / count];
    }
    return null;
  }

  #place(): void {
    this.#placed = true;
    this.#places.fill(0);
    for (let i = 0; i < this.#now.length; i++) {
      const cell = this.#cell[i]!;
      if (cell < 0) continue;
      this.#places[3 * cell]! += this.#on.x[i]!;
      this.#places[3 * cell + 1]! -= this.#on.y[i]!;
      this.#places[3 * cell + 2]!++;
    }
  }

  /** Takes what was read into the memory, but for what lies in a hole. @param hole 1 for cells that lie in one. */
  learn(trackId: number, zones: readonly ZoneView[], hole: Uint8Array): void {
    const count = this.#now.length;
    let memory = this.#tracks.get(trackId);
    if (!memory) {
      const floats = (): Float32Array => new Float32Array(count);
      memory = { luma: floats(), quick: floats(), tints: emptyTints(count), seen: new Uint16Array(count) };
      this.#tracks.set(trackId, memory);
    }
    const doubted = zones.some(({ all }) => all < ITSELF);
    let free = 0;
    const { fit, tint } = this.#fit(memory);
    for (let i = 0; i < count; i++) if (this.#cell[i]! >= 0 && !hole[this.#cell[i]!]) this.#some[free++] = i;
    const [gain, offset] = fit ?? spread(this.#some, free, this.#now);
    for (let k = 0; k < free; k++) {
      const i = this.#some[k]!;
      memory.seen[i] = Math.min(60_000, memory.seen[i]! + 1);
      const share = Math.max(doubted ? DOUBTED_SHARE : SHARE, 1 / memory.seen[i]!);
      const value = (this.#now[i]! - offset) / Math.max(0.01, gain);
      memory.luma[i]! += (value - memory.luma[i]!) * share;
      const quickly = Math.max(QUICK_SHARE, 1 / memory.seen[i]!);
      memory.quick[i]! += (value - memory.quick[i]!) * quickly;
      this.#tints.learn(i, memory.tints, tint, quickly);
    }
    this.#fitted = null;
  }

  forget(trackId: number): void {
    this.#tracks.delete(trackId);
  }

  /** How what is remembered becomes what is seen now, brightness and colour: by what lies well away from any hole. */
  #fit(memory: Memory | undefined): { fit: Fit; tint: TintChange } {
    if (!memory) return NOTHING_KNOWN;
    if (this.#fitted?.memory === memory) return this.#fitted;
    let free = 0;
    for (let i = 0; i < this.#now.length; i++)
      if (this.#cell[i]! >= 0 && this.#hole[i]! < 0.1 && memory.seen[i]! >= KNOWN) this.#some[free++] = i;
    const fit = line(this.#some, free, memory.luma, this.#now);
    const tint = this.#tints.change(memory.tints, this.#some, free);
    this.#fitted = { memory, fit, tint };
    return this.#fitted;
  }

  #recalled(i: number, { luma, seen }: Memory): number {
    let count = 0;
    for (const k of this.#around[i]!) if (this.#cell[k]! >= 0 && seen[k]! >= KNOWN) this.#some[count++] = k;
    return count < ENOUGH ? Number.NaN : correlation(this.#some, count, this.#now, luma, this.#on, PLAIN);
  }

  /** Through its openings the double shows the plate itself: there it tells nothing. */
  #likeDouble(i: number): number {
    let count = 0;
    for (const k of this.#around[i]!) {
      if (this.#cell[k]! < 0) continue;
      this.#readDouble(k);
      if (this.#laid[k]! > 0.9) this.#some[count++] = k;
    }
    return count < ENOUGH ? Number.NaN : correlation(this.#some, count, this.#now, this.#drawn, this.#on, PLAIN);
  }

  /** Only what is not remembered yet is compared with the double: of most faces, nothing is. */
  #readDouble(i: number): void {
    if (this.#laid[i]! >= 0) return;
    const [x, y] = [this.#at[2 * i]!, this.#at[2 * i + 1]!];
    this.#laid[i] = this.#double!.alpha(x, y);
    this.#drawn[i] = this.#double!.luma(x, y);
  }
}
