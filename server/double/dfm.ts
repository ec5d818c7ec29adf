import { join } from 'node:path';
import type { BoundTensor, OpenShapes, Session } from '../inference/session.ts';
import { ColourMatch } from './colour-match.ts';
import { checkHeld } from './manifest.ts';
import { blur, erode } from './mask.ts';
import type { OpenOptions } from './open.ts';
import type { DfmManifest } from './owned-manifest.ts';
import type { FaceInput, ReplacedFace, Replacer } from './replacer.ts';
import { applyGamma, cutSquare, sharpen, toPixelsBgr, toPlanarRgb } from './square.ts';
import { alignTo } from './templates.ts';

export const DFM_FACE = 'in_face:0';
export const DFM_MORPH = 'morph_value:0';

/** Their exports leave the batch, and sometimes whole outputs, open: mask of the source, face, mask of the face, by position. */
export const dfmShapes: OpenShapes = (index, inputs) => {
  const [, height = 0, width = 0] = inputs.find(({ name }) => name === DFM_FACE)?.dims ?? [];
  return [1, height, width, index === 1 ? 3 : 1];
};

export interface DfmTensors {
  face: BoundTensor;
  morph: BoundTensor | null;
  sourceMask: BoundTensor;
  made: BoundTensor;
  madeMask: BoundTensor;
  size: number;
}

/** The tensors of a DeepFaceLab export by what they are. @returns a sentence's end where it is none. */
export function dfmTensors({ inputs, outputs }: Pick<Session, 'inputs' | 'outputs'>): DfmTensors | string {
  const face = inputs[DFM_FACE];
  if (!face) return `it has no input ${DFM_FACE}`;
  const [batch, size = 0, width, channels] = face.dims;
  if (batch !== 1 || width !== size || channels !== 3 || face.dims.length !== 4)
    return `its ${DFM_FACE} is ${face.dims.join('×')}, not 1×N×N×3`;
  const morph = inputs[DFM_MORPH] ?? null;
  const strange = Object.keys(inputs).find((name) => name !== DFM_FACE && name !== DFM_MORPH);
  if (strange) return `it has an input ${strange} that no such export has`;
  if (morph && morph.data.length !== 1) return `its ${DFM_MORPH} is not a single number`;
  const [sourceMask, made, madeMask] = Object.values(outputs);
  const plane = size * size;
  if (!sourceMask || !made || !madeMask || Object.keys(outputs).length !== 3) return 'it has not three outputs';
  if (sourceMask.data.length !== plane || made.data.length !== 3 * plane || madeMask.data.length !== plane)
    return 'its outputs are not a mask, a face and a mask of the input’s size';
  return { face, morph, sourceMask, made, madeMask, size };
}

/**
 * Opens a DeepFaceLab export: input `in_face:0` (NHWC, BGR, 0–1) and perhaps `morph_value:0`; outputs by position the mask of the source, the
 * made face and its mask. Merged as DeepFaceLive does: the product of both masks, taken in and softened, over the plate.
 * @throws Error with a sentence when a file is missing, damaged or not what it says it is.
 */
export async function openDfm(options: OpenOptions, manifest: DfmManifest): Promise<Replacer> {
  const { runtime, arena, dir } = options;
  await checkHeld(dir, manifest.model);
  const session = await runtime.load(join(dir, manifest.model.file), arena, { openShapes: dfmShapes });
  try {
    const tensors = dfmTensors(session);
    if (typeof tensors === 'string') throw notOne(dir, tensors);
    if (tensors.size !== manifest.size)
      throw notOne(dir, `it makes ${tensors.size} pixels and double.json says ${manifest.size}`);
    await session.run();
    return new DfmReplacer(options, manifest, session, tensors);
  } catch (error) {
    session.close();
    throw error;
  }
}

const notOne = (dir: string, why: string): Error =>
  new Error(`The network of the double in ${dir} is not of kind dfm: ${why}. Add the double again.`);

class DfmReplacer implements Replacer {
  readonly name: string;
  readonly provider: string;
  readonly maxYawDeg: number;
  readonly #options: OpenOptions;
  readonly #manifest: DfmManifest;
  readonly #session: Session;
  readonly #tensors: DfmTensors;
  readonly #colour = new ColourMatch();
  readonly #blocks: { at: number; bytes: number }[] = [];
  /** Planar R, G, B of the plate's crop, and what is handed out: planar R, G, B, alpha. */
  readonly #plate: { at: number; data: Float32Array };
  readonly #out: { at: number; data: Float32Array };
  #closed = false;

  constructor(options: OpenOptions, manifest: DfmManifest, session: Session, tensors: DfmTensors) {
    this.name = manifest.name;
    this.provider = session.provider;
    this.maxYawDeg = manifest.maxYawDeg;
    this.#options = options;
    this.#manifest = manifest;
    this.#session = session;
    this.#tensors = tensors;
    this.#plate = this.#reserve(3 * tensors.size ** 2);
    this.#out = this.#reserve(4 * tensors.size ** 2);
  }

  async replace({ picture, landmarks, trackId }: FaceInput): Promise<ReplacedFace> {
    const { size, face, morph, made, sourceMask } = this.#tensors;
    const manifest = this.#manifest;
    const toCrop = alignTo(manifest.template, landmarks, size, manifest);
    cutSquare(this.#options.kernels, picture, toCrop, size, this.#plate.at);
    const given = this.#plate.data.slice();
    sharpen(given, size, manifest.preSharpen);
    applyGamma(given, manifest.gamma);
    toPixelsBgr(given, face.data);
    if (morph) morph.data[0] = manifest.morph;
    await this.#session.run();
    if (manifest.twoPass) {
      // The mask of what stands before the performer's face is the first run's: the second sees no performer any more.
      const mask = sourceMask.data.slice();
      face.data.set(made.data);
      await this.#session.run();
      sourceMask.data.set(mask);
    }
    this.#merge(trackId, picture.id.captureUs);
    return { how: 'cover', at: this.#out.at, size, toCrop };
  }

  forget(trackId: number): void {
    this.#colour.forget(trackId);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.close();
    for (const { at, bytes } of this.#blocks) this.#options.arena.release(at, bytes);
  }

  #merge(track: number, captureUs: number): void {
    const { size, made, sourceMask, madeMask } = this.#tensors;
    const { erode: taken, soften, matchColour } = this.#manifest;
    const plane = size * size;
    const [colours, alpha] = [this.#out.data.subarray(0, 3 * plane), this.#out.data.subarray(3 * plane)];
    toPlanarRgb(made.data, colours);
    for (let i = 0; i < plane; i++) alpha[i] = clamp(sourceMask.data[i]! * madeMask.data[i]!);
    if (matchColour) this.#colour.apply(track, captureUs, colours, this.#plate.data, alpha, size);
    else for (let i = 0; i < colours.length; i++) colours[i] = clamp(colours[i]!);
    erode(alpha, size, Math.round(taken * size));
    blur(alpha, size, soften * size);
  }

  #reserve(floats: number): { at: number; data: Float32Array } {
    const { arena } = this.#options;
    const at = arena.allocate(floats * 4);
    this.#blocks.push({ at, bytes: floats * 4 });
    return { at, data: arena.floats(at, floats) };
  }
}

/** NaN becomes 0: where a network gives no number nothing is drawn, and the face stage covers what is not hidden. */
const clamp = (value: number): number => (value > 0 ? Math.min(1, value) : 0);
