/** Main's side of the keeper: starts it, starts it again when it ends or hangs, and ends it last. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import { fromKeeperProcess, type ToKeeperProcess } from '../keeper/process-messages.ts';
import type { Log } from '../observe/log.ts';

const KEEPER = fileURLToPath(new URL('../keeper/main.ts', import.meta.url));
const DATA_DIR = fileURLToPath(new URL('../../data/', import.meta.url));

/** A keeper that lived this long starts again at once; one that died sooner waits, longer each time. */
const HEALTHY_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
const PING_MS = 1000;
/** A disk may keep a write waiting for seconds; a keeper that says nothing for this long is ended. */
const HUNG_MS = 5000;
const CLOSE_MS = 5000;

export class KeeperProcess {
  /** Where the front listens for the keeper, and the key that the keeper shows. */
  readonly socket: string;
  readonly key = randomBytes(24).toString('base64url');
  readonly #config: Config;
  readonly #log: Log;
  readonly #watch: NodeJS.Timeout;
  #child: ChildProcess | null = null;
  #heardMs = 0;
  #askedMs = 0;
  #pause: NodeJS.Timeout | null = null;
  #closing = false;

  /** Starts it at once: it opens its store while the front starts. */
  constructor(socket: string, config: Config, log: Log) {
    this.socket = socket;
    this.#config = config;
    this.#log = log;
    this.#start(FIRST_PAUSE_MS);
    this.#watch = setInterval(() => this.#look(), PING_MS);
    this.#watch.unref();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Lets it finish what it has been given; kills it when it does not end. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    clearInterval(this.#watch);
    if (this.#pause) clearTimeout(this.#pause);
    const child = this.#child;
    if (!child) return;
    await new Promise<void>((resolve) => {
      const hard = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS);
      child.once('exit', () => {
        clearTimeout(hard);
        resolve();
      });
      this.#tell(child, { type: 'close' });
    });
  }

  #start(pauseMs: number): void {
    const { store, log } = this.#config;
    const began = performance.now();
    const child = spawn(process.execPath, [KEEPER], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child = child;
    this.#heardMs = this.#askedMs = began;
    let over = false;
    const ended = (how: string | number | null): void => {
      if (over) return;
      over = true;
      this.#child = null;
      if (this.#closing) return;
      this.#log.error({ how }, 'The keeper ended: starting it again. Pictures go on; what is to be kept waits for it.');
      const healthy = performance.now() - began > HEALTHY_MS;
      const next = healthy ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      this.#pause = setTimeout(() => this.#start(next), healthy ? 0 : pauseMs);
    };
    child.once('exit', (code, signal) => ended(signal ?? code));
    // Also a message to one that has just died; a process that could not be started at all has no exit.
    child.on('error', (error) => {
      if (child.pid === undefined) ended(error.message);
    });
    child.on('message', (raw) => {
      fromKeeperProcess.parse(raw);
      this.#heardMs = performance.now();
    });
    const { dir, sessionDays } = store;
    const { socket, key } = this;
    this.#tell(child, { type: 'start', dir: dir ?? DATA_DIR, sessionDays, socket, key, log });
  }

  #look(): void {
    const child = this.#child;
    if (!child) return;
    const now = performance.now();
    // Only where this process itself was awake: a laptop that slept, or a debugger, is not a keeper that hangs.
    const awake = now - this.#askedMs < 2 * PING_MS;
    this.#askedMs = now;
    if (!awake) this.#heardMs = now;
    else if (now - this.#heardMs > HUNG_MS) {
      this.#log.error('The keeper has not answered for 5 s, hung or held up by its disk: ending it.');
      this.#heardMs = now;
      child.kill('SIGKILL');
      return;
    }
    this.#tell(child, { type: 'ping' });
  }

  #tell(child: ChildProcess, message: ToKeeperProcess): void {
    if (child.connected) child.send(message, () => undefined);
  }
}
