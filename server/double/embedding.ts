import { join } from 'node:path';
import type { BoundTensor, OpenShapes, Session } from '../inference/session.ts';
import { ColourMatch } from './colour-match.ts';
import { checkHeld, readHeld } from './manifest.ts';
import { blur, erode, fillOval } from './mask.ts';
import { floatsIn } from './onnx-file.ts';
import type { OpenOptions } from './open.ts';
import type { EmbeddingManifest } from './owned-manifest.ts';
import type { FaceInput, ReplacedFace, Replacer } from './replacer.ts';
import { cutSquare } from './square.ts';
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

export interface EmbeddingTensors {
  target: BoundTensor;
  source: BoundTensor;
  made: BoundTensor;
  size: number;
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
  const { runtime, arena, dir } = options;
  await checkHeld(dir, manifest.model);
  const embedding = floatsIn(readHeld(dir, manifest.source));
  const session = await runtime.load(join(dir, manifest.model.file), arena, { openShapes: embeddingShapes });
  try {
    const tensors = embeddingTensors(session);
    if (typeof tensors === 'string') throw notOne(dir, tensors);
    const { source, size } = tensors;
    if (source.data.length !== embedding.length || size !== manifest.size)
      throw notOne(dir, `it takes ${source.data.length} numbers and ${size} pixels, and double.json says otherwise`);
    source.data.set(embedding);
    await session.run();
    return new EmbeddingReplacer(options, manifest, session, tensors);
  } catch (error) {
    session.close();
    throw error;
  }
}

const notOne = (dir: string, why: string): Error =>
  new Error(`The network of the double in ${dir} is not of kind embedding: ${why}. Add the double again.`);

class EmbeddingReplacer implements Replacer {
  readonly name: string;
  readonly provider: string;
  readonly maxYawDeg: number;
  readonly #options: OpenOptions;
  readonly #manifest: EmbeddingManifest;
  readonly #session: Session;
  readonly #tensors: EmbeddingTensors;
  readonly #colour = new ColourMatch();
  readonly #blocks: { at: number; bytes: number }[] = [];
  readonly #plate: { at: number; data: Float32Array };
  readonly #out: { at: number; data: Float32Array };
  #closed = false;

  constructor(options: OpenOptions, manifest: EmbeddingManifest, session: Session, tensors: EmbeddingTensors) {
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
    const { size, target } = this.#tensors;
    const { template, mean, std } = this.#manifest;
    const toCrop = alignTo(template, landmarks, size);
    cutSquare(this.#options.kernels, picture, toCrop, size, this.#plate.at);
    const plane = size * size;
    for (let channel = 0; channel < 3; channel++) {
      const [less, over] = [mean[channel]!, std[channel]!];
      for (let i = channel * plane; i < (channel + 1) * plane; i++)
        target.data[i] = (this.#plate.data[i]! - less) / over;
    }
    await this.#session.run();
    this.#merge(landmarks.points, toCrop, trackId, picture.id.captureUs);
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

  #merge(points: Float32Array, toCrop: Affine, track: number, captureUs: number): void {
    const { size, made } = this.#tensors;
    const { range, matchColour } = this.#manifest;
    const plane = size * size;
    const [colours, alpha] = [this.#out.data.subarray(0, 3 * plane), this.#out.data.subarray(3 * plane)];
    for (let i = 0; i < 3 * plane; i++) {
      const value = range === 'signed' ? (made.data[i]! + 1) / 2 : made.data[i]!;
      // NaN becomes 0, too.
      colours[i] = value > 0 ? Math.min(1, value) : 0;
    }
    fillOval(points, toCrop, alpha, size);
    clearBorder(alpha, size, Math.ceil(BORDER * size));
    if (matchColour) this.#colour.apply(track, captureUs, colours, this.#plate.data, alpha, size);
    erode(alpha, size, Math.round(SOFT * size));
    blur(alpha, size, SOFT * size);
  }

  #reserve(floats: number): { at: number; data: Float32Array } {
    const { arena } = this.#options;
    const at = arena.allocate(floats * 4);
    this.#blocks.push({ at, bytes: floats * 4 });
    return { at, data: arena.floats(at, floats) };
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
