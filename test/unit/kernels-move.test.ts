import { expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';

const SIZE = 64;
const PLANE = SIZE * SIZE;
/** left, top, width, height. */
const WINDOW = [16, 8, 32, 40] as const;
const [left, top, width, height] = WINDOW;
const [across, down] = [width / 4, height / 4];
const arena = new Arena(64);
const kernels = loadKernels(arena);

/** Ramps: red grows to the right, green downwards, blue is flat; small enough to stay below 1 when tinted. */
const ramp = (x: number, y: number): number[] => [x / 128, y / 128, 0.5];

function move(change: (channel: number, column: number, row: number) => number): Float32Array {
  const colour = arena.allocate(16 * PLANE);
  const grid = arena.allocate(4 * 5 * across * down);
  const [scratch, out] = [arena.allocate(5 * width), arena.allocate(12 * PLANE)];
  for (let k = 0; k < PLANE; k++) {
    arena.floats(colour, 4 * PLANE).set(ramp(k % SIZE, Math.floor(k / SIZE)), 4 * k);
  }
  arena
    .floats(grid, 5 * across * down)
    .set(
      Array.from({ length: 5 * across * down }, (_, i) =>
        change(Math.floor(i / (across * down)), i % across, Math.floor(i / across) % down),
      ),
    );
  arena.floats(out, 3 * PLANE).fill(-1);
  kernels.move(colour, SIZE, grid, ...WINDOW, scratch, out);
  return arena.floats(out, 3 * PLANE).slice();
}

const at = (planes: Float32Array, x: number, y: number): number[] =>
  [0, 1, 2].map((c) => planes[c * PLANE + y * SIZE + x]!);

test('takes each point from where the grid says, in steps of four pixels, and adds its tint; outside the window nothing changes', () => {
  const [dx, dy] = [0.25, -0.5];
  const moved = move((channel) => [dx, dy, 0.1, 0, -0.2][channel]!);
  for (let y = 0; y < SIZE; y++)
    for (let x = 0; x < SIZE; x++) {
      const inside = x >= left && x < left + width && y >= top && y < top + height;
      if (!inside) {
        expect(at(moved, x, y)).toEqual([-1, -1, -1]);
        continue;
      }
      const sx = Math.min(left + width - 1, x + 4 * dx);
      const sy = Math.max(top, y + 4 * dy);
      const [r, g, b] = ramp(sx, sy);
      [r! + 0.1, g!, b! - 0.2].forEach((wanted, c) => {
        expect(Math.abs(at(moved, x, y)[c]! - wanted)).toBeLessThan(1e-4);
      });
    }
});

test('between the points of the grid it goes evenly, as PyTorch and ONNX make a grid finer', () => {
  const moved = move((channel, column, row) => (channel === 4 ? (column + 2 * row) / 100 : 0));
  const held = (value: number, most: number): number => Math.min(most, Math.max(0, value));
  for (let y = top; y < top + height; y++)
    for (let x = left; x < left + width; x++) {
      const column = held((x - left + 0.5) / 4 - 0.5, across - 1);
      const row = held((y - top + 0.5) / 4 - 0.5, down - 1);
      expect(Math.abs(at(moved, x, y)[2]! - 0.5 - (column + 2 * row) / 100)).toBeLessThan(1e-4);
    }
});

test('what is no number reads the edge and stays a colour', () => {
  const moved = move(() => Number.NaN);
  for (const [x, y] of [
    [left, top],
    [left + 13, top + 7],
  ] as const)
    expect(at(moved, x, y).every((value) => value >= 0 && value <= 1)).toBe(true);
});

test('a window is copied, and averaged over cells', () => {
  const planes = arena.allocate(8 * PLANE);
  const values = arena.floats(planes, 2 * PLANE);
  for (let i = 0; i < 2 * PLANE; i++) values[i] = i % 1013;
  const [copy, means] = [arena.allocate(8 * width * height), arena.allocate((8 * width * height) / 64)];
  kernels.cut(planes, SIZE, 2, ...WINDOW, copy);
  kernels.means(planes, SIZE, 2, ...WINDOW, 8, means);
  const value = (c: number, x: number, y: number): number => values[c * PLANE + (top + y) * SIZE + left + x]!;
  for (const [c, x, y] of [
    [0, 0, 0],
    [1, 5, 7],
    [1, width - 1, height - 1],
  ] as const)
    expect(arena.floats(copy, 2 * width * height)[(c * height + y) * width + x]).toBe(value(c, x, y));
  for (const [c, x, y] of [
    [0, 0, 0],
    [1, 3, 4],
  ] as const) {
    let sum = 0;
    for (let v = 0; v < 8; v++) for (let u = 0; u < 8; u++) sum += value(c, 8 * x + u, 8 * y + v);
    const cells = (width * height) / 64;
    expect(arena.floats(means, 2 * cells)[c * cells + (y * width) / 8 + x]).toBeCloseTo(sum / 64, 2);
  }
});
