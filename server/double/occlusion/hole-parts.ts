import { around, CELLS, COLUMNS, cellsWhere, ROWS } from './cells.ts';

/** What reaches nowhere so far as this, in cells across (2 cm of a face), is thin: the frame of spectacles, a strand of hair. */
const BROAD = 6;
/** Cells (3 cm) that something thin reaches over at least: half a frame does, a speck does not. */
const LONG = 8;
/** A cell with less of a hole than this is none. */
const HALF = 0.5;
/** The face's outline, where its edge is half faded. */
const OUTLINE = 0.5;

/** Cells of a hole that hang together, corners counting. */
export interface HolePart {
  cells: number[];
  /** The cells of it that are broad: a square of BROAD² of the hole fits over them. */
  broad: number[];
  /** It reaches in from the outline: hands and hair do. */
  fromOutline: boolean;
}

/** The parts of a hole, without specks. @param rim 0 on the outline and beyond, 1 inside. */
export function partsOf(hole: Float32Array, rim: Float32Array): HolePart[] {
  const left = cellsWhere((i) => hole[i]! >= HALF);
  const broad = broadOf(left);
  const parts: HolePart[] = [];
  for (let i = 0; i < CELLS; i++) {
    if (!left[i]) continue;
    const cells = taken(left, i);
    const part = {
      cells,
      broad: cells.filter((k) => broad[k]),
      fromOutline: cells.some((k) => rim[k]! < OUTLINE),
    };
    if (part.broad.length > 0 || extent(cells) >= LONG) parts.push(part);
  }
  return parts;
}

/** Where a square of cells fits into the hole (morphological opening): cells of which some square of it is full. */
function broadOf(open: Uint8Array): Uint8Array {
  const broad = new Uint8Array(CELLS);
  // Runs of full cells, down and then across: a square fits at a cell where both are long enough.
  const down = new Uint8Array(CELLS);
  for (let y = ROWS - 1; y >= 0; y--)
    for (let x = 0, i = y * COLUMNS; x < COLUMNS; x++, i++)
      down[i] = open[i] ? Math.min(BROAD, 1 + (y + 1 < ROWS ? down[i + COLUMNS]! : 0)) : 0;
  for (let y = 0; y + BROAD <= ROWS; y++)
    for (let x = COLUMNS - 1, run = 0; x >= 0; x--) {
      run = down[y * COLUMNS + x] === BROAD ? run + 1 : 0;
      if (run < BROAD) continue;
      for (let v = 0; v < BROAD; v++) broad.fill(1, (y + v) * COLUMNS + x, (y + v) * COLUMNS + x + BROAD);
    }
  return broad;
}

/** The cells that hang together with one, taken out of `left`. */
function taken(left: Uint8Array, from: number): number[] {
  const cells: number[] = [];
  const waiting = [from];
  left[from] = 0;
  for (let i = waiting.pop(); i !== undefined; i = waiting.pop()) {
    cells.push(i);
    around(i, 1, (k) => {
      if (!left[k]) return;
      left[k] = 0;
      waiting.push(k);
    });
  }
  return cells;
}

/** Cells that some reach over, across or down; 0 for none. */
export function extent(cells: readonly number[]): number {
  if (cells.length === 0) return 0;
  const columns = cells.map((i) => i % COLUMNS);
  const rows = cells.map((i) => Math.floor(i / COLUMNS));
  return 1 + Math.max(Math.max(...columns) - Math.min(...columns), Math.max(...rows) - Math.min(...rows));
}
