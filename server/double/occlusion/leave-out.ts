import type { Arena } from '../../frame/arena.ts';
import type { ReplacedFace } from '../replacer.ts';
import { type Affine, SIZE } from '../surface.ts';
import { CELL, CELLS, COLUMNS, FINE, ROWS, WINDOW } from './cells.ts';
import type { Seen } from './likeness.ts';
import type { Holes } from './occlusion.ts';

/** Two crops are the same one where no corner lies further off than this, crop pixels. */
const SAME = 0.05;

/** Takes what stands before a drawn face out of its alpha, in place. */
export function leaveOut({ at, size, toCrop }: ReplacedFace, holes: Holes, arena: Arena): void {
  const alpha = arena.floats(at + 3 * size * size * 4, size * size);
  if (size === SIZE && sameCrop(toCrop, holes.toCrop)) inSameCrop(alpha, holes);
  else acrossCrops(alpha, size, toCrop, holes);
}

/** Whether two crops lie over the same place of the frame. */
export function sameCrop(a: Affine, b: Affine): boolean {
  // Crop pixels of one for the frame's points that lie in the corners of the other.
  const [ba, bb, bc, bd, be, bf] = b;
  const determinant = ba * be - bb * bd;
  return [0, SIZE].every((u) =>
    [0, SIZE].every((v) => {
      const x = (be * (u - bc) - bb * (v - bf)) / determinant;
      const y = (ba * (v - bf) - bd * (u - bc)) / determinant;
      return Math.abs(a[0] * x + a[1] * y + a[2] - u) < SAME && Math.abs(a[3] * x + a[4] * y + a[5] - v) < SAME;
    }),
  );
}

function inSameCrop(alpha: Float32Array, { hole, open }: Holes): void {
  for (let cell = 0; cell < CELLS; cell++) {
    if (!open[cell]) continue;
    const [row, column] = [CELL * Math.floor(cell / COLUMNS), CELL * (cell % COLUMNS)];
    const whole = surrounded(open, cell);
    for (let v = row; v < row + CELL; v++) {
      const to = (WINDOW.top + v) * SIZE + WINDOW.left;
      for (let u = column; u < column + CELL; u++)
        alpha[to + u]! *= 1 - holeAt(hole, u, v) * (whole ? 1 : openAt(open, u, v));
    }
  }
}

/** A look with a crop of its own: each of its pixels looks up where it lies in the other. */
function acrossCrops(alpha: Float32Array, size: number, toCrop: Affine, { hole, open, toCrop: other }: Holes): void {
  const [a, b, c, d, e, f] = toCrop;
  const determinant = a * e - b * d;
  for (let v = 0, i = 0; v < size; v++)
    for (let u = 0; u < size; u++, i++) {
      if (!(alpha[i]! > 0)) continue;
      const x = (e * (u - c) - b * (v - f)) / determinant;
      const y = (a * (v - f) - d * (u - c)) / determinant;
      const left = other[0] * x + other[1] * y + other[2] - WINDOW.left;
      const top = other[3] * x + other[4] * y + other[5] - WINDOW.top;
      if (left < 0 || top < 0 || left >= WINDOW.width - 1 || top >= WINDOW.height - 1) continue;
      if (!open[Math.floor(top / CELL) * COLUMNS + Math.floor(left / CELL)]) continue;
      alpha[i]! *= 1 - holeAt(hole, left, top) * openAt(open, left, top);
    }
}

/** Whether the cells beside, above and below one are open, and those at its corners. */
function surrounded(open: Uint8Array, cell: number): boolean {
  const column = cell % COLUMNS;
  if (column === 0 || column === COLUMNS - 1 || cell < COLUMNS || cell >= CELLS - COLUMNS) return false;
  for (let row = cell - COLUMNS; row <= cell + COLUMNS; row += COLUMNS)
    if (!open[row - 1] || !open[row] || !open[row + 1]) return false;
  return true;
}

/** How far a pixel of the window lies within open cells: 1 from their middles on, 0 where a closed one begins, for no edge should show cells. */
function openAt(open: Uint8Array, u: number, v: number): number {
  const x = Math.min(COLUMNS - 1.001, Math.max(0, (u - (CELL - 1) / 2) / CELL));
  const y = Math.min(ROWS - 1.001, Math.max(0, (v - (CELL - 1) / 2) / CELL));
  const left = Math.floor(x);
  const top = Math.floor(y);
  const at = top * COLUMNS + left;
  const above = open[at]! * (1 - (x - left)) + open[at + 1]! * (x - left);
  const below = open[at + COLUMNS]! * (1 - (x - left)) + open[at + COLUMNS + 1]! * (x - left);
  return Math.max(0, 2 * (above * (1 - (y - top)) + below * (y - top)) - 1);
}

const HOLE_COLUMNS = WINDOW.width / FINE;
const HOLE_ROWS = WINDOW.height / FINE;

/** A hole at a pixel of the window, bilinear. */
function holeAt(hole: Float32Array, u: number, v: number): number {
  const x = Math.min(HOLE_COLUMNS - 1.001, Math.max(0, (u - (FINE - 1) / 2) / FINE));
  const y = Math.min(HOLE_ROWS - 1.001, Math.max(0, (v - (FINE - 1) / 2) / FINE));
  const left = Math.floor(x);
  const top = Math.floor(y);
  const at = top * HOLE_COLUMNS + left;
  const above = hole[at]! * (1 - (x - left)) + hole[at + 1]! * (x - left);
  const below = hole[at + HOLE_COLUMNS]! * (1 - (x - left)) + hole[at + HOLE_COLUMNS + 1]! * (x - left);
  return above * (1 - (y - top)) + below * (y - top);
}

/** Reads a drawn face by the frame's pixels, as means over a cell's width. */
export function drawnFace({ at, size, toCrop: [a, b, c, d, e, f] }: ReplacedFace, arena: Arena): Seen['drawn'] {
  const plane = size * size;
  const layer = arena.floats(at, 4 * plane);
  const reach = (CELL * size) / SIZE / 4;
  const inside = (value: number): number => Math.min(size - 1, Math.max(0, Math.round(value)));
  const mean = (k: number, x: number, y: number): number => {
    const [u, v] = [a * x + b * y + c, d * x + e * y + f];
    const [left, right] = [inside(u - reach), inside(u + reach)];
    const [above, below] = [k * plane + size * inside(v - reach), k * plane + size * inside(v + reach)];
    return (layer[above + left]! + layer[above + right]! + layer[below + left]! + layer[below + right]!) / 4;
  };
  return {
    alpha: (x, y) => mean(3, x, y),
    luma: (x, y) => 0.2126 * mean(0, x, y) + 0.7152 * mean(1, x, y) + 0.0722 * mean(2, x, y),
  };
}
