import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { featuresGraph } from '../../scripts/double/features-graph.ts';
import { readTrained } from '../../scripts/double/trained-network.ts';
import { GIVEN, openFeatures } from '../../server/double/features.ts';
import { LIDS } from '../../server/double/opening.ts';
import type { Painted } from '../../server/double/painter.ts';
import { EYE } from '../../server/double/parts.ts';
import type { Landmarks } from '../../server/face/types.ts';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-features-'));
const arena = new Arena(128);
const kernels = loadKernels(arena);
const runtime = createRuntime();
afterAll(() => {
  runtime.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A network that takes this share from the performer everywhere, from where it lies, and adds this tint. */
function always(share: number, tint = 0): { file: string; sha256: string } {
  const conv = { op: 'conv', inputs: GIVEN, outputs: 8, kernel: 2, stride: 2, relu: false };
  const weights = new Float32Array(8 * GIVEN * 4 + 8);
  weights.set([share, tint, tint, tint], 8 * GIVEN * 4 + 4);
  const held = { ...conv, weights: [0, 8 * GIVEN * 4], bias: [8 * GIVEN * 4, 8] };
  const nodes = ['eyes', 'mouth'].map((part) => ({ ...held, from: `${part}Given`, to: `${part}Change` }));
  const described = { format: 2, window: [0, 0, 0, 0], inputs: [], outputs: [], nodes, training: {} };
  writeFileSync(join(dir, 'network.json'), JSON.stringify(described));
  writeFileSync(join(dir, 'network.weights'), weights);
  const bytes = featuresGraph(readTrained(dir)).encode({});
  writeFileSync(join(dir, 'features.onnx'), bytes);
  return { file: 'features.onnx', sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Of the double: corners of the eyes and of the mouth, upper and lower lip, crop pixels. */
const DOUBLE = new Map([
  [33, [78, 100]],
  [133, [110, 100]],
  [362, [146, 100]],
  [263, [178, 100]],
  [61, [104, 170]],
  [291, [152, 170]],
  [0, [128, 162]],
  [17, [128, 182]],
] as const);
/** Where the performer's lie from the double's. */
const ASIDE = { eyes: [3, -2], mouth: [-4.5, 5] } as const;

test.each([1, 2])(
  'is shown eyes and mouth of both where they lie, and paints them there (detail %i)',
  async (detail) => {
    const size = 256 * detail;
    const plane = size * size;
    const fill = (planes: number, at: (plane: number, x: number, y: number) => number): number => {
      const to = arena.allocate(4 * planes * plane);
      const values = arena.floats(to, planes * plane);
      for (let i = 0; i < values.length; i++) {
        const pixel = i % plane;
        // As crop pixels of 256, whatever the detail.
        values[i] = at(
          Math.floor(i / plane),
          ((pixel % size) + 0.5) / detail - 0.5,
          (Math.floor(pixel / size) + 0.5) / detail - 0.5,
        );
      }
      return to;
    };
    const painted: Painted = {
      size,
      toCrop: [detail, 0, (detail - 1) / 2, 0, detail, (detail - 1) / 2],
      base: fill(5, () => 0.5),
      crop: fill(3, (c, x, y) => 0.1 * c + 0.002 * x + 0.001 * y),
      interleaved: 0,
      facing: 0,
      softness: 0,
    };
    const points = new Float32Array(478 * 3);
    for (const [landmark, [x, y]] of DOUBLE) {
      const [dx, dy] = landmark === 61 || landmark === 291 || landmark < 18 ? ASIDE.mouth : ASIDE.eyes;
      points.set([x + dx, y + dy], 3 * landmark);
    }
    const landmarks = { points } as unknown as Landmarks;
    const place = (landmark: number): readonly [number, number] => {
      const [x, y] = DOUBLE.get(landmark as 33)!;
      return [detail * (x + 0.5) - 0.5, detail * (y + 0.5) - 0.5];
    };
    const features = await openFeatures({ runtime, arena, kernels, dir, closeUps: true }, always(1));
    await features.paint({ painted, painter: { detail: detail as 1 | 2, place }, iris: fill(1, () => 0), landmarks });
    features.close();
    features.close();
    const made = arena.floats(painted.base, 5 * plane);
    const at = (c: number, x: number, y: number): number =>
      made[c * plane + Math.round(detail * y) * size + Math.round(detail * x)]!;
    const plate = (c: number, x: number, y: number): number => 0.1 * c + 0.002 * x + 0.001 * y;
    for (let c = 0; c < 3; c++) {
      for (const [x, y] of [
        [94, 92],
        [162, 92],
        [90, 80],
        [168, 105],
      ] as const)
        expect(at(c, x, y)).toBeCloseTo(plate(c, x + ASIDE.eyes[0], y + ASIDE.eyes[1]), 2);
      for (const [x, y] of [
        [128, 172],
        [110, 150],
      ] as const)
        expect(at(c, x, y)).toBeCloseTo(plate(c, x + ASIDE.mouth[0], y + ASIDE.mouth[1]), 2);
      // Nose, cheek, forehead and beyond the face stay as drawn.
      for (const [x, y] of [
        [128, 125],
        [50, 150],
        [128, 30],
        [5, 5],
        [250, 250],
      ] as const)
        expect(at(c, x, y)).toBe(0.5);
    }
  },
);

test.each([1, 2])(
  'leaves painted irises as they are, unless the performer is to be seen there (detail %i)',
  async (detail) => {
    const plane = (256 * detail) ** 2;
    const fill = (planes: number, value: number): number => {
      const to = arena.allocate(4 * planes * plane);
      arena.floats(to, planes * plane).fill(value);
      return to;
    };
    const [iris, base] = [fill(1, 0), fill(5, 0.5)];
    const centre = (256 * detail * 100 + 94) * detail;
    arena.floats(iris, plane).fill(1, centre - 3 * detail, centre + 3 * detail);
    const painted: Painted = {
      ...{ size: 256 * detail, toCrop: [detail, 0, 0, 0, detail, 0], base, crop: fill(3, 0.9) },
      ...{ interleaved: 0, facing: 0, softness: 0 },
    };
    const points = new Float32Array(478 * 3);
    for (const [landmark, place] of DOUBLE) points.set(place, 3 * landmark);
    const place = (landmark: number): readonly [number, number] => {
      const [x, y] = DOUBLE.get(landmark as 33)!;
      return [detail * x, detail * y];
    };
    const made = async (held: { file: string; sha256: string }): Promise<[iris: number, beside: number]> => {
      arena.floats(base, 5 * plane).fill(0.5);
      const features = await openFeatures({ runtime, arena, kernels, dir, closeUps: true }, held);
      const landmarks = { points } as unknown as Landmarks;
      await features.paint({ painted, painter: { detail: detail as 1 | 2, place }, iris, landmarks });
      features.close();
      const [first] = arena.floats(base + 4 * centre, 1);
      const [other] = arena.floats(base + 4 * (centre + 10 * detail), 1);
      return [first!, other!];
    };
    const [kept, tinted] = await made(always(0, 0.2));
    expect(kept).toBe(0.5);
    expect(tinted).toBeCloseTo(0.7, 4);
    const [shut, lid] = await made(always(1));
    expect(shut).toBeCloseTo(0.9, 4);
    expect(lid).toBeCloseTo(0.9, 4);
  },
);

/** Both eyes' parts as rendered people show them, EYE high, beside each other (test/fixtures). Planes R, G, B of each, 0–1. */
async function rendered(eyes: 'open' | 'shut'): Promise<Float32Array[]> {
  const file = fileURLToPath(new URL(`../fixtures/eyes-${eyes}.png`, import.meta.url));
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const [height, width] = EYE;
  expect([info.height, info.width]).toEqual([height, 2 * width]);
  return [0, width].map((left) =>
    Float32Array.from({ length: 3 * height * width }, (_, i) => {
      const [x, y, c] = [i % width, Math.floor(i / width) % height, Math.floor(i / (width * height))];
      return data[3 * (y * 2 * width + left + x) + c]! / 255;
    }),
  );
}

test.each([
  { detail: 1, eyes: ['open', 'open'], share: 0.45, kept: [true, true], aside: [0, 0] },
  { detail: 2, eyes: ['open', 'open'], share: 0.45, kept: [true, true], aside: [0, 0] },
  { detail: 1, eyes: ['shut', 'shut'], share: 0.45, kept: [false, false], aside: [0, 0] },
  { detail: 2, eyes: ['shut', 'shut'], share: 0.45, kept: [false, false], aside: [0, 0] },
  // A wink, of each eye.
  { detail: 1, eyes: ['open', 'shut'], share: 0.45, kept: [true, false], aside: [0, 0] },
  { detail: 2, eyes: ['shut', 'open'], share: 0.45, kept: [false, true], aside: [0, 0] },
  // A performer whose eyes lie elsewhere than the double's.
  { detail: 1, eyes: ['open', 'open'], share: 0.45, kept: [true, true], aside: [7, -5] },
  { detail: 2, eyes: ['shut', 'open'], share: 0.45, kept: [false, true], aside: [7, -5] },
  // So much of the performer is a lid, whatever their eyes do.
  { detail: 1, eyes: ['open', 'open'], share: 0.9, kept: [false, false], aside: [0, 0] },
] as const)(
  'where a network mixes both (share $share), an iris is kept sharp between the lids of a performer whose eyes are open, not on a lid that the landmarks leave apart: $eyes, aside $aside, detail $detail',
  async ({ detail, eyes, share, kept, aside }) => {
    const size = 256 * detail;
    const plane = size * size;
    const planes = (count: number, value: number): number => {
      const to = arena.allocate(4 * count * plane);
      arena.floats(to, count * plane).fill(value);
      return to;
    };
    const [iris, base, crop] = [planes(1, 1), planes(5, 0.6), planes(3, 0.5)];
    // Where features.ts cuts the parts around DOUBLE's eyes.
    const [height, width] = EYE;
    const shown = await Promise.all(eyes.map(async (state, k) => (await rendered(state))[k]!));
    for (const [k, eye] of shown.entries())
      for (const [i, value] of eye.entries()) {
        const [x, y, c] = [i % width, Math.floor(i / width) % height, Math.floor(i / (width * height))];
        const [left, top] = [detail * ([63, 131][k]! + aside[0] + x), detail * (67 + aside[1] + y)];
        for (let v = 0; v < detail; v++)
          arena
            .floats(crop, 3 * plane)
            .fill(value, c * plane + (top + v) * size + left, c * plane + (top + v) * size + left + detail);
      }
    const painted: Painted = {
      ...{ size, toCrop: [detail, 0, (detail - 1) / 2, 0, detail, (detail - 1) / 2], base, crop },
      ...{ interleaved: 0, facing: 0, softness: 0 },
    };
    const points = new Float32Array(478 * 3);
    for (const [landmark, [x, y]] of DOUBLE) points.set([x + aside[0], y + aside[1]], 3 * landmark);
    for (const [k, { upper, lower }] of LIDS.entries())
      for (const [lid, way] of [
        [upper, -1],
        [lower, 1],
      ] as const)
        for (const [i, landmark] of lid.entries())
          points.set(
            [[78, 146][k]! + aside[0] + 4 * i, 100 + aside[1] + 6 * way * (1 - (i / 4 - 1) ** 2)],
            3 * landmark,
          );
    const place = (landmark: number): readonly [number, number] => {
      const [x, y] = DOUBLE.get(landmark as 33)!;
      return [detail * (x + 0.5) - 0.5, detail * (y + 0.5) - 0.5];
    };
    const features = await openFeatures({ runtime, arena, kernels, dir, closeUps: true }, always(share));
    await features.paint({ painted, painter: { detail, place }, iris, landmarks: { points } as unknown as Landmarks });
    features.close();
    const made = arena.floats(base, plane);
    const plate = arena.floats(crop, plane);
    for (const [k, x] of [94, 162].entries()) {
      const [between, above] = [100, 88].map((y) => detail * y * size + detail * x) as [number, number];
      const mixed = (at: number): number => 0.6 + share * (plate[at + detail * (aside[1] * size + aside[0])]! - 0.6);
      const all = Math.abs(mixed(between) - 0.6);
      expect(all).toBeGreaterThan(0.05);
      if (kept[k]) expect(Math.abs(made[between]! - 0.6)).toBeLessThan(0.3 * all + 1e-3);
      else expect(Math.abs(made[between]! - mixed(between))).toBeLessThan(0.15 * all + 1e-3);
      // Above the performer's lid nothing is kept.
      expect(Math.abs(made[above]! - mixed(above))).toBeLessThan(0.03);
    }
  },
);

test('refuses a network that is not the one that was named, and one of another shape', async () => {
  const held = always(1);
  const options = { runtime, arena, kernels, dir };
  await expect(openFeatures(options, { ...held, sha256: '0'.repeat(64) })).rejects.toThrow(/damaged or was changed/);
  await expect(openFeatures(options, { ...held, file: 'gone.onnx' })).rejects.toThrow(/gone\.onnx is missing/);
});
