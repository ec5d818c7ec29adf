/** A tick that comes late says that the watcher itself was held up: it counts as no more than this. */
const LONGEST_TICK_MS = 500;

/** How long something may be silent. Pure: it is told how time passes, and late ticks of the watcher are not held against the watched. */
export class Watchdog {
  #limitMs: number;
  #silentMs = 0;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** It gave a sign. */
  heard(): void {
    this.#silentMs = 0;
  }

  /** From now on it may be silent for this long. */
  allow(limitMs: number): void {
    this.#limitMs = limitMs;
    this.#silentMs = 0;
  }

  /** @returns whether it has been silent for longer than it may. */
  passed(ms: number): boolean {
    this.#silentMs += Math.min(ms, LONGEST_TICK_MS);
    return this.#silentMs > this.#limitMs;
  }
}
