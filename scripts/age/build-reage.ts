/**
 * Builds the age treatment `reage` in models/ages/reage from what scripts/training/train_ages.py made:
 *   node scripts/age/build-reage.ts TRAINED [DIR]
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeLook } from '../double/look-folder.ts';
import { readTrained } from '../double/trained-network.ts';
import { writeTraining } from '../double/training-card.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { reageGraph } from './reage-graph.ts';

const [trained, dir = fileURLToPath(new URL('../../models/ages/reage/', import.meta.url))] = process.argv.slice(2);
if (!trained) {
  console.error('Name the folder of what was trained: node scripts/age/build-reage.ts TRAINED [DIR]');
  process.exit(2);
}
const mesh = readFaceMesh();
const network = readTrained(trained);
const bytes = reageGraph(network).encode({ generator: 'scripts/age/build-reage.ts' });
writeLook(dir, {
  kind: 'reage',
  name: 'Age (reage)',
  maxYawDeg: 60,
  model: { file: 'reage.onnx', bytes },
  mesh,
  uv: mesh.uv,
  offset: null,
  guide: null,
});
const card = join(dir, 'CARD.md');
if (existsSync(card)) writeTraining(card, network.training);
console.log(`reage.onnx ${(bytes.byteLength / 1e6).toFixed(2)} MB`);
