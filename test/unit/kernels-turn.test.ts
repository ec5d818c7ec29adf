import { expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { type Plane, planesOf, randomPicture } from '../fixtures/kernels.ts';

const arena = new Arena(64);
const kernels = loadKernels(arena);

function run(picture: Uint8Array, width: number, height: number, quarters: number): Uint8Array {
  const at = arena.allocate(picture.length);
  // A guard behind the output shows a write past its end.
  const out = arena.allocate(picture.length + 64);
  arena.bytes(at, picture.length).set(picture);
  arena.bytes(out, picture.length + 64).fill(0xa5);
  kernels.turn(at, width, height, quarters, out);
  const result = arena.bytes(out, picture.length + 64).slice();
  arena.release(at, picture.length);
  arena.release(out, picture.length + 64);
  expect([...result.subarray(picture.length)].every((value) => value === 0xa5)).toBe(true);
  return result.subarray(0, picture.length);
}

/** One quarter clockwise, sample by sample. */
function quarter({ width, height, samples }: Plane): Plane {
  const turned = new Uint8Array(samples.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) turned[x * height + (height - 1 - y)] = samples[y * width + x] ?? 0;
  return { width: height, height: width, samples: turned };
}

test.each([
  [16, 16],
  [64, 48],
  [70, 50],
  [18, 34],
  [1280, 720],
])('turns a %i×%i picture by one, two and three quarters clockwise, every sample in its place', (width, height) => {
  const picture = randomPicture(width, height, 3);
  let wanted: Plane[] = planesOf(picture, width, height);
  for (const quarters of [1, 2, 3]) {
    wanted = wanted.map(quarter);
    const [w, h] = quarters === 2 ? [width, height] : [height, width];
    const got = planesOf(run(picture, width, height, quarters), w, h);
    for (const [index, plane] of got.entries()) {
      expect([plane.width, plane.height]).toEqual([wanted[index]?.width, wanted[index]?.height]);
      expect(Buffer.compare(plane.samples, wanted[index]?.samples ?? new Uint8Array()), `plane ${index}`).toBe(0);
    }
  }
});
