import { join } from 'node:path';
import type { Landmarks } from '../face/types.ts';
import type { BoundTensor, OpenShapes, Session } from '../inference/session.ts';
import { ColourMatch } from './colour-match.ts';
import { checkHeld } from './manifest.ts';
import type { OpenOptions } from './open.ts';
import type { OwnedManifest } from './owned-manifest.ts';
import type { FaceInput, ReplacedFace, Replacer } from './replacer.ts';
import { cutSquare } from './square.ts';
import type { Affine } from './surface.ts';

/** A network's tensors by what they are. */
export interface SquareTensors {
  made: BoundTensor;
  /** Side of its square, pixels. */
  size: number;
}

/**
 * Loads the network of a model that a production brought, checks it against its manifest and runs it once.
 * @param tensorsOf its tensors by what they are, or a sentence's end where it is not of the kind. @param before fills what every run is given.
 * @throws Error with a sentence when a file is missing, damaged or not what it says it is; nothing stays open.
 */
export async function openSquare<Tensors extends SquareTensors>(
  { runtime, arena, dir }: OpenOptions,
  { kind, model, size }: OwnedManifest,
  openShapes: OpenShapes,
  tensorsOf: (session: Session) => Tensors | string,
  before: (tensors: Tensors) => void = () => undefined,
): Promise<{ session: Session; tensors: Tensors }> {
  const notOne = (why: string): Error =>
    new Error(`The network of the double in ${dir} is not of kind ${kind}: ${why}. Add the double again.`);
  await checkHeld(dir, model);
  const session = await runtime.load(join(dir, model.file), arena, { openShapes });
  try {
    const tensors = tensorsOf(session);
    if (typeof tensors === 'string') throw notOne(tensors);
    if (tensors.size !== size) throw notOne(`it makes ${tensors.size} pixels and double.json says ${size}`);
    before(tensors);
    await session.run();
    return { session, tensors };
  } catch (error) {
    session.close();
    throw error;
  }
}

/** A replacer whose network makes a whole face out of a square that is cut from the picture. Owns the session and two blocks of kernel memory. */
export abstract class SquareFace<Manifest extends OwnedManifest, Tensors extends SquareTensors> implements Replacer {
  readonly name: string;
  readonly provider: string;
  readonly maxYawDeg: number;
  protected readonly manifest: Manifest;
  protected readonly session: Session;
  protected readonly tensors: Tensors;
  /** The plate's square: planar R, G, B. */
  protected readonly plate: Float32Array;
  /** What is handed out: planar R, G, B, and how much of the plate it hides. */
  protected readonly colours: Float32Array;
  protected readonly alpha: Float32Array;
  readonly #options: OpenOptions;
  readonly #colour = new ColourMatch();
  readonly #blocks: { at: number; bytes: number }[] = [];
  readonly #plateAt: number;
  readonly #outAt: number;
  #closed = false;

  constructor(options: OpenOptions, manifest: Manifest, session: Session, tensors: Tensors) {
    this.name = manifest.name;
    this.provider = session.provider;
    this.maxYawDeg = manifest.maxYawDeg;
    this.manifest = manifest;
    this.session = session;
    this.tensors = tensors;
    this.#options = options;
    const plane = tensors.size ** 2;
    const [plate, out] = [this.#reserve(3 * plane), this.#reserve(4 * plane)];
    this.plate = plate.data;
    this.colours = out.data.subarray(0, 3 * plane);
    this.alpha = out.data.subarray(3 * plane);
    this.#plateAt = plate.at;
    this.#outAt = out.at;
  }

  async replace(face: FaceInput): Promise<ReplacedFace> {
    const { size } = this.tensors;
    const toCrop = this.align(face.landmarks);
    cutSquare(this.#options.kernels, face.picture, toCrop, size, this.#plateAt);
    await this.make(face, toCrop);
    return { how: 'cover', at: this.#outAt, size, toCrop };
  }

  forget(trackId: number): void {
    this.#colour.forget(trackId);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.session.close();
    for (const { at, bytes } of this.#blocks) this.#options.arena.release(at, bytes);
  }

  /** Frame pixels → pixels of the square. */
  protected abstract align(landmarks: Landmarks): Affine;

  /** Runs the network on the plate's square and fills colours and alpha. */
  protected abstract make(face: FaceInput, toCrop: Affine): Promise<void>;

  /** Brings the colours to the plate's, as far as alpha counts. */
  protected matchColour({ trackId, picture }: FaceInput): void {
    this.#colour.apply(trackId, picture.id.captureUs, this.colours, this.plate, this.alpha, this.tensors.size);
  }

  #reserve(floats: number): { at: number; data: Float32Array } {
    const { arena } = this.#options;
    const at = arena.allocate(floats * 4);
    this.#blocks.push({ at, bytes: floats * 4 });
    return { at, data: arena.floats(at, floats) };
  }
}

/** NaN becomes 0: where a network gives no number nothing is drawn, and the face stage covers what is not hidden. */
export const clamp = (value: number): number => (value > 0 ? Math.min(1, value) : 0);
