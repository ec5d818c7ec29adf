/**
 * Builds doubles of kind `mesh`: from `texture.png` and `texture.json` in a double's folder makes `double.onnx`,
 * `mesh.json` and `double.json` there. Usage: node scripts/double/build-mesh.ts models/doubles/NAME …
 */
import { basename } from 'node:path';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { writeLook } from './look-folder.ts';
import { meshGraph } from './mesh-graph.ts';
import { MAX_YAW_DEG, readSource } from './source.ts';

const dirs = process.argv.slice(2);
if (dirs.length === 0) {
  console.error('Name the folders of the doubles to build: node scripts/double/build-mesh.ts models/doubles/NAME …');
  process.exitCode = 2;
}
const mesh = readFaceMesh();
for (const dir of dirs) {
  const { name, uv, maps, guide } = await readSource(dir, mesh);
  const bytes = meshGraph(maps).encode({ generator: 'scripts/double/build-mesh.ts', double: name });
  const model = { file: 'double.onnx', bytes };
  const { triangles } = writeLook(dir, {
    kind: 'mesh',
    name,
    offset: null,
    maxYawDeg: MAX_YAW_DEG,
    model,
    mesh,
    uv,
    guide,
  });
  console.log(`${basename(dir)}: double.onnx ${(bytes.byteLength / 1e6).toFixed(2)} MB, ${triangles} triangles`);
}
