import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reageGraph } from '../../scripts/age/reage-graph.ts';
import { canonicalOf } from '../../scripts/double/face-mesh.ts';
import { writeLook } from '../../scripts/double/look-folder.ts';
import { readTrained } from '../../scripts/double/trained-network.ts';
import { readFaceMesh } from '../../scripts/models/read-face-mesh.ts';
import { openDouble } from '../../server/double/open.ts';
import type { Replacer } from '../../server/double/replacer.ts';
import { LANDMARKS, type Landmarks } from '../../server/face/types.ts';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Runtime } from '../../server/inference/session.ts';
import { type ArenaPicture, arenaPicture } from '../fixtures/video.ts';

const [WIDTH, HEIGHT] = [320, 256];
const PLANE = 256 * 256;
const mesh = readFaceMesh();

/** A network that knows nothing: the mean of the picture's 2×2 and of the dial, shares of it to each channel. */
const UNTRAINED = {
  format: 2,
  window: [16, 32, 224, 192],
  inputs: ['given'],
  outputs: ['change'],
  nodes: [
    { op: 'conv', from: 'given', to: 'a', inputs: 8, outputs: 12, kernel: 2, stride: 2, relu: false },
    { op: 'shuffle', from: 'a', to: 'change' },
  ],
  training: {},
};

function writeUntrained(dir: string): void {
  const weights = Float32Array.from({ length: 12 * 8 * 4 }, (_, i) => 0.01 * (1 + (i % 7)));
  const conv = { ...UNTRAINED.nodes[0], weights: [0, weights.length], bias: [weights.length, 12] };
  writeFileSync(
    join(dir, 'network.weights'),
    new Uint8Array(Float32Array.from([...weights, ...Array(12).fill(0.02)]).buffer),
  );
  writeFileSync(join(dir, 'network.json'), JSON.stringify({ ...UNTRAINED, nodes: [conv, UNTRAINED.nodes[1]] }));
}

/** The canonical head before the camera, some 180 pixels high. */
function canonicalFace(): Landmarks {
  const points = new Float32Array(3 * LANDMARKS);
  for (const [i, value] of canonicalOf(mesh).entries())
    points[i] = 10 * value + (i % 3 === 0 ? WIDTH / 2 : i % 3 === 1 ? HEIGHT / 2 : 0);
  return { points, presence: 1, crop: { cx: WIDTH / 2, cy: HEIGHT / 2, size: HEIGHT, rot: 0 } };
}

let dir: string;
let runtime: Runtime;
let arena: Arena;
let look: Replacer;
let target: ArenaPicture;
const landmarks = canonicalFace();

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-reage-'));
  writeUntrained(dir);
  const bytes = reageGraph(readTrained(dir)).encode({});
  const model = { file: 'reage.onnx', bytes };
  writeLook(dir, { kind: 'reage', name: 'test', maxYawDeg: 60, model, mesh, uv: mesh.uv, offset: null, guide: null });
  arena = new Arena(64);
  runtime = createRuntime();
  look = await openDouble({ runtime, arena, kernels: loadKernels(arena), dir });
  target = arenaPicture(arena, WIDTH, HEIGHT);
});
afterAll(() => {
  look.close();
  runtime.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Four planes of the change, and where a frame pixel lies in them. */
async function at(age: number): Promise<{ change: Float32Array; texel: (x: number, y: number) => number }> {
  const picture = target.fill(new Uint8Array((WIDTH * HEIGHT * 3) / 2).fill(120), 0);
  const face = await look.replace({ picture, landmarks, params: { age }, trackId: 1 });
  const [a, b, c, d, e, f] = face.toCrop;
  const texel = (x: number, y: number): number => 256 * Math.round(d * x + e * y + f) + Math.round(a * x + b * y + c);
  return { change: arena.floats(face.at, 4 * PLANE).slice(), texel };
}

const middleOf = (points: readonly number[]): [x: number, y: number] =>
  [0, 1].map((k) => points.reduce((sum, i) => sum + landmarks.points[3 * i + k]!, 0) / points.length) as [
    number,
    number,
  ];

describe('the age treatment reage, whatever its network has learned', () => {
  test('at 0 nothing is added anywhere; the further the dial is turned, the more', async () => {
    const sums: number[] = [];
    for (const age of [0, 0.5, 1]) {
      const { change } = await at(age);
      sums.push(change.subarray(0, 3 * PLANE).reduce((sum, value) => sum + Math.abs(value), 0));
    }
    expect(sums[0]).toBe(0);
    expect(sums[1]).toBeGreaterThan(0);
    expect(sums[2]).toBeGreaterThan(sums[1]!);
  });

  test('cheeks change; eyes, teeth and what lies beyond the outline never do', async () => {
    const { change, texel } = await at(-1);
    const moved = ([x, y]: [number, number]): number =>
      Math.abs(change[texel(x, y)]!) + Math.abs(change[3 * PLANE + texel(x, y)]!);
    expect(moved(middleOf([50]))).toBeGreaterThan(1);
    for (const rim of [mesh.leftEye, mesh.rightEye]) expect(moved(middleOf(rim))).toBe(0);
    expect(change[3 * PLANE]).toBe(0);
    const outline = mesh.oval.map((i) => texel(landmarks.points[3 * i]!, landmarks.points[3 * i + 1]!));
    for (const i of outline) expect(change[3 * PLANE + i]).toBeLessThan(0.35);
  });

  test('beyond its ends the dial does no more than at its ends', async () => {
    expect((await at(-40)).change).toEqual((await at(-1)).change);
  });
});
