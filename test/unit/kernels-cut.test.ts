import { expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';

const arena = new Arena(16);
const kernels = loadKernels(arena);

const keep = (values: Float32Array): number => {
  const at = arena.allocate(values.byteLength);
  arena.floats(at, values.length).set(values);
  return at;
};

test('halved: a window’s means over 2×2 pixels, plane by plane', () => {
  const size = 32;
  const value = (c: number, x: number, y: number): number => 100 * c + x * x - 3 * y;
  const planes = keep(
    Float32Array.from({ length: 2 * size * size }, (_, i) =>
      value(Math.floor(i / (size * size)), i % size, Math.floor(i / size) % size),
    ),
  );
  const [left, top, width, height] = [6, 4, 8, 5];
  const out = arena.allocate(4 * 2 * width * height);
  kernels.halved(planes, size, 2, left, top, width, height, out);
  const halved = arena.floats(out, 2 * width * height);
  for (let c = 0; c < 2; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [u, v] = [left + 2 * x, top + 2 * y];
        const wanted = (value(c, u, v) + value(c, u + 1, v) + value(c, u, v + 1) + value(c, u + 1, v + 1)) / 4;
        expect(halved[(c * height + y) * width + x]).toBeCloseTo(wanted, 4);
      }
});

test('doubled: a ramp stays the ramp between the outermost middles, times the gain, and is held beyond them', () => {
  const [width, height] = [6, 4];
  const ramp = (x: number, y: number): number => 2 * x - 5 * y;
  const planes = keep(
    Float32Array.from({ length: 2 * width * height }, (_, i) => ramp(i % width, Math.floor(i / width) % height)),
  );
  const out = arena.allocate(4 * 8 * width * height);
  kernels.doubled(planes, 2, width, height, 3, out);
  const doubled = arena.floats(out, 8 * width * height);
  const held = (v: number, last: number): number => Math.min(last, Math.max(0, v));
  for (let c = 0; c < 2; c++)
    for (let y = 0; y < 2 * height; y++)
      for (let x = 0; x < 2 * width; x++) {
        // Its middle lies at (x + ½) / 2 − ½ of the smaller planes.
        const wanted = 3 * ramp(held(x / 2 - 0.25, width - 1), held(y / 2 - 0.25, height - 1));
        expect(doubled[(c * 2 * height + y) * 2 * width + x]).toBeCloseTo(wanted, 4);
      }
});
