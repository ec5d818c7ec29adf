import type { OnnxGraph } from '../models/onnx-graph.ts';

export type Maths = ReturnType<typeof maths>;

/** Short words for the operators that the age treatments are made of. All values are 1×n×side×side or scalars. */
export const maths = (g: OnnxGraph) => {
  const scalar = (value: number): string => g.floats([value], []);
  const add = (a: string, b: string): string => g.add('Add', [a, b]);
  const sub = (a: string, b: string): string => g.add('Sub', [a, b]);
  const mul = (a: string, b: string): string => g.add('Mul', [a, b]);
  const div = (a: string, b: string): string => g.add('Div', [a, b]);
  return {
    scalar,
    add,
    sub,
    mul,
    div,
    sum: (first: string, ...rest: string[]): string => rest.reduce(add, first),
    clip: (value: string, from: number, to: number): string => g.add('Clip', [value, scalar(from), scalar(to)]),
    atLeast: (value: string, least: number): string => g.add('Max', [value, scalar(least)]),
    total: (value: string): string => g.add('ReduceSum', [value, g.ints([2, 3])], { keepdims: 1 }),
    /** Weighted sum of the channels of a side² picture: one channel. A product of matrices is several times faster than a convolution here. */
    weigh: (value: string, weights: readonly number[], side: number): string =>
      g.add('Reshape', [
        g.add('MatMul', [
          g.floats([...weights], [1, weights.length]),
          g.add('Reshape', [value, g.ints([weights.length, side * side])]),
        ]),
        g.ints([1, 1, side, side]),
      ]),
    reshaped: (value: string, shape: number[]): string => g.add('Reshape', [value, g.ints(shape)]),
    channels: (value: string, from: number, count: number): string =>
      g.add('Slice', [value, g.ints([from]), g.ints([from + count]), g.ints([1])]),
    halved: (value: string): string => g.add('AveragePool', [value], { kernel_shape: [2, 2], strides: [2, 2] }),
    doubled: (value: string): string =>
      g.add('Resize', [value, '', g.floats([1, 1, 2, 2], [4])], {
        mode: 'linear',
        coordinate_transformation_mode: 'half_pixel',
      }),
    /** x³ / (x² + floor²): itself where it stands out, nothing where it may be the camera's noise (coring). */
    cored: (value: string, floor: number): string => {
      const square = mul(value, value);
      return mul(value, div(square, add(square, scalar(floor * floor))));
    },
    /** x / (1 + (x / knee)²): itself while small, nothing when large, so that edges are no relief (Perona and Malik's second function). */
    softly: (value: string, knee: number): string => {
      const scaled = mul(value, scalar(1 / knee));
      return div(value, add(scalar(1), mul(scaled, scaled)));
    },
  };
};
