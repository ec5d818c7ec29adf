/**
 * Builds a double of kind `learned`: from `texture.png` and `texture.json` in its folder, and a network that scripts/training made.
 * Usage: node scripts/double/build-learned.ts models/doubles/NAME TRAINED
 */
import { basename, join } from 'node:path';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { learnedGraph } from './learned-graph.ts';
import { writeLook } from './look-folder.ts';
import { MAX_YAW_DEG, readSource } from './source.ts';
import { readTrained } from './trained-network.ts';
import { writeTraining } from './training-card.ts';

const [dir, trained] = process.argv.slice(2);
if (!dir || !trained) {
  console.error(
    'Name the double and what was trained: node scripts/double/build-learned.ts models/doubles/NAME TRAINED',
  );
  process.exit(2);
}
const mesh = readFaceMesh();
const source = await readSource(dir, mesh);
const { name } = source;
const network = readTrained(trained);
const bytes = learnedGraph(network).encode({
  generator: 'scripts/double/build-learned.ts',
  double: name,
});
const model = { file: 'double.onnx', bytes };
writeLook(dir, { ...source, kind: 'learned', maxYawDeg: MAX_YAW_DEG, model, mesh });
writeTraining(join(dir, 'CARD.md'), network.training);
console.log(`${basename(dir)}: double.onnx ${(bytes.byteLength / 1e6).toFixed(2)} MB`);
