/**
 * Builds doubles of kind `mesh`: from `texture.png` and `texture.json` in a double's folder makes `double.onnx`,
 * `mesh.json` and `double.json` there. Usage: node scripts/double/build-mesh.ts models/doubles/NAME …
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { readManifest } from '../../server/double/manifest.ts';
import { canonicalOf, drawnMesh, type FaceMesh, readFaceMesh } from './face-mesh.ts';
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

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const rounded = (values: Iterable<number>, digits: number): number[] =>
  Array.from(values, (value) => Number(value.toFixed(digits)));

async function build(dir: string, mesh: FaceMesh): Promise<void> {
  const source = sourceSchema.parse(JSON.parse(readFileSync(join(dir, 'texture.json'), 'utf8')));
  const canonical = canonicalOf(mesh);
  const texture = await textureMap(readFileSync(join(dir, 'texture.png')), mesh, source.uv, TEXTURE_SIDE);
  const normals = normalMap(mesh, source.uv, canonical, NORMAL_SIDE);
  const graph = meshGraph({ texture, side: TEXTURE_SIDE, normals, normalSide: NORMAL_SIDE });
  const model = graph.encode({ generator: 'scripts/double/build-mesh.ts', double: source.name });
  const drawn = drawnMesh(mesh, source.uv);
  const guide = await guideMap(mesh, source.uv, canonical, texture, TEXTURE_SIDE, GUIDE_SIDE);
  const template = {
    format: 1,
    canonical: rounded(canonical, 5),
    rigid: mesh.rigid,
    offset: canonical.map(() => 0),
    vertices: drawn.vertices,
    uv: rounded(
      drawn.uv.flatMap(([u, v]) => [2 * u - 1, 2 * v - 1]),
      5,
    ),
    triangles: drawn.triangles.flat(),
    guide: { size: GUIDE_SIDE, base64: guide.toString('base64') },
  };
  const templateBytes = Buffer.from(`${JSON.stringify(template)}\n`);
  writeFileSync(join(dir, 'double.onnx'), model);
  writeFileSync(join(dir, 'mesh.json'), templateBytes);
  const manifest = {
    format: 1,
    kind: 'mesh',
    name: source.name,
    model: { file: 'double.onnx', sha256: sha256(model) },
    mesh: { file: 'mesh.json', sha256: sha256(templateBytes) },
    template: 'face-mesh-468',
    size: 256,
    maxYawDeg: MAX_YAW_DEG,
    licence: 'Apache-2.0',
    card: 'CARD.md',
    fictional: true,
  };
  writeFileSync(join(dir, 'double.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  readManifest(dir);
  console.log(
    `${basename(dir)}: double.onnx ${(model.byteLength / 1e6).toFixed(2)} MB, ${drawn.triangles.length} triangles`,
  );
}

const dirs = process.argv.slice(2);
if (dirs.length === 0) {
  console.error('Name the folders of the doubles to build: node scripts/double/build-mesh.ts models/doubles/NAME …');
  process.exitCode = 2;
}
const mesh = readFaceMesh();
for (const dir of dirs) await build(dir, mesh);
