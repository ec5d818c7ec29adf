/**
 * The front's end of the keeper: takes what is to be kept at once and without ever waiting, and hands it over when there is a keeper
 * with an open store. It owns the listening socket, the link and a timer.
 */
import { randomUUID, timingSafeEqual } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { Link } from '../channel/link.ts';
import { Problem } from '../config/problem.ts';
import type { StoreApi, StoreState } from '../http/store-api.ts';
import {
  type FromKeeper,
  fromKeeper,
  type KeptRecord,
  type StoredCasting,
  type StoredSetting,
  type ToKeeper,
} from '../keeper/messages.ts';
import type { Reports } from '../observe/reports.ts';
import type { SessionRecord } from '../wire/sessions.ts';
import { KeeperQueue } from './keeper-queue.ts';

const HELLO_MS = 5000;
const LOOK_MS = 1000;
/** Records that wait longer than this are worth a word. */
const LATE_MS = 2000;
const ANSWER_MS = 2000;
const MAX_ASKS = 16;

type Linked = Link<ToKeeper, FromKeeper>;

export interface KeeperLinkOptions {
  socket: string;
  key: string;
  reports: Pick<Reports, 'warn' | 'error'>;
  /** The store is open (again); this is what operators have set, and who is cast, as it lies there. */
  learn(stored: { settings: readonly StoredSetting[]; castings: readonly StoredCasting[] }): void;
}

export class KeeperLink implements StoreApi {
  /** This run of the front. */
  readonly #run = randomUUID();
  readonly #options: KeeperLinkOptions;
  readonly #server: Server;
  readonly #queue = new KeeperQueue();
  readonly #strangers = new Set<Socket>();
  readonly #asks = new Map<number, (sessions: SessionRecord[] | null) => void>();
  readonly #look: NodeJS.Timeout;
  /** Called whenever something has become known of the store. */
  readonly #waiters = new Set<() => void>();
  #link: Linked | null = null;
  #ready = false;
  #trouble: string | null = null;
  #stored = 0;
  #lostTold = 0;
  #sessions = 0;
  #ask = 0;

  private constructor(server: Server, options: KeeperLinkOptions) {
    this.#server = server;
    this.#options = options;
    server.on('connection', (socket) => this.#accept(socket));
    this.#look = setInterval(() => this.#check(), LOOK_MS);
    this.#look.unref();
  }

  static async listen(options: KeeperLinkOptions): Promise<KeeperLink> {
    // A front that was killed leaves its socket behind.
    if (process.platform !== 'win32') await rm(options.socket, { force: true });
    const server = createServer();
    const link = new KeeperLink(server, options);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.socket, () => resolve());
    });
    return link;
  }

  /** Keeps a record when it can be kept. Never waits. */
  keep(record: KeptRecord): void {
    this.#queue.add(record, performance.now());
    this.#send();
  }

  /** A session has begun; what it answers is called once, at its end. */
  session(began: Omit<Extract<KeptRecord, { type: 'began' }>, 'type' | 'id' | 'atMs'>) {
    const id = `${this.#run}-${++this.#sessions}`;
    this.keep({ type: 'began', id, ...began, atMs: Date.now() });
    return (why: string, counters: Record<string, number>): void =>
      this.keep({ type: 'ended', id, why: why.slice(0, 200), counters, atMs: Date.now() });
  }

  state(): StoreState {
    if (this.#trouble) return 'failing';
    if (!this.#ready) return 'absent';
    return this.#lateMs() > LATE_MS ? 'waiting' : 'ok';
  }

  counts(): { stored: number; waiting: number; lost: number } {
    return { stored: this.#stored, waiting: this.#queue.size, lost: this.#queue.lost };
  }

  async sessions(feed: string | null, limit: number): Promise<SessionRecord[]> {
    if (!this.#link || !this.#ready || this.state() === 'failing') throw new Problem('store_down');
    if (this.#asks.size >= MAX_ASKS) throw new Problem('store_down', 'Too many are asking at once.');
    const ask = ++this.#ask;
    this.#link.send({ type: 'sessions', ask, feed, limit });
    const answer = await new Promise<SessionRecord[] | null>((resolve) => {
      const late = setTimeout(() => resolve(null), ANSWER_MS);
      this.#asks.set(ask, (sessions) => {
        clearTimeout(late);
        resolve(sessions);
      });
    });
    this.#asks.delete(ask);
    if (!answer) throw new Problem('store_down');
    return answer;
  }

  /** Resolves true when the store is open, false when it says that it cannot be, or says nothing within `withinMs`. */
  async opened(withinMs: number): Promise<boolean> {
    await this.#until(() => this.#ready || this.#trouble !== null, withinMs);
    return this.#ready;
  }

  /** Resolves when everything is on the disk; at the latest after `withinMs`. Answers how many records are not. */
  async flush(withinMs: number): Promise<number> {
    await this.#until(() => this.#queue.size === 0 || this.#trouble !== null, withinMs);
    return this.#queue.size;
  }

  close(): void {
    clearInterval(this.#look);
    this.#link?.close();
    for (const socket of this.#strangers) socket.destroy();
    this.#server.close();
    for (const answered of [...this.#asks.values()]) answered(null);
  }

  #until(wanted: () => boolean, withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(late);
        this.#waiters.delete(look);
        resolve();
      };
      const look = (): void => {
        if (wanted()) done();
      };
      const late = setTimeout(done, withinMs);
      this.#waiters.add(look);
      look();
    });
  }

  #accept(socket: Socket): void {
    this.#strangers.add(socket);
    const timer = setTimeout(() => socket.destroy(), HELLO_MS);
    let claimed = false;
    const link: Linked = new Link<ToKeeper, FromKeeper>(socket, (message) => fromKeeper.parse(message), {
      frame: () => link.close(),
      message: (message) => {
        if (claimed) {
          if (this.#link === link) this.#heard(message);
          return;
        }
        clearTimeout(timer);
        claimed = message.type === 'hello' && this.#isKey(message.key);
        if (!claimed) {
          link.close();
          return;
        }
        this.#strangers.delete(socket);
        this.#link?.close();
        this.#link = link;
        link.send({ type: 'run', run: this.#run });
      },
      closed: (reason) => {
        clearTimeout(timer);
        this.#strangers.delete(socket);
        if (this.#link === link) this.#gone(reason);
      },
    });
  }

  #isKey(given: string): boolean {
    const [a, b] = [Buffer.from(given), Buffer.from(this.#options.key)];
    return a.length === b.length && timingSafeEqual(a, b);
  }

  #heard(message: FromKeeper): void {
    if (message.type === 'ready') {
      this.#ready = true;
      this.#trouble = null;
      this.#queue.again();
      this.#options.learn(message);
      this.#send();
    } else if (message.type === 'stored') {
      this.#trouble = null;
      this.#stored += this.#queue.stored(message.upTo, message.skipped);
      this.#send();
    } else if (message.type === 'trouble') {
      // It comes again with each try.
      if (message.sentence !== this.#trouble) this.#options.reports.error('store', message.sentence);
      this.#trouble = message.sentence;
    } else if (message.type === 'sessions') this.#asks.get(message.ask)?.(message.sessions);
    for (const look of [...this.#waiters]) look();
  }

  #gone(reason: string | null): void {
    this.#link = null;
    this.#ready = false;
    this.#trouble = null;
    this.#queue.again();
    for (const answered of [...this.#asks.values()]) answered(null);
    if (reason) this.#options.reports.warn('keeper', `The keeper's channel broke: ${reason}`);
  }

  #send(): void {
    if (!this.#link || !this.#ready) return;
    const records = this.#queue.next();
    if (records.length > 0)
      this.#link.send({ type: 'records', records: records.map(({ n, record }) => ({ n, record })) });
  }

  #lateMs(): number {
    const oldest = this.#queue.oldestMs;
    return oldest === null ? 0 : performance.now() - oldest;
  }

  #check(): void {
    const { warn, error } = this.#options.reports;
    const waiting = this.#queue.size;
    if (!this.#trouble && this.#lateMs() > LATE_MS)
      warn('store late', 'The store has not written for 2 s: pictures go on, records wait.', { waiting });
    if (this.#queue.lost === this.#lostTold) return;
    const lost = this.#queue.lost - this.#lostTold;
    this.#lostTold = this.#queue.lost;
    error('store lost', 'Records could not be kept and are lost.', { lost });
  }
}
