/**
 * The renditions of one feed: opened by the first viewer that needs one, closed a little after the last has gone, under a cap of
 * encoders. The viewer's offer decides the codec.
 */
import type { FromEngine, ToEngine } from '../channel/messages.ts';
import { Problem } from '../config/problem.ts';
import type { CodedAudio, CodedFrame, VideoCodec } from '../frame/coded.ts';
import { levelOf, levelWords } from '../frame/h264-level.ts';
import { lowSize } from '../frame/low-size.ts';
import type { RenditionMeasures, ViewerMeasures } from '../http/stage-api.ts';
import type { MediaEngine, StreamKind, ViewerSession } from '../media/port.ts';
import { RENDITIONS, type RenditionId, type RenditionKey, type RenditionName, renditionId } from '../wire/messages.ts';
import { countsOf, type SessionBegan, type SessionEnded } from './records.ts';
import { Rendition } from './rendition.ts';
import { Totals } from './totals.ts';

const VIEWER_KEYS = ['packets', 'nacks', 'keyRequests', 'skipped'] as const;

/** What is known of the camera's stream, upright; sizes 0 and null while nothing has come. */
export interface CameraFacts {
  codec: VideoCodec | null;
  width: number;
  height: number;
  /** What the camera means, whatever came in the last second. */
  fps: number;
  bitrate: number;
  last: CodedFrame | null;
}

/** Bits per second. */
export interface Rates {
  readonly programBitrate: number;
  readonly lowBitrate: number;
}

export interface RenditionsOptions {
  /** The feed's. */
  name: string;
  media: MediaEngine;
  /** Viewers of the feed, whatever they watch. */
  maxViewers: number;
  /** Renditions that the engine may make at once. */
  maxEncoders: number;
  rates: Rates;
  camera(): CameraFacts;
  tellEngine(message: ToEngine): void;
  /** Asks the camera for a key frame; paced by the receiver. */
  askCamera(): void;
  changed(): void;
  session(began: SessionBegan): SessionEnded;
}

type Slate = Extract<FromEngine, { type: 'slate' }>;

/** What is assumed of a camera that has not shown its size. */
const USUAL = { width: 1280, height: 720, fps: 30 };

export class Renditions {
  readonly #options: RenditionsOptions;
  readonly #open = new Map<RenditionId, Rendition>();
  /** How viewers are told apart in /metrics. */
  readonly #numbers = new WeakMap<ViewerSession, number>();
  #numbered = 0;
  readonly #slates = new Map<RenditionId, Slate>();
  readonly #totals = new Map(RENDITIONS.map((key) => [renditionId(key), new Totals(VIEWER_KEYS)]));
  /** What is told at the end of each viewer's session. */
  readonly #ends = new Map<ViewerSession, SessionEnded>();
  #opening = 0;
  #engineLost = false;
  #pictureDelayUs: number | null = null;
  /** What the engine was last told to make. */
  #told = '';

  constructor(options: RenditionsOptions) {
    this.#options = options;
  }

  /** Viewers by name, whatever their codec. */
  get viewers(): Record<RenditionName, number> {
    const count = { program: 0, plate: 0, low: 0 };
    for (const { key, viewers } of this.#open.values()) count[key.name] += viewers.size;
    return count;
  }

  get measures(): RenditionMeasures[] {
    return RENDITIONS.map((key) => {
      const id = renditionId(key);
      const open = this.#open.get(id);
      const sessions = [...(open?.viewers.values() ?? [])];
      return {
        ...key,
        viewers: sessions.length,
        encoding: open?.encoded ?? false,
        fps: open?.rate.perSecond() ?? 0,
        sessions: sessions.map((session) => this.#measuresOf(session)),
        ...(this.#totals.get(id) as Totals<(typeof VIEWER_KEYS)[number]>).sum(
          sessions.map((session) => session.stats()),
        ),
      };
    });
  }

  #measuresOf(session: ViewerSession): ViewerMeasures {
    const { packets, skipped, fractionLost = null, roundTripMs = null } = session.stats();
    const number = this.#numbers.get(session) ?? ++this.#numbered;
    this.#numbers.set(session, number);
    return { number, packets, skipped, fractionLost, roundTripMs };
  }

  /** The slates that are kept, for an engine that need not make them again. */
  get slates(): { rendition: RenditionKey; width: number; height: number }[] {
    return [...this.#slates.values()].map(({ rendition, width, height }) => ({ rendition, width, height }));
  }

  /** Adds a viewer to the rendition that it asked for, or to the one that its offer can take. Throws `Problem`. */
  async watch(name: RenditionName, offer: string): Promise<{ rendition: RenditionName; session: ViewerSession }> {
    const { maxViewers } = this.#options;
    const watching = [...this.#open.values()].reduce((sum, { viewers }) => sum + viewers.size, this.#opening);
    if (watching >= maxViewers) throw new Problem('full', 'This feed has as many monitors as it may have.', 10);
    const rendition = this.#opened(this.#choose(name, offer));
    this.#opening++;
    try {
      return { rendition: rendition.key.name, session: await rendition.addViewer(offer) };
    } finally {
      this.#opening--;
      this.#tellWanted();
      this.#options.changed();
    }
  }

  /** The viewer's session; undefined where it is none of this feed's. */
  viewer(id: string): ViewerSession | undefined {
    for (const { viewers } of this.#open.values()) {
      const session = viewers.get(id);
      if (session) return session;
    }
    return undefined;
  }

  fromCamera(frame: CodedFrame): void {
    const upright = !frame.rotation;
    for (const rendition of this.#open.values()) {
      if (rendition.key.name !== 'plate') continue;
      if (rendition.fromCamera(frame, upright && frame.codec === rendition.key.codec)) this.#options.askCamera();
    }
  }

  /** A frame that nobody watches any more is on its way for a moment: it is passed over. */
  /** Answers how many viewers it has. */
  fromEngine(name: RenditionName, frame: CodedFrame): number {
    const rendition = this.#open.get(renditionId({ name, codec: frame.codec }));
    rendition?.fromEngine(frame);
    return rendition?.viewers.size ?? 0;
  }

  /** Sound goes out with every rendition, each in its own time. */
  sendSound(audio: CodedAudio): void {
    for (const { sound } of this.#open.values()) sound.push(audio);
  }

  dropSound(): void {
    for (const { sound } of this.#open.values()) sound.clear();
  }

  /** How long a program picture takes from capture to leaving, ms; the last known where nobody watches, null before the first. */
  get pictureDelayMs(): number | null {
    for (const { key, sound } of this.#open.values()) {
      if (key.name === 'program') this.#pictureDelayUs = sound.delayUs ?? this.#pictureDelayUs;
    }
    return this.#pictureDelayUs === null ? null : Math.round(this.#pictureDelayUs / 100) / 10;
  }

  keepSlate(slate: Slate): void {
    const id = renditionId(slate.rendition);
    this.#slates.set(id, slate);
    this.#open.get(id)?.slate.keep(picture(slate));
  }

  engineConnected(): void {
    this.#engineLost = false;
    this.#told = '';
    this.#tellWanted();
  }

  engineLost(): void {
    this.#engineLost = true;
    for (const rendition of this.#open.values()) if (rendition.encoded) rendition.slate.start();
  }

  close(): void {
    for (const rendition of this.#open.values()) rendition.close();
    this.#open.clear();
  }

  /** What suits an offer, best first: the camera's own plate before one that must be encoded, H.264 before VP8. */
  #candidates(name: RenditionName): RenditionKey[] {
    const codecs: VideoCodec[] =
      name === 'plate' && this.#options.camera().codec === 'vp8' ? ['vp8', 'h264'] : ['h264', 'vp8'];
    const keys: RenditionKey[] = codecs.map((codec) => ({ name, codec }));
    // A program too large for the only level that a viewer takes is still one it can see at half size.
    if (name === 'program') keys.push({ name: 'low', codec: 'h264' });
    return keys;
  }

  #choose(name: RenditionName, offer: string): RenditionKey {
    const taken = this.#candidates(name).filter((key) => this.#options.media.takes(offer, this.#stream(key)));
    if (taken.length === 0) throw new Problem('sdp_unusable', this.#needed(name));
    const openable = taken.find((key) => this.#mayOpen(key));
    if (openable) return openable;
    const { maxEncoders } = this.#options;
    throw new Problem('full', `The engine of this feed makes its ${maxEncoders} renditions (engine.maxEncoders).`, 10);
  }

  /** What an offer would have to hold. */
  #needed(name: RenditionName): string {
    if (this.#options.media.name === 'wrtc') return 'Offer VP8: this server runs its wrtc engine, which has no H.264.';
    const stream = this.#stream({ name, codec: 'h264' });
    const level = levelWords(levelOf(stream));
    return `For this picture, ${stream.width}×${stream.height}, offer VP8, or H.264 in packetization mode 1 with level ${level} or level-asymmetry-allowed=1.`;
  }

  /** Within the cap; a rendition that only lingers gives way. */
  #mayOpen(key: RenditionKey): boolean {
    if (this.#open.has(renditionId(key)) || this.#suits(key)) return true;
    const encoded = [...this.#open.values()].filter((rendition) => rendition.encoded);
    if (encoded.length < this.#options.maxEncoders) return true;
    const idle = encoded.find((rendition) => rendition.idle);
    if (idle) this.#close(idle);
    return idle !== undefined;
  }

  #opened(key: RenditionKey): Rendition {
    const id = renditionId(key);
    const known = this.#open.get(id);
    if (known) return known;
    const { media, changed } = this.#options;
    const out = media.rendition({
      feed: this.#options.name,
      name: key.name,
      codec: key.codec,
      stream: () => this.#stream(key),
      keyWanted: () => this.#keyWanted(rendition),
    });
    const rendition: Rendition = new Rendition(key, out, this.#suits(key), {
      sourceChanged: () => this.#tellWanted(),
      keyNeeded: () => this.#options.tellEngine({ type: 'keyRequest', rendition: key }),
      viewerBegan: (viewer) => this.#ends.set(viewer, this.#options.session({ kind: 'viewer', rendition: key.name })),
      viewerEnded: (viewer, reason) => {
        this.#ends.get(viewer)?.(reason, countsOf(viewer.stats()));
        this.#ends.delete(viewer);
        this.#totals.get(id)?.end(viewer.stats());
        changed();
      },
      idle: () => this.#close(rendition),
    });
    this.#open.set(id, rendition);
    const slate = this.#slates.get(id);
    if (slate) rendition.slate.keep(picture(slate));
    const { last } = this.#options.camera();
    if (this.#engineLost && rendition.encoded && last) {
      rendition.slate.passed(last);
      rendition.slate.start();
    }
    return rendition;
  }

  #close(rendition: Rendition): void {
    rendition.close();
    this.#open.delete(renditionId(rendition.key));
    this.#tellWanted();
  }

  /** Whether the camera's own bitstream is this rendition. */
  #suits(key: RenditionKey): boolean {
    const { camera, media } = this.#options;
    const { codec, last } = camera();
    // A picture that lies on its side is turned by the engine: not every player would turn it.
    return !media.relay && key.name === 'plate' && key.codec === codec && !last?.rotation;
  }

  #stream(key: RenditionKey): StreamKind {
    const { camera, rates } = this.#options;
    const { programBitrate, lowBitrate } = rates;
    const known = camera();
    const { width, height } = known.width > 0 ? known : USUAL;
    const fps = known.fps > 0 ? known.fps : USUAL.fps;
    if (key.name !== 'low') {
      const bitrate = this.#suits(key) ? known.bitrate : programBitrate;
      return { codec: key.codec, width, height, fps, bitrate };
    }
    return { codec: key.codec, ...lowSize(width, height), fps, bitrate: lowBitrate };
  }

  #keyWanted(rendition: Rendition): void {
    if (rendition.encoded) this.#options.tellEngine({ type: 'keyRequest', rendition: rendition.key });
    else this.#options.askCamera();
  }

  /** Nothing is made that nobody watches. */
  #tellWanted(): void {
    const renditions = [...this.#open.values()]
      .filter((rendition) => rendition.encoded && rendition.watched)
      .map(({ key }) => key);
    const told = renditions.map(renditionId).join(' ');
    if (told === this.#told) return;
    this.#told = told;
    this.#options.tellEngine({ type: 'wanted', renditions });
  }
}

const picture = ({ bytes, width, height }: Slate) => ({ bytes: Buffer.from(bytes, 'base64'), width, height });
