import { SIZE } from './surface.ts';

/** Cells of CELL² crop pixels: a smaller hole is none. */
const CELL = 4;
const ACROSS = SIZE / CELL;
const [DRAWN, OPEN, OUTSIDE] = [0, 1, 2];

/**
 * Closes holes in what is drawn over a face. A hand, hair or a microphone reaches into a face from beyond its outline; a hole with drawing
 * all around it is a network's mistake, and would show the performer's own eye or mouth.
 */
export class Holes {
  readonly #cells = new Uint8Array(ACROSS * ACROSS);
  readonly #stack = new Uint16Array(ACROSS * ACROSS);

  /**
   * @param alpha SIZE² floats, 0–1, changed in place. @param coverage SIZE² floats: 1 where the face is, else 0.
   * Answers how many cells were closed.
   */
  close(alpha: Float32Array, coverage: Float32Array): number {
    let height = this.#read(alpha, coverage);
    const visit = (k: number): void => {
      if (this.#cells[k] !== OPEN) return;
      this.#cells[k] = OUTSIDE;
      this.#stack[height++] = k;
    };
    while (height > 0) {
      const k = this.#stack[--height]!;
      const column = k % ACROSS;
      if (column > 0) visit(k - 1);
      if (column < ACROSS - 1) visit(k + 1);
      if (k >= ACROSS) visit(k - ACROSS);
      if (k < ACROSS * (ACROSS - 1)) visit(k + ACROSS);
    }
    return this.#fill(alpha);
  }

  /** Tells what each cell is; all that is outside is where to begin. Answers how many those are. */
  #read(alpha: Float32Array, coverage: Float32Array): number {
    let height = 0;
    for (let k = 0; k < this.#cells.length; k++) {
      const at = Math.floor(k / ACROSS) * CELL * SIZE + (k % ACROSS) * CELL;
      let [sum, face] = [0, 0];
      for (let row = 0; row < CELL; row++)
        for (let i = at + row * SIZE; i < at + row * SIZE + CELL; i++) {
          sum += alpha[i]!;
          face += coverage[i]!;
        }
      const outside = face < (CELL * CELL) / 2;
      this.#cells[k] = outside ? OUTSIDE : sum >= (CELL * CELL) / 2 ? DRAWN : OPEN;
      if (outside) this.#stack[height++] = k;
    }
    return height;
  }

  /** What could not be reached is closed, with its soft edge: the cells around it. */
  #fill(alpha: Float32Array): number {
    let closed = 0;
    for (let k = 0; k < this.#cells.length; k++) {
      if (this.#cells[k] !== OPEN) continue;
      closed++;
      const [top, left] = [Math.floor(k / ACROSS) * CELL - CELL, (k % ACROSS) * CELL - CELL];
      for (let v = Math.max(0, top); v < Math.min(SIZE, top + 3 * CELL); v++)
        for (let u = Math.max(0, left); u < Math.min(SIZE, left + 3 * CELL); u++) alpha[v * SIZE + u] = 1;
    }
    return closed;
  }
}
