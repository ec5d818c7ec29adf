import { fileURLToPath } from 'node:url';
import { Occlusion } from '../double/occlusion/occlusion.ts';
import { openDouble } from '../double/open.ts';
import type { Replacer } from '../double/replacer.ts';
import { createPerceiver } from '../face/perceiver.ts';
import { Arena } from '../frame/arena.ts';
import type { VideoCodec } from '../frame/coded.ts';
import { type Kernels, loadKernels } from '../frame/kernels.ts';
import type { InferenceError } from '../inference/failure.ts';
import { createRuntime } from '../inference/runtime.ts';
import { runtimeOptions } from '../inference/runtime-options.ts';
import type { Runtime } from '../inference/session.ts';
import { fallbacksOnce, type InferenceSettings, providerText } from '../inference/settings.ts';
import { lookDir } from '../library/looks.ts';
import { showsRealPerson, unlicensed } from '../library/unlicensed.ts';
import { Castings } from './casting/castings.ts';
import { readHead } from './casting/head.ts';
import { readShapeModel } from './casting/shape.ts';
import { FaceStage } from './face-stage.ts';
import { type AnyMediaKit, loadMedia } from './media.ts';
import { Pictures } from './pictures.ts';

const MODELS_DIR = fileURLToPath(new URL('../../models/', import.meta.url));
/** The size of the first slate, before the camera has told its own. */
export const FIRST_SLATE = { width: 1280, height: 720 };
/** Kernel memory of a double of ours: texture, normals, what it is painted on, and its networks’ tensors. */
const LOOK_BYTES = 14 << 20;

export interface PrepareOptions {
  /** What the pictures come by. */
  media: AnyMediaKit['kind'];
  /** Kernel memory to reserve (address space). */
  memoryMb: number;
  /** Decode and encode only: no faces, no looks. */
  passThrough: boolean;
  /** Whether what stands before a face is left out of what is drawn over it. */
  occlusion?: boolean | undefined;
  /** Whether faces that are close are drawn in more detail. */
  closeUps?: boolean | undefined;
  /** What networks run on. */
  inference: InferenceSettings;
  /** Hears where networks run on less than was wanted, and of engines that are built. */
  notice?: (sentence: string) => void;
  /** Hears that no network can be run here any more. */
  broken?: (error: InferenceError) => void;
}

export interface Slate {
  bytes: Uint8Array;
  width: number;
  height: number;
}

/**
 * What an engine has before it knows its feed: kernels, networks, looks, and a slate whose making has opened the codecs once. It never
 * holds a picture of a feed. Owns all of it.
 */
export class Prepared {
  readonly kernels: Kernels;
  readonly pictures: Pictures;
  #faces: FaceStage | null = null;
  readonly media: AnyMediaKit;
  readonly #arena: Arena;
  readonly #runtime: Runtime;
  readonly #looks = new Map<string, Replacer>();
  readonly #closeUps: boolean;
  #slate: Slate | null = null;
  #closed = false;

  private constructor({ memoryMb, inference, closeUps, notice, broken }: PrepareOptions, media: AnyMediaKit) {
    this.media = media;
    this.#closeUps = closeUps ?? false;
    this.#arena = new Arena(memoryMb);
    this.kernels = loadKernels(this.#arena);
    this.pictures = new Pictures(this.#arena);
    const fallback = fallbacksOnce(inference.providers);
    this.#runtime = createRuntime({
      ...runtimeOptions(inference),
      ...(notice ? { notice } : {}),
      ...(broken ? { broken } : {}),
      runLimitMs: inference.runLimitMs,
      loaded: (network) => {
        const sentence = fallback(network);
        if (sentence) notice?.(sentence);
      },
    });
  }

  /** @throws Error with a sentence when a model cannot be loaded. */
  static async load(options: PrepareOptions): Promise<Prepared> {
    const prepared = new Prepared(options, await loadMedia(options.media));
    try {
      if (!options.passThrough) prepared.#faces = await prepared.#openFaces(options.occlusion ?? false);
      prepared.#slate = await prepared.slate(FIRST_SLATE.width, FIRST_SLATE.height);
      return prepared;
    } catch (error) {
      prepared.close();
      throw error;
    }
  }

  /** Null where pictures pass through. */
  get faces(): FaceStage | null {
    return this.#faces;
  }

  /** What the networks run on: "cpu", "tensorrt", or several. */
  get provider(): string {
    return providerText(this.#runtime.inUse);
  }

  /** The slate that was made at the start. */
  get firstSlate(): Slate | null {
    return this.#slate;
  }

  /** Draws and encodes the slate for a size; null where nobody could send it. */
  async slate(width: number, height: number, codec: VideoCodec = 'h264'): Promise<Slate | null> {
    const bytes = await this.media.slate(this.pictures, width, height, codec);
    return bytes && { bytes, width, height };
  }

  /** Sends the slate once through decoder and face finder: what a first picture waits for has then been done. */
  async rehearse(): Promise<void> {
    const { width, height } = FIRST_SLATE;
    const picture = await this.media.rehearsal(this.pictures, this.#slate?.bytes ?? null, width, height);
    if (!picture) return;
    try {
      await this.faces?.process(picture, 'blur');
    } finally {
      this.pictures.give(picture);
      this.faces?.reset();
    }
  }

  /** Loads a look to have it at hand. @throws Error with a sentence when it cannot be opened. */
  async stock(name: string): Promise<void> {
    if (!this.faces || this.#looks.has(name)) return;
    const replacer = await this.#open(name);
    if (this.#closed || this.#looks.has(name)) replacer.close();
    else this.#looks.set(name, replacer);
  }

  /** Closes the looks at hand that are none of these: each holds a network and its memory. */
  keep(names: readonly string[]): void {
    for (const [name, look] of this.#looks) {
      if (names.includes(name)) continue;
      this.#looks.delete(name);
      look.close();
    }
  }

  /** Hands a look over, if it is at hand; it is the caller's then. */
  take(name: string): Replacer | null {
    const replacer = this.#looks.get(name) ?? null;
    this.#looks.delete(name);
    return replacer;
  }

  /** The look that is at hand, or a new one; it is the caller's. */
  async look(name: string): Promise<Replacer> {
    return this.take(name) ?? this.#open(name);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const look of this.#looks.values()) look.close();
    this.#looks.clear();
    this.faces?.close();
    this.#runtime.close();
  }

  async #openFaces(occlusion: boolean): Promise<FaceStage> {
    const parts = { arena: this.#arena, kernels: this.kernels };
    const networks = { ...parts, runtime: this.#runtime, modelsDir: MODELS_DIR };
    const head = readHead(MODELS_DIR);
    return new FaceStage({
      ...parts,
      head,
      perceiver: await createPerceiver(networks),
      occlusion: occlusion ? await Occlusion.open(networks) : null,
      castings: new Castings({ head, model: readShapeModel(MODELS_DIR) }),
    });
  }

  async #open(name: string): Promise<Replacer> {
    const dir = lookDir(name);
    // Here too: whoever asks, this process is the one that would show the face.
    if (showsRealPerson(dir)) throw new Error(unlicensed(name));
    await this.#arena.settle(LOOK_BYTES);
    return openDouble({
      dir,
      runtime: this.#runtime,
      arena: this.#arena,
      kernels: this.kernels,
      closeUps: this.#closeUps,
    });
  }
}
