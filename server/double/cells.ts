/** The grid on which holes are judged: means over CELL² crop pixels, over the part of the crop that the network sees. */
export const CELL = 4;
export const WINDOW = { top: 16, left: 32, width: 192, height: 224 } as const;
export const COLUMNS = WINDOW.width / CELL;
export const ROWS = WINDOW.height / CELL;
export const CELLS = COLUMNS * ROWS;

/** What reaches nowhere so far as this, in cells across (1.4 cm of a face), is thin: the frame of spectacles, a strand of hair. */
export const BROAD = 4;

/** Marks of a cell that is no hole, and of one that is thin; a broad one carries its part's number, 1 and up. */
export const FREE = 0;
export const THIN = 255;

/**
 * Cells of which a hole takes half or more: THIN, or the number of the broad part that they belong to; parts touch nowhere.
 * @returns how many parts there are, at most 254: further ones count as part of the last.
 */
export function partsOf(hole: Float32Array, out: Uint8Array): number {
  for (let i = 0; i < CELLS; i++) out[i] = hole[i]! >= 0.5 ? THIN : FREE;
  const broad = new Uint8Array(CELLS);
  // A square of open cells is broad, wherever one fits (morphological opening).
  for (let y = 0; y + BROAD <= ROWS; y++)
    for (let x = 0; x + BROAD <= COLUMNS; x++) if (fits(out, x, y)) mark(broad, x, y);
  let parts = 0;
  for (let i = 0; i < CELLS; i++) {
    if (!broad[i]) continue;
    parts = Math.min(parts + 1, THIN - 1);
    flood(broad, i, parts, out);
  }
  return parts;
}

function fits(open: Uint8Array, x: number, y: number): boolean {
  for (let v = BROAD - 1; v >= 0; v--)
    for (let u = BROAD - 1; u >= 0; u--) if (open[(y + v) * COLUMNS + x + u] === FREE) return false;
  return true;
}

function mark(broad: Uint8Array, x: number, y: number): void {
  for (let v = 0; v < BROAD; v++) broad.fill(1, (y + v) * COLUMNS + x, (y + v) * COLUMNS + x + BROAD);
}

/** Numbers the part that a cell belongs to, and takes it out of `broad`. */
function flood(broad: Uint8Array, from: number, part: number, out: Uint8Array): void {
  const waiting = [from];
  broad[from] = 0;
  for (let i = waiting.pop(); i !== undefined; i = waiting.pop()) {
    out[i] = part;
    const x = i % COLUMNS;
    const next = [i - COLUMNS, i + COLUMNS, x > 0 ? i - 1 : -1, x < COLUMNS - 1 ? i + 1 : -1];
    for (const k of next) {
      if (k < 0 || k >= CELLS || !broad[k]) continue;
      broad[k] = 0;
      waiting.push(k);
    }
  }
}

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

/** Grows what is 1 by one cell each way, where `room` is above 0. */
export function grow(cells: Uint8Array, room: Float32Array): Uint8Array {
  const out = new Uint8Array(CELLS);
  for (let y = 0; y < ROWS; y++)
    for (let x = 0; x < COLUMNS; x++) {
      if (!cells[y * COLUMNS + x]) continue;
      for (let v = Math.max(0, y - 1); v <= Math.min(ROWS - 1, y + 1); v++)
        for (let u = Math.max(0, x - 1); u <= Math.min(COLUMNS - 1, x + 1); u++)
          if (room[v * COLUMNS + u]! > 0) out[v * COLUMNS + u] = 1;
    }
  return out;
}
