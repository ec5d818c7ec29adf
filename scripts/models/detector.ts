import { lower, outputNamed } from './lower.ts';
import { ints, readTflite, type TfliteModel } from './tflite.ts';

const SIDE = 192;
const CELLS = 48;
/** Rows of the shorter input: a multiple of 32, the network's coarsest step, that holds a 16:9 picture's 108 and black above and below. */
export const WIDE_ROWS = 128;
/**
 * What is added to the shorter one's logits: with less black around a picture the network is less sure, on 762 frames (six cameras' clips as 16:9, their
 * faces at 16 to 100 pixels of the input, and rendered performances) by 0.24 on the mean.
 */
export const WIDE_LOGIT = 0.24;

/** Full-range face detector: `regressors` 1×2304×16 and `scores` 1×2304×1 (logits), one row for each 4×4 px cell. */
export function convertDetector(tflite: Uint8Array, metadata: Record<string, string>): Uint8Array {
  return converted(readTflite(tflite), 'face-detection-full-range', SIDE, 0, metadata);
}

/** The same network for pictures of 16:9 and wider, 192×128: two thirds of the work. 1×1536×16 and 1×1536×1. */
export function convertWideDetector(tflite: Uint8Array, metadata: Record<string, string>): Uint8Array {
  const model = withRows(readTflite(tflite), WIDE_ROWS);
  return converted(model, 'face-detection-full-range-wide', WIDE_ROWS, WIDE_LOGIT, metadata);
}

function converted(
  model: TfliteModel,
  name: string,
  rows: number,
  logit: number,
  metadata: Record<string, string>,
): Uint8Array {
  const lowering = lower(model, name);
  const { graph } = lowering;
  const anchors = (CELLS * CELLS * rows) / SIDE;
  graph.output('regressors', outputNamed(model, lowering, 'reshaped_regressor_face_4'), [1, anchors, 16]);
  const scores = outputNamed(model, lowering, 'reshaped_classifier_face_4');
  const sure = logit === 0 ? scores : graph.add('Add', [scores, graph.floats([logit], [1])]);
  graph.output('scores', sure, [1, anchors, 1]);
  return graph.encode(metadata);
}

/** The network for an input of fewer rows; its convolutions do not mind. Pictures are rank 4, NHWC; what they are reshaped to has a row for each place. */
export function withRows(model: TfliteModel, rows: number): TfliteModel {
  // Weights are kept in half precision: what widens them makes no picture.
  const weights = new Set(model.ops.flatMap(({ type, outputs }) => (type === 'DEQUANTIZE' ? outputs : [])));
  const fewer = (count: number): number => (count * rows) / SIDE;
  const tensors = model.tensors.map((tensor) => {
    const { index, shape, data } = tensor;
    if (data !== null || weights.has(index) || shape.length < 3) return tensor;
    return { ...tensor, shape: shape.map((size, axis) => (axis === 1 ? fewer(size) : size)) };
  });
  for (const { type, inputs } of model.ops) {
    const size = model.tensors[inputs[1] ?? -1];
    if (type !== 'RESIZE_BILINEAR' || !size?.data) continue;
    const [height = 0, width = 0] = ints(size);
    tensors[size.index] = { ...size, data: new Uint8Array(Int32Array.of(fewer(height), width).buffer) };
  }
  return { ...model, tensors };
}
