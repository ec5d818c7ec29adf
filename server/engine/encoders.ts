import type { CodedFrame } from '../frame/coded.ts';
import type { Picture } from '../frame/frame.ts';
import type { Kernels } from '../frame/kernels.ts';
import { lowSize } from '../frame/low-size.ts';
import { type RenditionId, type RenditionKey, type RenditionName, renditionId } from '../wire/messages.ts';
import type { Pictures } from './pictures.ts';

/** Takes a rendition's pictures: an encoder, or peers that encode by themselves and leave nothing to send (null). */
export interface PictureSink {
  encode(picture: Picture): Promise<CodedFrame | null>;
  requestKey(): void;
  close(): void;
}

export interface EncodersOptions {
  pictures: Pictures;
  kernels: Kernels;
  openEncoder(key: RenditionKey): PictureSink;
}

export interface EncodersEvents {
  frame(rendition: RenditionName, frame: CodedFrame): void;
  /** A rendition's encoder took this long for its picture, conversion included. */
  took(rendition: RenditionKey, ms: number): void;
  trouble(sentence: string): void;
}

/** What a picture gives: the processed one, and the untouched one where a plate is made of it. */
export interface Outputs {
  program: Picture | null;
  plate: Picture | null;
}

/** One encoder for each rendition that is wanted. Owns them; they open with their first picture. */
export class Encoders {
  readonly #options: EncodersOptions;
  readonly #open = new Map<RenditionId, { key: RenditionKey; encoder: PictureSink }>();
  #wanted: readonly RenditionKey[] = [];
  #busy = false;
  #closed = false;

  constructor(options: EncodersOptions) {
    this.#options = options;
  }

  /** What is made from now on. An encoder that is at work closes after its picture. */
  want(wanted: readonly RenditionKey[]): void {
    this.#wanted = wanted;
    this.#sweep();
  }

  get wanted(): readonly RenditionKey[] {
    return this.#wanted;
  }

  /** Whether the processed picture is needed, and the untouched one. */
  get needs(): { program: boolean; plate: boolean } {
    return {
      program: this.#wanted.some(({ name }) => name !== 'plate'),
      plate: this.#wanted.some(({ name }) => name === 'plate'),
    };
  }

  /** The rendition's next picture becomes a key frame. */
  requestKey(key: RenditionKey): void {
    this.#open.get(renditionId(key))?.encoder.requestKey();
  }

  /**
   * Encodes a picture for every rendition that is made of it, all at once. Settles when the pictures are free again; it never
   * rejects: an encoder that fails says so and the others go on. One call at a time.
   */
  async encode(outputs: Outputs, events: EncodersEvents): Promise<void> {
    const { pictures } = this.#options;
    const jobs: Promise<void>[] = [];
    let low: Picture | null = null;
    this.#busy = true;
    try {
      // The program goes first into its encoder; the low picture is made while it is at work.
      for (const key of this.#wanted) {
        if (key.name === 'program' && outputs.program) jobs.push(this.#one(key, outputs.program, events));
      }
      for (const key of this.#wanted) {
        if (key.name === 'plate' && outputs.plate) jobs.push(this.#one(key, outputs.plate, events));
        if (key.name !== 'low' || !outputs.program) continue;
        low ??= this.#smaller(outputs.program);
        jobs.push(this.#one(key, low, events));
      }
    } catch (error) {
      events.trouble(error instanceof Error ? error.message : String(error));
    }
    await Promise.all(jobs);
    if (low) pictures.give(low);
    this.#busy = false;
    this.#sweep();
  }

  close(): void {
    this.#closed = true;
    this.#wanted = [];
    this.#sweep();
  }

  async #one(key: RenditionKey, picture: Picture, events: EncodersEvents): Promise<void> {
    const began = performance.now();
    try {
      const coded = await this.#encoder(key).encode(picture);
      events.took(key, performance.now() - began);
      if (coded) events.frame(key.name, coded);
    } catch (error) {
      events.trouble(error instanceof Error ? error.message : String(error));
    }
  }

  #encoder(key: RenditionKey): PictureSink {
    const id = renditionId(key);
    const known = this.#open.get(id);
    if (known) return known.encoder;
    const encoder = this.#options.openEncoder(key);
    this.#open.set(id, { key, encoder });
    return encoder;
  }

  #smaller(picture: Picture): Picture {
    const { pictures, kernels } = this.#options;
    const { width, height } = lowSize(picture.width, picture.height);
    const small = pictures.take(width, height, picture.colour, picture.id);
    kernels.scale(picture.at, picture.width, picture.height, small.at, width, height);
    return small;
  }

  /** Codecs work on other threads: they are closed only while none is at work. */
  #sweep(): void {
    if (this.#busy) return;
    const wanted = new Set(this.#closed ? [] : this.#wanted.map(renditionId));
    for (const [id, { encoder }] of this.#open) {
      if (wanted.has(id)) continue;
      encoder.close();
      this.#open.delete(id);
    }
  }
}
