/**
 * Builds doubles of kind `mesh`: from `texture.png` and `texture.json` in a double's folder makes `double.onnx`,
 * `mesh.json` and `double.json` there. Usage: node scripts/double/build-mesh.ts models/doubles/NAME …
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { FaceMesh } from '../models/face-mesh.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { canonicalOf } from './face-mesh.ts';
import { writeLook } from './look-folder.ts';
import { guideMap, normalMap, textureMap } from './maps.ts';
import { meshGraph } from './mesh-graph.ts';

const TEXTURE_SIDE = 320;
const NORMAL_SIDE = 128;
const GUIDE_SIDE = 64;
const MAX_YAW_DEG = 50;

const sourceSchema = z.looseObject({
  name: z.string(),
  uv: z.array(z.tuple([z.number(), z.number()])).length(468),
  shape: z.array(z.tuple([z.number(), z.number(), z.number()])).length(468),
});

async function build(dir: string, mesh: FaceMesh): Promise<void> {
  const source = sourceSchema.parse(JSON.parse(readFileSync(join(dir, 'texture.json'), 'utf8')));
  const canonical = canonicalOf(mesh);
  const texture = await textureMap(readFileSync(join(dir, 'texture.png')), mesh, source.uv, TEXTURE_SIDE);
  const normals = normalMap(mesh, source.uv, canonical, NORMAL_SIDE);
  const graph = meshGraph({ texture, side: TEXTURE_SIDE, normals, normalSide: NORMAL_SIDE });
  const model = graph.encode({ generator: 'scripts/double/build-mesh.ts', double: source.name });
  const guide = await guideMap(mesh, source.uv, canonical, texture, TEXTURE_SIDE, GUIDE_SIDE);
  const { triangles } = writeLook(dir, {
    kind: 'mesh',
    name: source.name,
    maxYawDeg: MAX_YAW_DEG,
    model: { file: 'double.onnx', bytes: model },
    mesh,
    uv: source.uv,
    guide: { size: GUIDE_SIDE, bytes: guide },
  });
  console.log(`${basename(dir)}: double.onnx ${(model.byteLength / 1e6).toFixed(2)} MB, ${triangles} triangles`);
}

const dirs = process.argv.slice(2);
if (dirs.length === 0) {
  console.error('Name the folders of the doubles to build: node scripts/double/build-mesh.ts models/doubles/NAME …');
  process.exitCode = 2;
}
const mesh = readFaceMesh();
for (const dir of dirs) await build(dir, mesh);
