import type { Landmarks } from '../face/types.ts';
import type { BoundTensor, OpenShapes, Session } from '../inference/session.ts';
import { blur, erode } from './mask.ts';
import type { OpenOptions } from './open.ts';
import type { DfmManifest } from './owned-manifest.ts';
import type { FaceInput, Replacer } from './replacer.ts';
import { applyGamma, sharpen, toPixelsBgr, toPlanarRgb } from './square.ts';
import { clamp, openSquare, SquareFace, type SquareTensors } from './square-face.ts';
import type { Affine } from './surface.ts';
import { alignTo } from './templates.ts';

export const DFM_FACE = 'in_face:0';
export const DFM_MORPH = 'morph_value:0';

/** Their exports leave the batch, and sometimes whole outputs, open: mask of the source, face, mask of the face, by position. */
export const dfmShapes: OpenShapes = (index, inputs) => {
  const [, height = 0, width = 0] = inputs.find(({ name }) => name === DFM_FACE)?.dims ?? [];
  return [1, height, width, index === 1 ? 3 : 1];
};

export interface DfmTensors extends SquareTensors {
  face: BoundTensor;
  morph: BoundTensor | null;
  sourceMask: BoundTensor;
  madeMask: BoundTensor;
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
  const { session, tensors } = await openSquare(options, manifest, dfmShapes, dfmTensors);
  return new DfmReplacer(options, manifest, session, tensors);
}

class DfmReplacer extends SquareFace<DfmManifest, DfmTensors> {
  protected align(landmarks: Landmarks): Affine {
    return alignTo(this.manifest.template, landmarks, this.tensors.size, this.manifest);
  }

  protected async make(input: FaceInput): Promise<void> {
    const { size, face, morph, made, sourceMask } = this.tensors;
    const { manifest } = this;
    const given = this.plate.slice();
    sharpen(given, size, manifest.preSharpen);
    applyGamma(given, manifest.gamma);
    toPixelsBgr(given, face.data);
    if (morph) morph.data[0] = manifest.morph;
    await this.session.run();
    if (manifest.twoPass) {
      // The mask of what stands before the performer's face is the first run's: the second sees no performer any more.
      const mask = sourceMask.data.slice();
      face.data.set(made.data);
      await this.session.run();
      sourceMask.data.set(mask);
    }
    this.#merge(input);
  }

  #merge(input: FaceInput): void {
    const { size, made, sourceMask, madeMask } = this.tensors;
    const { erode: taken, soften, matchColour } = this.manifest;
    const { colours, alpha } = this;
    toPlanarRgb(made.data, colours);
    for (let i = 0; i < alpha.length; i++) alpha[i] = clamp(sourceMask.data[i]! * madeMask.data[i]!);
    if (matchColour) this.matchColour(input);
    else for (let i = 0; i < colours.length; i++) colours[i] = clamp(colours[i]!);
    erode(alpha, size, Math.round(taken * size));
    blur(alpha, size, soften * size);
  }
}
