/**
 * Builds models/own-double, what `understudy doubles train` puts a new face into: a network that scripts/training made with --anybody, and one
 * that paints eyes and mouth.
 * Usage: node scripts/double/build-anybody.ts TRAINED FEATURES
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ANYBODY, ANYBODY_FEATURES } from '../own-double/bundled.ts';
import { featuresGraph } from './features-graph.ts';
import { learnedGraph } from './learned-graph.ts';
import { readTrained } from './trained-network.ts';
import { writeTraining } from './training-card.ts';

const [trained, painted] = process.argv.slice(2);
if (!trained || !painted) {
  console.error('Name the folders of what was trained: node scripts/double/build-anybody.ts TRAINED FEATURES');
  process.exit(2);
}
const network = readTrained(trained);
const features = readTrained(painted);
const bytes = learnedGraph(network).encode({ generator: 'scripts/double/build-anybody.ts' });
mkdirSync(dirname(ANYBODY), { recursive: true });
writeFileSync(ANYBODY, bytes);
writeFileSync(ANYBODY_FEATURES, featuresGraph(features).encode({ generator: 'scripts/double/features-graph.ts' }));
writeTraining(join(dirname(ANYBODY), 'CARD.md'), { ...network.training, features: features.training });
console.log(`${ANYBODY}: ${(bytes.byteLength / 1e6).toFixed(2)} MB`);
