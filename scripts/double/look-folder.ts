import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DoubleManifest, readManifest } from '../../server/double/manifest.ts';
import type { FaceMesh } from '../models/face-mesh.ts';
import { canonicalOf, drawnMesh } from './face-mesh.ts';

type Point = readonly [number, number];

export interface Look {
  kind: DoubleManifest['kind'];
  name: string;
  maxYawDeg: number;
  /** The network and its file's name. */
  model: { file: string; bytes: Uint8Array };
  mesh: FaceMesh;
  /** Of each landmark, 0–1. */
  uv: readonly Point[];
  /** How its proportions differ from an average head's, canonical units, 468 × 3; null where it keeps the performer's. */
  offset: Float32Array | null;
  /** Base colours in UV that the light is read with; null where the look does not read it. */
  guide: { size: number; bytes: Buffer } | null;
  /** Unless it is somebody's own: an invented person under the project's licence. */
  rights?: { licence: string; fictional: boolean };
}

const OURS = { licence: 'Apache-2.0', fictional: true };

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const rounded = (values: Iterable<number>): number[] => Array.from(values, (value) => Number(value.toFixed(5)));

/** Writes a look's network, `mesh.json` and `double.json` as the server reads them, and reads them back. Answers what was drawn. */
export function writeLook(
  dir: string,
  { kind, name, maxYawDeg, model, mesh, uv, offset, guide, rights = OURS }: Look,
): { triangles: number } {
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
    guide: guide && { size: guide.size, base64: guide.bytes.toString('base64') },
  };
  const meshBytes = Buffer.from(`${JSON.stringify(template)}\n`);
  const manifest = {
    format: 1,
    kind,
    name,
    model: { file: model.file, sha256: sha256(model.bytes) },
    mesh: { file: 'mesh.json', sha256: sha256(meshBytes) },
    template: 'face-mesh-468',
    size: 256,
    maxYawDeg,
    licence: rights.licence,
    card: 'CARD.md',
    fictional: rights.fictional,
  };
  writeFileSync(join(dir, model.file), model.bytes);
  writeFileSync(join(dir, 'mesh.json'), meshBytes);
  writeFileSync(join(dir, 'double.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  readManifest(dir);
  return { triangles: drawn.triangles.length };
}
