import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDouble } from '../../server/double/open.ts';
import type { Replacer } from '../../server/double/replacer.ts';
import { compositeFace } from '../../server/face/composite.ts';
import { createPerceiver, type Perceiver } from '../../server/face/perceiver.ts';
import { Arena } from '../../server/frame/arena.ts';
import { type Kernels, loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Runtime } from '../../server/inference/session.ts';
import { Canvas } from '../fixtures/scene.ts';
import { arenaPicture, type DecodedVideo, decodeVideo } from '../fixtures/video.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));

let arena: Arena;
let kernels: Kernels;
let runtime: Runtime;
let perceiver: Perceiver;
let replacer: Replacer;
let demo: DecodedVideo;

beforeAll(async () => {
  arena = new Arena(256);
  kernels = loadKernels(arena);
  runtime = createRuntime();
  perceiver = createPerceiver({ runtime, arena, kernels, modelsDir: MODELS });
  replacer = await openDouble({ runtime, arena, kernels, dir: `${MODELS}doubles/mara` });
  demo = await decodeVideo(`${MODELS}demo/demo.mp4`, 2);
});
afterAll(() => {
  replacer.close();
  perceiver.close();
  runtime.close();
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
