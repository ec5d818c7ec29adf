/**
 * Which engine process serves which feed. A spare stands by with everything loaded: when a feed's engine is lost, or a new feed comes,
 * it takes over at once and the next spare is started. Only this decides what is started and what is given up; main spawns and kills.
 */
import type { FromEngine, ToEngine } from '../channel/messages.ts';
import { type Place, placeNext } from '../inference/placement.ts';
import type { EngineEvents, EngineLink, EngineLinks } from './engine-links.ts';
import { RestartPause } from './restart-pause.ts';
import { Watchdog } from './watchdog.ts';

/** Engines of a feed that may die soon after their start, one after the other, before the next waits and gets no spare. */
const FORGIVEN = 2;
/** The next spare's start takes a core for most of a second: it leaves that to the pictures that have just come back. */
const SPARE_AFTER_MS = 1000;
/** A feed whose look is changed loads it first; the spare, which loads it too, would only take time from it. */
const PREPARE_AFTER_MS = 1000;
const TICK_MS = 250;
/** Signs of life come twice a second. */
const SILENT_MS = 2000;
/** A spare runs at ordinary priority and nobody waits for it. */
const SPARE_SILENT_MS = 5000;
/** A GPU that an engine has lost: others are taken for so long, where there are any. */
const SHUN_MS = 60_000;
/** Starting, and loading a model, may take long on a loaded machine and with large models. */
const LOADING_MS = 20_000;
/** Reports in a row with the same picture in work: five seconds, where a picture takes milliseconds; a starved machine gets that long. */
const STUCK_REPORTS = 10;

const HUNG = 'The engine of this feed did not answer any more and was ended; another takes over.';
const STUCK = 'The engine of this feed was stuck in one picture and was ended; another takes over.';

/** Why a feed has lost its engine. */
export interface EngineLoss {
  /** For the operator; null where the process simply died. */
  sentence: string | null;
  /** It had to be ended because it hung. */
  hung: boolean;
  /** A network of it said that it cannot be run any more; else whatever it worked with may have been at fault. */
  network: boolean;
}

/** What a feed hears of its engines. */
export interface FeedEngineEvents extends Pick<EngineEvents, 'frame' | 'message'> {
  /** It waits for `open`. `prepared`: a spare, perhaps at once after `lost`; it takes frames right behind the message. */
  connected(link: EngineLink, engine: { prepared: boolean; gpu: number }): void;
  lost(loss: EngineLoss): void;
}

export interface EnginePoolOptions {
  links: Pick<EngineLinks, 'expect' | 'forget'>;
  /** Whether to keep a spare. */
  spare: boolean;
  /** The GPUs that engines are placed on, one at least. */
  places: readonly Place[];
  /** What every engine is prepared with. */
  prepare: Omit<Extract<ToEngine, { type: 'prepare' }>, 'type' | 'looks'>;
  /** Starts a process; `feed` is null for the spare. */
  start(key: string, feed: string | null): void;
  /** Tells that the spare of this key is the feed's engine now. */
  serves(key: string, feed: string): void;
  /** Ends a process that is expected no more: `atOnce`, or when closing its link does not do it. */
  end(key: string, atOnce: boolean): void;
  /** Something about the spare that no feed tells. */
  warn(sentence: string): void;
}

interface Engine {
  key: string;
  /** Null: the spare. */
  feed: string | null;
  link: EngineLink | null;
  /** Models are loaded. */
  ready: boolean;
  /** Since when it serves, or stands by. */
  sinceMs: number;
  rssMb: number | null;
  /** Where it was placed, and how busy its networks are there (placement.ts). */
  gpu: number;
  busyMs: number;
  watchdog: Watchdog;
  working: { picture: number | null; reports: number };
}

interface Served {
  events: FeedEngineEvents;
  engine: Engine | null;
  restarts: RestartPause;
  pause: NodeJS.Timeout | null;
}

export class EnginePool {
  readonly #options: EnginePoolOptions;
  readonly #engines = new Map<string, Engine>();
  readonly #feeds = new Map<string, Served>();
  /** GPUs that have gone, and until when nothing is placed there. */
  readonly #shunned = new Map<number, number>();
  readonly #watch: NodeJS.Timeout;
  #spare: Engine | null = null;
  #spareTimer: NodeJS.Timeout | null = null;
  #prepareTimer: NodeJS.Timeout | null = null;
  readonly #spareRestarts = new RestartPause(FORGIVEN);
  #looks: readonly string[] = [];
  #tickedMs = performance.now();
  #closed = false;

  constructor(options: EnginePoolOptions) {
    this.#options = options;
    this.#watch = setInterval(() => this.#tick(), TICK_MS);
    // After the feeds of the configuration, which are added in this turn of the loop.
    this.#spareIn(0);
  }

  /** The spare; null while there is none. */
  get spare(): { ready: boolean; rssMb: number | null } | null {
    return this.#spare && { ready: this.#spare.ready, rssMb: this.#spare.rssMb };
  }

  /** Gives a feed an engine, now and whenever it loses one. */
  serve(feed: string, events: FeedEngineEvents): void {
    this.#feeds.set(feed, { events, engine: null, restarts: new RestartPause(FORGIVEN), pause: null });
    this.#assign(feed);
  }

  /** The feed has gone: its engine ends. */
  forget(feed: string): void {
    const served = this.#feeds.get(feed);
    this.#feeds.delete(feed);
    if (served?.pause) clearTimeout(served.pause);
    if (served?.engine) this.#discard(served.engine, false);
    this.#spareIn(SPARE_AFTER_MS);
  }

  /** Every look that a feed wears now: the spare loads them. */
  prepare(looks: Iterable<string>): void {
    this.#looks = [...new Set(looks)];
    if (this.#closed) return;
    this.#prepareTimer ??= setTimeout(() => {
      this.#prepareTimer = null;
      this.#prepareSpare();
    }, PREPARE_AFTER_MS);
  }

  /** A process has ended, or could not be started. One that had a link is told by its end of the channel. */
  ended(key: string): void {
    const engine = this.#engines.get(key);
    if (engine && !engine.link) this.#lost(engine, { sentence: null, hung: false, network: false });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    if (this.#spareTimer) clearTimeout(this.#spareTimer);
    if (this.#prepareTimer) clearTimeout(this.#prepareTimer);
    for (const feed of [...this.#feeds.keys()]) this.forget(feed);
    for (const engine of [...this.#engines.values()]) this.#discard(engine, false);
  }

  #assign(feed: string): void {
    const served = this.#feeds.get(feed);
    if (!served || served.engine || this.#closed) return;
    served.pause = null;
    // A feed whose engines die at once (a look that kills them) must not take the others' spare with it again and again.
    const spare = served.restarts.distrusted ? null : this.#spare;
    const engine = spare ?? this.#start(feed);
    served.engine = engine;
    if (!spare) return;
    this.#spare = null;
    spare.feed = feed;
    spare.sinceMs = performance.now();
    const prepared = spare.ready;
    spare.ready = false;
    spare.watchdog.allow(prepared ? SILENT_MS : LOADING_MS);
    this.#options.serves(spare.key, feed);
    if (spare.link) served.events.connected(spare.link, { prepared, gpu: spare.gpu });
  }

  #start(feed: string | null): Engine {
    const engine: Engine = {
      key: '',
      feed,
      link: null,
      ready: false,
      sinceMs: performance.now(),
      rssMb: null,
      gpu: this.#place(),
      busyMs: 0,
      watchdog: new Watchdog(LOADING_MS),
      working: { picture: null, reports: 0 },
    };
    // A message that shared its packet with the one that ended the link still comes.
    const present = (): boolean => this.#engines.has(engine.key);
    engine.key = this.#options.links.expect({
      connected: (link) => this.#connected(engine, link),
      frame: (rendition, frame) => {
        if (present()) this.#served(engine)?.events.frame(rendition, frame);
      },
      message: (message) => {
        if (present()) this.#heard(engine, message);
      },
      lost: (reason) =>
        this.#lost(engine, {
          sentence: reason && `The engine's channel broke: ${reason}`,
          hung: false,
          network: false,
        }),
    });
    this.#engines.set(engine.key, engine);
    this.#options.start(engine.key, feed);
    return engine;
  }

  #place(): number {
    const { places } = this.#options;
    const there = places.filter(({ index }) => (this.#shunned.get(index) ?? 0) <= performance.now());
    return placeNext(there.length > 0 ? there : places, [...this.#engines.values()]);
  }

  #connected(engine: Engine, link: EngineLink): void {
    engine.link = link;
    engine.watchdog.allow(LOADING_MS);
    if (engine.feed === null) this.#prepareSpare();
    else this.#served(engine)?.events.connected(link, { prepared: false, gpu: engine.gpu });
  }

  #heard(engine: Engine, message: FromEngine): void {
    const { watchdog } = engine;
    if (message.type === 'loading') watchdog.allow(LOADING_MS);
    else if (message.type === 'loaded') watchdog.allow(SILENT_MS);
    else watchdog.heard();
    if (message.type === 'broken') {
      this.#broken(engine, message);
      return;
    }
    if (message.type === 'idle' || message.type === 'prepared') engine.rssMb = message.rssMb;
    if (message.type === 'ready' || (message.type === 'prepared' && engine.feed === null)) {
      engine.ready = true;
      watchdog.allow(engine.feed === null ? SPARE_SILENT_MS : SILENT_MS);
      if (engine.feed !== null) this.#spareIn(SPARE_AFTER_MS);
    } else if (message.type === 'stats') {
      engine.busyMs = (message.stageMs.perceive ?? 0) + (message.stageMs.replace ?? 0);
      if (this.#stuck(engine, message.working)) {
        this.#lost(engine, { sentence: STUCK, hung: true, network: false });
        return;
      }
    }
    if (engine.feed !== null) this.#served(engine)?.events.message(message);
    else if (message.type === 'trouble') this.#options.warn(`The spare engine: ${message.sentence}`);
  }

  /** Its process may take long to end, where it hangs in a driver: the next takes over without it. */
  #broken(engine: Engine, { sentence, why }: Extract<FromEngine, { type: 'broken' }>): void {
    if (why === 'gpu_gone') this.#shunned.set(engine.gpu, performance.now() + SHUN_MS);
    if (engine.feed === null) this.#options.warn(`The spare engine: ${sentence}`);
    this.#lost(engine, { sentence, hung: engine.feed !== null && why === 'hung', network: true });
  }

  #stuck({ working }: Engine, picture: number | null): boolean {
    working.reports = picture !== null && picture === working.picture ? working.reports + 1 : 0;
    working.picture = picture;
    return working.reports >= STUCK_REPORTS;
  }

  #served(engine: Engine): Served | undefined {
    const served = engine.feed === null ? undefined : this.#feeds.get(engine.feed);
    return served?.engine === engine ? served : undefined;
  }

  #lost(engine: Engine, loss: EngineLoss): void {
    if (!this.#engines.has(engine.key)) return;
    const served = this.#served(engine);
    const connected = engine.link !== null;
    const servedMs = performance.now() - engine.sinceMs;
    this.#discard(engine, true);
    if (engine.feed === null) {
      this.#spare = null;
      if (loss.hung) this.#options.warn('The spare engine did not answer any more: another is started.');
      this.#spareIn(SPARE_AFTER_MS + this.#spareRestarts.died(servedMs));
    } else if (served) {
      served.engine = null;
      if (connected) served.events.lost(loss);
      const { feed } = engine;
      const pauseMs = served.restarts.died(servedMs);
      if (pauseMs === 0) this.#assign(feed);
      else served.pause = setTimeout(() => this.#assign(feed), pauseMs);
      this.#spareIn(SPARE_AFTER_MS);
    }
  }

  /** Nothing is heard of it any more, and its process ends. */
  #discard(engine: Engine, atOnce: boolean): void {
    this.#engines.delete(engine.key);
    this.#options.links.forget(engine.key);
    this.#options.end(engine.key, atOnce);
  }

  #prepareSpare(): void {
    const spare = this.#spare;
    if (!spare?.link) return;
    spare.watchdog.allow(LOADING_MS);
    const { prepare } = this.#options;
    const inference = { ...prepare.inference, device: spare.gpu };
    spare.link.send({ type: 'prepare', looks: [...this.#looks], ...prepare, inference });
  }

  /** Starts the next spare after a while, as soon as every feed has its engine. */
  #spareIn(ms: number): void {
    if (!this.#options.spare || this.#closed || this.#spareTimer) return;
    this.#spareTimer = setTimeout(() => {
      this.#spareTimer = null;
      const loading = [...this.#feeds.values()].some(
        ({ engine, restarts }) => engine?.ready === false && !restarts.distrusted,
      );
      // When they are ready they ask again.
      if (!this.#spare && !loading) this.#spare = this.#start(null);
    }, ms);
  }

  #tick(): void {
    const nowMs = performance.now();
    const passedMs = nowMs - this.#tickedMs;
    this.#tickedMs = nowMs;
    for (const engine of [...this.#engines.values()]) {
      if (engine.watchdog.passed(passedMs)) this.#lost(engine, { sentence: HUNG, hung: true, network: false });
    }
  }
}
