/**
 * Builds a double of kind `learned`: from `texture.png` and `texture.json` in its folder, and networks that scripts/training made: what moves and
 * tints it, and, where there is one, what paints its eyes and mouth (train_features.py).
 * Usage: node scripts/double/build-learned.ts models/doubles/NAME TRAINED [FEATURES]
 */
import { basename, join } from 'node:path';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { featuresGraph } from './features-graph.ts';
import { learnedGraph } from './learned-graph.ts';
import { writeLook } from './look-folder.ts';
import { MAX_YAW_DEG, readSource } from './source.ts';
import { readTrained } from './trained-network.ts';
import { writeTraining } from './training-card.ts';

const [dir, trained, painted] = process.argv.slice(2);
if (!dir || !trained) {
  console.error(
    'Name the double and what was trained: node scripts/double/build-learned.ts models/doubles/NAME TRAINED [FEATURES]',
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
const painting = painted ? readTrained(painted) : null;
const features = painting && featuresGraph(painting).encode({ generator: 'scripts/double/features-graph.ts' });
writeLook(dir, {
  ...source,
  kind: 'learned',
  maxYawDeg: MAX_YAW_DEG,
  model,
  ...(features && { features: { file: 'features.onnx', bytes: features } }),
  mesh,
});
writeTraining(join(dir, 'CARD.md'), { ...network.training, ...(painting && { features: painting.training }) });
console.log(`${basename(dir)}: double.onnx ${(bytes.byteLength / 1e6).toFixed(2)} MB`);
