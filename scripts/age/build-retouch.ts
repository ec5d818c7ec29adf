/** Builds the age treatment `retouch` in models/ages/retouch: node scripts/age/build-retouch.ts */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readManifest } from '../../server/double/manifest.ts';
import { canonicalOf, drawnMesh, readFaceMesh } from '../double/face-mesh.ts';
import { retouchGraph } from './retouch-graph.ts';
import { ageWeights } from './weights.ts';

const WEIGHTS_SIDE = 256;
const MAX_YAW_DEG = 60;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const rounded = (values: Iterable<number>): number[] => Array.from(values, (value) => Number(value.toFixed(5)));

const dir = fileURLToPath(new URL('../../models/ages/retouch/', import.meta.url));
mkdirSync(dir, { recursive: true });
const mesh = readFaceMesh();
const drawn = drawnMesh(mesh, mesh.uv);
const canonical = canonicalOf(mesh);
const template = {
  format: 1,
  canonical: rounded(canonical),
  rigid: mesh.rigid,
  offset: canonical.map(() => 0),
  vertices: drawn.vertices,
  uv: rounded(drawn.uv.flatMap(([u, v]) => [2 * u - 1, 2 * v - 1])),
  triangles: drawn.triangles.flat(),
  guide: null,
};
const model = retouchGraph(await ageWeights(mesh, WEIGHTS_SIDE)).encode({ generator: 'scripts/age/build-retouch.ts' });
const meshBytes = Buffer.from(`${JSON.stringify(template)}\n`);
writeFileSync(`${dir}retouch.onnx`, model);
writeFileSync(`${dir}mesh.json`, meshBytes);
const manifest = {
  format: 1,
  kind: 'retouch',
  name: 'Age (retouch)',
  model: { file: 'retouch.onnx', sha256: sha256(model) },
  mesh: { file: 'mesh.json', sha256: sha256(meshBytes) },
  template: 'face-mesh-468',
  size: 256,
  maxYawDeg: MAX_YAW_DEG,
  licence: 'Apache-2.0',
  card: 'CARD.md',
  fictional: true,
};
writeFileSync(`${dir}double.json`, `${JSON.stringify(manifest, null, 2)}\n`);
readManifest(dir);
console.log(`retouch.onnx ${(model.byteLength / 1e6).toFixed(2)} MB`);
