import { CELL, CELLS, COLUMNS, FINE, WINDOW } from './cells.ts';

/** Pictures after the one it was found in that something is proposed again. */
const AGAIN = 2;
/** How much of a hole that is. */
const PROPOSED = 0.6;
const WITHIN = CELL / FINE;
const ACROSS = WINDOW.width / FINE;

/**
 * What was left out of one performer's face a moment ago: a hand that the network finds in one picture and not in the next has not gone. It is
 * proposed once more, for a fifteenth of a second at most, and only where the face is not to be seen again.
 */
export class Lately {
  readonly #left = new Uint8Array(CELLS);
  readonly #fine = new Float32Array((WINDOW.height / FINE) * ACROSS);

  /** Cells of which more was found a moment ago than now, with what is found now; `hole` has them again. */
  propose(hole: Float32Array): Map<number, number> {
    const again = new Map<number, number>();
    for (let i = 0; i < CELLS; i++) {
      if (!this.#left[i] || hole[i]! >= PROPOSED) continue;
      again.set(i, hole[i]!);
      hole[i] = PROPOSED;
    }
    return again;
  }

  /** Ends a picture. @param open what was left out of it, broad parts only. @param again of those, what was only proposed again: of that `fine` is made whole. */
  keep(open: Uint8Array, again: ReadonlyMap<number, number>, fine: Float32Array): void {
    for (let i = 0; i < CELLS; i++) {
      const was = this.#left[i]!;
      this.#left[i] = !open[i] ? 0 : again.has(i) ? was - 1 : AGAIN;
      if (!open[i]) continue;
      const first = WITHIN * (Math.floor(i / COLUMNS) * ACROSS + (i % COLUMNS));
      for (let k = first; k < first + WITHIN * ACROSS; k += ACROSS)
        for (let p = k; p < k + WITHIN; p++) {
          if (again.has(i)) fine[p] = Math.max(fine[p]!, this.#fine[p]!);
          this.#fine[p] = fine[p]!;
        }
    }
  }
}
