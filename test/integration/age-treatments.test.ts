import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { retouchGraph } from '../../scripts/age/retouch-graph.ts';
import { ageWeights } from '../../scripts/age/weights.ts';
import { readFaceMesh } from '../../scripts/models/read-face-mesh.ts';
import { openDouble } from '../../server/double/open.ts';
import type { Replacer } from '../../server/double/replacer.ts';
import { compositeFace } from '../../server/face/composite.ts';
import { createPerceiver, type Perceiver } from '../../server/face/perceiver.ts';
import type { Landmarks } from '../../server/face/types.ts';
import { Arena } from '../../server/frame/arena.ts';
import { type Kernels, loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Runtime } from '../../server/inference/session.ts';
import { type ArenaPicture, arenaPicture, type DecodedVideo, decodeVideo } from '../fixtures/video.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
const AGES = `${MODELS}ages/`;

let arena: Arena;
let kernels: Kernels;
let runtime: Runtime;
let perceiver: Perceiver;
const looks: Record<string, Replacer> = {};
let demo: DecodedVideo;
let target: ArenaPicture;
let landmarks: Landmarks;

beforeAll(async () => {
  arena = new Arena(256);
  kernels = loadKernels(arena);
  runtime = createRuntime();
  perceiver = await createPerceiver({ runtime, arena, kernels, modelsDir: MODELS });
  for (const name of ['retouch', 'reage'])
    looks[name] = await openDouble({ runtime, arena, kernels, dir: AGES + name });
  demo = await decodeVideo(`${MODELS}demo/demo.mp4`, 2);
  target = arenaPicture(arena, demo.width, demo.height, demo.colour);
  const [track] = await perceiver.perceive(target.fill(demo.pictures[0] as Uint8Array, 0)).complete;
  landmarks = track?.landmarks as Landmarks;
});
afterAll(() => {
  for (const look of Object.values(looks)) look.close();
  perceiver.close();
  runtime.close();
});

/** The demo's first picture at a setting of the dial. */
async function at(name: string, age: number | null): Promise<Uint8Array> {
  const picture = target.fill(demo.pictures[0] as Uint8Array, 0);
  const face = await looks[name]!.replace({ picture, landmarks, params: age === null ? {} : { age }, trackId: 1 });
  compositeFace(picture, face, kernels, arena);
  return arena.bytes(picture.at, (demo.pictures[0] as Uint8Array).length).slice();
}

/** Mean absolute second difference along rows of luma on both cheeks: how much fine relief there is. */
function relief(picture: Uint8Array): number {
  let [sum, count] = [0, 0];
  for (const cheek of [50, 280]) {
    const [cx, cy] = [landmarks.points[3 * cheek] ?? 0, landmarks.points[3 * cheek + 1] ?? 0];
    for (let y = Math.round(cy) - 12; y <= cy + 12; y++) {
      for (let x = Math.round(cx) - 12; x <= cx + 12; x++, count++) {
        const i = y * demo.width + x;
        sum += Math.abs((picture[i - 2] ?? 0) - 2 * (picture[i] ?? 0) + (picture[i + 2] ?? 0));
      }
    }
  }
  return sum / count;
}

// The learned treatment leaves a face alone that is young already, as the demo's is.
describe.each([
  ['retouch', -1],
  ['reage', 1],
] as const)('the age treatment %s', (name, end) => {
  test('at 0, and where the dial was never touched, every byte stays', async () => {
    expect(await at(name, 0)).toEqual(demo.pictures[0]);
    expect(await at(name, null)).toEqual(demo.pictures[0]);
  });

  test('the further the dial is turned the more is changed', async () => {
    const plate = demo.pictures[0] as Uint8Array;
    const changed = (picture: Uint8Array): number => picture.reduce((sum, v, i) => sum + Math.abs(v - plate[i]!), 0);
    const [half, whole] = [changed(await at(name, end / 2)), changed(await at(name, end))];
    expect(half).toBeGreaterThan(0);
    expect(whole).toBeGreaterThan(1.2 * half);
  });

  test('nothing changes outside the face, in the eyes, or by more than a shade', async () => {
    const [before, after] = [demo.pictures[0] as Uint8Array, await at(name, end)];
    const xs = Array.from({ length: 468 }, (_, i) => landmarks.points[3 * i] ?? 0);
    const ys = Array.from({ length: 468 }, (_, i) => landmarks.points[3 * i + 1] ?? 0);
    let changed = 0;
    for (let i = 0; i < demo.width * demo.height; i++) {
      const difference = Math.abs((after[i] ?? 0) - (before[i] ?? 0));
      if (difference === 0) continue;
      changed++;
      const [x, y] = [i % demo.width, Math.floor(i / demo.width)];
      expect(x > Math.min(...xs) - 3 && x < Math.max(...xs) + 3).toBe(true);
      expect(y > Math.min(...ys) - 3 && y < Math.max(...ys) + 3).toBe(true);
      expect(difference).toBeLessThan(64);
    }
    expect(changed).toBeGreaterThan(5000);
    for (const iris of [468, 473]) {
      const row = Math.round(landmarks.points[3 * iris + 1] ?? 0) * demo.width;
      const pixel = row + Math.round(landmarks.points[3 * iris] ?? 0);
      expect(after[pixel]).toBe(before[pixel]);
    }
  });

  test('beyond its ends the dial does no more than at its ends', async () => {
    expect(await at(name, -40)).toEqual(await at(name, -1));
    expect(await at(name, Number.POSITIVE_INFINITY)).toEqual(await at(name, 1));
  });
});

test('retouch: younger smooths the skin, older roughens it, each more the further the dial is turned', async () => {
  const steps = [-1, -0.5, 0, 0.5, 1];
  const reliefs: number[] = [];
  for (const age of steps) reliefs.push(relief(await at('retouch', age)));
  expect(reliefs).toEqual(reliefs.toSorted((a, b) => a - b));
  expect(reliefs[0]).toBeLessThan(0.9 * (reliefs[2] as number));
  expect(reliefs[4]).toBeGreaterThan(1.1 * (reliefs[2] as number));
});

test('the script makes the network of retouch that is kept', async () => {
  const mesh = readFaceMesh();
  const made = retouchGraph(await ageWeights(mesh, 256)).encode({ generator: 'scripts/age/build-retouch.ts' });
  const kept = readFileSync(`${AGES}retouch/retouch.onnx`);
  expect(createHash('sha256').update(made).digest('hex')).toBe(createHash('sha256').update(kept).digest('hex'));
});
