import { input, type Lowering, output } from './lowering.ts';
import type { TfliteOp } from './tflite.ts';

/**
 * PRelu in depthwise 1×1 convolutions. onnxruntime's own PRelu, and max(x, a·x) or Where for slopes above 1, leave its blocked x86 layout and come
 * back at every activation: 3.0, 2.7 and 2.0 ms for the landmark model in that order.
 *
 * As a·x + relu((1 − a)·x) it takes two passes, since a convolution takes a Relu and a sum with it; where a > 1 that is −prelu(x), so such channels
 * are kept negative and whoever reads them turns them back in its weights. Where a reader cannot, it is a·x + (1 − a)·relu(x) in three passes.
 */
export function prelu(l: Lowering, op: TfliteOp): void {
  const x = input(op, 0);
  const slopes = l.floats(input(op, 1));
  if (l.shape(input(op, 1)).some((size, axis, shape) => axis < shape.length - 1 && size !== 1)) {
    throw new Error('PRELU with a slope per pixel is not supported.');
  }
  const before = l.signsOf(x);
  const free = isTurnedBack(l, output(op));
  if (free || slopes.every((a) => a <= 1)) {
    const after = slopes.map((a) => (a <= 1 ? 1 : -1));
    const bent = scaled(
      l,
      l.value(x),
      slopes.map((a, c) => sign(before, c) * Math.abs(1 - a)),
    );
    const straight = scaled(
      l,
      l.value(x),
      slopes.map((a, c) => sign(after, c) * sign(before, c) * a),
    );
    l.set(output(op), l.graph.add('Add', [l.graph.add('Relu', [bent]), straight]));
    l.setSigns(output(op), after);
    return;
  }
  // Of −x: −x + (1 − a)·relu(x).
  const positive = l.graph.add('Relu', [l.value(x)]);
  const straight = slopes.map((a, c) => (sign(before, c) > 0 ? a : -1));
  l.set(
    output(op),
    l.graph.add('Add', [
      scaled(
        l,
        positive,
        slopes.map((a) => 1 - a),
      ),
      scaled(l, l.value(x), straight),
    ]),
  );
}

export const sign = (signs: Float32Array | null, channel: number): number => signs?.[channel] ?? 1;

function scaled(l: Lowering, value: string, factors: Float32Array): string {
  const weights = l.graph.floats(factors, [factors.length, 1, 1, 1]);
  return l.graph.add('Conv', [value, weights], { kernel_shape: [1, 1], group: factors.length });
}

/** Whether all that read a picture have weights to turn it back with, or are sums with a convolution that has, and go into a PRelu. */
function isTurnedBack(l: Lowering, index: number): boolean {
  const readers = l.readersOf(index);
  return readers.length > 0 && readers.every((op) => HAS_WEIGHTS.has(op.type) || turnedSum(l, op, index) !== null);
}
const HAS_WEIGHTS = new Set(['CONV_2D', 'DEPTHWISE_CONV_2D']);

/** Of a sum: the convolution that makes what is added to `index`, for nobody else; null where it is made otherwise, or the sum goes elsewhere. */
export function turnedSum(l: Lowering, op: TfliteOp, index: number): TfliteOp | null {
  if (op.type !== 'ADD' || !l.readersOf(output(op)).every(({ type }) => type === 'PRELU')) return null;
  const other = input(op, input(op, 0) === index ? 1 : 0);
  const maker = other === index ? null : l.maker(other);
  return maker?.type === 'CONV_2D' && l.readersOf(other).length === 1 ? maker : null;
}
