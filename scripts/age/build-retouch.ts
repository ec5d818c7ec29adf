/** Builds the age treatment `retouch` in models/ages/retouch: node scripts/age/build-retouch.ts */
import { fileURLToPath } from 'node:url';
import { writeLook } from '../double/look-folder.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { retouchGraph } from './retouch-graph.ts';
import { ageWeights } from './weights.ts';

const WEIGHTS_SIDE = 256;

const mesh = readFaceMesh();
const bytes = retouchGraph(await ageWeights(mesh, WEIGHTS_SIDE)).encode({ generator: 'scripts/age/build-retouch.ts' });
writeLook(fileURLToPath(new URL('../../models/ages/retouch/', import.meta.url)), {
  kind: 'retouch',
  name: 'Age (retouch)',
  maxYawDeg: 60,
  model: { file: 'retouch.onnx', bytes },
  mesh,
  uv: mesh.uv,
  offset: null,
  guide: null,
});
console.log(`retouch.onnx ${(bytes.byteLength / 1e6).toFixed(2)} MB`);
