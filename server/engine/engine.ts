import type { FromEngine, ToEngine } from '../channel/messages.ts';
import type { Replacer } from '../double/replacer.ts';
import type { CodedFrame } from '../frame/coded.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import { Pipeline } from './pipeline.ts';
import type { Prepared, Slate } from './prepared.ts';

const STATS_MS = 500;

export interface EngineOutput {
  frame(rendition: 'program' | 'plate', frame: CodedFrame): void;
  message(message: FromEngine): void;
}

export interface Engine {
  push(frame: CodedFrame): void;
  tell(message: Exclude<ToEngine, { type: 'open' | 'prepare' }>): void;
  close(): Promise<void>;
}

type OpenOptions = Extract<ToEngine, { type: 'open' }>;

/**
 * A feed's engine from what has been prepared; at once, so that the frames right behind the message find it open.
 * @param look null only where faces are not looked at (pass through).
 */
export function openEngine(
  prepared: Prepared,
  options: OpenOptions,
  look: Replacer | null,
  output: EngineOutput,
): Engine {
  prepared.faces?.use(look);
  return new FeedEngine(prepared, options, output);
}

class FeedEngine implements Engine {
  readonly #output: EngineOutput;
  readonly #prepared: Prepared;
  readonly #decoder: Decoder;
  readonly #encoders: { program: Encoder; plate: Encoder };
  readonly #pipeline: Pipeline;
  readonly #reporting: NodeJS.Timeout;
  #look: string;
  /** Of the slate that the front has. */
  #slateSize: { width: number; height: number } | null;
  #closed = false;

  constructor(prepared: Prepared, options: OpenOptions, output: EngineOutput) {
    const { pictures, kernels, faces, firstSlate } = prepared;
    const encoder = { bitrate: options.programBitrate, threads: options.encoderThreads };
    this.#output = output;
    this.#prepared = prepared;
    this.#look = options.settings.look;
    this.#slateSize = options.slate;
    this.#decoder = new Decoder(pictures, options.feed);
    this.#encoders = { program: new Encoder(encoder), plate: new Encoder(encoder) };
    this.#pipeline = new Pipeline({
      pictures,
      kernels,
      faces,
      ...this.#encoders,
      decoder: this.#decoder,
      unknownMatrix: options.unknownColour,
      events: {
        frame: output.frame,
        needKey: () => output.message({ type: 'needKey' }),
        size: (width, height) =>
          void this.#newSize(width, height).catch((error: unknown) => this.#trouble(sentence(error))),
        trouble: (text) => this.#trouble(text),
      },
    });
    this.#pipeline.uncast = options.settings.uncast;
    this.#reporting = setInterval(() => output.message(this.#report()), STATS_MS);
    if (!options.slate && firstSlate) this.#sendSlate(firstSlate);
    output.message({ type: 'ready', provider: faces?.provider ?? 'cpu' });
  }

  push(frame: CodedFrame): void {
    this.#pipeline.push(frame);
  }

  tell(message: Exclude<ToEngine, { type: 'open' | 'prepare' }>): void {
    if (message.type === 'settings') {
      this.#pipeline.uncast = message.settings.uncast;
      void this.#wear(message.settings.look);
    } else if (message.type === 'wanted') this.#pipeline.want(message);
    else if (message.type === 'keyRequest') this.#encoders[message.rendition].requestKey();
    else this.#pipeline.reset();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#reporting);
    await this.#pipeline.close();
    this.#decoder.close();
    this.#encoders.program.close();
    this.#encoders.plate.close();
    this.#prepared.close();
  }

  /** Another size needs another slate, unless it is what the front has already. */
  async #newSize(width: number, height: number): Promise<void> {
    if (this.#slateSize?.width === width && this.#slateSize.height === height) return;
    this.#sendSlate(await this.#prepared.slate(width, height));
  }

  #sendSlate({ bytes, width, height }: Slate): void {
    this.#slateSize = { width, height };
    this.#output.message({ type: 'slate', width, height, bytes: Buffer.from(bytes).toString('base64') });
  }

  /** Changes the look between two pictures; the old one stays when the new one cannot be opened. */
  async #wear(name: string): Promise<void> {
    if (name === this.#look) return;
    const before = this.#look;
    this.#look = name;
    // Loading keeps this thread from reporting.
    this.#output.message({ type: 'loading' });
    try {
      const replacer = await this.#prepared.look(name);
      if (this.#look === name && !this.#closed) this.#prepared.faces?.use(replacer);
      else replacer.close();
    } catch (error) {
      if (this.#look === name) this.#look = before;
      this.#trouble(`The look ${name} could not be opened, the one before stays: ${sentence(error)}`);
    } finally {
      this.#output.message({ type: 'loaded' });
    }
  }

  #report(): FromEngine {
    const { counts, scale, shown, size, times, working } = this.#pipeline;
    return {
      type: 'stats',
      ...size,
      ...counts,
      scale,
      provider: this.#prepared.faces?.provider ?? 'cpu',
      faces: shown.map(({ track, treatment }) => ({
        track: track.id,
        shown: SHOWN[treatment.kind],
        why: treatment.kind === 'cover' ? treatment.why : null,
      })),
      stageMs: times.take(),
      rssMb: Math.round(process.memoryUsage.rss() / 1e6),
      overloaded: scale < 1,
      working,
    };
  }

  #trouble(text: string): void {
    this.#output.message({ type: 'trouble', sentence: text });
  }
}

const SHOWN = { replace: 'replaced', cover: 'covered', plate: 'plate' } as const;
const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
