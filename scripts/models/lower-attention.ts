import { z } from 'zod';
import { dim, input, type Lowering, output } from './lowering.ts';
import type { TfliteOp } from './tflite.ts';

/**
 * The three custom operators (version 2) of the attention landmark model, after
 * mediapipe/util/tflite/operations/{landmarks_to_transform_matrix,transform_tensor_bilinear,transform_landmarks}.cc.
 */
export const ATTENTION: Record<string, (lowering: Lowering, op: TfliteOp) => void> = {
  'CUSTOM:Landmarks2TransformMatrix': (l, op) => l.set(output(op), regionMatrix(l, op)),
  'CUSTOM:TransformTensorBilinear': (l, op) => l.set(output(op), sampleRegion(l, op)),
  'CUSTOM:TransformLandmarks': (l, op) => l.set(output(op), transformLandmarks(l, op)),
};

const RegionOptions = z.object({
  /** The two landmarks whose line is the region's horizontal. */
  left_rotation_idx: z.int(),
  right_rotation_idx: z.int(),
  /** The landmarks that the region encloses; also the order in which the refinement returns them. */
  subset_idxs: z.array(z.int()),
  scale_x: z.number(),
  scale_y: z.number(),
  output_width: z.int(),
  output_height: z.int(),
  target_rotation_radians: z.null(),
});

export function regionOptions(op: TfliteOp): z.infer<typeof RegionOptions> {
  return RegionOptions.parse(op.custom);
}

/**
 * From landmarks [1, N, 3] the matrix [1, 4, 4] that takes the region's pixels (0…output size) to the coordinates of
 * the landmarks: translate(centre) · rotate(φ) · scale(extent · margin / output size) · translate(−output size / 2),
 * where φ is the angle of the line between the two rotation landmarks and centre and extent are those of the
 * subset's box in the rotated frame. cos φ and sin φ come from the line itself, so no trigonometry is needed.
 */
function regionMatrix(l: Lowering, op: TfliteOp): string {
  const g = l.graph;
  const o = regionOptions(op);
  const points = l.value(input(op, 0));
  const mul = (a: string, b: string) => g.add('Mul', [a, b]);
  const add = (a: string, b: string) => g.add('Add', [a, b]);
  const sub = (a: string, b: string) => g.add('Sub', [a, b]);
  const number = (value: number) => g.floats([value], [1]);
  const column = (value: string, axis: number) =>
    g.add('Slice', [value, g.ints([axis]), g.ints([axis + 1]), g.ints([2])]);
  const pick = (indices: number[]) => g.add('Gather', [points, g.ints(indices)], { axis: 1 });

  const line = sub(pick([o.right_rotation_idx]), pick([o.left_rotation_idx]));
  const [dx, dy] = [column(line, 0), column(line, 1)];
  const length = g.add('Sqrt', [add(add(mul(dx, dx), mul(dy, dy)), number(1e-12))]);
  const [cos, sin] = [g.add('Div', [dx, length]), g.add('Div', [dy, length])];

  const subset = pick(o.subset_idxs);
  const [x, y] = [column(subset, 0), column(subset, 1)];
  const along = add(mul(x, cos), mul(y, sin));
  const across = sub(mul(y, cos), mul(x, sin));
  const bound = (op: 'ReduceMin' | 'ReduceMax', value: string) => g.add(op, [value], { axes: [1], keepdims: 1 });
  const [x0, x1] = [bound('ReduceMin', along), bound('ReduceMax', along)];
  const [y0, y1] = [bound('ReduceMin', across), bound('ReduceMax', across)];
  const midX = mul(add(x0, x1), number(0.5));
  const midY = mul(add(y0, y1), number(0.5));
  const centreX = sub(mul(midX, cos), mul(midY, sin));
  const centreY = add(mul(midX, sin), mul(midY, cos));
  const scaleX = mul(sub(x1, x0), number(o.scale_x / o.output_width));
  const scaleY = mul(sub(y1, y0), number(o.scale_y / o.output_height));

  const [xx, xy] = [mul(cos, scaleX), g.add('Neg', [mul(sin, scaleY)])];
  const [yx, yy] = [mul(sin, scaleX), mul(cos, scaleY)];
  const halfW = number(o.output_width / 2);
  const halfH = number(o.output_height / 2);
  const shiftX = sub(centreX, add(mul(xx, halfW), mul(xy, halfH)));
  const shiftY = sub(centreY, add(mul(yx, halfW), mul(yy, halfH)));
  const zero = g.floats([0], [1, 1, 1]);
  const rowX = g.add('Concat', [xx, xy, zero, shiftX], { axis: 2 });
  const rowY = g.add('Concat', [yx, yy, zero, shiftY], { axis: 2 });
  return g.add('Concat', [rowX, rowY, g.floats([0, 0, 1, 0, 0, 0, 0, 1], [1, 2, 4])], { axis: 1 });
}

/**
 * Samples a feature map at matrix · (pixel + 0.5) − 0.5, bilinear. The reference returns zero wherever the place lies
 * outside the centres of the outermost pixels; GridSample would fade there, so a mask restores the hard border.
 */
function sampleRegion(l: Lowering, op: TfliteOp): string {
  const g = l.graph;
  const [map, region] = [l.shape(input(op, 0)), l.shape(output(op))];
  const [height, width] = [dim(map, 1), dim(map, 2)];
  const [outH, outW] = [dim(region, 1), dim(region, 2)];
  const pixels = new Float32Array(outH * outW * 4);
  for (let i = 0; i < outH * outW; i++) pixels.set([(i % outW) + 0.5, Math.floor(i / outW) + 0.5, 0, 1], 4 * i);
  const rows = g.add('Slice', [l.value(input(op, 1)), g.ints([0]), g.ints([2]), g.ints([1])]);
  const places = g.add('MatMul', [
    g.floats(pixels, [1, outH * outW, 4]),
    g.add('Transpose', [rows], { perm: [0, 2, 1] }),
  ]);
  // GridSample without aligned corners maps -1…1 to the map's outer edges: place p (edge to edge) is 2p / size - 1.
  const unit = g.add('Sub', [g.add('Mul', [places, g.floats([2 / width, 2 / height], [2])]), g.floats([1], [1])]);
  const grid = g.add('Reshape', [unit, g.ints([1, outH, outW, 2])]);
  const attributes = { mode: 'bilinear', padding_mode: 'zeros', align_corners: 0 };
  const sampled = g.add('GridSample', [l.value(input(op, 0)), grid], attributes);
  const inside = g.add('And', [
    g.add('GreaterOrEqual', [places, g.floats([0.5], [1])]),
    g.add('LessOrEqual', [places, g.floats([width - 0.5, height - 0.5], [2])]),
  ]);
  const mask = g.add('ReduceMin', [g.add('Cast', [inside], { to: 1 })], { axes: [2], keepdims: 0 });
  return g.add('Mul', [sampled, g.add('Reshape', [mask, g.ints([1, 1, outH, outW])])]);
}

/** Points [1, N, 2] through the matrix [1, 4, 4]: its upper left 2×2 and the first two places of its last column. */
function transformLandmarks(l: Lowering, op: TfliteOp): string {
  const g = l.graph;
  const columns = (from: number, to: number) => {
    const part = g.add('Slice', [l.value(input(op, 1)), g.ints([0, from]), g.ints([2, to]), g.ints([1, 2])]);
    return g.add('Transpose', [part], { perm: [0, 2, 1] });
  };
  return g.add('Add', [g.add('MatMul', [l.value(input(op, 0)), columns(0, 2)]), columns(3, 4)]);
}
