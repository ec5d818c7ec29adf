import { OnnxGraph } from '../models/onnx-graph.ts';
import { channels, SIZE, scalar } from './mesh-graph.ts';
import type { TrainedNetwork } from './trained-network.ts';

const HALF = SIZE / 2;
/** Crop pixels across a cell: server/double/cells.ts has the same grid. */
const CELL = 4;
/** How steep an edge is: a logit of −1 or less is the face, of 1 or more something before it. */
const STEEP = 0.5;

/**
 * The network that finds what stands before a face. Inputs: `crop` 1×3×224×224, the plate's crop
 * without 16 pixels all round, encoded 0–1; `place` 1×4×128×128 (zeros,
 * zeros, coverage, facing, from the raster kernel). Outputs over the network's window: `hole` 1×1×224×192, 0 (the face) to 1 (something
 * before it); `cells` 1×5×56×48, means over 4×4 pixels of hole, rim and the plate's R, G, B.
 */
export function occlusionGraph(network: TrainedNetwork): OnnxGraph {
  const g = new OnnxGraph('understudy-occlusion');
  const [top, left, height, width] = network.window;
  const view = g.add('Slice', [
    g.input('crop', [1, 3, height, height]),
    g.ints([left - top]),
    g.ints([left - top + width]),
    g.ints([3]),
  ]);
  const surface = g.input('place', [1, 4, HALF, HALF]);
  const place = g.add('Slice', [
    g.add('Concat', [rim(g, channels(g, surface, 2, 3)), channels(g, surface, 3, 4)], { axis: 1 }),
    g.ints([top / 2, left / 2]),
    g.ints([(top + height) / 2, (left + width) / 2]),
    g.ints([2, 3]),
  ]);
  const given = g.add('Concat', [view, twice(g, place)], { axis: 1 });
  const { hole: logit } = network.build(g, { given }, ['hole']);
  const steep = g.add('Add', [g.add('Mul', [logit, scalar(g, STEEP)]), scalar(g, 0.5)]);
  const hole = g.add('Clip', [steep, scalar(g, 0), scalar(g, 1)]);
  const mean = (value: string, side: number): string =>
    g.add('AveragePool', [value], { kernel_shape: [side, side], strides: [side, side] });
  const outline = mean(channels(g, place, 0, 1), CELL / 2);
  const cells = g.add('Concat', [mean(hole, CELL), outline, mean(view, CELL)], { axis: 1 });
  g.output('cells', cells, [1, 5, height / CELL, width / CELL]);
  g.output('hole', hole, [1, 1, height, width]);
  return g;
}

const twice = (g: OnnxGraph, value: string): string =>
  g.add('Resize', [value, '', g.floats([1, 1, 2, 2], [4])], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });

/** As mesh-graph.ts has it, at half the size: 0 on the outline of the face, 1 about nine crop pixels inside it. */
function rim(g: OnnxGraph, coverage: string): string {
  const pool = (value: string): string => g.add('AveragePool', [value], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const small = g.add('AveragePool', [coverage], { kernel_shape: [2, 2], strides: [2, 2] });
  const ramp = g.add('Sub', [g.add('Mul', [pool(pool(small)), scalar(g, 2)]), scalar(g, 1)]);
  return g.add('Resize', [g.add('Max', [ramp, scalar(g, 0)]), '', g.floats([1, 1, 2, 2], [4])], {
    mode: 'linear',
    coordinate_transformation_mode: 'half_pixel',
  });
}
