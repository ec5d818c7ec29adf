import type { Provider } from './providers.ts';

/** A tick that comes late says that this thread was held up: it counts as no more than this, and than half the limit. */
const LONGEST_TICK_MS = 50;
/** How long an abandoned run may take to return before it is said to hang. */
const GRACE_MS = 60;
/** A processor has no driver to hang in, and may have to be shared: its runs may take so many times as long, and this long to return. */
const CPU_TIMES = 4;
const CPU_GRACE_MS = 1000;

/** How often the clock of runs with a limit ticks. */
export const tickMs = (limitMs: number): number => Math.max(5, Math.min(10, limitMs / 4));

/** How long a run takes. Pure: it is told how time passes, and late ticks of the watcher are not held against the watched. */
export class RunWatch {
  readonly #limitMs: number;
  readonly #graceMs: number;
  readonly #longestTickMs: number;
  #ms: number | null = null;
  #told: 'late' | 'stuck' | null = null;

  /** @param limitMs of a run on a GPU. */
  constructor(limitMs: number, provider: Provider) {
    const cpu = provider === 'cpu';
    this.#limitMs = cpu ? limitMs * CPU_TIMES : limitMs;
    this.#graceMs = cpu ? CPU_GRACE_MS : GRACE_MS;
    this.#longestTickMs = Math.min(LONGEST_TICK_MS, limitMs / 2);
  }

  get running(): boolean {
    return this.#ms !== null;
  }

  begin(): void {
    this.#ms = 0;
    this.#told = null;
  }

  /** @returns whether it had been abandoned. */
  end(): boolean {
    this.#ms = null;
    return this.#told !== null;
  }

  /** @returns once each: `late` when the run is to be abandoned, `stuck` when it did not return then either. */
  passed(ms: number): 'late' | 'stuck' | null {
    if (this.#ms === null) return null;
    this.#ms += Math.min(ms, this.#longestTickMs);
    const now = this.#ms > this.#limitMs + this.#graceMs ? 'stuck' : this.#ms > this.#limitMs ? 'late' : null;
    if (now === null || now === this.#told || this.#told === 'stuck') return null;
    // Late comes first, even where a tick passes both.
    this.#told = this.#told === null ? 'late' : 'stuck';
    return this.#told;
  }
}
