import { expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';

const SIZE = 8;
const PLANE = SIZE * SIZE;
const arena = new Arena(64);
const kernels = loadKernels(arena);

/** Ramps: red grows to the right, green downwards, blue both. */
const ramp = (k: number): number[] => [k % SIZE, Math.floor(k / SIZE), (k % SIZE) + Math.floor(k / SIZE)];

function moved(place: (x: number, y: number) => [number, number, number]): Float32Array {
  const source = arena.allocate(3 * PLANE * 4);
  const places = arena.allocate(4 * PLANE * 4);
  const out = arena.allocate(3 * PLANE * 4 + 64);
  for (let k = 0; k < PLANE; k++) {
    ramp(k).forEach((value, c) => {
      arena.floats(source, 3 * PLANE)[c * PLANE + k] = value;
    });
    place(k % SIZE, Math.floor(k / SIZE)).forEach((value, c) => {
      arena.floats(places, 4 * PLANE)[c * PLANE + k] = value;
    });
  }
  arena.floats(out, 3 * PLANE + 16).fill(-1);
  kernels.remap(source, places, SIZE, out, 1, 2, 6, 7);
  const result = arena.floats(out, 3 * PLANE + 16).slice();
  expect([...result.subarray(3 * PLANE)].every((value) => value === -1)).toBe(true);
  return result;
}

test('fetches what lies between four samples, within its box and where there is something', () => {
  const result = moved((x, y) => [x + 0.25, y - 0.5, x === 3 ? 0 : 1]);
  for (let y = 0; y < SIZE; y++)
    for (let x = 0; x < SIZE; x++) {
      const inside = x >= 1 && x < 6 && y >= 2 && y < 7 && x !== 3;
      const wanted = inside ? [x + 0.25, y - 0.5, x + y - 0.25] : [-1, -1, -1];
      wanted.forEach((value, c) => {
        expect(result[c * PLANE + y * SIZE + x]).toBeCloseTo(value, 5);
      });
    }
});

test('places beyond the square, and none at all, read its edge', () => {
  const result = moved((x) => [x < 3 ? -40 : x < 5 ? 1e9 : Number.NaN, 1e9, 1]);
  for (const x of [1, 2, 3, 4, 5]) {
    const red = result[3 * SIZE + x] ?? Number.NaN;
    expect(red).toBeGreaterThanOrEqual(0);
    expect(red).toBeLessThanOrEqual(SIZE - 1);
    expect(result[PLANE + 3 * SIZE + x]).toBeCloseTo(SIZE - 1, 2);
  }
});
