import { SIZE } from '../../server/double/surface.ts';
import type { Guide, Template } from '../../server/double/template.ts';
import { canonicalOf, drawnMesh } from '../double/face-mesh.ts';
import { guideMap, skinMap } from '../double/maps.ts';
import type { FaceMesh } from '../models/face-mesh.ts';
import { ovalMask } from '../performer/unwrap.ts';
import { blend, chooseSights } from './blend.ts';
import { keepBrowsDark } from './brows.ts';
import { calmSkin } from './calm.ts';
import { evenOut, fillHoles, LEVEL, type Map3, type Outlined } from './even.ts';
import type { Neutral } from './neutral.ts';
import { quantile } from './neutral.ts';
import { type Observer, PLANE, type Sight } from './observe.ts';
import { averagePattern } from './prior.ts';
import type { Progress } from './progress.ts';
import { type Texels, texelsOf } from './texels.ts';

export const TEXTURE_SIDE = 512;
/** The light is first told from the face on a coarser one. */
const ROUGH_SIDE = 256;
/** How often every face is laid onto the mean of all, each time sharper. */
const ALIGNED = 3;
const GUIDE_SIDE = 64;
/** Plain skin: forehead and cheeks. */
const SKIN_POINTS = [9, 151, 50, 280, 205, 425];
/** Encoded brightness of the skin in the texture: a darker one would lose steps, a brighter one clip its own lights. */
const SKIN_RANGE = [0.42, 0.68] as const;

/** What aligns crops: the average head with its mesh laid out by `uv`. */
export function templateOf(mesh: FaceMesh, uv: readonly (readonly [number, number])[]): Template {
  const drawn = drawnMesh(mesh, uv);
  return {
    canonical: Float32Array.from(canonicalOf(mesh)),
    rigid: mesh.rigid,
    offset: new Float32Array(3 * mesh.positions.length),
    vertices: drawn.vertices,
    uv: Float32Array.from(drawn.uv.flatMap(([u, v]) => [2 * u - 1, 2 * v - 1])),
    triangles: drawn.triangles.flat(),
    iris: null,
    guide: null,
  };
}

/** RGBA bytes, TEXTURE_SIDE²: the face in even light, alpha 1 up to its oval. `seen`: share of the face that the footage shows. */
export interface Texture {
  rgba: Buffer;
  seen: number;
}

/** Makes the texture of what footage shows. */
export async function textureOf(
  sights: readonly Sight[],
  { rest, uv }: Neutral,
  mesh: FaceMesh,
  observer: Observer,
  progress: Progress,
): Promise<Texture> {
  const chosen = chooseSights(sights, rest);
  const template = templateOf(mesh, uv);
  const pass = async (side: number, before: Map3 | null, done: (share: number) => number) => {
    const texels = texelsOf(mesh, uv, side);
    const pattern = await averagePattern(texels);
    const guide = await guideOf(before ?? mapOf(pattern, texels), mesh, uv);
    const blending = { observer, template, texels, uv: uv.flat(), rest, progress };
    const how = { guide, gained: before ? 1 : 0, aligned: before ? ALIGNED : 0, what: 'rolling out the face', done };
    const seen = blend(chosen, blending, how);
    return { map: evenOut(seen, pattern, texels, { mesh, uv }), weight: seen.weight };
  };
  const rough = await pass(ROUGH_SIDE, null, (share) => 0.2 * share);
  const { map, weight } = await pass(TEXTURE_SIDE, rough.map, (share) => 0.2 + 0.8 * share);
  const skin = skinColour(chosen);
  await wearable(map, skin, { mesh, uv });
  const alpha = ovalMask(uv, mesh, TEXTURE_SIDE, 3);
  const usual = quantile([...weight], 0.5);
  return {
    rgba: coloured(map, keptWell(skin), alpha),
    seen: weight.reduce((sum, one) => sum + (one > 0.03 * usual ? 1 : 0), 0) / weight.length,
  };
}

async function guideOf({ planes, side }: Map3, mesh: FaceMesh, uv: Neutral['uv']): Promise<Guide> {
  const flat = new Float32Array(3 * side * side);
  for (const [c, plane] of planes.entries()) flat.set(plane, c * side * side);
  const bytes = await guideMap(mesh, uv, canonicalOf(mesh), flat, side, GUIDE_SIDE);
  return { size: GUIDE_SIDE, texels: new Uint8Array(bytes) };
}

/** A pattern as a map to unroll with: skin at LEVEL. */
function mapOf(pattern: Float32Array, { side, at }: Texels): Map3 {
  const map: Map3 = {
    side,
    planes: [0, 1, 2].map(() => new Float32Array(side * side)) as Map3['planes'],
    known: new Float32Array(side * side),
  };
  at.forEach((i, k) => {
    map.known[i] = 1;
    for (let c = 0; c < 3; c++) map.planes[c]![i] = LEVEL * pattern[3 * k + c]!;
  });
  fillHoles(map);
  return map;
}

/** Takes out of a texture what stands out when somebody of another complexion wears it. */
async function wearable(map: Map3, skin: readonly number[], face: Outlined): Promise<void> {
  const texels = texelsOf(face.mesh, face.uv, map.side);
  const pattern = mapOf(await averagePattern(texels), texels).planes.map((plane) =>
    plane.map((value) => value / LEVEL),
  ) as Map3['planes'];
  const bare = await skinMap(face.mesh, face.uv, map.side);
  calmSkin(
    map,
    pattern,
    Float32Array.from(bare, (value) => value / 255),
  );
  keepBrowsDark(map, skin, face);
}

/** The skin's colour in the footage, encoded 0–1: the middle of all sights. */
function skinColour(sights: readonly Sight[]): number[] {
  return [0, 1, 2].map((c) =>
    quantile(
      sights.flatMap((sight) => SKIN_POINTS.map((point) => cropAt(sight, point, c))),
      0.5,
    ),
  );
}

/** At a brightness that a texture keeps well. */
function keptWell(colour: readonly number[]): number[] {
  const bright = 0.25 * colour[0]! + 0.6 * colour[1]! + 0.15 * colour[2]!;
  const wanted = Math.min(SKIN_RANGE[1], Math.max(SKIN_RANGE[0], bright));
  return colour.map((value) => (value * wanted) / Math.max(0.02, bright));
}

/** The crop's colour at a landmark, 0–1: the crop is upright and as large as the canonical head says. */
function cropAt({ crop, cropPoints }: Sight, point: number, channel: number): number {
  const inside = (value: number): number => Math.min(SIZE - 1, Math.max(0, Math.round(value)));
  return crop[channel * PLANE + inside(cropPoints[2 * point + 1]!) * SIZE + inside(cropPoints[2 * point]!)]! / 255;
}

function coloured({ planes, side }: Map3, skin: readonly number[], alpha: Float32Array): Buffer {
  const rgba = Buffer.alloc(4 * side * side);
  for (let i = 0; i < side * side; i++) {
    for (let c = 0; c < 3; c++)
      rgba[4 * i + c] = Math.round(255 * Math.min(1, Math.max(0, (planes[c]![i]! * skin[c]!) / LEVEL)));
    rgba[4 * i + 3] = Math.round(255 * alpha[i]!);
  }
  return rgba;
}
