import { SIZE } from '../../server/double/surface.ts';
import { OnnxGraph } from '../models/onnx-graph.ts';
import { channels, scalar } from './mesh-graph.ts';
import type { TrainedNetwork } from './trained-network.ts';

/** Crop pixels across one of the network's: it works on half the crop. */
const STEP = 2;
const SIDE = SIZE / STEP;
/** Crop pixels across a cell: server/double/occlusion/cells.ts has the same grid. */
const CELL = 4;
/** The logit in the middle of a hole's edge, and how much more makes a whole one: what is likelier than one in four to stand there is left out. */
const MIDDLE = -1.5;
const STEEP = 0.5;

/**
 * The network that finds what stands before a face. Inputs: `crop` 1×3×128×128, the plate at half the crop's size; `place` 1×4×128×128
 * (openings, zeros, coverage, facing, from the raster kernel). Outputs over the network's window: `hole` 1×1×112×96, 0 (the face) to 1
 * (something before it); `cells` 1×5×56×48, means of hole, rim and the plate's R, G and B.
 */
export function occlusionGraph(network: TrainedNetwork): OnnxGraph {
  const g = new OnnxGraph('understudy-occlusion');
  const [top, left, height, width] = network.window.map((length) => length / STEP) as [number, number, number, number];
  const window = (value: string): string =>
    g.add('Slice', [value, g.ints([top, left]), g.ints([top + height, left + width]), g.ints([2, 3])]);
  const view = window(g.input('crop', [1, 3, SIDE, SIDE]));
  const place = window(g.input('place', [1, 4, SIDE, SIDE]));
  const mean = (value: string, across: number): string =>
    g.add('AveragePool', [value], { kernel_shape: [across, across], strides: [across, across] });
  const [edge, outline] = rim(g, mean(channels(g, place, 2, 3), 2));
  const skin = g.add('Mul', [outline, g.add('Sub', [scalar(g, 1), channels(g, place, 0, 1)])]);
  const given = g.add('Concat', [view, skin, outline, channels(g, place, 3, 4)], { axis: 1 });
  const { hole: logit } = network.build(g, { given }, ['hole']);
  const shifted = g.add('Add', [
    g.add('Mul', [logit, scalar(g, 0.5 / STEEP)]),
    scalar(g, 0.5 - (0.5 * MIDDLE) / STEEP),
  ]);
  const hole = g.add('Clip', [shifted, scalar(g, 0), scalar(g, 1)]);
  const cells = g.add('Concat', [mean(hole, CELL / STEP), edge, mean(view, CELL / STEP)], { axis: 1 });
  g.output('cells', cells, [1, 5, (height * STEP) / CELL, (width * STEP) / CELL]);
  g.output('hole', hole, [1, 1, height, width]);
  return g;
}

/**
 * As mesh-graph.ts has it, from coverage in cells of four crop pixels: 0 on the outline of the face, 1 about nine crop pixels inside it. In cells, and
 * twice as fine.
 */
function rim(g: OnnxGraph, coverage: string): [cells: string, finer: string] {
  const pool = (value: string): string => g.add('AveragePool', [value], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const ramp = g.add('Sub', [g.add('Mul', [pool(pool(coverage)), scalar(g, 2)]), scalar(g, 1)]);
  const cells = g.add('Max', [ramp, scalar(g, 0)]);
  const finer = g.add('Resize', [cells, '', g.floats([1, 1, 2, 2], [4])], {
    mode: 'linear',
    coordinate_transformation_mode: 'half_pixel',
  });
  return [cells, finer];
}
