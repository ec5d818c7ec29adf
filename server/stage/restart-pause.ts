/** What served this long was well: its successor starts at once. */
const HEALTHY_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/** How long to wait before a process that died is started again: not at all, unless it dies soon after its start again and again. */
export class RestartPause {
  readonly #forgiven: number;
  #quickDeaths = 0;

  /** @param forgiven deaths in a row, each soon after the start, that bring no pause yet. */
  constructor(forgiven: number) {
    this.#forgiven = forgiven;
  }

  /** Whether it has died so often that the next start waits. */
  get distrusted(): boolean {
    return this.#quickDeaths > this.#forgiven;
  }

  /** @returns the pause before the next start, ms: 0, then 100, doubling up to 5000. */
  died(servedMs: number): number {
    this.#quickDeaths = servedMs > HEALTHY_MS ? 0 : this.#quickDeaths + 1;
    if (!this.distrusted) return 0;
    return Math.min(FIRST_PAUSE_MS * 2 ** (this.#quickDeaths - this.#forgiven - 1), LONGEST_PAUSE_MS);
  }
}
