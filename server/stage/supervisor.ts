/**
 * Main's side of the house: starts the front and the engines, watches them, starts again what dies, and closes everything in order:
 * demo camera, front (viewers say goodbye), engines, keeper. Before that, `drain` lets viewers keep their picture for a while.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import type { Log } from '../observe/log.ts';
import { KeeperProcess } from './keeper-process.ts';
import { type FromFront, fromFront, type ToFront } from './process-messages.ts';

const FRONT = fileURLToPath(new URL('./front.ts', import.meta.url));
const ENGINE = fileURLToPath(new URL('../engine/main.ts', import.meta.url));

/** Networks and codecs run on libuv's pool: one thread each for a feed's detector, landmarks, look and codecs, and some to spare. */
const ENGINE_POOL = '8';
/** A child that lived this long starts again at once; one that died sooner waits, longer each time. */
const HEALTHY_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
const CLOSE_MS = 5000;

export interface ServerOptions {
  config: Config;
  log: Log;
  /** Decode and encode only, no faces: for measuring. */
  passThrough?: boolean;
}

export interface RunningServer {
  url: string;
  apiToken: string;
  links: { page: string; url: string }[];
  /** Process ids by role, for benches and fault tests: front, keeper, engine of each feed. */
  pids(): { front: number | undefined; keeper: number | undefined; engines: Record<string, number | undefined> };
  /**
   * Takes no new sessions. Resolves when the last viewer has gone, at the latest after `server.drainSeconds`; nothing is closed.
   */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the server. Rejects with a sentence when it cannot (a busy port, a missing model). */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const dir = await mkdtemp(join(tmpdir(), 'understudy-'));
  const socket = (name: string): string =>
    process.platform === 'win32'
      ? `\\\\.\\pipe\\understudy-${name}-${randomBytes(8).toString('hex')}`
      : join(dir, name);
  const supervisor = new Supervisor(options, socket);
  try {
    const { url, links } = await supervisor.start();
    return {
      url,
      links,
      apiToken: supervisor.apiToken,
      pids: () => supervisor.pids(),
      drain: () => supervisor.drain(),
      close: async () => {
        await supervisor.close();
        await rm(dir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await supervisor.close();
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

class Supervisor {
  readonly apiToken: string;
  readonly #options: ServerOptions;
  readonly #channel: string;
  readonly #keeper: KeeperProcess | null;
  readonly #engines = new Map<string, ChildProcess>();
  readonly #pauses = new Map<string, NodeJS.Timeout>();
  /** Settles the drain that is under way. */
  #drained: () => void = () => undefined;
  #front: ChildProcess | null = null;
  #closing = false;

  /** @param socket where a local socket of this name lies. */
  constructor(options: ServerOptions, socket: (name: string) => string) {
    this.#options = options;
    this.#channel = socket('channel');
    this.#keeper = options.config.store.keep ? new KeeperProcess(socket('keeper'), options.config, options.log) : null;
    this.apiToken = options.config.auth.token ?? randomBytes(24).toString('base64url');
  }

  pids(): ReturnType<RunningServer['pids']> {
    return {
      front: this.#front?.pid,
      keeper: this.#keeper?.pid,
      engines: Object.fromEntries([...this.#engines].map(([feed, child]) => [feed, child.pid])),
    };
  }

  start(): Promise<{ url: string; links: { page: string; url: string }[] }> {
    return new Promise((resolve, reject) => {
      const front = spawn(process.execPath, [FRONT], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      this.#front = front;
      let listening = false;
      // Also later: a message to a front that has just died ends here and not the whole server.
      front.on('error', (error) => {
        if (front.pid === undefined && this.#front === front) this.#front = null;
        reject(error);
      });
      front.once('exit', (code, signal) => {
        if (this.#front === front) this.#front = null;
        this.#drained();
        reject(new Error(`The front process ended while starting (${signal ?? code}): the lines above say why.`));
        // One that ended while starting is told by the rejection: who started it tries again.
        if (listening && !this.#closing) void this.#frontLost(signal ?? String(code));
      });
      front.on('message', (raw) => {
        const message: FromFront = fromFront.parse(raw);
        if (message.type === 'listening') {
          listening = true;
          resolve(message);
        } else if (message.type === 'drained') this.#drained();
        else if (message.type === 'refused') reject(new Error(message.sentence));
        else this.#startEngine(message.feed, message.key, FIRST_PAUSE_MS);
      });
      const start: ToFront = {
        type: 'start',
        config: this.#options.config,
        channel: this.#channel,
        apiToken: this.apiToken,
        passThrough: this.#options.passThrough ?? false,
        keeper: this.#keeper && { socket: this.#keeper.socket, key: this.#keeper.key },
      };
      front.send(start);
    });
  }

  async drain(): Promise<void> {
    const { drainSeconds } = this.#options.config.server;
    if (!this.#front || this.#closing || drainSeconds === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = resolve;
    this.#front.send({ type: 'drain', seconds: drainSeconds } satisfies ToFront);
    const late = setTimeout(resolve, drainSeconds * 1000);
    await promise;
    clearTimeout(late);
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#drained();
    for (const pause of this.#pauses.values()) clearTimeout(pause);
    if (this.#front) await ended(this.#front, () => this.#front?.send({ type: 'close' } satisfies ToFront));
    await Promise.all([...this.#engines.values()].map((engine) => ended(engine, () => engine.kill('SIGTERM'))));
    await this.#keeper?.close();
  }

  /** Its socket went with it: engines have ended too. A new front on the same port takes over. */
  async #frontLost(how: string): Promise<void> {
    this.#options.log.error({ how }, 'The front process ended: starting it again.');
    // The new front gives its engines other keys.
    for (const pause of this.#pauses.values()) clearTimeout(pause);
    await Promise.all([...this.#engines.values()].map((engine) => ended(engine, () => engine.kill('SIGTERM'))));
    while (!this.#closing) {
      try {
        await this.start();
        return;
      } catch (error) {
        this.#options.log.error(error instanceof Error ? error.message : String(error));
        const refused = this.#front;
        if (refused) await ended(refused, () => refused.kill('SIGTERM'));
        await new Promise((resolve) => setTimeout(resolve, LONGEST_PAUSE_MS));
      }
    }
  }

  #startEngine(feed: string, key: string, pauseMs: number): void {
    if (this.#closing) return;
    const began = performance.now();
    const engine = spawn(process.execPath, [ENGINE], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        UNDERSTUDY_CHANNEL: this.#channel,
        UNDERSTUDY_FEED: feed,
        UNDERSTUDY_KEY: key,
        UV_THREADPOOL_SIZE: ENGINE_POOL,
        ORT_DISABLE_TELEMETRY: '1',
      },
    });
    this.#engines.set(feed, engine);
    const over = (how: string | number | null): void => {
      if (this.#engines.get(feed) === engine) this.#engines.delete(feed);
      if (this.#closing || !this.#front) return;
      const healthy = performance.now() - began > HEALTHY_MS;
      const wait = healthy ? 0 : pauseMs;
      this.#options.log.error({ feed, how }, 'An engine ended: starting it again.');
      const next = healthy ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      this.#pauses.set(
        feed,
        setTimeout(() => this.#startEngine(feed, key, next), wait),
      );
    };
    engine.once('exit', (code, signal) => over(signal ?? code));
    // A process that could not be started at all (no memory, no file handles) has no exit.
    engine.on('error', (error) => {
      if (engine.pid === undefined) over(error.message);
    });
  }
}

/** Asks a child to end and waits; kills it when it does not. */
async function ended(child: ChildProcess, ask: () => unknown): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const hard = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS);
    child.once('exit', () => {
      clearTimeout(hard);
      resolve();
    });
    ask();
  });
}
