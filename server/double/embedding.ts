import type { Landmarks } from '../face/types.ts';
import type { BoundTensor, OpenShapes, Session } from '../inference/session.ts';
import { readHeld } from './manifest.ts';
import { blur, erode, fillOval } from './mask.ts';
import { floatsIn } from './onnx-file.ts';
import type { OpenOptions } from './open.ts';
import type { EmbeddingManifest } from './owned-manifest.ts';
import type { FaceInput, Replacer } from './replacer.ts';
import { clamp, openSquare, SquareFace, type SquareTensors } from './square-face.ts';
import type { Affine } from './surface.ts';
import { alignTo } from './templates.ts';

/** The mask is softened by σ of this share of the square, and taken in by as much before, so that the crop's end is never seen. */
const SOFT = 0.03;
/** The square's own border is left out by this share. */
const BORDER = 0.04;

/** Batches are left open in some exports; pictures are of the input's size, and a mask beside them has one plane. */
export const embeddingShapes: OpenShapes = (index, inputs) => {
  const dims = inputs.find(({ dims: one }) => one.length === 4)?.dims ?? [];
  return [1, index === 0 ? 3 : 1, dims[2] ?? 0, dims[3] ?? 0];
};

export interface EmbeddingTensors extends SquareTensors {
  target: BoundTensor;
  source: BoundTensor;
}

const LENGTHS: readonly number[] = [128, 256, 512];

/** The tensors of an embedding-conditioned network by their shapes. @returns a sentence's end where it is none. */
export function embeddingTensors({ inputs, outputs }: Pick<Session, 'inputs' | 'outputs'>): EmbeddingTensors | string {
  const all = Object.values(inputs);
  const target = all.find(({ dims }) => dims.length === 4);
  const source = all.find(({ dims }) => dims.length === 2);
  if (all.length !== 2 || !target || !source) return 'it has not two inputs, a picture and an embedding';
  const [batch, channels, size = 0, width] = target.dims;
  if (batch !== 1 || channels !== 3 || width !== size) return `its picture is ${target.dims.join('×')}, not 1×3×N×N`;
  if (source.dims[0] !== 1 || !LENGTHS.includes(source.dims[1] ?? 0))
    return `its embedding is ${source.dims.join('×')}, not 1×128, 1×256 or 1×512`;
  const made = Object.values(outputs)[0];
  if (made?.data.length !== target.data.length) return 'its first output is not a picture of the input’s size';
  return { target, source, made, size };
}

/**
 * Opens a network that is conditioned on a source embedding: a picture 1×3×N×N (RGB, normalised by the manifest) and an embedding 1×D in, a
 * picture out. Its mask is the performer's own face oval, softened: the network has none.
 * @throws Error with a sentence when a file is missing, damaged or not what it says it is.
 */
export async function openEmbedding(options: OpenOptions, manifest: EmbeddingManifest): Promise<Replacer> {
  const embedding = floatsIn(readHeld(options.dir, manifest.source));
  const tensorsOf = (session: Session): EmbeddingTensors | string => {
    const tensors = embeddingTensors(session);
    if (typeof tensors === 'string' || tensors.source.data.length === embedding.length) return tensors;
    return `it takes ${tensors.source.data.length} numbers and double.json holds ${embedding.length}`;
  };
  const { session, tensors } = await openSquare(options, manifest, embeddingShapes, tensorsOf, ({ source }) =>
    source.data.set(embedding),
  );
  return new EmbeddingReplacer(options, manifest, session, tensors);
}

class EmbeddingReplacer extends SquareFace<EmbeddingManifest, EmbeddingTensors> {
  protected align(landmarks: Landmarks): Affine {
    return alignTo(this.manifest.template, landmarks, this.tensors.size);
  }

  protected async make(face: FaceInput, toCrop: Affine): Promise<void> {
    const { size, target, made } = this.tensors;
    const { mean, std, range, matchColour } = this.manifest;
    const { plate, colours, alpha } = this;
    const plane = size * size;
    for (let channel = 0; channel < 3; channel++) {
      const [less, over] = [mean[channel]!, std[channel]!];
      for (let i = channel * plane; i < (channel + 1) * plane; i++) target.data[i] = (plate[i]! - less) / over;
    }
    await this.session.run();
    for (let i = 0; i < 3 * plane; i++)
      colours[i] = clamp(range === 'signed' ? (made.data[i]! + 1) / 2 : made.data[i]!);
    fillOval(face.landmarks.points, toCrop, alpha, size);
    clearBorder(alpha, size, Math.ceil(BORDER * size));
    if (matchColour) this.matchColour(face);
    erode(alpha, size, Math.round(SOFT * size));
    blur(alpha, size, SOFT * size);
  }
}

function clearBorder(mask: Float32Array, size: number, width: number): void {
  mask.fill(0, 0, width * size);
  mask.fill(0, (size - width) * size);
  for (let y = width; y < size - width; y++) {
    mask.fill(0, y * size, y * size + width);
    mask.fill(0, (y + 1) * size - width, (y + 1) * size);
  }
}
