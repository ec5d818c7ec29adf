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

/** What a record says of a setting or a casting, under which name: the newest of a name takes the older one's place. */
function nameOf(record: KeptRecord): string | null {
  if (record.type === 'setting' || record.type === 'settingDropped') return `${record.feed} ${record.key}`;
  if (record.type === 'casting') return castingName(record.feed, record.casting.id);
  if (record.type === 'castingDropped') return castingName(record.feed, record.casting);
  return record.type === 'neutralFace' ? faceName(record.feed, record.casting) : null;
}

const castingName = (feed: string, id: string): string => `${feed} casting ${id}`;
const faceName = (feed: string, id: string): string => `${feed} face ${id}`;

/**
 * What the keeper has not yet said to be on the disk, in its order. Bounded: a setting or casting that is set again takes its older
 * one's place, and when it is full the oldest record of a session goes, counted. Pure but for the clock that the caller gives.
 */
export class KeeperQueue {
  /** Lost for good, since the start. */
  lost = 0;
  readonly #max: number;
  /** In the order of n. */
  readonly #records = new Map<number, Waiting>();
  /** Which record says the newest under each name. */
  readonly #named = new Map<string, number>();
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
    const name = nameOf(record);
    if (name !== null) this.#forget(name);
    // A face goes with its casting, also from here.
    if (record.type === 'castingDropped') this.#forget(faceName(record.feed, record.casting));
    if (this.#records.size >= this.#max) this.#drop();
    const n = ++this.#n;
    if (name !== null) this.#named.set(name, n);
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

  /** One that is on its way may be kept already: keeping the older first and then the newer is right, too. */
  #forget(name: string): void {
    const older = this.#named.get(name);
    if (older !== undefined && older > this.#sent) this.#records.delete(older);
    this.#named.delete(name);
  }

  /** The oldest record of a session: settings and castings are few. */
  #drop(): void {
    for (const { n, record } of this.#records.values()) {
      if (nameOf(record) !== null) continue;
      this.#records.delete(n);
      this.lost++;
      return;
    }
  }
}
