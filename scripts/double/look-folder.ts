import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Iris } from '../../server/double/irises.ts';
import { type DoubleManifest, readManifest } from '../../server/double/manifest.ts';
import { encodeDetail, encodeMaps } from '../../server/double/maps.ts';
import type { FaceMesh } from '../models/face-mesh.ts';
import { canonicalOf, drawnMesh } from './face-mesh.ts';
import type { TextureMaps } from './mesh-graph.ts';

type Point = readonly [number, number];

/** What is drawn before a network runs. */
export interface Drawing {
  mesh: FaceMesh;
  /** Of each landmark, 0–1. */
  uv: readonly Point[];
  /** How its proportions differ from an average head's, canonical units, 468 × 3; null where it keeps the performer's. */
  offset: Float32Array | null;
  /** Base colours in UV that the light is read with; null where the look does not read it. */
  guide: { size: number; bytes: Buffer } | null;
  /** How its irises look; without it the performer's own are shown. */
  iris?: Iris;
  /** Texture and normals, where the network does not hold them itself. */
  maps?: TextureMaps;
}

export interface Look extends Drawing {
  kind: DoubleManifest['kind'];
  name: string;
  maxYawDeg: number;
  /** The network and its file's name. */
  model: { file: string; bytes: Uint8Array };
  /** What paints its eyes and mouth. */
  features?: { file: string; bytes: Uint8Array };
  /** Unless it is somebody's own: an invented person under the project's licence. */
  rights?: { licence: string; fictional: boolean };
}

export const MAPS = 'maps.bin';
const DETAIL = 'detail.bin';

/** Writes `maps.bin`, and `detail.bin` where there is more; answers how the manifest names them. */
function writeMaps(dir: string, maps: TextureMaps) {
  const write = (file: string, bytes: Buffer) => {
    writeFileSync(join(dir, file), bytes);
    return { file, sha256: sha256(bytes) };
  };
  const { side, normalSide, detail } = maps;
  const held = { ...write(MAPS, encodeMaps(maps)), side, normalSide };
  return detail ? { ...held, detail: { ...write(DETAIL, encodeDetail(detail.texture)), side: detail.side } } : held;
}

const OURS = { licence: 'Apache-2.0', fictional: true };

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const rounded = (values: Iterable<number>): number[] => Array.from(values, (value) => Number(value.toFixed(5)));

/** Writes `mesh.json`, and the maps where there are any. Answers how the manifest names them, and what was drawn. */
export function writeDrawing(dir: string, { mesh, uv, offset, guide, iris, maps }: Drawing) {
  mkdirSync(dir, { recursive: true });
  const drawn = drawnMesh(mesh, uv);
  const canonical = canonicalOf(mesh);
  const template = {
    format: 1,
    canonical: rounded(canonical),
    rigid: mesh.rigid,
    offset: rounded(offset ?? canonical.map(() => 0)),
    vertices: drawn.vertices,
    uv: rounded(drawn.uv.flatMap(([u, v]) => [2 * u - 1, 2 * v - 1])),
    triangles: drawn.triangles.flat(),
    ...(iris && { iris: { radius: Number(iris.radius.toFixed(4)), profile: rounded(iris.profile) } }),
    guide: guide && { size: guide.size, base64: guide.bytes.toString('base64') },
  };
  const meshBytes = Buffer.from(`${JSON.stringify(template)}\n`);
  writeFileSync(join(dir, 'mesh.json'), meshBytes);
  return {
    mesh: { file: 'mesh.json', sha256: sha256(meshBytes) },
    ...(maps && { maps: writeMaps(dir, maps) }),
    triangles: drawn.triangles.length,
  };
}

/** Writes a look's network, what it draws with and `double.json` as the server reads them, and reads them back. Answers what was drawn. */
export function writeLook(
  dir: string,
  { kind, name, maxYawDeg, model, features, rights = OURS, ...drawing }: Look,
): { triangles: number } {
  const { triangles, ...held } = writeDrawing(dir, drawing);
  const manifest = {
    format: 1,
    kind,
    name,
    model: { file: model.file, sha256: sha256(model.bytes) },
    ...held,
    ...(features && { features: { file: features.file, sha256: sha256(features.bytes) } }),
    template: 'face-mesh-468',
    size: 256,
    maxYawDeg,
    licence: rights.licence,
    card: 'CARD.md',
    fictional: rights.fictional,
  };
  writeFileSync(join(dir, model.file), model.bytes);
  if (features) writeFileSync(join(dir, features.file), features.bytes);
  writeFileSync(join(dir, 'double.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  readManifest(dir);
  return { triangles };
}
