import type { Assets } from './assets.ts';
import { buildHead, eyeMiddle, type Head, type Part } from './head.ts';
import type { Identity } from './identity.ts';
import { addNormals, unitNormals, type Weights } from './morph.ts';
import { ambientOcclusion } from './occlusion.ts';
import { createPoser, NEUTRAL_POSE, type Pose, type Poser } from './pose.ts';
import { paintRelief } from './relief.ts';
import { eachTexel, isPlainSkin, paintSkin } from './skin.ts';
import { bleedColour, LINEAR, loadTexture, mixTexture, sample, type Texture } from './texture.ts';

/** A fictional person ready to be rendered: geometry, painted textures, baked occlusion. */
export interface Performer {
  head: Head;
  textures: Record<string, Texture>;
  /** Slopes of the wrinkles in the skin's layout, or null. */
  relief: Texture | null;
  /** Neutral positions, decimetres from the middle of the eyes. */
  rest: Float32Array;
  occlusion: Float32Array;
  poser: Poser;
  /** > 0 above the garment's edge, < 0 where cloth is, decimetres; at neutral positions. */
  neckline: (x: number, y: number, z: number) => number;
  /** Deforms and poses; fills points and unit normals. */
  animate(expression: Weights, pose: Pose, points: Float32Array, normals: Float32Array): void;
}

export interface PerformerQuality {
  /** Paint resolution of the skin: the CC0 texture holds the whole body, the face is an eighth of it. */
  skinWidth: number;
  /** Directions from which the baked occlusion is gathered. */
  occlusionDirections: number;
}

/** For clips and close-ups. */
export const FINE: PerformerQuality = { skinWidth: 3072, occlusionDirections: 96 };
/** For faces below some 300 pixels, when many people are wanted soon. */
export const QUICK: PerformerQuality = { skinWidth: 1536, occlusionDirections: 40 };

export async function createPerformer(
  assets: Assets,
  identity: Identity,
  quality: PerformerQuality = FINE,
): Promise<Performer> {
  const head = buildHead(assets, identity);
  const textures = await loadTextures(assets, head, quality.skinWidth);
  paintSkin(textures.skin!, head);
  const relief = paintRelief(textures.skin!, head);
  const poser = createPoser(head);
  const animate: Performer['animate'] = (expression, pose, points, normals) => {
    head.deform(expression, points);
    poser.apply(points, pose);
    normals.fill(0);
    for (const part of head.parts) addNormals(points, part.triangles, normals);
    unitNormals(normals);
  };
  const rest = new Float32Array(3 * head.vertexCount);
  const normals = new Float32Array(rest.length);
  // Occlusion is baked with the mouth a little open, so that teeth and tongue have some light to lose.
  animate({ 'mouth-open': 0.35 }, NEUTRAL_POSE, rest, normals);
  const casters = head.parts.filter((p) => p.name === 'skin' || p.name === 'hair');
  const occlusion = ambientOcclusion(casters, rest, normals, [0, -0.9, -0.8], 7.2, quality.occlusionDirections);
  animate({}, NEUTRAL_POSE, rest, normals);
  openLids(head, rest, occlusion);
  return { head, textures, relief, rest, occlusion, poser, neckline: createNeckline(head), animate };
}

/** A performer with the skin of another identity that has the same geometry (people.ts withSkinOfAge): only skin and relief are painted anew. */
export async function withSkin(
  assets: Assets,
  performer: Performer,
  identity: Identity,
  quality: PerformerQuality,
): Promise<Performer> {
  const head = { ...performer.head, identity };
  const textures = { ...performer.textures, skin: await loadSkin(assets, head, quality.skinWidth) };
  paintSkin(textures.skin, head);
  return { ...performer, head, textures, relief: paintRelief(textures.skin, head) };
}

async function loadTextures(assets: Assets, head: Head, skinWidth: number): Promise<Record<string, Texture>> {
  const id = head.identity;
  const path = (name: string) => assets.texturePath(name);
  const lashes = id.lashes.name === 'eyelashes01' ? 'Eyelashes01' : id.lashes.name;
  const textures: Record<string, Texture> = {
    skin: await loadSkin(assets, head, skinWidth),
    eyes: await loadTexture(path(`proxies/eyes/HighPolyEyes/textures/${id.eyes}_eye.png`)),
    teeth: await loadTexture(path('proxies/teeth/Teeth_Base/textures/teeth.png')),
    tongue: await loadTexture(path('proxies/tongue/tongue01/textures/tongue01_diffuse.png')),
    lashes: await loadTexture(path(`proxies/eyelashes/${lashes}/textures/${id.lashes.name}.png`)),
    brows: await loadTexture(path('proxies/eyebrows/eyebrow001/textures/eyebrow001.png')),
  };
  if (id.hair) {
    textures.hair = await loadTexture(path(id.hair.texture));
    bleedColour(textures.hair, 4);
  }
  return textures;
}

/** The skin's texture, mixed with that of another age when the identity wants one: that one's face is first given the same mean. */
async function loadSkin(assets: Assets, head: Head, width: number): Promise<Texture> {
  const look = head.identity.skin;
  const own = await loadTexture(assets.texturePath(look.texture), width);
  if (!look.aged || look.aged.amount <= 0) return own;
  const other = await loadTexture(assets.texturePath(look.aged.texture), width);
  const sums = [0, 0, 0, 0, 0, 0];
  eachTexel(own, head, (k, s) => {
    if (!isPlainSkin(s)) return;
    for (let c = 0; c < 3; c++) {
      sums[c] = sums[c]! + LINEAR[own.data[4 * k + c]!]!;
      sums[3 + c] = sums[3 + c]! + LINEAR[other.data[4 * k + c]!]!;
    }
  });
  mixTexture(
    own,
    other,
    look.aged.amount,
    [0, 1, 2].map((c) => sums[c]! / (sums[3 + c]! || 1)),
  );
  return own;
}

/** A crew neck: a plane through the neck, lower in front, that rises towards the shoulders. */
function createNeckline(head: Head): Performer['neckline'] {
  const [, oy, oz] = eyeMiddle(head);
  const [, jy, jz] = head.joints.neck;
  const lift = head.identity.garment.neckline === 'high' ? 0.42 : 0;
  return (x, y, z) => {
    const edge = jy - oy - 0.3 + lift - 0.42 * (z + oz - jz) + 0.42 * x * x;
    return y - edge;
  };
}

/** Tells whether a sample of a part is there at all: cloth ends at its neckline, the cornea is clear. */
export function cutOut(performer: Performer, part: Part): ((b1: number, b2: number, t: number) => boolean) | null {
  if (part.name === 'garment')
    return (b1, b2, t) => {
      const at = (k: number) => weigh(performer.rest, part.triangles, t, k, b1, b2);
      return performer.neckline(at(0), at(1), at(2)) < 0;
    };
  if (part.name === 'eyes') {
    const texel = new Float32Array(4);
    const texture = performer.textures.eyes!;
    return (b1, b2, t) => {
      const uv = (k: number) =>
        part.uvs[2 * part.corners[3 * t]! + k]! * (1 - b1 - b2) +
        part.uvs[2 * part.corners[3 * t + 1]! + k]! * b1 +
        part.uvs[2 * part.corners[3 * t + 2]! + k]! * b2;
      sample(texture, uv(0), uv(1), texel);
      return texel[3]! > 0.5;
    };
  }
  return null;
}

function weigh(points: Float32Array, triangles: Uint32Array, t: number, k: number, b1: number, b2: number): number {
  return (
    points[3 * triangles[3 * t]! + k]! * (1 - b1 - b2) +
    points[3 * triangles[3 * t + 1]! + k]! * b1 +
    points[3 * triangles[3 * t + 2]! + k]! * b2
  );
}

/** Folded away at rest, the upper lids bake dark; shut, they face the light: lift what lies before the eye balls. */
function openLids(head: Head, rest: Float32Array, occlusion: Float32Array): void {
  const skin = head.parts.find((p) => p.name === 'skin')!;
  const origin = eyeMiddle(head);
  for (let i = skin.first; i < skin.first + skin.count; i++)
    for (const eye of head.eyes) {
      const d = Math.hypot(
        rest[3 * i]! - eye[0],
        rest[3 * i + 1]! - (eye[1] - origin[1]) - 0.06,
        rest[3 * i + 2]! - (eye[2] - origin[2]),
      );
      if (d < 0.24) occlusion[i] = Math.max(occlusion[i]!, 0.62);
    }
}
