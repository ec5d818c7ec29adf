import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Log } from '../observe/log.ts';
import { YOUNG_ROOM } from './young-room.ts';

const ENGINE = fileURLToPath(new URL('../engine/main.ts', import.meta.url));
/** Networks and codecs run on libuv's pool: one thread each for a feed's detector, landmarks, look and codecs, and some to spare. */
const ENGINE_POOL = '8';
const CLOSE_MS = 5000;

export interface EngineProcessOptions {
  /** Where engines connect to the front. */
  channel: string;
  /** What a process's environment holds beside its own. */
  env: NodeJS.ProcessEnv;
  log: Log;
  /** Called once for each process, however it ended. */
  ended(key: string): void;
}

/**
 * Main's engine processes: spawns them, and says when they end. Which engine serves which feed, and when another is started, is the
 * front's decision alone (engine-pool.ts): two deciders would now and then start two engines for one feed.
 */
export class EngineProcesses {
  readonly #options: EngineProcessOptions;
  readonly #children = new Map<string, { child: ChildProcess; feed: string | null; wanted: boolean }>();

  constructor(options: EngineProcessOptions) {
    this.#options = options;
  }

  /** Process ids of the feeds' engines, and of the spare. */
  pids(): { engines: Record<string, number | undefined>; spare: number | undefined } {
    const wanted = [...this.#children.values()].filter((one) => one.wanted);
    return {
      engines: Object.fromEntries(wanted.flatMap(({ feed, child }) => (feed === null ? [] : [[feed, child.pid]]))),
      spare: wanted.find(({ feed }) => feed === null)?.child.pid,
    };
  }

  /** @param feed null for the spare. */
  start(key: string, feed: string | null): void {
    const child = spawn(process.execPath, [...YOUNG_ROOM, ENGINE], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...this.#options.env,
        UNDERSTUDY_CHANNEL: this.#options.channel,
        UNDERSTUDY_KEY: key,
        UV_THREADPOOL_SIZE: ENGINE_POOL,
        ORT_DISABLE_TELEMETRY: '1',
      },
    });
    const entry = { child, feed, wanted: true };
    this.#children.set(key, entry);
    const over = (how: string | number | null): void => {
      if (!this.#children.delete(key)) return;
      if (entry.wanted) this.#options.log.error({ feed: entry.feed ?? 'spare', how }, 'An engine ended.');
      this.#options.ended(key);
    };
    child.once('exit', (code, signal) => over(signal ?? code));
    // A process that could not be started at all (no memory, no file handles) has no exit.
    child.on('error', (error) => {
      if (child.pid === undefined) over(error.message);
    });
  }

  serves(key: string, feed: string): void {
    const entry = this.#children.get(key);
    if (entry) entry.feed = feed;
  }

  /** Kills it, `atOnce` or when it has not ended by itself: a hung process answers to nothing else. */
  end(key: string, atOnce: boolean): void {
    const entry = this.#children.get(key);
    if (!entry) return;
    // Not a loss to be told again: who asked for this knows why.
    entry.wanted = false;
    if (atOnce) entry.child.kill('SIGKILL');
    else void ended(entry.child, () => undefined);
  }

  /** Kills all that run now: their front is gone, and the next one has others. */
  drop(): void {
    for (const key of [...this.#children.keys()]) this.end(key, true);
  }

  /** Waits until all have ended, which they do when the front's end of the channel closes; kills what does not. */
  async close(): Promise<void> {
    const all = [...this.#children.values()];
    for (const entry of all) entry.wanted = false;
    await Promise.all(all.map(({ child }) => ended(child, () => child.kill('SIGTERM'))));
  }
}

/** Asks a child to end and waits; kills it when it does not. */
export async function ended(child: ChildProcess, ask: () => unknown): Promise<void> {
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
