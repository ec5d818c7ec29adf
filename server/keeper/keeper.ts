/**
 * The keeper's work: opens the store, tries again while it cannot be opened or written, and serves whichever front is connected. Owns
 * the store and the connection.
 */
import { connect, type Socket } from 'node:net';
import { Link } from '../channel/link.ts';
import type { Log } from '../observe/log.ts';
import { type FromKeeper, fromKeeper, type KeptRecord, type ToKeeper, toKeeper } from './messages.ts';
import { Store, type StoreOptions } from './store.ts';
import { StoreError } from './store-error.ts';

const CONNECT_AGAIN_MS = 100;
const RETRY_MS = 1000;
const FORGET_MS = 6 * 3600e3;

export interface KeeperOptions extends StoreOptions {
  /** Where the front listens, and what proves to it that this is its keeper. */
  socket: string;
  key: string;
  log: Log;
}

type FrontLink = Link<FromKeeper, ToKeeper>;

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #forget: NodeJS.Timeout;
  /** What is done with the store, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #store: Store | null = null;
  #link: FrontLink | null = null;
  #run: string | null = null;
  #trouble: string | null = null;
  #closed = false;
  /** Ends a pause between two tries. */
  #hurry: () => void = () => undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#queue(() => this.#open());
    this.#connect();
    this.#forget = setInterval(() => this.#queue(async () => this.#store?.forgetOld()), FORGET_MS);
  }

  /** Finishes what has come, then closes the store. A store that still refuses is not waited for. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#hurry();
    clearInterval(this.#forget);
    await this.#work;
    this.#link?.close();
    await this.#store?.close();
    this.#store = null;
  }

  #queue(job: () => Promise<void>): void {
    this.#work = this.#work.then(job).catch((error: unknown) => {
      this.#options.log.error(error instanceof Error ? error.message : String(error));
    });
  }

  #connect(): void {
    if (this.#closed) return;
    const socket: Socket = connect(this.#options.socket);
    let known = false;
    const link: FrontLink = new Link<FromKeeper, ToKeeper>(socket, (message) => toKeeper.parse(message), {
      frame: () => undefined,
      message: (message) => {
        known = true;
        this.#queue(() => this.#heard(link, message));
      },
      closed: (reason) => {
        if (this.#link === link) this.#link = null;
        if (reason && known) this.#options.log.warn(`The channel between keeper and front broke: ${reason}`);
        if (!this.#closed) setTimeout(() => this.#connect(), CONNECT_AGAIN_MS);
      },
    });
    socket.once('connect', () => {
      this.#link = link;
      link.send({ type: 'hello', key: this.#options.key });
    });
  }

  async #heard(link: FrontLink, message: ToKeeper): Promise<void> {
    if (link.closed) return;
    if (message.type === 'run') {
      this.#run = message.run;
      if (this.#trouble) this.#tell({ type: 'trouble', sentence: this.#trouble });
      if (this.#store) await this.#ready(this.#store, message.run);
    } else if (message.type === 'records') await this.#keep(link, message.records);
    else await this.#answer(link, message);
  }

  async #open(): Promise<void> {
    const store = await this.#tryUntilDone(() => Store.open(this.#options));
    if (!store) return;
    this.#store = store;
    this.#options.log.debug({ file: store.file }, 'The store is open.');
    if (store.copy) this.#options.log.info(`The store was upgraded; as it was before, it lies at ${store.copy}.`);
    if (this.#run !== null) await this.#ready(store, this.#run);
  }

  async #ready(store: Store, run: string): Promise<void> {
    await this.#tryUntilDone(async () => {
      await store.beginRun(run);
      this.#tell({ type: 'ready', settings: await store.settings(), castings: await store.castings() });
    });
  }

  async #keep(link: FrontLink, records: readonly { n: number; record: KeptRecord }[]): Promise<void> {
    const [store, run, last] = [this.#store, this.#run, records.at(-1)];
    if (!store || run === null || !last) return;
    const all = records.map(({ record }) => record);
    const skipped = await this.#tryUntilDone(() => store.keep(run, all));
    if (skipped !== null) link.send({ type: 'stored', upTo: last.n, skipped });
  }

  async #answer(link: FrontLink, { ask, feed, limit }: Extract<ToKeeper, { type: 'sessions' }>): Promise<void> {
    const sessions = await this.#store?.sessions(feed, limit).catch((error: unknown) => {
      this.#options.log.warn(error instanceof Error ? error.message : String(error));
      return null;
    });
    link.send({ type: 'sessions', ask, sessions: sessions ?? null });
  }

  /** Says a trouble once and tries again until the work is done; null when the keeper was closed meanwhile. */
  async #tryUntilDone<T>(work: () => Promise<T>): Promise<T | null> {
    for (;;) {
      try {
        const done = await work();
        if (this.#trouble) this.#options.log.info('The store can be used again.');
        this.#trouble = null;
        return done;
      } catch (error) {
        this.#say(error);
      }
      if (this.#closed) return null;
      await new Promise<void>((resolve) => {
        const pause = setTimeout(resolve, RETRY_MS);
        this.#hurry = () => {
          clearTimeout(pause);
          resolve();
        };
      });
    }
  }

  #say(error: unknown): void {
    const sentence =
      error instanceof StoreError
        ? error.message
        : `The store failed: ${error instanceof Error ? error.message : String(error)}.`;
    // The front writes it to the log; without a front nobody else would.
    if (sentence !== this.#trouble && !this.#link) this.#options.log.error(sentence);
    this.#trouble = sentence;
    this.#tell({ type: 'trouble', sentence });
  }

  #tell(message: FromKeeper): void {
    this.#link?.send(fromKeeper.parse(message));
  }
}
