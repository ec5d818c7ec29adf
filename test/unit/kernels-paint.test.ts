import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeMaps, encodeMaps, type Maps } from '../../server/double/maps.ts';
import { readTemplate } from '../../server/double/template.ts';
import { Arena } from '../../server/frame/arena.ts';
import { type Kernels, loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Runtime, Session } from '../../server/inference/session.ts';
import { writeMeshDouble } from '../fixtures/mesh-double.ts';

const SIZE = 256;
const PIXELS = SIZE * SIZE;
const BEHIND = 0.3;

let dir: string;
let arena: Arena;
let kernels: Kernels;
let runtime: Runtime;
/** The same drawing as an ONNX graph, which knows nothing of the kernel. */
let graph: Session;
let maps: Maps;
let at: Record<'texture' | 'normals' | 'behind' | 'scratch' | 'colour' | 'out', number>;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-paint-'));
  arena = new Arena(128);
  kernels = loadKernels(arena);
  runtime = createRuntime();
  const source = await writeMeshDouble(dir);
  graph = await runtime.load(join(dir, 'double.onnx'), arena);
  maps = decodeMaps(encodeMaps(source.maps), source.maps.side, source.maps.normalSide, 'maps.bin');
  const keep = (values: Float32Array): number => {
    const place = arena.allocate(values.byteLength);
    arena.floats(place, values.length).set(values);
    return place;
  };
  at = {
    texture: keep(maps.texture),
    normals: keep(maps.normals),
    behind: keep(new Float32Array(3 * PIXELS).fill(BEHIND)),
    scratch: arena.allocate(54 * PIXELS),
    colour: arena.allocate(16 * PIXELS),
    out: arena.allocate(20 * PIXELS),
  };
  raster(0.3);
});
afterAll(() => {
  graph.close();
  runtime.close();
  rmSync(dir, { recursive: true, force: true });
});

/** The canonical head, turned by `yaw` radians, where the graph reads it. */
function raster(yaw: number): void {
  const { vertices, canonical, uv, triangles } = readTemplate(readFileSync(join(dir, 'mesh.json')), 'mesh.json');
  const [corners, points, depth] = [4 * triangles.length, 20 * vertices.length, 4 * PIXELS].map((n) =>
    arena.allocate(n),
  ) as [number, number, number];
  arena.ints(corners, triangles.length).set(triangles);
  const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
  const placed = vertices.flatMap((point, i) => {
    const [x = 0, y = 0, z = 0] = canonical.subarray(3 * point, 3 * point + 3);
    return [128 + 11.2 * (x * c + z * s), 115 + 11.2 * y, 11.2 * (z * c - x * s), uv[2 * i]!, uv[2 * i + 1]!];
  });
  arena.floats(points, placed.length).set(placed);
  kernels.raster(points, corners, triangles.length / 3, SIZE, graph.inputs.surface!.at, depth);
}

function paint(softness: number): Float32Array {
  const { surface, rotation, light, gain } = graph.inputs;
  kernels.paint(
    ...([surface!.at, SIZE, at.texture, maps.side, at.normals, maps.normalSide] as const),
    ...([rotation!.at, light!.at, gain!.at, softness, at.behind, at.scratch, at.colour, at.out] as const),
  );
  return arena.floats(at.out, 5 * PIXELS);
}

test('paints what the graph of the same drawing computes, whatever the light and the softness', async () => {
  const { rotation, light, gain, softness } = graph.inputs;
  rotation!.data.set([0.95, 0, 0.3, 0, 1, 0, -0.3, 0, 0.95]);
  light!.data.set([0, 1, 2].flatMap((c) => [1 - 0.1 * c, 0.2, -0.1, -0.3, 0.05, 0.02, 0.03, 0.04, 0.05]));
  gain!.data.set(Array.from({ length: 192 }, (_, i) => 1 + 0.2 * Math.sin(i)));
  for (const soft of [0, 0.5, 1.6]) {
    softness!.data[0] = soft;
    await graph.run();
    const rgba = graph.outputs.rgba!.data;
    const painted = paint(soft);
    let [sum, most, alphas] = [0, 0, 0];
    for (let i = 0; i < PIXELS; i++) {
      const alpha = rgba[3 * PIXELS + i]!;
      alphas = Math.max(alphas, Math.abs(alpha - painted[4 * PIXELS + i]!));
      for (let c = 0; c < 3; c++) {
        const apart = Math.abs(BEHIND + (rgba[c * PIXELS + i]! - BEHIND) * alpha - painted[c * PIXELS + i]!);
        sum += apart;
        most = Math.max(most, apart);
      }
    }
    // The graph reads the nearest of a texture made three times finer, the kernel between texels: at lashes they differ.
    expect(sum / (3 * PIXELS), `softness ${soft}`).toBeLessThan(0.001);
    expect(most, `softness ${soft}`).toBeLessThan(0.1);
    expect(alphas).toBeLessThan(0.001);
    const interleaved = arena.floats(at.colour, 4 * PIXELS);
    for (const i of [0, 30_000, 40_123, PIXELS - 1])
      expect([...interleaved.subarray(4 * i, 4 * i + 4)]).toEqual(
        [0, 1, 2].map((c) => painted[c * PIXELS + i]!).concat(0),
      );
  }
});

test('draws a face: most of it covered, its middle whole, the background as it was beyond', () => {
  const painted = paint(0.5);
  const rim = painted.subarray(3 * PIXELS, 4 * PIXELS);
  expect(rim[120 * SIZE + 128]).toBeCloseTo(1, 5);
  expect(rim.filter((value) => value > 0.99).length).toBeGreaterThan(15_000);
  for (const corner of [0, SIZE - 1, PIXELS - SIZE, PIXELS - 1])
    expect([0, 1, 2, 3, 4].map((plane) => painted[plane * PIXELS + corner])).toEqual([
      ...arena.floats(at.behind, 3).map(() => Math.fround(BEHIND)),
      0,
      0,
    ]);
});

test('nothing to draw, and light that is no number, leave the background and numbers', () => {
  const { surface, light } = graph.inputs;
  const [kept, lit] = [surface!.data.slice(), light!.data.slice()];
  light!.data.fill(Number.NaN);
  expect(paint(1.5).every((value) => value >= 0 && value <= 1)).toBe(true);
  light!.data.set(lit);
  surface!.data.fill(0);
  const painted = paint(1.5);
  surface!.data.set(kept);
  expect(painted.subarray(0, 3 * PIXELS).every((value) => value === Math.fround(BEHIND))).toBe(true);
  expect(painted.subarray(3 * PIXELS).every((value) => value === 0)).toBe(true);
});

test('a file of maps that is not as long as its sides say is refused', () => {
  const bytes = encodeMaps({ texture: new Float32Array(4 * 16 * 16), normals: new Float32Array(3 * 16 * 16) });
  expect(decodeMaps(bytes, 16, 16, 'maps.bin').texture).toHaveLength(4 * 16 * 16);
  expect(() => decodeMaps(bytes, 16, 32, 'maps.bin')).toThrow(/maps.bin holds 8192 bytes where its sides/);
});
