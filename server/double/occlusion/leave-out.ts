import type { Arena } from '../../frame/arena.ts';
import type { ReplacedFace } from '../replacer.ts';
import { type Affine, SIZE } from '../surface.ts';
import { CELL, CELLS, COLUMNS, WINDOW } from './cells.ts';
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
    for (let v = row; v < row + CELL; v++) {
      const to = (WINDOW.top + v) * SIZE + WINDOW.left;
      for (let u = column; u < column + CELL; u++) alpha[to + u]! *= 1 - hole[v * WINDOW.width + u]!;
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
      if (open[Math.floor(top / CELL) * COLUMNS + Math.floor(left / CELL)]) alpha[i]! *= 1 - between(hole, left, top);
    }
}

/** A drawn layer, planar, `size`² pixels, as it lies in another crop of SIZE²: nearest, nothing beyond its own. */
export function layerInto(
  layer: Float32Array,
  size: number,
  [a, b, c, d, e, f]: Affine,
  [oa, ob, oc, od, oe, of]: Affine,
  out: Float32Array,
): void {
  const determinant = oa * oe - ob * od;
  for (let v = 0, i = 0; v < SIZE; v++)
    for (let u = 0; u < SIZE; u++, i++) {
      const x = (oe * (u - oc) - ob * (v - of)) / determinant;
      const y = (oa * (v - of) - od * (u - oc)) / determinant;
      const [column, row] = [Math.round(a * x + b * y + c), Math.round(d * x + e * y + f)];
      const inside = column >= 0 && row >= 0 && column < size && row < size;
      const at = row * size + column;
      for (let k = 0; k < 4; k++) out[k * SIZE * SIZE + i] = inside ? layer[k * size * size + at]! : 0;
    }
}

function between(hole: Float32Array, x: number, y: number): number {
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - x0, y - y0];
  const at = y0 * WINDOW.width + x0;
  const above = hole[at]! * (1 - fx) + hole[at + 1]! * fx;
  return above * (1 - fy) + (hole[at + WINDOW.width]! * (1 - fx) + hole[at + WINDOW.width + 1]! * fx) * fy;
}
