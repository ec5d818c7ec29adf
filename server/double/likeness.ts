import type { Landmarks } from '../face/types.ts';
import { cellAt, cellOf } from './cells.ts';
import { correlation, line } from './correlate.ts';
import type { FaceShape } from './face-place.ts';
import type { Affine } from './surface.ts';

/** Parts of a face that tell whose it is, by the middle of each triangle on the canonical head, x to image right, y up, centimetres. */
const ZONES: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => x < -0.8 && x > -5.6 && y > 1 && y < 5.4,
  (x, y) => x > 0.8 && x < 5.6 && y > 1 && y < 5.4,
  (x, y) => Math.abs(x) < 2.2 && y > -2 && y < 3,
  (x, y) => Math.abs(x) < 3.4 && y > -5.6 && y < -1.7,
];

/** Frames that a point must have been seen in before it is remembered. */
const KNOWN = 8;
/** Each frame's share of what is remembered, about a second; and where the face does not look like itself now, seven. */
const SHARE = 0.04;
const DOUBTED_SHARE = 0.005;
/** Correlation from which a part of the face looks like itself. */
const ITSELF = 0.85;
/** Triangles that face the camera less than this (cosine) show nothing. */
const FACING = 0.3;
/** Fewer points say nothing of a part. */
const ENOUGH = 14;
/** Standard deviation of luma, 0–1, below which a part has nothing to be known by. */
const PLAIN = 0.008;

/** How one part of the face looks now. */
export interface ZoneView {
  /** Share of its visible points that lie in a hole. */
  holeShare: number;
  /** Correlation with what is remembered of it, −1 to 1: all of it, and only where the hole is. NaN: cannot be said. */
  all: number;
  inHole: number;
}

interface Memory {
  /** Of each point: luma, in standard deviations of the face's from its mean. */
  luma: Float32Array;
  /** Frames in which it was seen. */
  seen: Uint16Array;
}

/**
 * Remembers what the performer's own face looks like, point by point of the landmark mesh, and tells how much of it is to be seen: light
 * that changes, even from side to side, leaves a correlation as it is, and a hand before a mouth does not look like that mouth.
 */
export class Likeness {
  readonly #corners: Int32Array;
  readonly #on: { x: Float32Array; y: Float32Array };
  readonly #zones: readonly Int32Array[];
  readonly #tracks = new Map<number, Memory>();
  readonly #now: Float32Array;
  readonly #hole: Float32Array;
  /** The cell of each point; −1 where it is not to be seen. */
  readonly #cell: Int32Array;
  #views: ZoneView[] = [];

  constructor({ canonical, triangles }: FaceShape) {
    const count = triangles.length;
    this.#corners = Int32Array.from(triangles.flat());
    const middle = (axis: number): Float32Array =>
      Float32Array.from(triangles, (t) => t.reduce((sum, p) => sum + canonical[3 * p + axis]!, 0) / 3);
    this.#on = { x: middle(0), y: middle(1) };
    const { x, y } = this.#on;
    const all = Int32Array.from({ length: count }, (_, i) => i);
    this.#zones = ZONES.map((inside) => all.filter((i) => inside(x[i]!, -y[i]!)));
    this.#now = new Float32Array(count);
    this.#hole = new Float32Array(count);
    this.#cell = new Int32Array(count);
  }

  /** Reads the points of a face. @param luma, hole: cells (server/double/cells.ts). Answers one view for each part. */
  look(trackId: number, { points }: Landmarks, toCrop: Affine, luma: Float32Array, hole: Float32Array): ZoneView[] {
    this.#read(points, toCrop, luma, hole);
    const memory = this.#tracks.get(trackId);
    this.#views = this.#zones.map((zone) => {
      const shown = zone.filter((i) => this.#cell[i]! >= 0);
      const within = shown.filter((i) => this.#hole[i]! >= 0.5);
      return {
        holeShare: shown.length ? within.length / shown.length : 1,
        all: memory ? this.#correlation(shown, memory) : Number.NaN,
        inHole: memory ? this.#correlation(within, memory) : Number.NaN,
      };
    });
    return this.#views;
  }

  /**
   * How far each part of a hole lies from what is remembered there, after what `look` has just read: mean square difference in standard deviations of
   * the face's luma, the light being as on the rest of the face. NaN: not enough of it is known.
   */
  apart(trackId: number, parts: number, partOf: Uint8Array): number[] {
    const memory = this.#tracks.get(trackId);
    const [sums, counts, unknown] = [new Float64Array(parts), new Uint32Array(parts), new Uint32Array(parts)];
    const fit = memory && line(this.#free().filter((i) => memory.seen[i]! >= KNOWN), memory.luma, this.#now);
    if (!memory || !fit) return Array.from(sums, () => Number.NaN);
    const [gain, offset] = fit;
    for (let i = 0; i < this.#now.length; i++) {
      const part = this.#cell[i]! >= 0 ? partOf[this.#cell[i]!]! - 1 : -1;
      if (part < 0 || part >= parts) continue;
      if (memory.seen[i]! < KNOWN) unknown[part]!++;
      else {
        sums[part]! += ((this.#now[i]! - offset) / Math.max(1e-3, gain) - memory.luma[i]!) ** 2;
        counts[part]!++;
      }
    }
    return Array.from(sums, (sum, k) =>
      counts[k]! >= ENOUGH / 2 && counts[k]! >= unknown[k]! ? sum / counts[k]! : Number.NaN,
    );
  }

  /** Takes what `look` has just read into the memory, but for what lies in a hole. */
  learn(trackId: number): void {
    const count = this.#now.length;
    let memory = this.#tracks.get(trackId);
    if (!memory) {
      memory = { luma: new Float32Array(count), seen: new Uint16Array(count) };
      this.#tracks.set(trackId, memory);
    }
    const doubted = this.#views.some(({ all }) => all < ITSELF);
    const free = this.#free();
    const mean = free.reduce((sum, i) => sum + this.#now[i]!, 0) / Math.max(1, free.length);
    const squares = free.reduce((sum, i) => sum + (this.#now[i]! - mean) ** 2, 0);
    const deviation = Math.max(0.01, Math.sqrt(squares / Math.max(1, free.length)));
    for (const i of free) {
      memory.seen[i] = Math.min(60_000, memory.seen[i]! + 1);
      const share = Math.max(doubted ? DOUBTED_SHARE : SHARE, 1 / memory.seen[i]!);
      memory.luma[i]! += ((this.#now[i]! - mean) / deviation - memory.luma[i]!) * share;
    }
  }

  forget(trackId: number): void {
    this.#tracks.delete(trackId);
  }

  /** Points that are to be seen, well away from any hole. */
  #free(): number[] {
    const free: number[] = [];
    for (let i = 0; i < this.#now.length; i++) if (this.#cell[i]! >= 0 && this.#hole[i]! < 0.1) free.push(i);
    return free;
  }

  #read(points: Float32Array, [a, b, c, d, e, f]: Affine, luma: Float32Array, hole: Float32Array): void {
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
    }
  }

  #correlation(points: Int32Array, { luma, seen }: Memory): number {
    const known = points.filter((i) => seen[i]! >= KNOWN);
    if (known.length < ENOUGH || known.length < points.length / 2) return Number.NaN;
    return correlation(known, this.#now, luma, this.#on, PLAIN);
  }
}
