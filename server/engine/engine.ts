import { fileURLToPath } from 'node:url';
import type { FromEngine, ToEngine } from '../channel/messages.ts';
import { openLook } from '../double/open.ts';
import { createPerceiver } from '../face/perceiver.ts';
import { Arena } from '../frame/arena.ts';
import type { CodedFrame } from '../frame/coded.ts';
import { loadKernels } from '../frame/kernels.ts';
import { UNKNOWN_COLOUR } from '../frame/frame.ts';
import { createRuntime } from '../inference/runtime.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import { FaceStage } from './face-stage.ts';
import { Pictures } from './pictures.ts';
import { Pipeline } from './pipeline.ts';
import { codedSlate } from './slate.ts';

const PERCEPTION_DIR = fileURLToPath(new URL('../../models/perception/', import.meta.url));
const DOUBLES_DIR = fileURLToPath(new URL('../../models/doubles/', import.meta.url));
const STATS_MS = 500;
/** The size of the first slate, before the camera has told its own. */
const FIRST_SLATE = { width: 1280, height: 720 };
const OVERLOADED_BELOW = 1;

export interface EngineOutput {
  frame(rendition: 'program' | 'plate', frame: CodedFrame): void;
  message(message: FromEngine): void;
}

export interface Engine {
  push(frame: CodedFrame): void;
  tell(message: Exclude<ToEngine, { type: 'open' }>): void;
  close(): Promise<void>;
}

/** Loads models and codecs for a feed. Throws a sentence when a model cannot be loaded. */
export async function openEngine(options: Extract<ToEngine, { type: 'open' }>, output: EngineOutput): Promise<Engine> {
  const arena = new Arena(options.memoryMb);
  const kernels = loadKernels(arena);
  const pictures = new Pictures(arena);
  const runtime = createRuntime();
  const encoderOptions = { bitrate: options.programBitrate, threads: options.encoderThreads };
  const decoder = new Decoder(pictures, options.feed);
  const program = new Encoder(encoderOptions);
  const plate = new Encoder(encoderOptions);
  const open = (name: string) => openLook({ name, dir: DOUBLES_DIR, runtime, arena, kernels });
  const faces = options.passThrough ? null : new FaceStage({ arena, kernels, perceiver: createPerceiver({ runtime, arena, kernels, modelsDir: PERCEPTION_DIR }) });
  let look = options.settings.look;
  faces?.use(await open(look));

  const slate = async (width: number, height: number): Promise<void> => {
    const bytes = await codedSlate(pictures, width, height, UNKNOWN_COLOUR);
    output.message({ type: 'slate', width, height, bytes: Buffer.from(bytes).toString('base64') });
  };
  const pipeline = new Pipeline({
    pictures,
    decoder,
    program,
    plate,
    kernels,
    faces,
    unknownMatrix: options.unknownColour,
    events: {
      frame: output.frame,
      needKey: () => output.message({ type: 'needKey' }),
      size: (width, height) => void slate(width, height).catch((error: unknown) => trouble(String(error))),
      trouble,
    },
  });
  pipeline.uncast = options.settings.uncast;

  function trouble(sentence: string): void {
    output.message({ type: 'trouble', sentence });
  }

  async function wear(name: string): Promise<void> {
    if (name === look) return;
    look = name;
    try {
      const replacer = await open(name);
      if (look === name) faces?.use(replacer);
      else replacer.close();
    } catch (error) {
      trouble(`The look ${name} could not be opened, the one before stays: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  const reporting = setInterval(() => output.message(report()), STATS_MS);
  const report = (): FromEngine => ({
    type: 'stats',
    ...pipeline.size,
    ...pipeline.counts,
    scale: pipeline.scale,
    provider: faces?.provider ?? 'cpu',
    faces: pipeline.shown.map(({ track, treatment }) => ({
      track: track.id,
      shown: treatment.kind === 'replace' ? 'replaced' : treatment.kind === 'cover' ? 'covered' : 'plate',
      why: treatment.kind === 'cover' ? treatment.why : null,
    })),
    stageMs: pipeline.times.take(),
    rssMb: Math.round(process.memoryUsage.rss() / 1e6),
    overloaded: pipeline.scale < OVERLOADED_BELOW,
  });

  await slate(FIRST_SLATE.width, FIRST_SLATE.height);
  output.message({ type: 'ready', provider: faces?.provider ?? 'cpu' });

  let closed = false;
  return {
    push: (frame) => pipeline.push(frame),
    tell(message) {
      if (message.type === 'settings') {
        pipeline.uncast = message.settings.uncast;
        void wear(message.settings.look);
      } else if (message.type === 'plate') pipeline.plateWanted = message.wanted;
      else if (message.type === 'keyRequest') (message.rendition === 'program' ? program : plate).requestKey();
      else pipeline.reset();
    },
    async close() {
      if (closed) return;
      closed = true;
      clearInterval(reporting);
      await pipeline.close();
      decoder.close();
      program.close();
      plate.close();
      faces?.close();
      runtime.close();
    },
  };
}
