import { LEARNED } from '../../server/double/learned.ts';
import { WINDOW } from '../../server/double/surface.ts';
import { OnnxGraph } from '../models/onnx-graph.ts';
import type { TrainedNetwork } from './trained-network.ts';

/**
 * The network of a double of kind `learned` (server/double/learned.ts): what training left, with names and shapes of its contract.
 * @throws Error with a sentence where it was trained for another part of the crop than the server's.
 */
export function learnedGraph(network: TrainedNetwork): OnnxGraph {
  const { top, left, height, width } = WINDOW;
  if (String(network.window) !== String([top, left, height, width]))
    throw new Error(`The network was trained for the part ${network.window.join(', ')} of the crop: train it again.`);
  const g = new OnnxGraph('understudy-learned-double');
  const { drawn, coarse } = LEARNED.inputs;
  const given = { drawn: g.input('drawn', [...drawn]), coarse: g.input('coarse', [...coarse]) };
  const { change } = network.build(g, given, ['change']);
  g.output('change', change, [...LEARNED.outputs.change]);
  return g;
}
