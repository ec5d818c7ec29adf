import type { Arena } from '../../frame/arena.ts';
import { bilinear } from '../bilinear.ts';
import { luma } from '../luma.ts';
import type { ReplacedFace } from '../replacer.ts';
import { type Affine, SIZE } from '../surface.ts';
import { CELL, CELLS, COLUMNS, FINE, ROWS, WINDOW } from './cells.ts';
import type { Seen } from './likeness.ts';
import type { Holes } from './occlusion.ts';

/** Takes what stands before a drawn face out of its alpha, in place; whatever crop it was drawn in, and however finely. */
export function leaveOut({ at, size, toCrop }: ReplacedFace, holes: Holes, arena: Arena): void {
  const alpha = arena.floats(at + 3 * size * size * 4, size * size);
  const { hole, open } = holes;
  const [ox, oy] = [holes.toCrop[2] - WINDOW.left, holes.toCrop[5] - WINDOW.top];
  const window: Affine = [holes.toCrop[0], holes.toCrop[1], ox, holes.toCrop[3], holes.toCrop[4], oy];
  const [a, b, c, d, e, f] = between(toCrop, window);
  const back = between(window, toCrop);
  for (let cell = 0; cell < CELLS; cell++) {
    if (!open[cell]) continue;
    const column = cell % COLUMNS;
    const row = (cell - column) / COLUMNS;
    const whole = surrounded(open, cell);
    const [left, top, right, bottom] = boundsOf(back, CELL * column, CELL * row, size);
    for (let y = top; y <= bottom; y++)
      for (let x = left; x <= right; x++) {
        const u = a * x + b * y + c;
        const v = d * x + e * y + f;
        if (Math.floor(u / CELL) !== column || Math.floor(v / CELL) !== row) continue;
        alpha[y * size + x]! *= 1 - holeAt(hole, u, v) * (whole ? 1 : openAt(open, u, v));
      }
  }
}

/** From pixels of one crop to those of another; both lead there from the frame's. */
function between([a, b, c, d, e, f]: Affine, to: Affine): Affine {
  const determinant = a * e - b * d;
  const [ia, ib, id, ie] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  const [ic, jf] = [-ia * c - ib * f, -id * c - ie * f];
  const [p, q, r, s, t, w] = to;
  return [p * ia + q * id, p * ib + q * ie, p * ic + q * jf + r, s * ia + t * id, s * ib + t * ie, s * ic + t * jf + w];
}

/** Pixels, of `size`², that a cell may reach: its corners at (u, v) and CELL further, led there by an affine. */
function boundsOf([a, b, c, d, e, f]: Affine, u: number, v: number, size: number) {
  const x = a * u + b * v + c;
  const y = d * u + e * v + f;
  const inside = (value: number): number => Math.min(size - 1, Math.max(0, value));
  return [
    inside(Math.ceil(x + CELL * (Math.min(0, a) + Math.min(0, b)) - 0.01)),
    inside(Math.ceil(y + CELL * (Math.min(0, d) + Math.min(0, e)) - 0.01)),
    inside(Math.floor(x + CELL * (Math.max(0, a) + Math.max(0, b)) + 0.01)),
    inside(Math.floor(y + CELL * (Math.max(0, d) + Math.max(0, e)) + 0.01)),
  ] as const;
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
  const x = (u - (CELL - 1) / 2) / CELL;
  const y = (v - (CELL - 1) / 2) / CELL;
  return Math.max(0, 2 * bilinear(open, COLUMNS, ROWS, x, y) - 1);
}

const HOLE_COLUMNS = WINDOW.width / FINE;
const HOLE_ROWS = WINDOW.height / FINE;

/** A hole at a pixel of the window, bilinear. */
function holeAt(hole: Float32Array, u: number, v: number): number {
  const x = (u - (FINE - 1) / 2) / FINE;
  const y = (v - (FINE - 1) / 2) / FINE;
  return bilinear(hole, HOLE_COLUMNS, HOLE_ROWS, x, y);
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
    luma: (x, y) => luma(mean(0, x, y), mean(1, x, y), mean(2, x, y)),
  };
}
