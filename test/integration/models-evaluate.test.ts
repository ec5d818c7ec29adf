import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { FOLDER } from '../../scripts/models/convert.ts';
import { readSource, SOURCES } from '../../scripts/models/sources.ts';
import { readTflite } from '../../scripts/models/tflite.ts';
import { clip, clipLabels } from '../fixtures/clips.ts';
import { drawnFace, type Picture, videoFrame } from '../fixtures/picture.ts';
import { evaluateTflite, type Value } from '../fixtures/tflite-evaluator.ts';

const SIDE = 192;
const LANDMARKS_PX = 1e-3;
const RELATIVE = 1e-4;

/** A still of a real performer where the clips are, else a drawn face. */
const yes = clip('yes');
const what = yes ? 'a frame of a real face' : 'a drawn face (the clips of real faces are absent)';
const FRAME = 30;

const wholeFrame = (): Promise<Picture> => still('crop=480:480:80:0');

/** The face in a square crop with some air, slightly rolled, as tracking would cut it. */
function faceCrop(): Promise<Picture> {
  if (!yes) return still('');
  const [x, y, w, h] = clipLabels(yes).faces[FRAME]?.[0]?.box ?? [0, 0, SIDE, SIDE];
  const side = Math.round(1.6 * Math.max(w, h));
  return still(`crop=${side}:${side}:${Math.round(x + (w - side) / 2)}:${Math.round(y + (h - side) / 2)},rotate=0.2`);
}

function still(crop: string): Promise<Picture> {
  if (!yes) return Promise.resolve(drawnFace(SIDE));
  return videoFrame(yes.file, FRAME, `${crop},scale=${SIDE}:${SIDE}`);
}

/** Numbers of the picture in NHWC and, for ONNX, in NCHW. */
function tensors({ rgb }: Picture, scale: number, shift: number): { nhwc: Float32Array; nchw: Float32Array } {
  const nhwc = Float32Array.from(rgb, (value) => (value / 255) * scale + shift);
  const nchw = nhwc.map((_, i) => nhwc[(i % (SIDE * SIDE)) * 3 + Math.floor(i / (SIDE * SIDE))] as number);
  return { nhwc, nchw };
}

async function runOnnx(file: string, nchw: Float32Array): Promise<Record<string, Float32Array>> {
  const session = await ort.InferenceSession.create(join(FOLDER, file), { intraOpNumThreads: 1 });
  const results = await session.run({ input: new ort.Tensor('float32', nchw, [1, 3, SIDE, SIDE]) });
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, tensor.data as Float32Array]));
}

function numbers(values: Map<string, Value>, name: string): Float64Array {
  const value = values.get(name);
  if (value === undefined) throw new Error(`The TFLite model has no output ${name}.`);
  return value.data;
}

function worst(actual: ArrayLike<number> | undefined, expected: ArrayLike<number>): number {
  expect(actual?.length).toBe(expected.length);
  return Math.max(...Array.from(expected, (value, i) => Math.abs((actual?.[i] ?? Number.NaN) - value)));
}

const largest = (values: ArrayLike<number>) => Math.max(...Array.from(values, Math.abs));

/** The refinements merged as MediaPipe describes it, point by point: an own reading, not the converter's Gather. */
function merged(values: Map<string, Value>, lists: { lips: number[]; eyes: [number[], number[]] }): Float64Array {
  const points = new Float64Array(478 * 3);
  points.set(numbers(values, 'output_mesh_identity'));
  const put = (name: string, targets: number[]) => {
    const xy = numbers(values, name);
    targets.forEach((target, i) => {
      points.set(xy.subarray(2 * i, 2 * i + 2), 3 * target);
    });
  };
  put('output_lips', lists.lips);
  ['left', 'right'].forEach((side, n) => {
    const eye = lists.eyes[n] ?? [];
    const irisPoints = [0, 1, 2, 3, 4].map((i) => 468 + 5 * n + i);
    put(`output_${side}_eye`, eye);
    put(`output_${side}_iris`, irisPoints);
    const rim = eye.slice(0, 16).map((point) => points[3 * point + 2] as number);
    for (const point of irisPoints) points[3 * point + 2] = rim.reduce((a, b) => a + b) / rim.length;
  });
  return points;
}

describe(`the converted models agree with an independent evaluation of their source on ${what}`, () => {
  test('face detection: regressors and scores', async () => {
    const { nhwc, nchw } = tensors(await wholeFrame(), 2, -1);
    const expected = evaluateTflite(readTflite(readSource(SOURCES.detector)), nhwc);
    const actual = await runOnnx('face-detection-full-range.onnx', nchw);
    const [boxes, scores] = [
      numbers(expected, 'reshaped_regressor_face_4'),
      numbers(expected, 'reshaped_classifier_face_4'),
    ];
    const errors = [worst(actual.regressors, boxes) / largest(boxes), worst(actual.scores, scores) / largest(scores)];
    console.log(
      `detector: relative error of regressors and scores ${errors.map((e) => e.toExponential(1)).join(', ')}`,
    );
    expect(Math.max(...errors)).toBeLessThan(RELATIVE);
    expect(Math.max(...scores), 'the detector sees the face').toBeGreaterThan(0);
  }, 60_000);

  test('face landmarks: 478 points and presence', async () => {
    const model = readTflite(readSource(SOURCES.landmarks));
    const regions = model.ops.flatMap(({ custom }) => (custom.subset_idxs as number[] | undefined) ?? []);
    const [lips, left, right] = [regions.slice(0, 80), regions.slice(80, 151), regions.slice(151, 222)];
    const { nhwc, nchw } = tensors(await faceCrop(), 1, 0);
    const values = evaluateTflite(model, nhwc);
    const actual = await runOnnx('face-landmarks-478.onnx', nchw);
    const error = worst(actual.landmarks, merged(values, { lips, eyes: [left, right] }));
    const presence = 1 / (1 + Math.exp(-(numbers(values, 'conv_faceflag')[0] ?? Number.NaN)));
    const presenceError = worst(actual.presence, [presence]);
    console.log(
      `landmarks: worst error ${error.toExponential(1)} px; presence ${presence.toFixed(6)}, error ${presenceError.toExponential(1)}`,
    );
    expect(error).toBeLessThan(LANDMARKS_PX);
    expect(presenceError).toBeLessThan(RELATIVE);
    expect(presence, 'the crop holds the face').toBeGreaterThan(0.9);
  }, 60_000);
});
