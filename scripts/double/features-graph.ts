import { FEATURES } from '../../server/double/features.ts';
import { OnnxGraph } from '../models/onnx-graph.ts';
import type { TrainedNetwork } from './trained-network.ts';

/** The network that paints eyes and mouth (server/double/features.ts): what scripts/training/train_features.py left, with names and shapes of its contract. */
export function featuresGraph(network: TrainedNetwork): OnnxGraph {
  const g = new OnnxGraph('understudy-features');
  const { inputs, outputs } = FEATURES;
  const given = { eyesGiven: g.input('eyes', [...inputs.eyes]), mouthGiven: g.input('mouth', [...inputs.mouth]) };
  const { eyesChange, mouthChange } = network.build(g, given, ['eyesChange', 'mouthChange']);
  g.output('eyesChange', eyesChange, [...outputs.eyesChange]);
  g.output('mouthChange', mouthChange, [...outputs.mouthChange]);
  return g;
}
