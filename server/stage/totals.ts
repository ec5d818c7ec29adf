/** Counts that begin anew with each session or process, told as totals that never fall. */
export class Totals<K extends string> {
  readonly #keys: readonly K[];
  readonly #ended = new Map<K, number>();

  constructor(keys: readonly K[]) {
    this.#keys = keys;
  }

  /** A source has ended with these counts: they stay. */
  end(last: Readonly<Record<K, number>>): void {
    for (const key of this.#keys) this.#ended.set(key, (this.#ended.get(key) ?? 0) + last[key]);
  }

  /** What has ended and what these sources, which are still counting, have so far. */
  sum(counting: Iterable<Readonly<Record<K, number>>>): Record<K, number> {
    const sources = [...counting];
    const total = (key: K): number => sources.reduce((sum, source) => sum + source[key], this.#ended.get(key) ?? 0);
    return Object.fromEntries(this.#keys.map((key) => [key, total(key)])) as Record<K, number>;
  }
}
