import { fileURLToPath } from 'node:url';
import type { FromEngine, ToEngine } from '../channel/messages.ts';
import { openDouble } from '../double/open.ts';
import type { Replacer } from '../double/replacer.ts';
import { createPerceiver } from '../face/perceiver.ts';
import { Arena } from '../frame/arena.ts';
import type { CodedFrame } from '../frame/coded.ts';
import { UNKNOWN_COLOUR } from '../frame/frame.ts';
import { type Kernels, loadKernels } from '../frame/kernels.ts';
import { createRuntime } from '../inference/runtime.ts';
import type { Runtime } from '../inference/session.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import { FaceStage } from './face-stage.ts';
import { Pictures } from './pictures.ts';
import { Pipeline } from './pipeline.ts';
import { codedSlate } from './slate.ts';

const MODELS_DIR = fileURLToPath(new URL('../../models/', import.meta.url));
const DOUBLES_DIR = fileURLToPath(new URL('../../models/doubles/', import.meta.url));
const STATS_MS = 500;
/** The size of the first slate, before the camera has told its own. */
const FIRST_SLATE = { width: 1280, height: 720 };

export interface EngineOutput {
  frame(rendition: 'program' | 'plate', frame: CodedFrame): void;
  message(message: FromEngine): void;
}

export interface Engine {
  push(frame: CodedFrame): void;
  tell(message: Exclude<ToEngine, { type: 'open' }>): void;
  close(): Promise<void>;
}

type OpenOptions = Extract<ToEngine, { type: 'open' }>;
type Opener = (look: string) => Promise<Replacer>;

/** Loads models and codecs for a feed. Throws a sentence when a model cannot be loaded. */
export async function openEngine(options: OpenOptions, output: EngineOutput): Promise<Engine> {
  const arena = new Arena(options.memoryMb);
  const kernels = loadKernels(arena);
  const runtime = createRuntime();
  const opener: Opener = (name) => openDouble({ dir: `${DOUBLES_DIR}${name}`, runtime, arena, kernels });
  const faces = options.passThrough
    ? null
    : new FaceStage({
        arena,
        kernels,
        perceiver: createPerceiver({ runtime, arena, kernels, modelsDir: MODELS_DIR }),
      });
  faces?.use(await opener(options.settings.look));
  const engine = new FeedEngine(options, output, { pictures: new Pictures(arena), kernels, runtime, faces, opener });
  await engine.slate(FIRST_SLATE.width, FIRST_SLATE.height);
  output.message({ type: 'ready', provider: faces?.provider ?? 'cpu' });
  return engine;
}

interface EngineParts {
  pictures: Pictures;
  kernels: Kernels;
  runtime: Runtime;
  faces: FaceStage | null;
  opener: Opener;
}

class FeedEngine implements Engine {
  readonly #output: EngineOutput;
  readonly #parts: EngineParts;
  readonly #decoder: Decoder;
  readonly #encoders: { program: Encoder; plate: Encoder };
  readonly #pipeline: Pipeline;
  readonly #reporting: NodeJS.Timeout;
  #look: string;
  #closed = false;

  constructor(options: OpenOptions, output: EngineOutput, parts: EngineParts) {
    const encoder = { bitrate: options.programBitrate, threads: options.encoderThreads };
    this.#output = output;
    this.#parts = parts;
    this.#look = options.settings.look;
    this.#decoder = new Decoder(parts.pictures, options.feed);
    this.#encoders = { program: new Encoder(encoder), plate: new Encoder(encoder) };
    this.#pipeline = new Pipeline({
      ...parts,
      ...this.#encoders,
      decoder: this.#decoder,
      unknownMatrix: options.unknownColour,
      events: {
        frame: output.frame,
        needKey: () => output.message({ type: 'needKey' }),
        size: (width, height) =>
          void this.slate(width, height).catch((error: unknown) => this.#trouble(sentence(error))),
        trouble: (text) => this.#trouble(text),
      },
    });
    this.#pipeline.uncast = options.settings.uncast;
    this.#reporting = setInterval(() => output.message(this.#report()), STATS_MS);
  }

  push(frame: CodedFrame): void {
    this.#pipeline.push(frame);
  }

  tell(message: Exclude<ToEngine, { type: 'open' }>): void {
    if (message.type === 'settings') {
      this.#pipeline.uncast = message.settings.uncast;
      void this.#wear(message.settings.look);
    } else if (message.type === 'wanted') this.#pipeline.want(message);
    else if (message.type === 'keyRequest') this.#encoders[message.rendition].requestKey();
    else this.#pipeline.reset();
  }

  /** Draws and hands out the slate for a size. */
  async slate(width: number, height: number): Promise<void> {
    const bytes = await codedSlate(this.#parts.pictures, width, height, UNKNOWN_COLOUR);
    this.#output.message({ type: 'slate', width, height, bytes: Buffer.from(bytes).toString('base64') });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#reporting);
    await this.#pipeline.close();
    this.#decoder.close();
    this.#encoders.program.close();
    this.#encoders.plate.close();
    this.#parts.faces?.close();
    this.#parts.runtime.close();
  }

  /** Changes the look between two pictures; the old one stays when the new one cannot be opened. */
  async #wear(name: string): Promise<void> {
    if (name === this.#look) return;
    const before = this.#look;
    this.#look = name;
    try {
      const replacer = await this.#parts.opener(name);
      if (this.#look === name && !this.#closed) this.#parts.faces?.use(replacer);
      else replacer.close();
    } catch (error) {
      if (this.#look === name) this.#look = before;
      this.#trouble(`The look ${name} could not be opened, the one before stays: ${sentence(error)}`);
    }
  }

  #report(): FromEngine {
    const { counts, scale, shown, size, times } = this.#pipeline;
    return {
      type: 'stats',
      ...size,
      ...counts,
      scale,
      provider: this.#parts.faces?.provider ?? 'cpu',
      faces: shown.map(({ track, treatment }) => ({
        track: track.id,
        shown: SHOWN[treatment.kind],
        why: treatment.kind === 'cover' ? treatment.why : null,
      })),
      stageMs: times.take(),
      rssMb: Math.round(process.memoryUsage.rss() / 1e6),
      overloaded: scale < 1,
    };
  }

  #trouble(text: string): void {
    this.#output.message({ type: 'trouble', sentence: text });
  }
}

const SHOWN = { replace: 'replaced', cover: 'covered', plate: 'plate' } as const;
const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
