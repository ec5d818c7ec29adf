/** The sessions of `bench soak` that come and go, each kind at its own pace, in processes that are told from the server's. */
import { fileURLToPath } from 'node:url';
import { Child } from './rig.ts';
import type { SessionAnswer, SessionOrder } from './soak-peers.ts';
import { FEED, pause } from './soak-rig.ts';

const PEERS = fileURLToPath(new URL('./soak-peers.ts', import.meta.url));
/** The feed whose cameras come and go. */
const SECOND = 'cycle';
const VICTIMS = 4;
/** Each so many killed processes one of them holds a camera too. */
const CAMERA_EVERY = 3;
/** Sentences that are kept of what went wrong. */
const MAX_SENTENCES = 20;

type Kind = 'viewer' | 'camera' | 'killed' | 'left' | 'bad';
/** Cycles a second. Together they make a thousand in seven and a half minutes. */
const PACE: Record<Kind, number> = { viewer: 1.1, camera: 0.2, killed: 0.4, left: 0.3, bad: 0.3 };

export interface CycleCounts {
  /** Sessions opened and ended, by what ended them. */
  done: Record<Kind, number>;
  failed: number;
  sentences: string[];
}

interface Where {
  url: string;
  token: string;
}

export class Cycles {
  readonly counts: CycleCounts = {
    done: { viewer: 0, camera: 0, killed: 0, left: 0, bad: 0 },
    failed: 0,
    sentences: [],
  };
  readonly #where: Where;
  readonly #children = new Set<Child<SessionOrder, SessionAnswer>>();
  /** One camera at a time on the second feed. */
  #second: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor(where: Where) {
    this.#where = where;
  }

  get total(): number {
    return Object.values(this.counts.done).reduce((sum, count) => sum + count, 0);
  }

  /** Each kind once, so that what is opened once and for all is open. */
  async warm(): Promise<void> {
    const lane = this.#child();
    await this.#camera(lane, false);
    await this.#viewer(lane, 0);
    await this.#end(lane);
  }

  /** Runs all kinds side by side until the time is up and what was begun has ended. */
  async run(ms: number): Promise<void> {
    const untilMs = performance.now() + ms;
    const lane = async (kind: Kind, at: number, each: (index: number) => Promise<number>): Promise<void> => {
      const began = performance.now();
      for (let index = 0, done = 0; performance.now() < untilMs && !this.#ended; index++) {
        await pause(Math.max(0, Math.min(untilMs, began + (done / at) * 1000) - performance.now()));
        if (performance.now() >= untilMs) break;
        done += await each(index).catch((error: unknown) => this.#failed(kind, error));
      }
    };
    const [viewers, cameras, doors] = [this.#child(), this.#child(), this.#child()];
    await Promise.all([
      lane('viewer', PACE.viewer, (index) => this.#viewer(viewers, index)),
      lane('camera', PACE.camera, () => this.#camera(cameras, false)),
      lane('killed', PACE.killed, (index) => this.#kill(index)),
      lane('left', PACE.left + PACE.bad, (index) => this.#door(doors, index)),
    ]);
    await Promise.all([viewers, cameras, doors].map((child) => this.#end(child)));
  }

  async close(): Promise<void> {
    this.#ended = true;
    await Promise.all([...this.#children].map((child) => this.#end(child)));
  }

  #failed(kind: Kind, error: unknown): number {
    if (this.#ended) return 1;
    this.counts.failed++;
    const sentence = `${kind}: ${error instanceof Error ? error.message : String(error)}`;
    if (this.counts.sentences.length < MAX_SENTENCES) this.counts.sentences.push(sentence);
    return 1;
  }

  #child(): Child<SessionOrder, SessionAnswer> {
    const child = new Child<SessionOrder, SessionAnswer>(PEERS);
    this.#children.add(child);
    return child;
  }

  async #end(child: Child<SessionOrder, SessionAnswer>): Promise<void> {
    this.#children.delete(child);
    await child.end({ order: 'close' });
  }

  #done(kind: Kind, count = 1): number {
    this.counts.done[kind] += count;
    return count;
  }

  async #viewer(child: Child<SessionOrder, SessionAnswer>, index: number): Promise<number> {
    const rendition = index % 3 === 2 ? 'plate' : 'program';
    await child.order({ order: 'viewer', feed: FEED, rendition, ...this.#where }, 'done');
    return this.#done('viewer');
  }

  async #camera(child: Child<SessionOrder, SessionAnswer>, hold: boolean): Promise<number> {
    const work = this.#second
      .catch(() => undefined)
      .then(() => child.order({ order: 'camera', feed: SECOND, hold, ...this.#where }, 'done'));
    this.#second = work;
    await work;
    // A camera comes with one viewer of its own.
    return hold ? 0 : this.#done('camera', 2);
  }

  /** A process with open sessions that is killed: nobody says goodbye, and the server has to notice. */
  async #kill(index: number): Promise<number> {
    const child = this.#child();
    try {
      const camera = index % CAMERA_EVERY === CAMERA_EVERY - 1;
      await child.order({ order: 'hold', feed: FEED, viewers: VICTIMS, ...this.#where }, 'done');
      if (camera) await this.#camera(child, true);
      return this.#done('killed', VICTIMS + (camera ? 2 : 0));
    } finally {
      this.#children.delete(child);
      child.process.kill('SIGKILL');
    }
  }

  async #door(child: Child<SessionOrder, SessionAnswer>, index: number): Promise<number> {
    if (index % 2 === 0) {
      await child.order({ order: 'bad', feed: FEED, seed: index, ...this.#where }, 'done');
      return this.#done('bad');
    }
    const how = (['answered', 'half sent', 'unanswered'] as const)[(index >> 1) % 3] ?? 'answered';
    await child.order({ order: 'leave', feed: FEED, how, ...this.#where }, 'done');
    return this.#done('left');
  }
}
