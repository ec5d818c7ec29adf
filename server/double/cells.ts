/** The grid on which holes are judged: means over CELL² crop pixels, over the part of the crop that the network sees. */
export const CELL = 4;
export const WINDOW = { top: 16, left: 32, width: 192, height: 224 } as const;
export const COLUMNS = WINDOW.width / CELL;
export const ROWS = WINDOW.height / CELL;
export const CELLS = COLUMNS * ROWS;

/** A cell grid's value at a place in the crop, bilinear, the outermost cells beyond the window. */
export function cellAt(values: Float32Array, x: number, y: number): number {
  const u = Math.min(COLUMNS - 1.001, Math.max(0, (x - WINDOW.left - (CELL - 1) / 2) / CELL));
  const v = Math.min(ROWS - 1.001, Math.max(0, (y - WINDOW.top - (CELL - 1) / 2) / CELL));
  const [i, j] = [Math.floor(u), Math.floor(v)];
  const [fu, fv] = [u - i, v - j];
  const at = j * COLUMNS + i;
  const above = values[at]! * (1 - fu) + values[at + 1]! * fu;
  return above * (1 - fv) + (values[at + COLUMNS]! * (1 - fu) + values[at + COLUMNS + 1]! * fu) * fv;
}

/** The cell that a place in the crop lies in, the outermost one beyond the window. */
export function cellOf(x: number, y: number): number {
  const column = Math.min(COLUMNS - 1, Math.max(0, Math.floor((x + 0.5 - WINDOW.left) / CELL)));
  const row = Math.min(ROWS - 1, Math.max(0, Math.floor((y + 0.5 - WINDOW.top) / CELL)));
  return row * COLUMNS + column;
}

/** Grows what is 1 by one cell each way, where `room` is above 0 and `hole` is not closed (0). */
export function grow(cells: Uint8Array, room: Float32Array, hole: Float32Array): Uint8Array {
  const out = new Uint8Array(CELLS);
  for (let i = 0; i < CELLS; i++) {
    if (cells[i])
      around(i, 1, (k) => {
        if (room[k]! > 0 && hole[k]! > 0) out[k] = 1;
      });
  }
  return out;
}

/** What the points that lie in cells say, yes or no. */
export class Votes {
  readonly #yes = new Uint8Array(CELLS);
  readonly #all = new Uint8Array(CELLS);

  begin(): void {
    this.#yes.fill(0);
    this.#all.fill(0);
  }

  tell(cell: number, yes: boolean): void {
    this.#all[cell]!++;
    if (yes) this.#yes[cell]!++;
  }

  /** Whether there are points in a cell, or so many cells around it. */
  any(cell: number, reach: number): boolean {
    let all = 0;
    around(cell, reach, (k) => {
      all += this.#all[k]!;
    });
    return all > 0;
  }

  /** Whether half or more of the points in a cell, and so many cells around it, say yes; no where there are none. */
  most(cell: number, reach: number): boolean {
    let [yes, all] = [0, 0];
    around(cell, reach, (k) => {
      yes += this.#yes[k]!;
      all += this.#all[k]!;
    });
    return yes > 0 && 2 * yes >= all;
  }
}

/** Visits a cell and those so many cells around it, each way. */
export function around(i: number, reach: number, visit: (cell: number) => void): void {
  const [x, y] = [i % COLUMNS, Math.floor(i / COLUMNS)];
  for (let v = Math.max(0, y - reach); v <= Math.min(ROWS - 1, y + reach); v++)
    for (let u = Math.max(0, x - reach); u <= Math.min(COLUMNS - 1, x + reach); u++) visit(v * COLUMNS + u);
}
