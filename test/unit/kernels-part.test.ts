import { expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';

const arena = new Arena(16);
const kernels = loadKernels(arena);
const SIZE = 40;

/** A plane that is bent nowhere, so that what lies between its pixels is known. */
const value = (c: number, x: number, y: number): number => 0.1 * c + 0.01 * x + 0.004 * y;

function planes(count: number): number {
  const at = arena.allocate(4 * count * SIZE * SIZE);
  const values = arena.floats(at, count * SIZE * SIZE);
  for (let i = 0; i < values.length; i++)
    values[i] = value(Math.floor(i / (SIZE * SIZE)), i % SIZE, Math.floor(i / SIZE) % SIZE);
  return at;
}

test.each([
  { left: 5, top: 7, step: 1, first: [5, 7] },
  { left: 5.25, top: 7.6, step: 1, first: [5.25, 7.6] },
  { left: 3.5, top: 2.5, step: 2, first: [3.5, 2.5] },
  // Moved in: the pixels right of it and below it are asked as well.
  { left: -3, top: 100, step: 1, first: [0, 28] },
])('part: from $left, $top in steps of $step', ({ left, top, step, first: [x0, y0] }) => {
  const [width, height] = [12, 11];
  const from = planes(2);
  const out = arena.allocate(4 * 2 * width * height);
  kernels.part(from, SIZE, 2, left, top, step, width, height, out);
  const cut = arena.floats(out, 2 * width * height);
  for (let c = 0; c < 2; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        expect(cut[(c * height + y) * width + x]).toBeCloseTo(value(c, x0! + step * x, y0! + step * y), 5);
});

/** Bilinear, held beyond the edges. */
function at(values: Float32Array, width: number, height: number, x: number, y: number): number {
  const [px, py] = [Math.min(width - 1, Math.max(0, x)), Math.min(height - 1, Math.max(0, y))];
  const [u, v] = [Math.min(width - 2, Math.floor(px)), Math.min(height - 2, Math.floor(py))];
  const row = (r: number): number => values[r * width + u]! * (1 - (px - u)) + values[r * width + u + 1]! * (px - u);
  return row(v) * (1 - (py - v)) + row(v + 1) * (py - v);
}

test.each([
  { keeps: false, holds: false },
  { keeps: true, holds: false },
  { keeps: true, holds: true },
])(
  'compose: takes from both, shares, adds, fades at the edge, leaves the rest, as reckoned pixel by pixel; something kept: $keeps; and held by the other: $holds',
  ({ keeps, holds }) => {
    const [width, height, edge, left, top] = [24, 16, 4, 9, 11];
    const area = width * height;
    const [columns, rows] = [width / 2, height / 2];
    const fill = (count: number, of: (i: number) => number): [number, Float32Array] => {
      const address = arena.allocate(4 * count);
      const values = arena.floats(address, count);
      for (let i = 0; i < count; i++) values[i] = of(i);
      return [address, values];
    };
    const noise = (i: number): number => (Math.sin(12.9898 * i + 4.1) * 43758.5453) % 1;
    const [a, ours] = fill(3 * area, (i) => 0.5 + 0.4 * noise(i));
    const [b, theirs] = fill(3 * area, (i) => 0.5 + 0.4 * noise(i + 7777));
    // Places up to some pixels aside and beyond the edges, shares below 0 and above 1, tints that would leave 0–1.
    const scales = [6, 6, 9, 9, 1.6, 0.4, 0.4, 0.4];
    const [change, changes] = fill(
      8 * columns * rows,
      (i) => scales[Math.floor(i / (columns * rows))]! * noise(i + 999),
    );
    const [kept, keep] = fill(area, (i) => Math.abs(noise(i + 333)));
    const [held, hold] = fill(area, (i) => Math.abs(noise(i + 555)));
    const scratch = arena.allocate(area * 32 + width * 16);
    const to = planes(3);
    const before = arena.floats(to, 3 * SIZE * SIZE).slice();
    kernels.compose(
      a,
      b,
      width,
      height,
      change,
      edge,
      keeps ? kept : 0,
      holds ? held : 0,
      scratch,
      to,
      SIZE,
      left,
      top,
    );
    const after = arena.floats(to, 3 * SIZE * SIZE);
    const side = (k: number, length: number): number => Math.min(1, (Math.min(k, length - 1 - k) + 0.5) / edge);
    for (let y = 0; y < SIZE; y++)
      for (let x = 0; x < SIZE; x++) {
        const [u, v] = [x - left, y - top];
        const within = u >= 0 && v >= 0 && u < width && v < height;
        const told = (plane: number): number =>
          at(
            changes.subarray(plane * columns * rows, (plane + 1) * columns * rows),
            columns,
            rows,
            (u + 0.5) / 2 - 0.5,
            (v + 0.5) / 2 - 0.5,
          );
        for (let c = 0; c < 3; c++) {
          const place = (c * SIZE + y) * SIZE + x;
          if (!within) {
            expect(after[place]).toBe(before[place]);
            continue;
          }
          const mine = at(ours.subarray(c * area, (c + 1) * area), width, height, u + told(0), v + told(1));
          const other = at(theirs.subarray(c * area, (c + 1) * area), width, height, u + told(2), v + told(3));
          const share = Math.min(1, Math.max(0, told(4)));
          const mineStays = keeps ? at(keep, width, height, u + told(0), v + told(1)) : 0;
          const whatever = holds ? at(hold, width, height, u + told(2), v + told(3)) : 0;
          const falling = (from: number, to: number): number => Math.min(1, Math.max(0, (to - share) / (to - from)));
          const free = 1 - mineStays * Math.max(falling(0.1, 0.3), whatever * falling(0.5, 0.8));
          const made = mine + ((other - mine) * share + told(5 + c)) * free;
          const was = ours[c * area + v * width + u]!;
          const wanted = Math.min(1, Math.max(0, was + (made - was) * side(u, width) * side(v, height)));
          expect(Math.abs(after[place]! - wanted)).toBeLessThan(2e-3);
        }
      }
  },
);
