/**
 * Builds models/occlusion, the network that finds what stands before a face, from what scripts/training/train_occlusion.py made.
 * Usage: node scripts/double/build-occlusion.ts models/occlusion TRAINED
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { occlusionGraph } from './occlusion-graph.ts';
import { readTrained } from './trained-network.ts';
import { writeTraining } from './training-card.ts';

const [dir, trained] = process.argv.slice(2);
if (!dir || !trained) {
  console.error(
    'Name the folder and what was trained: node scripts/double/build-occlusion.ts models/occlusion TRAINED',
  );
  process.exit(2);
}
const network = readTrained(trained);
const bytes = occlusionGraph(network).encode({ generator: 'scripts/double/build-occlusion.ts' });
mkdirSync(dir, { recursive: true });
writeFileSync(join(dir, 'occlusion.onnx'), bytes);
const card = join(dir, 'CARD.md');
if (existsSync(card)) writeTraining(card, network.training);
const sha256 = createHash('sha256').update(bytes).digest('hex');
console.log(`occlusion.onnx ${(bytes.byteLength / 1e6).toFixed(2)} MB, SHA-256 ${sha256}`);
