import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Iris } from '../../server/double/irises.ts';
import { readHeld, readManifest } from '../../server/double/manifest.ts';
import { type Look, writeLook } from '../double/look-folder.ts';
import { meshGraph } from '../double/mesh-graph.ts';
import { MAX_YAW_DEG, readSource } from '../double/source.ts';
import type { FaceMesh } from '../models/face-mesh.ts';
import { ANYBODY, ANYBODY_FEATURES, DOUBLES } from './bundled.ts';
import { type Coverage, pageOf } from './coverage.ts';
import type { Eyes } from './eyes.ts';
import type { FootageFile } from './footage.ts';
import { FootageError } from './footage-error.ts';
import type { Neutral } from './neutral.ts';
import { cardOf, licenceOf, type Made } from './papers.ts';
import { TEXTURE_SIDE, type Texture } from './texture.ts';

const PORTRAIT = 512;
/** Forehead to the left, chin … of a face turned further than was ever seen smears. */
const NARROW_YAW_DEG = 35;

export interface NewDouble {
  dir: string;
  name: string;
  fictional: boolean;
  /** The bundled double whose trained network it is given; null: the one that was trained to fit anybody. */
  network: string | null;
  /** No network: the texture is drawn as it is. */
  drawn: boolean;
  files: readonly FootageFile[];
  coverage: Coverage;
}

/** The report on the footage, for programs and for people. */
export function writeCoverage(dir: string, name: string, coverage: Coverage): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'footage.json'), `${JSON.stringify(coverage, null, 1)}\n`);
  writeFileSync(join(dir, 'FOOTAGE.md'), pageOf(name, coverage));
}

/** Writes the texture and its layout as the builders of doubles read them. */
export async function writeTexture(
  dir: string,
  name: string,
  { rgba }: Texture,
  { uv, shape }: Neutral,
): Promise<void> {
  mkdirSync(dir, { recursive: true });
  await sharp(rgba, { raw: { width: TEXTURE_SIDE, height: TEXTURE_SIDE, channels: 4 } })
    .png({ compressionLevel: 9 })
    .toFile(join(dir, 'texture.png'));
  const rounded = (values: readonly number[], digits: number): number[] =>
    values.map((value) => Number(value.toFixed(digits)));
  const layout = {
    format: 1,
    name,
    texture: 'texture.png',
    width: TEXTURE_SIDE,
    height: TEXTURE_SIDE,
    colour: 'sRGB, straight alpha: 1 over the face up to the oval, 0 outside; the light of the footage evened out',
    landmarks: 'indices 0–467 of models/perception/face-mesh.json',
    uvNote: 'u to the right, v down, 0–1 from the upper left corner of the texture',
    uv: uv.map((point) => rounded(point, 5)),
    shapeNote:
      'the neutral face, centimetres from the middle of the eyes: x to the performer’s left, y up, z towards the viewer',
    shape: shape.map((point) => rounded(point, 3)),
  };
  writeFileSync(join(dir, 'texture.json'), `${JSON.stringify(layout)}\n`);
}

export async function writePortrait(dir: string, portrait: { rgb: Buffer; side: number }): Promise<void> {
  await sharp(portrait.rgb, { raw: { width: portrait.side, height: portrait.side, channels: 3 } })
    .resize(PORTRAIT, PORTRAIT)
    .png({ compressionLevel: 9 })
    .toFile(join(dir, 'portrait.png'));
}

/** What a texture is given of trained networks. @throws FootageError where the double that is named has none. */
export function networksOf(network: string | null): { model: Uint8Array; features: Uint8Array | null } {
  if (network === null) return { model: readFileSync(ANYBODY), features: readFileSync(ANYBODY_FEATURES) };
  const from = join(DOUBLES, network);
  const { kind, model, features } = readManifest(from);
  if (kind !== 'learned')
    throw new FootageError(`${network} has no trained network: name a double that has, like mara.`);
  return { model: readHeld(from, model), features: features ? readHeld(from, features) : null };
}

/**
 * Builds the double in `dir`, whose texture is there already: network, mesh, manifest, card and the licence's draft.
 * @param iris how the person's irises look; null where the performer's own are to be shown.
 * @param eyesFor makes the network of the complete folder draw the person's own eyes; null where it cannot.
 */
export async function writeDouble(
  made: NewDouble,
  seen: number,
  mesh: FaceMesh,
  eyesFor: (dir: string) => Promise<Eyes | null>,
  iris: Iris | null,
): Promise<void> {
  const { dir, name, fictional, network, drawn, files, coverage } = made;
  const { uv, maps, guide, offset } = await readSource(dir, mesh);
  const learned = drawn ? null : networksOf(network);
  const bytes = learned?.model ?? meshGraph(maps).encode({ generator: 'understudy doubles train', double: name });
  const kind = learned ? 'learned' : 'mesh';
  const turned = coverage.cells.some((cell) => /far to their/.test(cell.name) && cell.views > 0);
  const look: Look = {
    kind,
    name,
    maxYawDeg: turned ? MAX_YAW_DEG : NARROW_YAW_DEG,
    model: { file: 'double.onnx', bytes },
    ...(learned && { maps }),
    ...(learned?.features && { features: { file: 'features.onnx', bytes: learned.features } }),
    mesh,
    uv,
    offset: learned ? offset : null,
    guide,
    ...(learned && iris && { iris }),
    rights: { licence: fictional ? 'see LICENSE.md' : 'draft, not signed: see LICENSE.md', fictional },
  };
  writeLook(dir, look);
  const eyes = learned ? await eyesFor(dir) : null;
  if (eyes) writeLook(dir, { ...look, model: { file: 'double.onnx', bytes: eyes.model } });
  const papers: Made = {
    name,
    fictional,
    kind,
    network,
    eyes,
    coverage,
    seen,
    files: files.map((file) => ({ name: file.name, sha256: sha256(file.path) })),
    model: readManifest(dir).model.sha256,
    day: new Date().toISOString().slice(0, 10),
  };
  writeFileSync(join(dir, 'CARD.md'), cardOf(papers));
  writeFileSync(join(dir, 'LICENSE.md'), licenceOf(papers));
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
