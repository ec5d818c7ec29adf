import { describe, expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';

const SIZE = 64;
const PIXELS = SIZE * SIZE;
type Vertex = readonly [x: number, y: number, z: number, u: number, v: number];
type Triangle = readonly [number, number, number];

const arena = new Arena(8);
const kernels = loadKernels(arena);
const out = arena.allocate(4 * PIXELS * 4);
const depth = arena.allocate(PIXELS * 4);

function draw(vertices: readonly Vertex[], triangles: readonly Triangle[]): Float32Array {
  const at = arena.allocate(vertices.length * 20);
  arena.floats(at, vertices.length * 5).set(vertices.flat());
  const corners = arena.allocate(triangles.length * 12);
  arena.ints(corners, triangles.length * 3).set(triangles.flat());
  kernels.raster(at, corners, triangles.length, SIZE, out, depth);
  return arena.floats(out, 4 * PIXELS).slice();
}

/** The same by definition: every pixel asks every triangle, in double precision. */
function reference(vertices: readonly Vertex[], triangles: readonly Triangle[]): Float32Array {
  const made = new Float32Array(4 * PIXELS);
  const nearest = new Float32Array(PIXELS).fill(Number.POSITIVE_INFINITY);
  for (const triangle of triangles) {
    const [a, b, c] = triangle.map((k) => vertices[k]!) as [Vertex, Vertex, Vertex];
    const area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
    if (area <= 1e-6) continue;
    const [p, q] = [b, c].map((to) => [to[0] - a[0], to[1] - a[1], to[2] - a[2]]) as [number[], number[]];
    const normal = [p[1]! * q[2]! - p[2]! * q[1]!, p[2]! * q[0]! - p[0]! * q[2]!, area];
    for (let y = 0; y < SIZE; y++) {
      for (let x = 0; x < SIZE; x++) {
        const w1 = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area;
        const w2 = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area;
        if (w1 < 0 || w2 < 0 || w1 + w2 > 1) continue;
        const mix = (k: 2 | 3 | 4): number => a[k] + w1 * (b[k] - a[k]) + w2 * (c[k] - a[k]);
        const i = y * SIZE + x;
        if (mix(2) >= nearest[i]!) continue;
        nearest[i] = mix(2);
        made.set([mix(3)], i);
        made.set([mix(4)], PIXELS + i);
        made.set([1], 2 * PIXELS + i);
        made.set([area / Math.hypot(...normal)], 3 * PIXELS + i);
      }
    }
  }
  return made;
}

/** Repeatable numbers 0–1. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('raster', () => {
  test('draws what the definition says, nearest surface in front, also beyond the edge of the crop', () => {
    const next = random(7);
    const vertices = Array.from(
      { length: 60 },
      (): Vertex => [next() * 90 - 13, next() * 90 - 13, next() * 40, next() * 2 - 1, next() * 2 - 1],
    );
    const triangles = Array.from({ length: 40 }, (): Triangle => {
      const pick = (): number => Math.floor(next() * 60);
      return [pick(), pick(), pick()];
    });
    const made = draw(vertices, triangles);
    const wanted = reference(vertices, triangles);
    let different = 0;
    for (let i = 0; i < PIXELS; i++) {
      const off = [0, 1, 2, 3].some(
        (plane) => Math.abs(made[plane * PIXELS + i]! - wanted[plane * PIXELS + i]!) > 2e-3,
      );
      if (off) different++;
    }
    // Single precision may give a pixel that lies exactly on an edge to the other side.
    expect(different).toBeLessThan(PIXELS * 0.004);
    expect(wanted.subarray(2 * PIXELS, 3 * PIXELS).filter((value) => value === 1).length).toBeGreaterThan(1000);
  });

  test('leaves out what faces away and covers a square of two triangles without a crack', () => {
    const square: Vertex[] = [
      [10.3, 10.7, 1, -1, -1],
      [50.1, 11.2, 1, 1, -1],
      [49.7, 51.9, 1, 1, 1],
      [9.6, 50.2, 1, -1, 1],
    ];
    const coverage = (made: Float32Array): Float32Array => made.subarray(2 * PIXELS, 3 * PIXELS);
    expect(
      coverage(
        draw(square, [
          [0, 2, 1],
          [0, 3, 2],
        ]),
      ).every((value) => value === 0),
    ).toBe(true);
    const made = draw(square, [
      [0, 1, 2],
      [0, 2, 3],
    ]);
    for (let y = 12; y < 50; y++) for (let x = 11; x < 49; x++) expect(coverage(made)[y * SIZE + x]).toBe(1);
  });
});
