import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { z } from 'zod';
import type { Iris } from '../../server/double/irises.ts';
import { canonicalPoints, fitPose } from '../../server/double/pose.ts';
import type { FaceMesh } from '../models/face-mesh.ts';
import { canonicalOf } from './face-mesh.ts';
import { guideMap, normalMap, textureMap } from './maps.ts';
import { measureIris } from './measure-iris.ts';
import type { TextureMaps } from './mesh-graph.ts';

const TEXTURE_SIDE = 320;
/** For close-ups: the picture's own side, where that is more. */
const MOST_DETAIL = 1024;
const NORMAL_SIDE = 128;
const GUIDE_SIDE = 64;
export const MAX_YAW_DEG = 50;

const sourceSchema = z.looseObject({
  name: z.string(),
  uv: z.array(z.tuple([z.number(), z.number()])).length(468),
  shape: z.array(z.tuple([z.number(), z.number(), z.number()])).length(468),
});

/** What a textured double is built from: `texture.png` and `texture.json` in its folder. */
export interface DoubleSource {
  name: string;
  uv: [number, number][];
  maps: TextureMaps;
  /** How its proportions differ from an average head's, canonical units, 468 × 3. */
  offset: Float32Array;
  guide: { size: number; bytes: Buffer };
  iris: Iris;
}

/** @throws Error where a file is missing or not what it should be. */
export async function readSource(dir: string, mesh: FaceMesh): Promise<DoubleSource> {
  const { name, uv, shape } = sourceSchema.parse(JSON.parse(readFileSync(join(dir, 'texture.json'), 'utf8')));
  const canonical = canonicalOf(mesh);
  const png = readFileSync(join(dir, 'texture.png'));
  const texture = await textureMap(png, mesh, uv, TEXTURE_SIDE);
  const offset = offsetOf(shape, canonical, mesh);
  const normals = normalMap(mesh, uv, canonical, NORMAL_SIDE);
  const guide = await guideMap(mesh, uv, canonical, texture, TEXTURE_SIDE, GUIDE_SIDE);
  return {
    name,
    uv,
    offset,
    iris: await measureIris(
      png,
      mesh,
      uv,
      canonical.map((value, i) => value + (offset[i] ?? 0)),
    ),
    maps: { texture, side: TEXTURE_SIDE, normals, normalSide: NORMAL_SIDE, ...(await detailOf(png, mesh, uv)) },
    guide: { size: GUIDE_SIDE, bytes: guide },
  };
}

/** The texture as fine as it was painted. */
async function detailOf(png: Buffer, mesh: FaceMesh, uv: [number, number][]): Promise<Pick<TextureMaps, 'detail'>> {
  const { width } = await sharp(png).metadata();
  const side = Math.min(MOST_DETAIL, width);
  return side > TEXTURE_SIDE ? { detail: { texture: await textureMap(png, mesh, uv, side), side } } : {};
}

/** @param shape x to image right, y up, z towards the camera, any unit: the head is turned and scaled to the canonical one by its rigid points. */
function offsetOf(shape: readonly (readonly number[])[], canonical: number[], mesh: FaceMesh): Float32Array {
  const points = Float32Array.from(shape.flatMap(([x = 0, y = 0, z = 0]) => [x, -y, -z]));
  const average = Float32Array.from(canonical);
  return canonicalPoints(points, fitPose(average, points, mesh.rigid)).map((value, i) => value - average[i]!);
}
