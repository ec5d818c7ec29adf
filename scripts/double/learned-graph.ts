import { OnnxGraph } from '../models/onnx-graph.ts';
import { channels, type MeshLayers, meshLayers, SIZE, scalar, type TextureMaps } from './mesh-graph.ts';
import { type TrainedNetwork, windowed } from './trained-network.ts';

/** What the trained network is given, SIZE² each; the recorder of its training data writes the same. */
export const NETWORK_CHANNELS = 9;

/**
 * The network of a double of kind `learned`: the mesh double's layers, the plate's crop under its openings, and a trained network that
 * moves and adds to both. What it draws with has seen the performer's skin only coarsely (server/docs/decisions/learned-double.md).
 * Inputs as `mesh`, and the plate, encoded 0–1: `crop` 1×3×256×256, and `behind`, the same with the performer's eyes and mouth moved to
 * the double's openings. Output: `rgba` 1×4×256×256.
 *
 *   base   = mesh · alpha + behind · (1 − alpha)
 *   colour = clip(base(x + f) + Δ),  alpha = rim   with f, Δ of the trained network
 */
export function learnedGraph(maps: TextureMaps, network: TrainedNetwork): OnnxGraph {
  const g = new OnnxGraph('understudy-learned-double');
  const layers = meshLayers(g, maps);
  const crop = g.input('crop', [1, 3, SIZE, SIZE]);
  const base = over(g, layers);
  const { surface, alpha: opening, rim } = layers;
  const seen = windowed(g, network.window);
  const view = seen.cut(crop);
  const drawn = seen.cut(g.add('Concat', [base, opening, rim, channels(g, surface, 3, 4)], { axis: 1 }));
  const coarse = g.add('AveragePool', [view], { kernel_shape: [COARSE, COARSE], strides: [COARSE, COARSE] });
  // Its part that leaves out what stands before the face is not used: it leaves out faces too (decisions/learned-double.md).
  const change = network.build(g, { drawn, coarse }, ['flow', 'colour']);
  const clip = (value: string): string => g.add('Clip', [value, scalar(g, 0), scalar(g, 1)]);
  const before = channels(g, drawn, 0, 3);
  const after = g.add('Add', [moved(g, before, change.flow, network.window), finer(g, change.colour)]);
  const colour = clip(g.add('Add', [base, seen.whole(g.add('Sub', [after, before]))]));
  g.output('rgba', g.add('Concat', [colour, rim], { axis: 1 }), [1, 4, SIZE, SIZE]);
  return g;
}

/** scripts/training/network.py has the same numbers. */
const COARSE = 8;
const STEP = 4;

/** STEP times as many rows and columns, bilinear. */
const finer = (g: OnnxGraph, grid: string): string =>
  g.add('Resize', [grid, '', g.floats([1, 1, STEP, STEP], [4])], {
    mode: 'linear',
    coordinate_transformation_mode: 'half_pixel',
  });

/**
 * The drawing, each point taken from where `flow` (1×2×h/STEP×w/STEP: x, y, in STEP pixels) says, bilinear: brows, lids and lips of the
 * double where the performer's expression puts them.
 */
function moved(g: OnnxGraph, drawing: string, flow: string, [, , height, width]: TrainedNetwork['window']): string {
  const scale = g.floats([(2 * STEP) / width, (2 * STEP) / height], [1, 2, 1, 1]);
  const still = Float32Array.from({ length: 2 * height * width }, (_, k) => {
    const [i, size] = k < height * width ? [k % width, width] : [Math.floor((k - height * width) / width), height];
    return (2 * i + 1) / size - 1;
  });
  const place = g.add('Add', [finer(g, g.add('Mul', [flow, scale])), g.floats(still, [1, 2, height, width])]);
  return g.add('GridSample', [drawing, g.add('Transpose', [place], { perm: [0, 2, 3, 1] })], {
    mode: 'bilinear',
    padding_mode: 'border',
    align_corners: 0,
  });
}

/** What training data is recorded with: `drawn` 1×9×256×256 is what the trained network will be given. */
export function recordingGraph(maps: TextureMaps): OnnxGraph {
  const g = new OnnxGraph('understudy-recording');
  const layers = meshLayers(g, maps);
  const crop = g.input('crop', [1, 3, SIZE, SIZE]);
  g.output('drawn', given(g, layers, over(g, layers), crop), [1, NETWORK_CHANNELS, SIZE, SIZE]);
  return g;
}

function over(g: OnnxGraph, { colour, alpha }: MeshLayers): string {
  const behind = g.input('behind', [1, 3, SIZE, SIZE]);
  return g.add('Add', [behind, g.add('Mul', [g.add('Sub', [colour, behind]), alpha])]);
}

/** Base R, G, B, crop R, G, B, the mesh's alpha, rim, facing. */
const given = (g: OnnxGraph, { surface, alpha, rim }: MeshLayers, base: string, crop: string): string =>
  g.add('Concat', [base, crop, alpha, rim, channels(g, surface, 3, 4)], { axis: 1 });
