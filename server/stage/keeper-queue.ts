import type { KeptRecord } from '../keeper/messages.ts';

/** Records that wait while the keeper is away: some megabytes, and hours of sessions. */
const MAX_WAITING = 10_000;
/** Records on the way at once: a keeper that does not read fills no memory. */
const BATCH = 256;

export interface Waiting {
  n: number;
  record: KeptRecord;
  /** When it came, in the clock of `performance.now()`. */
  atMs: number;
}

const settingOf = (record: KeptRecord): string | null =>
  record.type === 'setting' || record.type === 'settingDropped' ? `${record.feed} ${record.key}` : null;

/**
 * What the keeper has not yet said to be on the disk, in its order. Bounded: a setting that is set again takes its older one's place,
 * and when it is full the oldest record of a session goes, counted. Pure but for the clock that the caller gives.
 */
export class KeeperQueue {
  /** Lost for good, since the start. */
  lost = 0;
  readonly #max: number;
  /** In the order of n. */
  readonly #records = new Map<number, Waiting>();
  /** Which record says the newest of each setting. */
  readonly #settings = new Map<string, number>();
  #sent = 0;
  #n = 0;

  constructor(max = MAX_WAITING) {
    this.#max = max;
  }

  get size(): number {
    return this.#records.size;
  }

  /** When the oldest that waits came; null where none does. */
  get oldestMs(): number | null {
    return this.#records.values().next().value?.atMs ?? null;
  }

  add(record: KeptRecord, nowMs: number): void {
    const key = settingOf(record);
    // One that is on its way may be kept already: keeping the older first and then the newer is right, too.
    const older = key === null ? undefined : this.#settings.get(key);
    if (older !== undefined && older > this.#sent) this.#records.delete(older);
    if (this.#records.size >= this.#max) this.#drop();
    const n = ++this.#n;
    if (key !== null) this.#settings.set(key, n);
    this.#records.set(n, { n, record, atMs: nowMs });
  }

  /** What may be sent now: nothing while a batch is on its way. */
  next(): Waiting[] {
    const first = this.#records.keys().next().value;
    if (first === undefined || first <= this.#sent) return [];
    const batch: Waiting[] = [];
    for (const entry of this.#records.values()) {
      if (batch.push(entry) === BATCH) break;
    }
    this.#sent = batch.at(-1)?.n ?? this.#sent;
    return batch;
  }

  /** The keeper has these; `skipped` of them it could not keep. Answers how many there were. */
  stored(upTo: number, skipped: number): number {
    let count = 0;
    for (const n of this.#records.keys()) {
      if (n > upTo) break;
      this.#records.delete(n);
      count++;
    }
    this.lost += skipped;
    return count - skipped;
  }

  /** The keeper has gone: everything that it has not acknowledged is to be sent again. */
  again(): void {
    this.#sent = 0;
  }

  /** The oldest record that is no setting: settings are few, two a feed at the most. */
  #drop(): void {
    for (const { n, record } of this.#records.values()) {
      if (settingOf(record) !== null) continue;
      this.#records.delete(n);
      this.lost++;
      return;
    }
  }
}
