import { lower, outputNamed } from './lower.ts';
import { readTflite } from './tflite.ts';

const ANCHORS = 48 * 48;

/** Full-range face detector: `regressors` 1×2304×16 and `scores` 1×2304×1 (logits), one row for each 4×4 px cell. */
export function convertDetector(tflite: Uint8Array, metadata: Record<string, string>): Uint8Array {
  const model = readTflite(tflite);
  const lowering = lower(model, 'face-detection-full-range');
  const { graph } = lowering;
  graph.output('regressors', outputNamed(model, lowering, 'reshaped_regressor_face_4'), [1, ANCHORS, 16]);
  graph.output('scores', outputNamed(model, lowering, 'reshaped_classifier_face_4'), [1, ANCHORS, 1]);
  return graph.encode(metadata);
}
