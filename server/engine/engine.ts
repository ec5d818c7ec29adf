import type { FeedSettings, FromEngine, ToEngine } from '../channel/messages.ts';
import type { Replacer } from '../double/replacer.ts';
import type { CodedFrame } from '../frame/coded.ts';
import { lowSize } from '../frame/low-size.ts';
import { AGE_LIMIT } from '../wire/age.ts';
import { type RenditionId, type RenditionKey, type RenditionName, renditionId } from '../wire/messages.ts';
import { Encoders } from './encoders.ts';
import { faceInfoOf } from './face-info.ts';
import type { ShownFace } from './face-stage.ts';
import { FrameTimes } from './frame-times.ts';
import type { EngineMedia, MediaKit } from './media.ts';
import { Pipeline } from './pipeline.ts';
import { FIRST_SLATE, type Prepared, type Slate } from './prepared.ts';
import { Wardrobe } from './wardrobe.ts';

const STATS_MS = 500;
/** Pages outline faces by these reports: at least eight a second, of which a busy loop may delay one. */
const FACES_MS = 90;
/** The rendition that has a slate before anybody watches. */
const MAIN: RenditionKey = { name: 'program', codec: 'h264' };

export interface EngineOutput {
  frame(rendition: RenditionName, frame: CodedFrame): void;
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
  const { media } = prepared;
  return media.kind === 'wrtc'
    ? openWith(media, prepared, options, look, output)
    : openWith(media, prepared, options, look, output);
}

function openWith<Input extends { key: boolean }>(
  kit: MediaKit<Input>,
  prepared: Prepared,
  options: OpenOptions,
  look: Replacer | null,
  output: EngineOutput,
): Engine {
  const feed: { engine: FeedEngine<Input> | null } = { engine: null };
  const { pictures, kernels } = prepared;
  const media = kit.open({ options, output, pictures, kernels, push: (input) => feed.engine?.take(input) });
  feed.engine = new FeedEngine(prepared, media, options, look, output);
  return feed.engine;
}

class FeedEngine<Input extends { key: boolean }> implements Engine {
  readonly #output: EngineOutput;
  readonly #prepared: Prepared;
  readonly #media: EngineMedia<Input>;
  readonly #encoders: Encoders;
  readonly #pipeline: Pipeline<Input>;
  readonly #reporting: NodeJS.Timeout;
  /** Says where faces are, while somebody follows them. */
  #following: NodeJS.Timeout | null = null;
  readonly #wardrobe: Wardrobe | null;
  /** Of the slates that the front has. */
  readonly #slateSizes = new Map<RenditionId, { width: number; height: number }>();
  /** Of the program; null before the first picture. */
  #size: { width: number; height: number } | null = null;
  /** For the next frame. */
  #trace: FrameTimes | null = null;
  #closed = false;

  constructor(
    prepared: Prepared,
    media: EngineMedia<Input>,
    options: OpenOptions,
    look: Replacer | null,
    output: EngineOutput,
  ) {
    const { pictures, kernels, faces, firstSlate } = prepared;
    this.#output = output;
    this.#prepared = prepared;
    this.#wardrobe = look && this.#openWardrobe(options.settings.look, look);
    if (faces?.castings)
      faces.castings.captured = (casting, neutral) => output.message({ type: 'neutral', casting, neutral });
    for (const { rendition, width, height } of options.slates)
      this.#slateSizes.set(renditionId(rendition), { width, height });
    this.#media = media;
    this.#encoders = new Encoders({ pictures, kernels, openEncoder: media.openEncoder });
    this.#pipeline = new Pipeline({
      pictures,
      kernels,
      faces,
      encoders: this.#encoders,
      decoder: media.decoder,
      unknownMatrix: options.unknownColour,
      events: {
        frame: output.frame,
        needKey: () => output.message({ type: 'needKey' }),
        size: (width, height) => {
          this.#size = { width, height };
          this.#slates(this.#encoders.wanted);
        },
        trouble: (text) => this.#trouble(text),
        traced: (message) => output.message(message),
      },
    });
    this.#set(options.settings);
    this.#reporting = setInterval(() => output.message(this.#report()), STATS_MS);
    if (firstSlate && !this.#slateSizes.has(renditionId(MAIN))) this.#sendSlate(MAIN, firstSlate);
    output.message({ type: 'ready', provider: prepared.provider });
  }

  push(frame: CodedFrame): void {
    this.#media.frame(frame);
  }

  take(input: Input): void {
    this.#pipeline.push(input, this.#trace);
    this.#trace = null;
  }

  tell(message: Exclude<ToEngine, { type: 'open' | 'prepare' }>): void {
    if (this.#media.tell(message)) return;
    if (message.type === 'settings') {
      this.#set(message.settings);
    } else if (message.type === 'wanted') this.#want(message.renditions);
    else if (message.type === 'keyRequest') this.#encoders.requestKey(message.rendition);
    else if (message.type === 'cameraGone') this.#pipeline.reset();
    else if (message.type === 'bind') this.#prepared.faces?.castings?.bind(message.casting, message.track);
    else if (message.type === 'neutral') this.#prepared.faces?.castings?.capture(message.casting);
    else if (message.type === 'follow') this.#follow(message.on);
    else if (message.type === 'trace') this.#trace = new FrameTimes(message.id);
  }

  #set({ look, uncast, age, castings = [] }: FeedSettings): void {
    this.#prepared.faces?.castings?.set(castings);
    this.#wardrobe?.wear(
      look,
      castings.map(({ casting }) => casting.look),
    );
    this.#pipeline.uncast = uncast;
    this.#pipeline.params = { age: age / AGE_LIMIT };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#reporting);
    this.#follow(false);
    this.#wardrobe?.close();
    await this.#pipeline.close();
    this.#encoders.close();
    this.#media.close();
    this.#prepared.close();
  }

  #follow(on: boolean): void {
    if (this.#following) clearInterval(this.#following);
    this.#following = null;
    if (!on) return;
    let told: readonly ShownFace[] | null = null;
    this.#following = setInterval(() => {
      const { shown, size } = this.#pipeline;
      // No news while no picture comes.
      if (shown === told) return;
      told = shown;
      this.#output.message({ type: 'faces', faces: shown.map((face) => faceInfoOf(face, size)) });
    }, FACES_MS);
  }

  /** What opens gets its slate: the engine may be lost before anything else is known of it. */
  #want(wanted: readonly RenditionKey[]): void {
    const before = new Set(this.#encoders.wanted.map(renditionId));
    this.#pipeline.want(wanted);
    this.#slates(wanted.filter((key) => !before.has(renditionId(key))));
  }

  #slates(keys: readonly RenditionKey[]): void {
    for (const key of keys) void this.#slate(key).catch((error: unknown) => this.#trouble(sentence(error)));
  }

  /** Draws a rendition's slate and hands it out, unless the front has it already; before the size is known, one of a usual size. */
  async #slate(rendition: RenditionKey): Promise<void> {
    const id = renditionId(rendition);
    const had = this.#slateSizes.get(id);
    if (!this.#size && had) return;
    const size = this.#size ?? FIRST_SLATE;
    const { width, height } = rendition.name === 'low' ? lowSize(size.width, size.height) : size;
    if (had?.width === width && had.height === height) return;
    const slate = await this.#prepared.slate(width, height, rendition.codec);
    if (slate) this.#sendSlate(rendition, slate);
  }

  #sendSlate(rendition: RenditionKey, { bytes, width, height }: Slate): void {
    this.#slateSizes.set(renditionId(rendition), { width, height });
    this.#output.message({ type: 'slate', rendition, width, height, bytes: Buffer.from(bytes).toString('base64') });
  }

  #openWardrobe(name: string, look: Replacer): Wardrobe | null {
    const { faces } = this.#prepared;
    return (
      faces &&
      new Wardrobe(
        {
          faces,
          take: (wanted) => this.#prepared.take(wanted),
          open: (wanted) => this.#prepared.look(wanted),
          busy: (loading) => this.#output.message({ type: loading ? 'loading' : 'loaded' }),
          trouble: (text) => this.#trouble(text),
        },
        name,
        look,
      )
    );
  }

  #report(): FromEngine {
    const { counts, scale, shown, size, times, working } = this.#pipeline;
    return {
      type: 'stats',
      ...size,
      ...counts,
      scale,
      provider: this.#prepared.provider,
      faces: shown.map((face) => faceInfoOf(face, size)),
      castings: this.#prepared.faces?.castings?.states ?? [],
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

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
