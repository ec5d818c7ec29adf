import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { learnedGraph } from '../../scripts/double/learned-graph.ts';
import { writeLook } from '../../scripts/double/look-folder.ts';
import { readSource } from '../../scripts/double/source.ts';
import { readTrained } from '../../scripts/double/trained-network.ts';
import { readFaceMesh } from '../../scripts/models/read-face-mesh.ts';
import { openDouble } from '../../server/double/open.ts';
import { canonicalPoints, fitPose } from '../../server/double/pose.ts';
import type { Replacer } from '../../server/double/replacer.ts';
import { CROP_SCALE } from '../../server/double/surface.ts';
import { readTemplate } from '../../server/double/template.ts';
import { compositeFace } from '../../server/face/composite.ts';
import { createPerceiver, type Perceiver } from '../../server/face/perceiver.ts';
import { Arena } from '../../server/frame/arena.ts';
import { type Kernels, loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Runtime } from '../../server/inference/session.ts';
import { writeMeshDouble } from '../fixtures/mesh-double.ts';
import { Canvas } from '../fixtures/scene.ts';
import { arenaPicture, type DecodedVideo, decodeVideo } from '../fixtures/video.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));

let arena: Arena;
let kernels: Kernels;
let runtime: Runtime;
let perceiver: Perceiver;
let replacer: Replacer;
let meshDir: string;
let demo: DecodedVideo;

beforeAll(async () => {
  arena = new Arena(256);
  kernels = loadKernels(arena);
  runtime = createRuntime();
  perceiver = await createPerceiver({ runtime, arena, kernels, modelsDir: MODELS });
  meshDir = mkdtempSync(join(tmpdir(), 'understudy-mesh-'));
  await writeMeshDouble(meshDir);
  replacer = await openDouble({ runtime, arena, kernels, dir: meshDir });
  demo = await decodeVideo(`${MODELS}demo/demo.mp4`, 2);
});
afterAll(() => {
  replacer.close();
  perceiver.close();
  runtime.close();
  rmSync(meshDir, { recursive: true, force: true });
});

/** Two performers beside each other; the right one in a quarter of the light. */
function twoFaces(): Canvas {
  const { width, height } = demo;
  const scene = new Canvas(width, height);
  const samples = demo.pictures[0]!;
  const dark = samples.map((value, i) => (i < width * height ? 16 + (value - 16) * 0.5 : 128 + (value - 128) * 0.6));
  const half = { x: Math.floor(width / 4), y: 0, width: Math.floor(width / 2), height };
  scene.paste({ width, height, samples }, half, 0, 0);
  scene.paste({ width, height, samples: dark }, half, Math.floor(width / 2), 0);
  return scene;
}

describe('a double of kind mesh', () => {
  test('two faces in one picture: both replaced, each in its own light, nothing between them touched', async () => {
    const scene = twoFaces();
    const target = arenaPicture(arena, scene.width, scene.height, demo.colour);
    const picture = target.fill(scene.samples, 0);
    const tracks = await perceiver.perceive(picture).complete;
    const faces = tracks.filter((track) => track.landmarks);
    expect(faces).toHaveLength(2);
    const lumas: { x: number; mean: number }[] = [];
    for (const { id, landmarks, box } of faces) {
      const made = await replacer.replace({ picture, landmarks: landmarks!, params: {}, trackId: id });
      const pixels = made.size * made.size;
      const rgba = arena.floats(made.at, 4 * pixels);
      expect(rgba.every((value) => value >= 0 && value <= 1)).toBe(true);
      let [sum, weight] = [0, 0];
      for (let i = 0; i < pixels; i++) {
        sum += rgba[3 * pixels + i]! * rgba[pixels + i]!;
        weight += rgba[3 * pixels + i]!;
      }
      lumas.push({ x: box.x, mean: sum / weight });
      compositeFace(picture, made, kernels, arena);
    }
    const [left, right] = lumas.sort((a, b) => a.x - b.x);
    expect(right!.mean).toBeLessThan(left!.mean * 0.75);
    for (const { landmarks } of faces) {
      // Around the nose bridge, brows and cheeks: the double's face is not the performer's.
      const [x, y] = [Math.round(landmarks!.points[3 * 168]!), Math.round(landmarks!.points[3 * 168 + 1]!)];
      let changed = 0;
      for (let dy = -20; dy <= 20; dy++) {
        for (let dx = -20; dx <= 20; dx++) {
          const at = (y + dy) * scene.width + x + dx;
          changed += Math.abs(picture.planes[0][at]! - scene.samples[at]!);
        }
      }
      expect(changed / 41 ** 2).toBeGreaterThan(3);
    }
    const middle = Math.floor(scene.width / 2);
    for (let y = 0; y < scene.height; y++)
      expect(picture.planes[0][y * scene.width + middle]).toBe(scene.samples[y * scene.width + middle]);
  });

  test('the same picture, time and track give the same face, bit for bit', async () => {
    const target = arenaPicture(arena, demo.width, demo.height, demo.colour);
    const picture = target.fill(demo.pictures[1]!, 40_000);
    perceiver.reset();
    const [track] = await perceiver.perceive(picture).complete;
    const face = { picture, landmarks: track!.landmarks!, params: {}, trackId: 900 };
    const read = async (): Promise<Float32Array> => {
      const made = await replacer.replace(face);
      return arena.floats(made.at, 4 * made.size * made.size).slice();
    };
    const first = await read();
    replacer.forget(900);
    expect(await read()).toEqual(first);
  });

  test('a face half outside the picture is replaced without touching what is not there', async () => {
    const target = arenaPicture(arena, demo.width, demo.height, demo.colour);
    const picture = target.fill(demo.pictures[0]!, 80_000);
    perceiver.reset();
    const [track] = await perceiver.perceive(picture).complete;
    const points = track!.landmarks!.points.map((value, i) =>
      i % 3 === 0 ? value - track!.box.x - track!.box.w / 2 : value,
    );
    const made = await replacer.replace({
      picture,
      landmarks: { ...track!.landmarks!, points },
      params: {},
      trackId: 901,
    });
    compositeFace(picture, made, kernels, arena);
    const rightHalf = picture.planes[0].subarray(demo.width - 200, demo.width);
    expect(rightHalf).toEqual(demo.pictures[0]!.subarray(demo.width - 200, demo.width));
  });
});

describe('a double of kind learned', () => {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-learned-'));
  let learned: Replacer;
  beforeAll(async () => {
    // A network that changes nothing: what is left is the drawing, with the performer's own eyes and mouth behind its openings.
    const few = {
      op: 'conv',
      from: 'drawn',
      inputs: 6,
      kernel: 2,
      stride: 2,
      relu: false,
      weights: [0, 48],
      bias: [576, 2],
    };
    const nodes = [
      { ...few, to: 'half', outputs: 2 },
      { ...few, from: 'half', to: 'change', inputs: 2, outputs: 5, weights: [0, 40], bias: [576, 5] },
    ];
    const described = {
      format: 2,
      window: [16, 32, 224, 192],
      inputs: ['drawn'],
      outputs: ['change'],
      nodes,
      training: {},
    };
    writeFileSync(join(dir, 'network.json'), JSON.stringify(described));
    writeFileSync(join(dir, 'network.weights'), new Uint8Array(4 * 592));
    const mesh = readFaceMesh();
    const source = await readSource(`${MODELS}doubles/mara`, mesh);
    const bytes = learnedGraph(readTrained(dir)).encode({});
    writeLook(dir, { ...source, kind: 'learned', maxYawDeg: 50, model: { file: 'double.onnx', bytes }, mesh });
    learned = await openDouble({ runtime, arena, kernels, dir, closeUps: true });
  });
  afterAll(() => {
    learned.close();
    rmSync(dir, { recursive: true, force: true });
  });

  test('hides eyes and mouth too, takes the performer’s proportions away, and draws nothing beyond its rim', async () => {
    const target = arenaPicture(arena, demo.width, demo.height, demo.colour);
    const picture = target.fill(demo.pictures[0]!, 120_000);
    perceiver.reset();
    const [track] = await perceiver.perceive(picture).complete;
    const landmarks = track!.landmarks!;
    const template = readTemplate(readFileSync(join(dir, 'mesh.json')), 'mesh.json');
    const own = canonicalPoints(landmarks.points, fitPose(template.canonical, landmarks.points, template.rigid));
    const drawn = async (neutral: Float32Array | null): Promise<Float32Array> => {
      const made = await learned.replace({ picture, landmarks, params: {}, trackId: 902, neutral });
      const [a, b, c, d, e, f] = made.toCrop;
      const alpha = (point: number): number => {
        const [x, y] = [landmarks.points[3 * point]!, landmarks.points[3 * point + 1]!];
        const at = Math.round(d * x + e * y + f) * made.size + Math.round(a * x + b * y + c);
        return arena.floats(made.at, 4 * made.size * made.size)[3 * made.size * made.size + at]!;
      };
      // Pupils, between the lips, tip of the nose.
      for (const point of [468, 473, 13, 1]) expect(alpha(point), `landmark ${point}`).toBeGreaterThan(0.9);
      const rgba = arena.floats(made.at, 4 * made.size * made.size).slice();
      expect(rgba.every((value) => value >= 0 && value <= 1)).toBe(true);
      for (const corner of [0, 255, 255 * 256, 256 * 256 - 1]) expect(rgba[3 * 256 * 256 + corner]).toBe(0);
      return rgba;
    };
    const asAverage = await drawn(null);
    const asThemselves = await drawn(own);
    const apart = asAverage.reduce((sum, value, i) => sum + Math.abs(value - asThemselves[i]!), 0) / asAverage.length;
    expect(apart).toBeGreaterThan(0.002);
    // The double's own proportions for a neutral face: the drawing then stays on the performer's landmarks.
    const same = await drawn(template.canonical.map((value, i) => value + template.offset[i]!));
    expect(same.length).toBe(asAverage.length);
  });

  test('draws a face that is close in four times the pixels, the same face but sharper, and stays with it while its size wavers', async () => {
    const target = arenaPicture(arena, demo.width, demo.height, demo.colour);
    const first = target.fill(demo.pictures[0]!, 0);
    const landmarks = (await perceiver.perceive(first).complete)[0]!.landmarks!;
    const { canonical, rigid } = readTemplate(readFileSync(join(dir, 'mesh.json')), 'mesh.json');
    const enlarged = fitPose(canonical, landmarks.points, rigid).scale / CROP_SCALE;
    let us = 0;
    /** The face as if it were so many times as large as the crop that it is drawn in; so late that no light is remembered. */
    const draw = async (trackId: number, times: number) => {
      us += 10_000_000;
      const picture = target.fill(demo.pictures[0]!, us);
      const points = landmarks.points.map((value) => (value * times) / enlarged);
      const face = await learned.replace({ picture, landmarks: { ...landmarks, points }, params: {}, trackId });
      return { ...face, planes: arena.floats(face.at, 4 * face.size ** 2).slice() };
    };
    expect((await draw(1, 1.3)).size).toBe(256);
    // Opened beside the pictures: until then the usual painter paints.
    expect((await draw(1, 1.6)).size).toBe(256);
    await expect.poll(async () => (await draw(1, 1.6)).size, { timeout: 20_000 }).toBe(512);
    const fine = await draw(1, 1.45);
    const usual = await draw(2, 1.45);
    expect([fine.size, usual.size, (await draw(1, 1.35)).size]).toEqual([512, 256, 256]);
    fine.toCrop.forEach((value, i) => {
      const offset = i % 3 === 2 ? 0.5 : 0;
      expect(value).toBeCloseTo(2 * usual.toCrop[i]! + offset, 3);
    });
    let [apart, edges, softer, count] = [0, 0, 0, 0];
    const half = (c: number, x: number, y: number): number => {
      const at = (c * 512 + 2 * y) * 512 + 2 * x;
      return (fine.planes[at]! + fine.planes[at + 1]! + fine.planes[at + 512]! + fine.planes[at + 513]!) / 4;
    };
    for (let y = 40; y < 220; y++)
      for (let x = 40; x < 216; x++) {
        const at = (256 + y) * 256 + x;
        if (usual.planes[3 * 65536 + y * 256 + x]! < 0.95) continue;
        apart += Math.abs(half(1, x, y) - usual.planes[at]!);
        const close = (512 + 2 * y) * 512 + 2 * x;
        edges += Math.abs(fine.planes[close + 1]! - fine.planes[close]!);
        softer += Math.abs(usual.planes[at + 1]! - usual.planes[at]!);
        count++;
      }
    expect(count).toBeGreaterThan(8000);
    expect(apart / count).toBeLessThan(0.012);
    // Merely enlarged, two of its pixels would share the difference of one.
    expect(edges).toBeGreaterThan((1.1 * softer) / 2);
  });
});
