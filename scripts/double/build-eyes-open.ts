/**
 * Builds models/eyes, the network that says whether a performer's eyes are open, from what scripts/training/train_lids.py made.
 * Usage: node scripts/double/build-eyes-open.ts TRAINED
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EYES_OPEN, SHAPES } from '../../server/double/eyes-open.ts';
import { OnnxGraph } from '../models/onnx-graph.ts';
import { readTrained } from './trained-network.ts';
import { writeTraining } from './training-card.ts';

const [trained] = process.argv.slice(2);
if (!trained) {
  console.error('Name the folder of what was trained: node scripts/double/build-eyes-open.ts TRAINED');
  process.exit(2);
}
const network = readTrained(trained);
const g = new OnnxGraph('understudy-eyes-open');
const { eyesOpen } = network.build(g, { performer: g.input('performer', [...SHAPES.performer]) }, ['eyesOpen']);
g.output('open', g.add('Sigmoid', [g.add('GlobalAveragePool', [eyesOpen])]), [...SHAPES.open]);
const bytes = g.encode({ generator: 'scripts/double/build-eyes-open.ts' });
writeFileSync(EYES_OPEN, bytes);
writeTraining(join(dirname(EYES_OPEN), 'CARD.md'), network.training);
console.log(`eyes-open.onnx ${(bytes.byteLength / 1e6).toFixed(2)} MB`);
