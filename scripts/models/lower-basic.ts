import { channelsIn, shortSum } from './blocks.ts';
import { prelu, sign, turnedSum } from './lower-prelu.ts';
import { dim, input, type Lowering, output } from './lowering.ts';
import type { OpOptions, TfliteOp } from './tflite.ts';

/** The builtin operators of the perception models, each as the ONNX nodes that compute the same. */
export const BASIC: Record<string, (lowering: Lowering, op: TfliteOp) => void> = {
  DEQUANTIZE: (l, op) => {
    if (!l.isConstant(input(op, 0))) throw new Error('DEQUANTIZE of an activation is not supported.');
    l.alias(output(op), input(op, 0));
  },
  CONV_2D: (l, op) => l.set(output(op), convolution(l, op)),
  DEPTHWISE_CONV_2D: (l, op) => l.set(output(op), depthwise(l, op)),
  MAX_POOL_2D: (l, op) => l.set(output(op), maxPool(l, op)),
  PRELU: prelu,
  RELU: relu,
  ADD: add,
  MUL: (l, op) => l.set(output(op), l.graph.add('Mul', [operand(l, op, 0), operand(l, op, 1)])),
  PAD: (l, op) => l.set(output(op), pad(l, op)),
  RESIZE_BILINEAR: (l, op) => l.set(output(op), resizeBilinear(l, op)),
  RESHAPE: (l, op) => l.set(output(op), reshape(l, op)),
  STRIDED_SLICE: (l, op) => l.set(output(op), wholeSlice(l, op)),
};

interface Part {
  /** Of which channels of its result. */
  from?: number;
  to?: number;
  /** Which of them are wanted negative. */
  signs?: Float32Array | null;
}

function convolution(l: Lowering, op: TfliteOp, part: Part = {}): string {
  const { from = 0, to = channelsIn(l, output(op)), signs = null } = part;
  const [x, w, b] = [input(op, 0), input(op, 1), input(op, 2)];
  const shape = l.shape(w);
  const [outC, kH, kW, inC] = [dim(shape, 0), dim(shape, 1), dim(shape, 2), dim(shape, 3)];
  const ohwi = l.floats(w);
  const channels = channelsIn(l, x);
  const taken = l.signsOf(x);
  const oihw = new Float32Array((to - from) * channels * kH * kW);
  for (let o = from; o < Math.min(to, outC); o++)
    for (let h = 0; h < kH; h++)
      for (let k = 0; k < kW; k++)
        for (let i = 0; i < inC; i++)
          oihw[(((o - from) * channels + i) * kH + h) * kW + k] =
            sign(signs, o) * sign(taken, i) * (ohwi[((o * kH + h) * kW + k) * inC + i] ?? 0);
  const weights = l.graph.floats(oihw, [to - from, channels, kH, kW]);
  const attributes = windowAttributes(op.options, l.shape(x), kH, kW, true);
  const biases = l.floats(b);
  const bias = l.graph.floats(
    Float32Array.from({ length: to - from }, (_, o) => sign(signs, from + o) * (biases[from + o] ?? 0)),
    [to - from],
  );
  return l.graph.add('Conv', [l.value(x), weights, bias], { ...attributes, group: 1 });
}

function depthwise(l: Lowering, op: TfliteOp): string {
  const [x, w, b] = [input(op, 0), input(op, 1), input(op, 2)];
  const shape = l.shape(w);
  const [kH, kW, own] = [dim(shape, 1), dim(shape, 2), dim(shape, 3)];
  if (dim(l.shape(x), 3) !== own) throw new Error('A depthwise convolution with a multiplier is not supported.');
  const channels = channelsIn(l, x);
  const taken = l.signsOf(x);
  const hwc = l.floats(w);
  const chw = new Float32Array(channels * kH * kW);
  for (let c = 0; c < own; c++)
    for (let i = 0; i < kH * kW; i++) chw[c * kH * kW + i] = sign(taken, c) * (hwc[i * own + c] ?? 0);
  const weights = l.graph.floats(chw, [channels, 1, kH, kW]);
  const attributes = windowAttributes(op.options, l.shape(x), kH, kW, true);
  const biases = l.floats(b);
  const bias = l.graph.floats(
    Float32Array.from({ length: channels }, (_, c) => biases[c] ?? 0),
    [channels],
  );
  return l.graph.add('Conv', [l.value(x), weights, bias], { ...attributes, group: channels });
}

function add(l: Lowering, op: TfliteOp): void {
  const turned = op.inputs.find((one) => l.signsOf(one));
  const sum = shortSum(l, op);
  if (turned !== undefined) {
    const signs = l.signsOf(turned);
    const conv = turnedSum(l, op, turned);
    if (!conv) throw new Error('A sum with channels that are kept negative needs a convolution.');
    l.set(output(op), l.graph.add('Add', [convolution(l, conv, { signs }), l.value(turned)]));
    if (signs) l.setSigns(output(op), signs);
  } else if (sum) {
    const { convolution: conv, short } = sum;
    const at = dim(l.shape(short), 3);
    const first = l.graph.add('Add', [convolution(l, conv, { to: at }), l.value(short)]);
    l.setParts(output(op), [first, convolution(l, conv, { from: at })]);
  } else {
    l.set(output(op), l.graph.add('Add', [operand(l, op, 0), operand(l, op, 1)]));
  }
}

function relu(l: Lowering, op: TfliteOp): void {
  const part = (value: string): string => l.graph.add('Relu', [value]);
  const parts = l.partsOf(input(op, 0));
  if (parts) l.setParts(output(op), parts.map(part));
  else l.set(output(op), part(l.value(input(op, 0))));
}

function maxPool(l: Lowering, op: TfliteOp): string {
  const { filterH, filterW } = op.options;
  const x = input(op, 0);
  return l.graph.add('MaxPool', [l.value(x)], windowAttributes(op.options, l.shape(x), filterH, filterW, false));
}

function windowAttributes(o: OpOptions, shape: number[], kH: number, kW: number, dilated: boolean) {
  const [top, bottom] = padding(o, dim(shape, 1), kH, o.strideH, o.dilationH);
  const [left, right] = padding(o, dim(shape, 2), kW, o.strideW, o.dilationW);
  return {
    kernel_shape: [kH, kW],
    strides: [o.strideH, o.strideW],
    ...(dilated ? { dilations: [o.dilationH, o.dilationW] } : {}),
    pads: [top, left, bottom, right],
  };
}

/** TFLite's SAME: the output has ceil(size / stride) places, and an odd pixel of padding goes to the far side. */
function padding(o: OpOptions, size: number, kernel: number, stride: number, dilation: number): [number, number] {
  if (o.padding === 'VALID') return [0, 0];
  const places = Math.ceil(size / stride);
  const total = Math.max((places - 1) * stride + (kernel - 1) * dilation + 1 - size, 0);
  return [total >> 1, total - (total >> 1)];
}

function operand(l: Lowering, op: TfliteOp, n: number): string {
  const index = input(op, n);
  if (!l.isConstant(index)) return l.value(index);
  const shape = l.shape(index);
  if (shape.length > 3) throw new Error(`${op.type} with a constant of rank ${shape.length} is not supported.`);
  return l.graph.floats(l.floats(index), shape);
}

const NHWC_TO_NCHW = [0, 3, 1, 2];

function pad(l: Lowering, op: TfliteOp): string {
  const amounts = l.ints(input(op, 1));
  const before = NHWC_TO_NCHW.map((axis) => amounts[2 * axis] ?? 0);
  const after = NHWC_TO_NCHW.map((axis) => amounts[2 * axis + 1] ?? 0);
  return l.graph.add('Pad', [l.value(input(op, 0)), l.graph.ints([...before, ...after])], { mode: 'constant' });
}

function resizeBilinear(l: Lowering, op: TfliteOp): string {
  const [height, width] = l.ints(input(op, 1));
  const shape = l.shape(input(op, 0));
  if (height === undefined || width === undefined) throw new Error('RESIZE_BILINEAR without a size.');
  const scales = l.graph.floats([1, 1, height / dim(shape, 1), width / dim(shape, 2)], [4]);
  const { halfPixelCenters, alignCorners } = op.options;
  const mode = halfPixelCenters ? 'half_pixel' : alignCorners ? 'align_corners' : 'asymmetric';
  const attributes = { mode: 'linear', coordinate_transformation_mode: mode };
  return l.graph.add('Resize', [l.value(input(op, 0)), '', scales], attributes);
}

/** Between rank 4 and others the data must pass through TFLite's own order, unless there is only one pixel. */
function reshape(l: Lowering, op: TfliteOp): string {
  const x = input(op, 0);
  const [from, to] = [l.shape(x), l.shape(output(op))];
  let value = l.value(x);
  if (from.length === 4 && dim(from, 1) * dim(from, 2) > 1) {
    value = l.graph.add('Transpose', [value], { perm: [0, 2, 3, 1] });
  }
  if (to.length !== 4) return l.graph.add('Reshape', [value, l.graph.ints(to)]);
  if (dim(to, 1) * dim(to, 2) !== 1) throw new Error('RESHAPE to a picture is not supported.');
  return l.graph.add('Reshape', [value, l.graph.ints([dim(to, 0), dim(to, 3), 1, 1])]);
}

/** The models slice only to rename a tensor: begin 0, end the whole size, step 1. */
function wholeSlice(l: Lowering, op: TfliteOp): string {
  const shape = l.shape(input(op, 0));
  const [begin, end, step] = [l.ints(input(op, 1)), l.ints(input(op, 2)), l.ints(input(op, 3))];
  if (shape.some((size, axis) => begin[axis] !== 0 || end[axis] !== size || step[axis] !== 1)) {
    throw new Error('STRIDED_SLICE of a part is not supported.');
  }
  return l.value(input(op, 0));
}
