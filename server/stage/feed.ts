/**
 * One feed: its camera's session, its engine's link, its renditions. Coded frames go straight through: camera → engine →
 * program; the plate is the camera's own bitstream, or the engine's encoding of it where the viewers could not take that.
 */
import type { EngineStats, FeedSettings, FromEngine, ToEngine } from '../channel/messages.ts';
import { isPeerReport } from '../channel/peer-messages.ts';
import { Problem } from '../config/problem.ts';
import { type CodedFrame, uprightSize } from '../frame/coded.ts';
import type { FeedMeasures } from '../http/stage-api.ts';
import type {
  IngestSession,
  IngestSink,
  LinkState,
  MediaEngine,
  PeerSession,
  SoundSession,
  ViewerSession,
} from '../media/port.ts';
import { monotonicUs } from '../media/rtp/clock.ts';
import type { NeutralFace } from '../wire/casting.ts';
import type { FaceInfo, FeedInfo, RenditionName } from '../wire/messages.ts';
import type { FrameTrace } from '../wire/trace.ts';
import type { EngineLink } from './engine-links.ts';
import type { EngineLoss, FeedEngineEvents } from './engine-pool.ts';
import { FaceFollowers } from './face-followers.ts';
import { FeedCounts } from './feed-counts.ts';
import { describeFeed, type FeedFacts, STALLED_MS, stateOf } from './feed-info.ts';
import { FrameTracing } from './frame-tracing.ts';
import { LastPlaces } from './last-places.ts';
import { PictureRate } from './picture-rate.ts';
import { Rate } from './rate.ts';
import { countsOf, type Records, type SessionBegan, type SessionEnded } from './records.ts';
import { type CameraFacts, type Rates, Renditions } from './renditions.ts';
import { FeedSound } from './sound.ts';
import { FeedTimecode, type TimecodeHeard } from './timecode.ts';
import { ToldFaces } from './told-faces.ts';

/** A warning stays on the monitor this long after it was last said. */
const TROUBLE_MS = 8000;
/** Key frames are asked of the camera at most this often for a decoder that lost its way. */
const KEY_PACE_MS = 300;

export interface FeedOptions {
  name: string;
  settings: FeedSettings;
  media: MediaEngine;
  /** Bits per second; read when they are needed. */
  rates: Rates;
  open: Omit<Extract<ToEngine, { type: 'open' }>, 'type' | 'feed' | 'settings' | 'slates' | keyof Rates>;
  /** Whether a look has an age dial. */
  ageable(look: string): boolean;
  /** A performer's face at rest, as an engine captured it. */
  keepFace(casting: string, face: NeutralFace): void;
  maxViewers: number;
  maxEncoders: number;
  records: Records;
  changed(): void;
  warn(sentence: string): void;
}

export class Feed {
  readonly name: string;
  readonly events: FeedEngineEvents;
  readonly #options: FeedOptions;
  readonly #renditions: Renditions;
  readonly #sound: FeedSound;
  readonly #timecode = new FeedTimecode();
  readonly #counts = new FeedCounts();
  readonly #places = new LastPlaces();
  readonly #toldFaces = new ToldFaces();
  readonly #followers = new FaceFollowers((on) => this.#link?.send({ type: 'follow', on }));
  readonly #tracing: FrameTracing;
  readonly #programRate = new Rate();
  readonly #skipRate = new Rate();
  #settings: FeedSettings;
  /** Where its engine was placed. */
  #gpu = 0;
  /** A GPU's encoder that hangs or crashes ends its engine with it: the next one leaves it alone. */
  #videoEncoder: FeedOptions['open']['videoEncoder'];
  #ingest: IngestSession | null = null;
  #link: EngineLink | null = null;
  #engine: FeedFacts['engine'] = 'absent';
  #stats: EngineStats | null = null;
  #camera: CodedFrame | null = null;
  #pictureRate = new PictureRate();
  /** Where the camera's frames do not pass through here. */
  #seen: { width: number; height: number } | null = null;
  #cameraAtMs = 0;
  #programTs = -1;
  #publishing = false;
  #keyAskedAtMs = 0;
  #trouble: { sentence: string; atMs: number } | null = null;

  constructor(options: FeedOptions) {
    this.name = options.name;
    this.#options = options;
    this.#tracing = new FrameTracing(options.name);
    this.#settings = options.settings;
    this.#videoEncoder = options.open.videoEncoder;
    const session = (began: SessionBegan): SessionEnded => options.records.session({ feed: options.name, ...began });
    this.#renditions = new Renditions({
      ...options,
      camera: () => this.#cameraFacts(),
      tellEngine: (message) => this.#link?.send(message),
      askCamera: () => this.#ingest?.requestKey(),
      session,
    });
    const { name, media, changed } = options;
    this.#sound = new FeedSound({ feed: name, media, changed, session, out: this.#renditions });
    this.events = {
      connected: (link, engine) => this.#connected(link, engine),
      frame: (rendition, frame) => this.#fromEngine(rendition, frame),
      message: (message) => this.#heard(message),
      lost: (loss) => this.#lost(loss),
    };
  }

  /** Every look that somebody wears here. */
  get looks(): string[] {
    return [this.#settings.look, ...(this.#settings.castings ?? []).map(({ casting }) => casting.look)];
  }

  get info(): FeedInfo {
    return describeFeed(this.#facts());
  }

  get measures(): FeedMeasures {
    const { ingest, engine, stats } = this.#facts();
    const engineRssBytes = stats ? stats.rssMb * 1e6 : null;
    const { measures: renditions } = this.#renditions;
    const sound = this.#sound.totals(this.#ingest?.soundStats?.() ?? null);
    const engineGpu = this.#link && this.info.provider !== 'cpu' ? this.#gpu : null;
    const counts = this.#counts.now({ ingest, stats });
    return { info: this.info, engine, engineRssBytes, engineGpu, sound, renditions, ...counts };
  }

  /** A camera's offer. A stalled camera gives way to a new one. */
  async publish(offer: string): Promise<IngestSession> {
    const facts = this.#facts();
    if (this.#ingest && stateOf(facts) !== 'idle') {
      if (facts.silentMs === null || facts.silentMs < STALLED_MS)
        throw new Problem('feed_busy', `The feed is "${this.name}".`);
      this.#ingest.close();
    }
    if (this.#publishing) throw new Problem('feed_busy', `The feed is "${this.name}".`);
    this.#publishing = true;
    try {
      const owner: { session: IngestSession | null; ended: SessionEnded | null } = { session: null, ended: null };
      const sink: IngestSink = {
        frame: (frame, arrivalMs) => {
          if (this.#ingest === owner.session) this.#fromCamera(frame, arrivalMs);
        },
        seen: (picture) => {
          if (this.#ingest === owner.session) this.#sawCamera(picture);
        },
        sound: (audio) => {
          if (this.#ingest === owner.session) this.#sound.fromCamera(audio);
        },
        state: (state, reason) => {
          this.#ingestState(owner.session, state);
          if (owner.session && state === 'closed') owner.ended?.(reason, countsOf(owner.session.stats()));
        },
      };
      const session = await this.#options.media.ingest(offer, sink, this.name);
      owner.session = session;
      owner.ended = this.#options.records.session({ feed: this.name, kind: 'camera', rendition: null });
      this.#ingest = session;
      this.#camera = null;
      this.#pictureRate = new PictureRate();
      this.#seen = null;
      this.#sound.cameraCame();
      this.#options.changed();
      return session;
    } finally {
      this.#publishing = false;
    }
  }

  /** A timecode heard at the camera. Throws `Problem`. */
  hearTimecode(heard: TimecodeHeard): void {
    if (this.#ingest) this.#timecode.hear(heard, monotonicUs());
  }

  /** A mixer's offer: sound alone, instead of the camera's while it is connected. */
  publishSound(offer: string): Promise<SoundSession> {
    return this.#sound.publish(offer);
  }

  async watch(name: RenditionName, offer: string): Promise<{ rendition: RenditionName; session: ViewerSession }> {
    if (stateOf(this.#facts()) === 'idle') throw new Problem('feed_idle', `The feed is "${this.name}".`, 2);
    return this.#renditions.watch(name, offer);
  }

  /** A camera's, viewer's or mixer's session; null when it is not one of this feed's. */
  session(id: string): PeerSession | null {
    if (this.#ingest?.id === id) return this.#ingest;
    return this.#renditions.viewer(id) ?? this.#sound.session(id);
  }

  /** The next program frame's way through every stage. Throws `Problem` feed_idle, no_frame. */
  async trace(): Promise<FrameTrace> {
    if (stateOf(this.#facts()) === 'idle') throw new Problem('feed_idle', `The feed is "${this.name}".`, 2);
    return this.#tracing.next();
  }

  /** Ends a camera's or viewer's session; false when it is not one of this feed's. */
  end(session: string): boolean {
    if (this.#ingest?.id === session) {
      this.#ingest.close();
      return true;
    }
    const viewer = this.#renditions.viewer(session);
    viewer?.close();
    return viewer !== undefined || this.#sound.end(session);
  }

  set(settings: FeedSettings): void {
    const { look, uncast, age, castings } = this.#settings;
    const same = settings.look === look && settings.uncast === uncast && settings.age === age;
    if (same && settings.castings === castings) return;
    this.#settings = settings;
    this.#link?.send({ type: 'settings', settings: this.#toldFaces.news(this.#settings) });
    this.#options.changed();
  }

  /** Throws `Problem` face_unknown where the last picture showed no such face. */
  checkFace(track: number): void {
    if (!this.info.faces.some((face) => face.track === track)) throw new Problem('face_unknown');
  }

  /** The operator says whose face this is; null: nobody's that is cast. Throws `Problem` face_unknown, engine_down. */
  bind(casting: string | null, track: number): void {
    this.checkFace(track);
    this.#tellEngine({ type: 'bind', casting, track });
  }

  /** The performer holds still: an engine captures their face at rest. Throws `Problem` performer_unseen, engine_down. */
  captureFace(casting: string): void {
    if (this.info.castings.find(({ id }) => id === casting)?.track == null) throw new Problem('performer_unseen');
    this.#tellEngine({ type: 'neutral', casting });
  }

  /** Where the faces are, about ten times a second, while an engine sees them. @returns the unsubscriber. */
  follow(listener: (faces: readonly FaceInfo[]) => void): () => void {
    return this.#followers.add(listener);
  }

  /** The bit rates have changed: the engine's encoders take them. */
  newRates(): void {
    this.#link?.send({ type: 'rates', ...this.#rates });
  }

  close(): void {
    this.#tracing.close();
    this.#sound.close();
    this.#ingest?.close();
    this.#renditions.close();
  }

  get #rates(): Rates {
    const { programBitrate, lowBitrate } = this.#options.rates;
    return { programBitrate, lowBitrate };
  }

  #tellEngine(message: ToEngine): void {
    if (!this.#link) throw new Problem('engine_down');
    this.#link.send(message);
  }

  #facts(): FeedFacts {
    const now = performance.now();
    const camera = this.#camera;
    const trouble = this.#trouble && now - this.#trouble.atMs < TROUBLE_MS ? this.#trouble.sentence : null;
    return {
      name: this.name,
      look: this.#settings.look,
      uncast: this.#settings.uncast,
      age: this.#options.ageable(this.#settings.look) ? this.#settings.age : null,
      cast: this.#settings.castings ?? [],
      engine: this.#engine,
      ingest: this.#ingest?.stats() ?? null,
      silentMs: camera || this.#seen ? now - this.#cameraAtMs : null,
      camera: camera && camera.width > 0 ? uprightSize(camera) : this.#seen,
      stats: this.#stats,
      programFps: this.#programRate.perSecond(),
      skippedPerSecond: this.#skipRate.perSecond(),
      trouble,
      viewers: this.#renditions.viewers,
      sound: this.#sound.info(this.#ingest?.soundStats?.() ?? null),
      timecode: this.#timecode.info(monotonicUs()),
      pictureDelayMs: this.#renditions.pictureDelayMs,
      anchor: camera ? { rtpTs: camera.rtpTs, captureUs: camera.captureUs } : null,
    };
  }

  #cameraFacts(): CameraFacts {
    const stats = this.#ingest?.stats();
    const last = this.#camera;
    return {
      codec: last?.codec ?? stats?.codec ?? null,
      ...(last ? uprightSize(last) : (this.#seen ?? { width: 0, height: 0 })),
      fps: this.#pictureRate.perSecond ?? stats?.fps ?? 0,
      bitrate: stats?.bitrate ?? 0,
      last,
    };
  }

  #fromCamera(frame: CodedFrame, arrivalMs: number | undefined): void {
    const first = this.#camera === null;
    this.#camera = frame;
    this.#pictureRate.add(frame.rtpTs);
    this.#cameraAtMs = performance.now();
    if (this.#link) this.#tracing.toEngine(frame, arrivalMs, this.#link);
    this.#renditions.fromCamera(frame);
    if (first) this.#options.changed();
  }

  #sawCamera({ width, height, silentMs }: { width: number; height: number; silentMs: number }): void {
    this.#seen = { width, height };
    this.#cameraAtMs = performance.now() - silentMs;
    this.#options.changed();
  }

  #fromEngine(name: RenditionName, frame: CodedFrame): void {
    this.#tracing.fromEngine(name, frame, () => this.#renditions.fromEngine(name, frame));
    // One picture may come as several renditions: it is one program picture all the same.
    if (name === 'plate' || frame.rtpTs === this.#programTs) return;
    this.#programTs = frame.rtpTs;
    this.#programRate.tick();
  }

  #ingestState(session: IngestSession | null, state: LinkState): void {
    if (session && this.#ingest === session && state === 'closed') {
      this.#counts.cameraEnded(session.stats());
      this.#ingest = null;
      this.#camera = null;
      this.#seen = null;
      this.#timecode.clear();
      this.#sound.cameraGone(session.soundStats?.() ?? null);
      this.#link?.send({ type: 'cameraGone' });
    }
    this.#options.changed();
  }

  #connected(link: EngineLink, { prepared, gpu }: { prepared: boolean; gpu: number }): void {
    this.#link = link;
    this.#gpu = gpu;
    if (this.#engine !== 'lost') this.#engine = 'warming';
    const inference = { ...this.#options.open.inference, device: gpu };
    const videoEncoder = this.#videoEncoder;
    const open = { ...this.#options.open, inference, videoEncoder, ...this.#rates, slates: this.#renditions.slates };
    const settings = this.#toldFaces.opening(this.#places.tell(this.#settings));
    link.send({ type: 'open', feed: this.name, settings, ...open });
    if (this.#followers.wanted) link.send({ type: 'follow', on: true });
    this.#renditions.engineConnected();
    // It takes frames right behind these messages: the camera's answer is on its way while it opens.
    if (prepared) this.#ingest?.requestKey();
    this.#options.changed();
  }

  #heard(message: FromEngine): void {
    if (message.type === 'ready') {
      this.#engine = 'ready';
      this.#options.media.relay?.up(this.name, (order) => this.#link?.send(order));
      this.#ingest?.requestKey();
      this.#options.changed();
    } else if (message.type === 'slate') this.#renditions.keepSlate(message);
    else if (message.type === 'needKey') this.#askCamera();
    else if (message.type === 'traced') this.#tracing.heard(message);
    else if (message.type === 'neutral') this.#keepFace(message.casting, message.neutral);
    else if (message.type === 'trouble') this.#warn(message.sentence);
    else if (message.type === 'faces') this.#followers.heard(message.faces);
    else if (message.type === 'stats') {
      for (let count = this.#stats?.skipped ?? 0; count < message.skipped; count++) this.#skipRate.tick();
      if (this.#options.media.relay)
        for (let count = this.#stats?.encoded ?? 0; count < message.encoded; count++) this.#programRate.tick();
      this.#stats = message;
      if (this.#camera) this.#places.heard(message, this.#camera.captureUs);
      this.#options.changed();
    } else if (isPeerReport(message)) this.#options.media.relay?.heard(this.name, message);
  }

  #lost({ sentence, hung, network }: EngineLoss): void {
    this.#link = null;
    this.#tracing.engineLost();
    this.#counts.engineLost(this.#stats, hung);
    this.#stats = null;
    if (this.#engine === 'ready') this.#engine = 'lost';
    this.#renditions.engineLost();
    const { relay } = this.#options.media;
    relay?.down(this.name);
    if (relay)
      this.#warn('The engine of this feed was lost, and its connections with it: cameras and monitors connect again.');
    if (sentence) this.#warn(sentence);
    if (this.#videoEncoder === 'nvenc' && !network) {
      this.#videoEncoder = 'cpu';
      this.#warn(
        'An engine that encoded on the GPU (NVENC) was lost: the processor encodes this feed until the server is started again.',
      );
    }
    this.#options.changed();
  }

  #keepFace(casting: string, face: NeutralFace): void {
    this.#toldFaces.captured(casting, face);
    this.#options.keepFace(casting, face);
  }

  #askCamera(): void {
    const now = performance.now();
    if (now - this.#keyAskedAtMs < KEY_PACE_MS) return;
    this.#keyAskedAtMs = now;
    this.#ingest?.requestKey();
  }

  #warn(sentence: string): void {
    this.#trouble = { sentence, atMs: performance.now() };
    this.#options.warn(sentence);
    this.#options.changed();
  }
}
