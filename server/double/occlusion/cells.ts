import { WINDOW } from '../surface.ts';

/** The grid on which holes are judged: means over CELL² crop pixels, over the part of the crop that the network sees. */
export const CELL = 4;
/** Crop pixels across one of a hole's. */
export const FINE = 2;
export { WINDOW };
export const COLUMNS = WINDOW.width / CELL;
export const ROWS = WINDOW.height / CELL;
export const CELLS = COLUMNS * ROWS;

/** What cell grids have at a place in the crop, bilinear, the outermost cells beyond the window; into `out`, one of each. */
export function cellsAt(grids: readonly Float32Array[], x: number, y: number, out: Float32Array): void {
  const u = Math.min(COLUMNS - 1.001, Math.max(0, (x - WINDOW.left - (CELL - 1) / 2) / CELL));
  const v = Math.min(ROWS - 1.001, Math.max(0, (y - WINDOW.top - (CELL - 1) / 2) / CELL));
  const i = Math.floor(u);
  const j = Math.floor(v);
  const across = u - i;
  const down = v - j;
  const at = j * COLUMNS + i;
  for (let k = 0; k < grids.length; k++) {
    const values = grids[k]!;
    const above = values[at]! + (values[at + 1]! - values[at]!) * across;
    const below = values[at + COLUMNS]! + (values[at + COLUMNS + 1]! - values[at + COLUMNS]!) * across;
    out[k] = above + (below - above) * down;
  }
}

/** The cell that a place in the crop lies in, the outermost one beyond the window. */
export function cellOf(x: number, y: number): number {
  const column = Math.min(COLUMNS - 1, Math.max(0, Math.floor((x + 0.5 - WINDOW.left) / CELL)));
  const row = Math.min(ROWS - 1, Math.max(0, Math.floor((y + 0.5 - WINDOW.top) / CELL)));
  return row * COLUMNS + column;
}

/** 1 where a cell passes. (TypedArray.from with a function takes ten times as long.) */
export function cellsWhere(passes: (cell: number) => boolean): Uint8Array {
  const out = new Uint8Array(CELLS);
  for (let i = 0; i < CELLS; i++) if (passes(i)) out[i] = 1;
  return out;
}

/** Grows what is 1 by one cell each way, where `hole` is not closed (0), and where there is no `room` (0): there nothing fades it. */
export function grow(cells: Uint8Array, room: Float32Array, hole: Float32Array): Uint8Array {
  const out = new Uint8Array(CELLS);
  for (let i = 0; i < CELLS; i++) {
    if (!cells[i]) continue;
    const x = i % COLUMNS;
    const row = i - x;
    const [left, right] = [Math.max(0, x - 1), Math.min(COLUMNS - 1, x + 1)];
    for (let from = Math.max(0, row - COLUMNS); from <= Math.min(CELLS - COLUMNS, row + COLUMNS); from += COLUMNS)
      for (let k = from + left; k <= from + right; k++) if (room[k]! <= 0 || hole[k]! > 0) out[k] = 1;
  }
  return out;
}

/** Sums over squares of cells, each at once (summed-area table: Crow 1984). */
export class Sums {
  readonly #table = new Int32Array((COLUMNS + 1) * (ROWS + 1));

  fill(cells: Uint8Array): this {
    const table = this.#table;
    for (let y = 0; y < ROWS; y++) {
      let row = 0;
      for (let x = 0; x < COLUMNS; x++) {
        row += cells[y * COLUMNS + x]!;
        table[(y + 1) * (COLUMNS + 1) + x + 1] = table[y * (COLUMNS + 1) + x + 1]! + row;
      }
    }
    return this;
  }

  /** Over a cell and those so many cells around it, each way. */
  around(i: number, reach: number): number {
    const [x, y] = [i % COLUMNS, Math.floor(i / COLUMNS)];
    const [left, right] = [Math.max(0, x - reach), Math.min(COLUMNS, x + reach + 1)];
    const [top, bottom] = [Math.max(0, y - reach) * (COLUMNS + 1), Math.min(ROWS, y + reach + 1) * (COLUMNS + 1)];
    const table = this.#table;
    return table[bottom + right]! - table[bottom + left]! - table[top + right]! + table[top + left]!;
  }
}

/** What the points that lie in cells say, yes or no. */
export class Votes {
  readonly #yes = new Uint8Array(CELLS);
  readonly #all = new Uint8Array(CELLS);
  readonly #sums = { yes: new Sums(), all: new Sums() };

  /** Takes new votes. */
  collect(from: (tell: (cell: number, yes: boolean) => void) => void): void {
    this.#yes.fill(0);
    this.#all.fill(0);
    from((cell, yes) => {
      this.#all[cell]!++;
      if (yes) this.#yes[cell]!++;
    });
    this.#sums.yes.fill(this.#yes);
    this.#sums.all.fill(this.#all);
  }

  /** Whether there are points in a cell, or so many cells around it. */
  any(cell: number, reach: number): boolean {
    return this.#sums.all.around(cell, reach) > 0;
  }

  /** Whether half or more of the points in a cell, and so many cells around it, say yes; no where there are none. */
  most(cell: number, reach: number): boolean {
    const yes = this.#sums.yes.around(cell, reach);
    return yes > 0 && 2 * yes >= this.#sums.all.around(cell, reach);
  }
}

/** Sets a cell and those so many cells around it, each way, to 1. */
export function mark(cells: Uint8Array, i: number, reach: number): void {
  const x = i % COLUMNS;
  const y = (i - x) / COLUMNS;
  const left = Math.max(0, x - reach);
  const right = Math.min(COLUMNS, x + reach + 1);
  for (let v = Math.max(0, y - reach); v <= Math.min(ROWS - 1, y + reach); v++)
    cells.fill(1, v * COLUMNS + left, v * COLUMNS + right);
}

/** Visits a cell and those so many cells around it, each way. */
export function around(i: number, reach: number, visit: (cell: number) => void): void {
  const [x, y] = [i % COLUMNS, Math.floor(i / COLUMNS)];
  for (let v = Math.max(0, y - reach); v <= Math.min(ROWS - 1, y + reach); v++)
    for (let u = Math.max(0, x - reach); u <= Math.min(COLUMNS - 1, x + reach); u++) visit(v * COLUMNS + u);
}
