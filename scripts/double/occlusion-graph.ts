import { OnnxGraph } from '../models/onnx-graph.ts';
import { channels, SIZE, scalar } from './mesh-graph.ts';
import { type TrainedNetwork, windowed } from './trained-network.ts';

const HALF = SIZE / 2;
/** Crop pixels across a cell: server/double/occlusion/cells.ts has the same grid. */
const CELL = 4;
/** Crop pixels that are left out around a thing: its soft edge is neither it nor the face. */
const WIDER = 2;
/** Of what is drawn, from how much the network would take away on it is a hole, and how much more makes it a whole one. */
const FROM = 0.35;
const STEEP = 0.25;
const LUMA = [0.2126, 0.7152, 0.0722];

/**
 * The network that finds what stands before a face. Inputs: `layer` 1×4×256×256, the drawn face, encoded R, G, B and alpha; `crop`
 * 1×3×224×224, the plate without 16 pixels all round; `place` 1×4×128×128 (openings, zeros, coverage, facing, from the raster kernel).
 * Outputs over the network's window: `hole` 1×1×224×192, 0 (the face) to 1 (something before it); `cells` 1×5×56×48, means over 4×4 pixels of
 * hole, rim, the plate's luma, the drawn face's luma and its alpha.
 *
 *   base = layer over crop,   hole = widened(ramp(−cover / rim))   with cover of the trained network: a change of alpha
 */
export function occlusionGraph(network: TrainedNetwork): OnnxGraph {
  const g = new OnnxGraph('understudy-occlusion');
  const [top, left, height, width] = network.window;
  const seen = windowed(g, network.window);
  const drawn = seen.cut(g.input('layer', [1, 4, SIZE, SIZE]));
  const [columns, across] = [g.ints([left - top]), g.ints([left - top + width])];
  const view = g.add('Slice', [g.input('crop', [1, 3, height, height]), columns, across, g.ints([3])]);
  const place = g.input('place', [1, 4, HALF, HALF]);
  const half = g.add('Slice', [
    g.add('Concat', [rim(g, channels(g, place, 2, 3)), channels(g, place, 3, 4), channels(g, place, 0, 1)], {
      axis: 1,
    }),
    g.ints([top / 2, left / 2]),
    g.ints([(top + height) / 2, (left + width) / 2]),
    g.ints([2, 3]),
  ]);
  const [outline, facing, opening] = [0, 1, 2].map((k) => channels(g, twice(g, half), k, k + 1)) as [
    string,
    string,
    string,
  ];
  const alpha = channels(g, drawn, 3, 4);
  const base = g.add('Add', [view, g.add('Mul', [g.add('Sub', [channels(g, drawn, 0, 3), view]), alpha])]);
  const skin = g.add('Mul', [outline, g.add('Sub', [scalar(g, 1), opening])]);
  const given = g.add('Concat', [base, view, g.add('Min', [alpha, skin]), outline, facing], { axis: 1 });
  const { cover } = network.build(g, { given }, ['cover']);
  const share = g.add('Div', [cover, g.add('Max', [outline, scalar(g, 0.25)])]);
  const steep = g.add('Sub', [g.add('Mul', [share, scalar(g, -1 / STEEP)]), scalar(g, FROM / STEEP)]);
  const side = 2 * WIDER + 1;
  const wide = { kernel_shape: [side, side], pads: [WIDER, WIDER, WIDER, WIDER] };
  const hole = g.add('MaxPool', [g.add('Clip', [steep, scalar(g, 0), scalar(g, 1)])], wide);
  const mean = (value: string, across: number): string =>
    g.add('AveragePool', [value], { kernel_shape: [across, across], strides: [across, across] });
  const edge = mean(channels(g, half, 0, 1), CELL / 2);
  const grey = (value: string): string =>
    g.add('Conv', [value, g.floats(LUMA, [1, 3, 1, 1])], { kernel_shape: [1, 1] });
  const means = [
    mean(hole, CELL),
    edge,
    grey(mean(view, CELL)),
    grey(mean(channels(g, drawn, 0, 3), CELL)),
    mean(alpha, CELL),
  ];
  g.output('cells', g.add('Concat', means, { axis: 1 }), [1, means.length, height / CELL, width / CELL]);
  g.output('hole', hole, [1, 1, height, width]);
  return g;
}

/** Each value four times: as far as the network sees, places need be no finer. */
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
