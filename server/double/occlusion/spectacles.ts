import { CELL, CELLS, COLUMNS, FINE, mark, WINDOW } from './cells.ts';
import { extent, type HolePart } from './hole-parts.ts';

/** What the network finds of a frame is little, where that is thinner than its pixels: so many times as much is left out. */
const GAIN = 2;
/** Each picture's share of what is remembered, about four. */
const SHARE = 0.25;
/** From how much on a cell counts. */
const STANDS = 0.4;
const WITHIN = CELL / FINE;
const ACROSS = WINDOW.width / FINE;

/** Pictures that a frame must have been found in before any of it is left out: shadows come and go, spectacles are worn. */
const WORN = 8;
const MOST_WORN = 24;
/** As so many pictures counts one that shows a whole frame: rings round both eyes, and what joins them. No shadow looks so. */
const WHOLE = 4;
/** And one that shows none. */
const MISSED = -2;
/** Directions from the middle of an eye that are looked at for a ring, how many it must lie in, and how far away, centimetres. */
const DIRECTIONS = 12;
const RING = 10;
const [NEAREST, FURTHEST] = [0.9, 4];
/** A bridge lies within so much of the face's middle, centimetres. */
const BRIDGE = 0.5;

/** Middle of an eye on the canonical head, and the band round both that spectacles are worn in, centimetres, y up. */
const EYE = { x: 3.2, y: 2.5 };
const BAND = { low: 0.2, high: 5.4 };
/** Beyond this, and up to that from the middle, a frame may be broad: there are its hinges and its bridge, at the height of the eyes. */
const TEMPLE = 4.8;
const NOSE = 1.1;
const HINGE = { low: 1.8, high: 4.6 };
/** Cells that something thin reaches over at least, half a frame. */
const LENS = 8;
/** So many cells must lie above an eye, as many below, and as many on its inner or outer side. */
const ENOUGH = 3;

export interface Frame {
  /** CELLS: 1 where it is. */
  cells: Uint8Array;
  /** As how many pictures this one counts. */
  counts: number;
}

/**
 * The frame of spectacles; null: there is none. It is thin, and goes round both eyes: brows lie above, shadows below or beside.
 * @param placeOf where on the canonical head a cell lies, centimetres, x to image right, y up.
 */
export function frameIn(
  parts: readonly HolePart[],
  placeOf: (cell: number) => readonly [x: number, y: number] | null,
): Frame | null {
  const rims: number[] = [];
  const around = [new Uint16Array(4), new Uint16Array(4)] as const;
  const rings = [new Uint8Array(DIRECTIONS), new Uint8Array(DIRECTIONS)] as const;
  let bridge = false;
  for (const { cells, broad } of parts) {
    const wide = new Set(broad);
    const places = new Map<number, readonly [number, number]>();
    for (const cell of cells) {
      const place = placeOf(cell);
      if (!place || place[1] < BAND.low || place[1] > BAND.high) continue;
      const hinge = Math.abs(place[0]) > TEMPLE || Math.abs(place[0]) < NOSE;
      if (hinge ? place[1] > HINGE.low && place[1] < HINGE.high : !wide.has(cell)) places.set(cell, place);
    }
    if (extent([...places.keys()]) < LENS) continue;
    for (const [cell, [x, y]] of places) {
      rims.push(cell);
      const eye = x < 0 ? 0 : 1;
      const [out, up] = [Math.abs(x) - EYE.x, y - EYE.y];
      around[eye][sideOf(out, up)]!++;
      const away = Math.hypot(out, up);
      if (away > NEAREST && away < FURTHEST) rings[eye][directionOf(out, up)] = 1;
      bridge ||= Math.abs(x) < BRIDGE;
    }
  }
  const both = around.every(
    ([above, below, outer, inner]) => Math.min(above!, below!, Math.max(outer!, inner!)) >= ENOUGH,
  );
  if (!both) return null;
  const frame = new Uint8Array(CELLS);
  for (const cell of rims) mark(frame, cell, 1);
  const whole = bridge && rings.every((ring) => ring.reduce((sum, one) => sum + one, 0) >= RING);
  return { cells: frame, counts: whole ? WHOLE : 1 };
}

function directionOf(out: number, up: number): number {
  return Math.floor((Math.atan2(up, out) / (2 * Math.PI) + 1) * DIRECTIONS) % DIRECTIONS;
}

/** 0 above, 1 below, 2 outside, 3 inside. */
function sideOf(out: number, up: number): number {
  if (Math.abs(up) >= Math.abs(out)) return up > 0 ? 0 : 1;
  return out > 0 ? 2 : 3;
}

/**
 * The frame of one performer's spectacles, over a few pictures: it moves with the head, so that what is found of it in one picture and not in the
 * next is still there. What is not found in a picture at all is not left out of it.
 */
export class Spectacles {
  readonly #cells = new Float32Array(CELLS);
  readonly #fine = new Float32Array((WINDOW.height / FINE) * ACROSS);
  #found = 0;

  /** Whether a frame was found often enough to be left out. */
  get worn(): boolean {
    return this.#found >= WORN;
  }

  /** What of a hole lies where a frame was that is worn, though it does not go round both eyes now; null: none is, or nothing does. */
  again(hole: Float32Array): Frame | null {
    if (!this.worn) return null;
    const cells = new Uint8Array(CELLS);
    for (let i = 0; i < CELLS; i++) if (hole[i]! >= 0.5 && this.#cells[i]! >= STANDS) mark(cells, i, 1);
    return cells.includes(1) ? { cells, counts: MISSED } : null;
  }

  /** @param frame one that is found now, or null. @param fine what the network says, made whole in place. Answers the frame's cells. */
  see(frame: Frame | null, fine: Float32Array): number[] {
    if (!frame) {
      this.#found = Math.max(0, this.#found + MISSED);
      if (this.#found === 0) this.#forget();
      return [];
    }
    this.#found = Math.min(MOST_WORN, this.#found + frame.counts);
    const shown = this.worn || frame.counts === MISSED;
    const worn: number[] = [];
    for (let i = 0; i < CELLS; i++) {
      const now = frame.cells[i]!;
      const before = this.#cells[i]!;
      if (!now && before < 0.01) continue;
      this.#cells[i] = before + (now - before) * SHARE;
      const stands = now > 0 || this.#cells[i]! >= STANDS;
      if (stands) worn.push(i);
      const first = WITHIN * (Math.floor(i / COLUMNS) * ACROSS + (i % COLUMNS));
      for (let k = first; k < first + WITHIN * ACROSS; k += ACROSS)
        for (let p = k; p < k + WITHIN; p++) {
          const seen = Math.min(1, GAIN * fine[p]!);
          this.#fine[p]! += (seen - this.#fine[p]!) * SHARE;
          if (stands && shown) fine[p] = Math.max(seen, Math.min(1, 1.5 * this.#fine[p]!));
        }
    }
    return shown ? worn : [];
  }

  #forget(): void {
    this.#cells.fill(0);
    this.#fine.fill(0);
  }
}
