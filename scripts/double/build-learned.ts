/**
 * Builds NAME-fine, a double of kind `learned`: `texture.png` and `texture.json` of the double NAME, and a network that scripts/training made.
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
const { name, uv, maps, guide, offset } = await readSource(dir, mesh);
const network = readTrained(trained);
const bytes = learnedGraph(maps, network).encode({
  generator: 'scripts/double/build-learned.ts',
  double: name,
});
const model = { file: 'double.onnx', bytes };
const fine = `${dir.replace(/\/$/, '')}-fine`;
writeLook(fine, { kind: 'learned', name: `${name}-fine`, maxYawDeg: MAX_YAW_DEG, model, mesh, uv, offset, guide });
writeTraining(join(fine, 'CARD.md'), network.training);
console.log(`${basename(fine)}: double.onnx ${(bytes.byteLength / 1e6).toFixed(2)} MB`);
