import { readFileSync } from 'node:fs';
import ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { readFaceMesh } from '../../scripts/models/read-face-mesh.ts';
import { ANYBODY } from '../../scripts/own-double/bundled.ts';
import { irisOf } from '../../scripts/own-double/iris.ts';
import { otherEyes } from '../../scripts/own-double/irises.ts';
import { lastLayerOf } from '../../scripts/own-double/last-layer.ts';
import { PLANE, type Sight } from '../../scripts/own-double/observe.ts';
import { Ridge } from '../../scripts/own-double/ridge.ts';
import { random } from '../../scripts/performer/vec.ts';
import { LEARNED } from '../../server/double/learned.ts';
import { SIZE } from '../../server/double/surface.ts';

const [, CHANGE, ROWS, COLUMNS] = LEARNED.outputs.change;

test('least squares finds the factors that rows were made with, and leaves at zero what no row speaks of', () => {
  const next = random(3);
  const truth = [
    [2, -1, 0.5, 0],
    [0, 3, 0, 0],
  ];
  const ridge = new Ridge(4, 2);
  for (let i = 0; i < 40; i++) {
    const row = Float32Array.of(next(), next() - 0.5, next(), 0);
    ridge.add(
      row,
      truth.map((factors) => factors.reduce((sum, factor, k) => sum + factor * row[k]!, 0)),
      next(),
    );
  }
  const found = ridge.solve(1e-9);
  for (const [k, value] of truth.flat().entries()) expect(found[k]).toBeCloseTo(value, 4);
});

const mesh = readFaceMesh();
const at = (x: number, y: number): number => y * SIZE + x;

/** A crop of grey with two eyes: pupils of 20, irises of 60, a glint in each. */
function painted(): Sight {
  const cropPoints = new Float32Array(2 * 478);
  const crop = new Uint8Array(3 * PLANE).fill(180);
  const paint = (x: number, y: number, value: number): void => {
    for (let c = 0; c < 3; c++) crop[c * PLANE + at(x, y)] = value;
  };
  for (const [rim, iris, cx] of [
    [mesh.leftEye, mesh.leftIris, 170],
    [mesh.rightEye, mesh.rightIris, 90],
  ] as const) {
    for (const [k, point] of rim.entries()) {
      const angle = (2 * Math.PI * k) / rim.length;
      cropPoints.set([cx + 20 * Math.cos(angle), 100 + 12 * Math.sin(angle)], 2 * point);
    }
    for (const [k, point] of iris.entries())
      cropPoints.set(k === 0 ? [cx, 100] : [cx + [8, 0, -8, 0][k - 1]!, 100 + [0, 8, 0, -8][k - 1]!], 2 * point);
    for (let y = -8; y <= 8; y++) for (let x = -8; x <= 8; x++) if (Math.hypot(x, y) <= 8) paint(cx + x, 100 + y, 60);
    paint(cx, 100, 20);
    paint(cx + 3, 97, 250);
  }
  return { crop, cropPoints } as Sight;
}

test('other eyes: the irises take one colour, pupil and glint stay, and nothing beside them changes', () => {
  const sight = painted();
  const { crop } = sight;
  // The fifth colour of six: blue.
  const made = otherEyes(sight, mesh, () => 0.7);
  const rgb = (x: number, y: number): number[] => [0, 1, 2].map((c) => made[c * PLANE + at(x, y)]!);
  for (const cx of [90, 170]) {
    const [r, , b] = rgb(cx + 5, 100);
    expect(b! - r!).toBeGreaterThan(15);
    expect(Math.max(...rgb(cx, 100))).toBeLessThan(b!);
    expect(rgb(cx + 3, 97)).toEqual([250, 250, 250]);
    expect(rgb(cx + 14, 100)).toEqual([180, 180, 180]);
    expect(rgb(cx, 60)).toEqual([180, 180, 180]);
  }
  expect(crop[at(95, 100)]).toBe(60);
});

test('irises are read off open eyes that look ahead: dark inside, white outside, as large as they are', () => {
  const expression = { mouthOpen: 0, blink: -0.5, smile: 0, brow: 0, gazeX: 0 };
  const sight = { ...painted(), yaw: 0, pitch: 0, faceHeight: 300, expression };
  const iris = irisOf(Array(6).fill(sight), expression, mesh)!;
  // Eight pixels of 11.2 a unit, and five steps of white after thirteen of iris.
  expect(iris.radius).toBeCloseTo((8 / 11.2) * (18 / 13), 2);
  const green = (step: number): number => iris.profile[3 * step + 1]!;
  expect(green(0)).toBeLessThan(green(8));
  expect(green(8)).toBeCloseTo((0.62 * 60) / 180, 2);
  expect(green(18)).toBeCloseTo(0.62, 2);
  const turned = Array(6).fill({ ...sight, yaw: 30 });
  expect(irisOf(turned, expression, mesh)).toBeNull();
});

test('the last layer of the network for anybody: what it is given is told, and something added to it adds to the colours alone', async () => {
  const layer = lastLayerOf(readFileSync(ANYBODY), ROWS, COLUMNS);
  expect(layer).not.toBeNull();
  const { channels, kernel } = layer!;
  const next = random(5);
  const input = (dims: readonly number[]): ort.Tensor =>
    new ort.Tensor('float32', Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, next), [...dims]);
  const feeds = { drawn: input(LEARNED.inputs.drawn), coarse: input(LEARNED.inputs.coarse) };
  const run = async (model: Uint8Array): Promise<Record<string, ort.Tensor>> => {
    const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
    const results = await session.run(feeds);
    await session.release();
    return results;
  };
  const plain = await run(layer!.opened);
  expect(plain.features!.dims).toEqual([1, channels, ROWS, COLUMNS]);
  const weight = new Float64Array(3 * channels * kernel ** 2);
  const middle = (kernel ** 2 - 1) / 2;
  // Blue: a tenth of the first channel, and a little.
  weight[2 * channels * kernel ** 2 + middle] = 0.1;
  const changed = await run(layer!.with(weight, [0, 0, 0.25], {}));
  const [before, after, features] = [plain.change!, changed.change!, plain.features!].map(
    ({ data }) => data as Float32Array,
  ) as [Float32Array, Float32Array, Float32Array];
  const cells = ROWS * COLUMNS;
  for (let plane = 0; plane < CHANGE; plane++)
    for (let i = 0; i < cells; i += 37) {
      const more = plane === 4 ? 0.1 * features[i]! + 0.25 : 0;
      expect(after[plane * cells + i]! - before[plane * cells + i]!).toBeCloseTo(more, 4);
    }
});
