import { around, CELLS, grow } from './cells.ts';

/** A cell of the network's with so much of a hole is hair where it reaches in from beyond the outline; beyond it, one that it may come from. */
const FOUND = 0.3;
const BEYOND = 0.5;
/** Up to here the drawn face fades over the outline: further in, what is left out is judged as everything is (holes.ts). */
const INNER = 0.8;
/** Cells beyond the outline that a drawn face may still be seen on. */
const OVER = 3;
/** Pictures that it must have been found in, and how many it is remembered over. */
const STANDS = 2;
const MOST = 3;

/**
 * What reaches over one performer's outline from beyond it: hair at the forehead and before the ears, a thing held at the chin. Hair was there from the first picture on and is
 * remembered as part of the face, so that no memory can judge it; but on the outline, where the drawn face fades anyway, what is left out wrongly is a strip of skin, and never
 * a face.
 */
export class Fringe {
  readonly #found = new Uint8Array(CELLS);

  /** Cells that may be left out, 1. @param hole what the network says. @param rim 0 on the outline and beyond, 1 inside. @param may whether a cell may show what reaches in. */
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
    return any ? outwards(grow(open, rim, hole), rim, hole) : open;
  }
}

/** Opens what lies beyond the outline next to open cells too: the drawn face fades some way over its outline, and would be left as a line in the hair. */
function outwards(open: Uint8Array, rim: Float32Array, hole: Float32Array): Uint8Array {
  const out = open.slice();
  for (let i = 0; i < CELLS; i++)
    if (open[i])
      around(i, OVER, (k) => {
        if (rim[k]! <= 0 && hole[k]! > 0) out[k] = 1;
      });
  return out;
}

/** Cells of a hole on the faded outline that hang together with more of it beyond the outline. */
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
