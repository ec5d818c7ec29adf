/**
 * Main's side of the house: starts the front and the engines, watches them, starts again what dies, and closes everything in order:
 * demo camera, front (viewers say goodbye), engines, keeper. Before that, `drain` lets viewers keep their picture for a while.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import { type Reload, reloadConfig, reloadSentence } from '../config/reload.ts';
import { secret } from '../http/tokens.ts';
import { type Place, placesHere } from '../inference/placement.ts';
import type { Log } from '../observe/log.ts';
import { EngineProcesses, ended } from './engine-processes.ts';
import { KeeperProcess } from './keeper-process.ts';
import { checkLooks } from './looks.ts';
import { type FromFront, fromFront, type ToFront } from './process-messages.ts';
import { RestartPause } from './restart-pause.ts';
import { Watchdog } from './watchdog.ts';
import { YOUNG_ROOM } from './young-room.ts';

const FRONT = fileURLToPath(new URL('./front.ts', import.meta.url));
/** Between two attempts at a front that cannot start: its port is taken, a file is missing. */
const REFUSED_PAUSE_MS = 5000;
/** Fronts that may die soon after they listened, one after the other, before the next waits. */
const FRONTS_FORGIVEN = 1;
const PING_MS = 500;
/** A front whose loop stands still for this long is hung: its viewers have no picture anyway. */
const HUNG_MS = 3000;
/** Before it listens it loads its modules, on a machine that may be busy. */
const STARTING_MS = 60_000;

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
  /** Process ids by role, for benches and fault tests: front, keeper, engine of each feed, spare engine. */
  pids(): {
    front: number | undefined;
    keeper: number | undefined;
    engines: Record<string, number | undefined>;
    spare: number | undefined;
  };
  /**
   * Takes no new sessions. Resolves when the last viewer has gone, at the latest after `server.drainSeconds`; nothing is closed.
   */
  drain(): Promise<void>;
  /**
   * Takes a configuration that was read again: what can change while it runs does, with every picture and connection kept; the log
   * says what, and what needs a restart. Throws `ConfigError`, and changes nothing, where it cannot be used.
   */
  reload(next: Config): Reload;
  close(): Promise<void>;
}

/** Starts the server. Rejects with a sentence when it cannot (a busy port, a missing model). */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  checkLooks(options.config);
  const { device, providers } = options.config.inference;
  const places = await placesHere(device, providers);
  const dir = await mkdtemp(join(tmpdir(), 'understudy-'));
  const socket = (name: string): string =>
    process.platform === 'win32'
      ? `\\\\.\\pipe\\understudy-${name}-${randomBytes(8).toString('hex')}`
      : join(dir, name);
  // Compiled code for whoever is started again: loading it takes half the processor time of compiling it.
  const env = { NODE_COMPILE_CACHE: join(dir, 'code'), ...process.env };
  const supervisor = new Supervisor(options, places, env, socket);
  try {
    const { url, links } = await supervisor.start();
    return {
      url,
      links,
      apiToken: supervisor.apiToken,
      pids: () => supervisor.pids(),
      drain: () => supervisor.drain(),
      reload: (next) => supervisor.reload(next),
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
  #config: Config;
  readonly #places: readonly Place[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #channel: string;
  readonly #keeper: KeeperProcess | null;
  readonly #engines: EngineProcesses;
  /** Settles the drain that is under way. */
  #drained: () => void = () => undefined;
  #front: ChildProcess | null = null;
  #closing = false;
  readonly #frontRestarts = new RestartPause(FRONTS_FORGIVEN);
  /** Ends the pause before the next front. */
  #pauseOver: () => void = () => undefined;

  /**
   * @param places the GPUs that engines are placed on.
   * @param env of front and engines.
   * @param socket where a local socket of this name lies.
   */
  constructor(
    options: ServerOptions,
    places: readonly Place[],
    env: NodeJS.ProcessEnv,
    socket: (name: string) => string,
  ) {
    this.#options = options;
    this.#places = places;
    this.#config = options.config;
    this.#env = env;
    this.#channel = socket('channel');
    this.#keeper = options.config.store.keep ? new KeeperProcess(socket('keeper'), options.config, options.log) : null;
    this.#engines = new EngineProcesses({
      channel: this.#channel,
      env,
      log: options.log,
      ended: (key) => this.#tell({ type: 'engineEnded', key }),
    });
    this.apiToken = options.config.auth.token ?? secret();
  }

  pids(): ReturnType<RunningServer['pids']> {
    return { front: this.#front?.pid, keeper: this.#keeper?.pid, ...this.#engines.pids() };
  }

  start(): Promise<{ url: string; links: { page: string; url: string }[] }> {
    return new Promise((resolve, reject) => {
      const stdio: StdioOptions = ['ignore', 'inherit', 'inherit', 'ipc'];
      const front = spawn(process.execPath, [...YOUNG_ROOM, FRONT], { stdio, env: this.#env });
      this.#front = front;
      const watchdog = new Watchdog(STARTING_MS);
      const watching = this.#watch(front, watchdog);
      let listeningSinceMs: number | null = null;
      // Also later: a message to a front that has just died ends here and not the whole server.
      front.on('error', (error) => {
        if (front.pid === undefined && this.#front === front) this.#front = null;
        if (front.pid === undefined) clearInterval(watching);
        reject(error);
      });
      front.once('exit', (code, signal) => {
        clearInterval(watching);
        if (this.#front === front) this.#front = null;
        this.#drained();
        reject(new Error(`The front process ended while starting (${signal ?? code}): the lines above say why.`));
        // One that ended while starting is told by the rejection: who started it tries again.
        if (listeningSinceMs !== null && !this.#closing) {
          void this.#frontLost(signal ?? String(code), performance.now() - listeningSinceMs);
        }
      });
      front.on('message', (raw) => {
        // What a front had still said when it died is of the past.
        if (this.#front !== front) return;
        const message: FromFront = fromFront.parse(raw);
        watchdog.heard();
        if (message.type === 'listening') {
          listeningSinceMs = performance.now();
          watchdog.allow(HUNG_MS);
          resolve(message);
        } else if (message.type === 'refused') reject(new Error(message.sentence));
        else this.#heard(message);
      });
      this.#tell({
        type: 'start',
        config: this.#config,
        channel: this.#channel,
        apiToken: this.apiToken,
        passThrough: this.#options.passThrough ?? false,
        places: [...this.#places],
        keeper: this.#keeper && { socket: this.#keeper.socket, key: this.#keeper.key },
      });
    });
  }

  async drain(): Promise<void> {
    const { drainSeconds } = this.#config.server;
    if (!this.#front || this.#closing || drainSeconds === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = resolve;
    this.#tell({ type: 'drain', seconds: drainSeconds });
    const late = setTimeout(resolve, drainSeconds * 1000);
    await promise;
    clearTimeout(late);
  }

  reload(next: Config): Reload {
    const { log } = this.#options;
    checkLooks(next);
    const reload = reloadConfig(this.#config, next);
    this.#config = reload.config;
    const told = log.isLevelEnabled('info');
    if (told) log.info(reloadSentence(reload));
    log.level = reload.config.log.level;
    // Quiet until now, and no longer.
    if (!told) log.info(reloadSentence(reload));
    this.#tell({ type: 'config', config: reload.config });
    return reload;
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#drained();
    this.#pauseOver();
    if (this.#front) await ended(this.#front, () => this.#tell({ type: 'close' }));
    await this.#engines.close();
    await this.#keeper?.close();
  }

  /** Its socket went with it: engines are of no more use. A new front on the same port takes over. */
  async #frontLost(how: string, servedMs: number): Promise<void> {
    this.#options.log.error({ how }, 'The front process ended: starting it again.');
    // The new front need not wait for them: its engines have other keys.
    this.#engines.drop();
    await this.#pause(this.#frontRestarts.died(servedMs));
    while (!this.#closing) {
      try {
        await this.start();
        return;
      } catch (error) {
        this.#options.log.error(error instanceof Error ? error.message : String(error));
        const refused = this.#front;
        if (refused) await ended(refused, () => refused.kill('SIGTERM'));
        await this.#pause(REFUSED_PAUSE_MS);
      }
    }
  }

  /** Settles after a while, or at once when everything closes. */
  async #pause(ms: number): Promise<void> {
    if (this.#closing || ms === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pauseOver = resolve;
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
  }

  /** Asks the front for a sign of life, and kills it when it gives none: its exit starts another. */
  #watch(front: ChildProcess, watchdog: Watchdog): NodeJS.Timeout {
    let tickedMs = performance.now();
    const timer = setInterval(() => {
      const nowMs = performance.now();
      const hung = watchdog.passed(nowMs - tickedMs);
      tickedMs = nowMs;
      if (!hung) {
        if (front.connected) front.send({ type: 'ping' } satisfies ToFront);
        return;
      }
      clearInterval(timer);
      this.#options.log.error('The front process did not answer any more: it is ended and started again.');
      front.kill('SIGKILL');
    }, PING_MS);
    return timer;
  }

  #tell(message: ToFront): void {
    if (this.#front?.connected) this.#front.send(message);
  }

  #heard(message: FromFront): void {
    if (message.type === 'drained') this.#drained();
    else if (message.type === 'startEngine') {
      if (!this.#closing) this.#engines.start(message.key, message.feed);
    } else if (message.type === 'engineServes') this.#engines.serves(message.key, message.feed);
    else if (message.type === 'endEngine') this.#engines.end(message.key, message.atOnce);
  }
}
