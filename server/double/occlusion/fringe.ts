import { around, CELLS, grow } from './cells.ts';

/** A cell of the network's with so much of a hole is hair where it reaches in from beyond the outline; beyond it, one that it may come from. */
const FOUND = 0.3;
const BEYOND = 0.5;
/** Up to here the drawn face fades over the outline: further in, what is left out is judged as everything is (holes.ts). */
const INNER = 0.8;
/** Pictures that it must have been found in, and how many it is remembered over. */
const STANDS = 2;
const MOST = 3;

/**
 * Hair that reaches over one performer's outline from beyond it, at the forehead and before the ears. It was there from the first picture on and is remembered as part of the
 * face, so that no memory can judge it; but on the upper outline, where the drawn face fades anyway, what is left out wrongly is a strip of skin, and never a face.
 */
export class Fringe {
  readonly #found = new Uint8Array(CELLS);

  /** Cells that may be left out, 1. @param hole what the network says. @param rim 0 on the outline and beyond, 1 inside. */
  see(hole: Float32Array, rim: Float32Array, may: (cell: number) => boolean): Uint8Array {
    const now = reachingIn(hole, rim, may);
    const open = new Uint8Array(CELLS);
    let any = false;
    for (let i = 0; i < CELLS; i++) {
      const found = now[i]! ? Math.min(MOST, this.#found[i]! + 1) : Math.max(0, this.#found[i]! - 1);
      this.#found[i] = found;
      if (found < STANDS) continue;
      open[i] = 1;
      any = true;
    }
    return any ? grow(open, rim, hole) : open;
  }
}

/** Cells of a hole on the faded upper outline that hang together with more of it beyond the outline. */
function reachingIn(hole: Float32Array, rim: Float32Array, may: (cell: number) => boolean): Uint8Array {
  const reached = new Uint8Array(CELLS);
  const waiting: number[] = [];
  for (let i = 0; i < CELLS; i++) if (rim[i]! <= 0 && hole[i]! >= BEYOND) waiting.push(i);
  for (let i = waiting.pop(); i !== undefined; i = waiting.pop())
    around(i, 1, (k) => {
      if (reached[k] || rim[k]! <= 0 || rim[k]! >= INNER || hole[k]! < FOUND || !may(k)) return;
      reached[k] = 1;
      waiting.push(k);
    });
  return reached;
}
