/**
 * Builds models/own-double/network.onnx, what `understudy doubles train` puts a new face into: a network that scripts/training made with --anybody.
 * Usage: node scripts/double/build-anybody.ts TRAINED
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ANYBODY } from '../own-double/bundled.ts';
import { learnedGraph } from './learned-graph.ts';
import { readTrained } from './trained-network.ts';
import { writeTraining } from './training-card.ts';

const [trained] = process.argv.slice(2);
if (!trained) {
  console.error('Name the folder of what was trained: node scripts/double/build-anybody.ts TRAINED');
  process.exit(2);
}
const network = readTrained(trained);
const bytes = learnedGraph(network).encode({ generator: 'scripts/double/build-anybody.ts' });
mkdirSync(dirname(ANYBODY), { recursive: true });
writeFileSync(ANYBODY, bytes);
writeTraining(join(dirname(ANYBODY), 'CARD.md'), network.training);
console.log(`${ANYBODY}: ${(bytes.byteLength / 1e6).toFixed(2)} MB`);
