import type { FeedSettings } from '../channel/messages.ts';
import { Problem } from '../config/problem.ts';
import type { FeedMeasures, StageApi } from '../http/stage-api.ts';
import type { MediaEngine, PeerSession } from '../media/port.ts';
import type { CastingOrder, FaceInfo, FeedInfo, RenditionName } from '../wire/messages.ts';
import type { FrameTrace } from '../wire/trace.ts';
import { obey } from './casting-orders.ts';
import type { Castings } from './castings.ts';
import type { EnginePool } from './engine-pool.ts';
import { Feed, type FeedOptions } from './feed.ts';
import { lookRefused } from './looks.ts';
import type { Records } from './records.ts';
import type { Settings } from './settings.ts';
import type { TimecodeHeard } from './timecode.ts';

/** Changes are told at most this often. */
const CHANGE_MS = 100;
/** While anything is live, feeds are told again this often, so that numbers move. */
const REFRESH_MS = 500;

export interface StageOptions {
  media: MediaEngine;
  engines: Pick<EnginePool, 'serve' | 'forget' | 'prepare' | 'spare'>;
  /** Read at each new feed. */
  caps: { readonly maxFeeds: number };
  maxViewers: number;
  /** Renditions that one engine may make at once. */
  maxEncoders: number;
  /** Feeds that exist from the start. */
  feeds: readonly string[];
  settings: Settings;
  castings: Castings;
  records: Records;
  rates: FeedOptions['rates'];
  open: FeedOptions['open'];
  looks: readonly string[];
  /** Whether a look has an age dial. */
  ageable(look: string): boolean;
  warn(feed: string, sentence: string): void;
}

/** One set with its feeds: owns them, and answers HTTP and the control socket. */
export class Stage implements StageApi {
  readonly #options: StageOptions;
  readonly #feeds = new Map<string, Feed>();
  /** Feeds whose first camera's offer is being read: they get their engine, and their place in the list, when it is good. */
  readonly #opening = new Map<string, Feed>();
  readonly #listeners = new Set<() => void>();
  readonly #refresh: NodeJS.Timeout;
  #pending: NodeJS.Timeout | null = null;
  /** Seconds until the close, once it has been announced. */
  #draining: number | null = null;

  constructor(options: StageOptions) {
    this.#options = options;
    for (const name of options.feeds) this.#add(name, this.#make(name));
    this.#refresh = setInterval(() => {
      if (this.feeds().some((feed) => feed.state !== 'idle')) this.#changed();
    }, REFRESH_MS);
  }

  async publish(feed: string, offer: string): Promise<{ session: string; answer: string }> {
    this.#refuseWhileDraining();
    const known = this.#feeds.get(feed) ?? this.#opening.get(feed);
    const { id, answer } = await (known ? known.publish(offer) : this.#open(feed, (made) => made.publish(offer)));
    return { session: id, answer };
  }

  async watch(
    feed: string,
    name: RenditionName,
    offered: string | null,
  ): Promise<{ session: string; answer: string; rendition: RenditionName }> {
    this.#refuseWhileDraining();
    const offer = offered ?? this.#options.media.invitation;
    if (offer === null) throw new Problem('sdp_unusable');
    const { rendition, session } = await this.#feed(feed).watch(name, offer);
    return { session: session.id, answer: session.answer, rendition };
  }

  session(feed: string, session: string): PeerSession | null {
    return this.#feeds.get(feed)?.session(session) ?? null;
  }

  timecode(feed: string, heard: TimecodeHeard): void {
    this.#feed(feed).hearTimecode(heard);
  }

  async publishSound(feed: string, offer: string): Promise<{ session: string; answer: string }> {
    this.#refuseWhileDraining();
    const known = this.#feeds.get(feed) ?? this.#opening.get(feed);
    const { id, answer } = await (known
      ? known.publishSound(offer)
      : this.#open(feed, (made) => made.publishSound(offer)));
    return { session: id, answer };
  }

  end(feed: string, session: string): boolean {
    return this.#feeds.get(feed)?.end(session) ?? false;
  }

  feeds(): FeedInfo[] {
    return [...this.#feeds.values()].map((feed) => feed.info);
  }

  measures(): FeedMeasures[] {
    return [...this.#feeds.values()].map((feed) => feed.measures);
  }

  spare(): ReturnType<StageApi['spare']> {
    const { spare } = this.#options.engines;
    return spare && { ready: spare.ready, rssBytes: spare.rssMb === null ? null : spare.rssMb * 1e6 };
  }

  missing(): string[] {
    if (this.#draining !== null) return ['the server is closing'];
    return this.measures()
      .filter(({ engine }) => engine !== 'ready')
      .map(({ info, engine }) => `engine of feed ${info.name} (${engine})`);
  }

  trace(feed: string): Promise<FrameTrace> {
    return this.#feed(feed).trace();
  }

  looks(): string[] {
    return [...this.#options.looks];
  }

  dials(): string[] {
    return this.#options.looks.filter(this.#options.ageable);
  }

  set(feed: string, change: Partial<FeedSettings>): void {
    if (change.look !== undefined && !this.#options.looks.includes(change.look))
      throw lookRefused(change.look, this.#options.looks);
    const known = this.#feed(feed);
    this.#options.settings.set(feed, change);
    known.set(this.#holds(feed));
    if (change.look !== undefined) this.#prepareLooks();
  }

  cast(order: CastingOrder): void {
    const feed = this.#feed(order.feed);
    obey(order, this.#options.castings, feed, () => {
      feed.set(this.#holds(order.feed));
      if ('look' in order) this.#prepareLooks();
    });
  }

  /**
   * The configuration was read again: feeds take what holds now, and those that are new in its list are opened, under the cap. One
   * that has gone from the list stays until the next start: a camera may be on it.
   */
  reload(listed: readonly string[]): void {
    this.applySettings();
    for (const feed of this.#feeds.values()) feed.newRates();
    for (const name of listed) {
      try {
        if (!this.#feeds.has(name) && !this.#opening.has(name)) this.#add(name, this.#make(name));
      } catch (error) {
        this.#options.warn(name, `This feed of the configuration could not be opened: ${(error as Error).message}`);
      }
    }
  }

  /** Settings have changed behind the feeds: they take what holds now. */
  applySettings(): void {
    for (const feed of this.#feeds.values()) feed.set(this.#holds(feed.name));
    this.#prepareLooks();
  }

  follow(feed: string, listener: (faces: readonly FaceInfo[]) => void): () => void {
    return this.#feed(feed).follow(listener);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  nowUs(): number {
    return Number(process.hrtime.bigint() / 1000n);
  }

  /** Takes no new sessions from now on. Resolves when the last viewer has gone; cameras alone are not waited for. */
  async drain(seconds: number): Promise<void> {
    this.#draining = seconds;
    const watched = (): boolean =>
      this.feeds().some(({ viewers }) => Object.values(viewers).some((count) => count > 0));
    if (!watched()) return;
    await new Promise<void>((resolve) => {
      const unsubscribe = this.onChange(() => {
        if (watched()) return;
        unsubscribe();
        resolve();
      });
    });
  }

  close(): void {
    clearInterval(this.#refresh);
    if (this.#pending) clearTimeout(this.#pending);
    for (const feed of this.#opening.values()) feed.close();
    for (const [name, feed] of this.#feeds) {
      feed.close();
      this.#options.engines.forget(name);
    }
    this.#listeners.clear();
  }

  #refuseWhileDraining(): void {
    if (this.#draining !== null) throw new Problem('draining', undefined, Math.ceil(this.#draining) + 1);
  }

  #feed(name: string): Feed {
    const feed = this.#feeds.get(name);
    if (!feed) throw new Problem('feed_unknown', `You asked for "${name}".`);
    return feed;
  }

  /** A feed that nobody knows begins with its first camera, unless that is refused: offers alone must not start engines. */
  async #open<T>(name: string, come: (feed: Feed) => Promise<T>): Promise<T> {
    const feed = this.#make(name);
    this.#opening.set(name, feed);
    try {
      const session = await come(feed);
      this.#add(name, feed);
      return session;
    } catch (error) {
      // Where the peers live in the engine, a camera that could come in has to wait for that: it comes again.
      const waits = error instanceof Problem && error.code === 'engine_down' && this.#options.media.relay !== null;
      if (waits) this.#add(name, feed);
      else feed.close();
      throw error;
    } finally {
      this.#opening.delete(name);
    }
  }

  #make(name: string): Feed {
    const { maxFeeds } = this.#options.caps;
    if (this.#feeds.size + this.#opening.size >= maxFeeds)
      throw new Problem('full', `The stage has its ${maxFeeds} feeds.`, 10);
    const { media, rates, open, maxViewers, maxEncoders, castings, records } = this.#options;
    return new Feed({
      name,
      settings: this.#holds(name),
      media,
      rates,
      open,
      maxViewers,
      maxEncoders,
      records,
      ageable: this.#options.ageable,
      keepFace: (casting, face) => {
        castings.keepFace(name, casting, face);
        this.#feeds.get(name)?.set(this.#holds(name));
      },
      changed: () => this.#changed(),
      warn: (sentence) => this.#options.warn(name, sentence),
    });
  }

  #add(name: string, feed: Feed): void {
    this.#feeds.set(name, feed);
    this.#options.engines.serve(name, feed.events);
    this.#prepareLooks();
    this.#options.records.keep({ type: 'feed', feed: name, atMs: Date.now() });
    this.#changed();
  }

  /** What an engine of the feed is told. */
  #holds(feed: string): FeedSettings {
    const { settings, castings } = this.#options;
    return { ...settings.of(feed), castings: castings.of(feed) };
  }

  /** A spare may have to serve any feed: it has every look that one of them wears. */
  #prepareLooks(): void {
    this.#options.engines.prepare(
      [...this.#feeds.values()].flatMap(({ looks }) => looks).concat(this.#options.settings.defaults.look),
    );
  }

  #changed(): void {
    this.#pending ??= setTimeout(() => {
      this.#pending = null;
      for (const listener of this.#listeners) listener();
    }, CHANGE_MS);
  }
}
