/** Main's side of the keeper: starts it, starts it again when it ends or hangs, and ends it last. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import { fromKeeperProcess, type ToKeeperProcess } from '../keeper/process-messages.ts';
import type { Log } from '../observe/log.ts';
import { ended } from './engine-processes.ts';
import { Watchdog } from './watchdog.ts';

const KEEPER = fileURLToPath(new URL('../keeper/main.ts', import.meta.url));
const DATA_DIR = fileURLToPath(new URL('../../data/', import.meta.url));

/** A keeper that lived this long starts again at once; one that died sooner waits, longer each time. */
const HEALTHY_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
const PING_MS = 500;
/** A disk may keep a write waiting for seconds; a keeper that says nothing for this long is ended. */
const HUNG_MS = 5000;

export class KeeperProcess {
  /** Where the front listens for the keeper, and the key that the keeper shows. */
  readonly socket: string;
  readonly key = randomBytes(24).toString('base64url');
  readonly #config: Config;
  readonly #log: Log;
  readonly #watch: NodeJS.Timeout;
  #child: ChildProcess | null = null;
  #watchdog = new Watchdog(HUNG_MS);
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
    await ended(child, () => this.#tell(child, { type: 'close' }));
  }

  #start(pauseMs: number): void {
    const { store, log } = this.#config;
    const began = performance.now();
    const child = spawn(process.execPath, [KEEPER], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child = child;
    this.#askedMs = began;
    const watchdog = new Watchdog(HUNG_MS);
    this.#watchdog = watchdog;
    let gone = false;
    const over = (how: string | number | null): void => {
      if (gone) return;
      gone = true;
      this.#child = null;
      if (this.#closing) return;
      this.#log.error({ how }, 'The keeper ended: starting it again. Pictures go on; what is to be kept waits for it.');
      const healthy = performance.now() - began > HEALTHY_MS;
      const next = healthy ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      this.#pause = setTimeout(() => this.#start(next), healthy ? 0 : pauseMs);
    };
    child.once('exit', (code, signal) => over(signal ?? code));
    // Also a message to one that has just died; a process that could not be started at all has no exit.
    child.on('error', (error) => {
      if (child.pid === undefined) over(error.message);
    });
    child.on('message', (raw) => {
      fromKeeperProcess.parse(raw);
      watchdog.heard();
    });
    const { dir, sessionDays } = store;
    const { socket, key } = this;
    this.#tell(child, { type: 'start', dir: dir ?? DATA_DIR, sessionDays, socket, key, log });
  }

  #look(): void {
    const child = this.#child;
    if (!child) return;
    const now = performance.now();
    const hung = this.#watchdog.passed(now - this.#askedMs);
    this.#askedMs = now;
    if (hung) {
      this.#log.error(
        'The keeper has not answered for 5 s, hung or held up by its disk: it is ended and started again.',
      );
      this.#watchdog.allow(HUNG_MS);
      child.kill('SIGKILL');
      return;
    }
    this.#tell(child, { type: 'ping' });
  }

  #tell(child: ChildProcess, message: ToKeeperProcess): void {
    if (child.connected) child.send(message, () => undefined);
  }
}
