/**
 * Who is cast on which feed: the performers, what they wear, and the faces by which they are known again. It outlives engines, and
 * with the store this process. Pure but for `keep`.
 */
import { randomBytes } from 'node:crypto';
import type { FeedSettings } from '../channel/messages.ts';
import { Problem } from '../config/problem.ts';
import type { KeptRecord, StoredCasting } from '../keeper/messages.ts';
import type { Casting, NeutralFace } from '../wire/casting.ts';
import { lookRefused } from './looks.ts';

/** Performers of one feed at once. */
export const MAX_FEED_CASTINGS = 8;

export type Cast = NonNullable<FeedSettings['castings']>;

export interface CastingsOptions {
  looks: readonly string[];
  keep(record: KeptRecord): void;
  nowMs?: () => number;
}

const NOBODY: Cast = [];

export class Castings {
  readonly #options: CastingsOptions;
  /** By feed, those that were cast first first; an array is never changed, another takes its place. */
  readonly #feeds = new Map<string, Cast>();
  /** Castings about which this run knows more than the store. */
  readonly #touched = new Set<string>();

  constructor(options: CastingsOptions) {
    this.#options = options;
  }

  /** How many are cast on which feed, a few words each. */
  get held(): string[] {
    return [...this.#feeds].filter(([, cast]) => cast.length > 0).map(([feed, cast]) => `${feed}: ${cast.length} cast`);
  }

  /** The same array as long as nothing has changed. */
  of(feed: string): Cast {
    return this.#feeds.get(feed) ?? NOBODY;
  }

  /** Throws `Problem` where the feed has no such casting. */
  check(feed: string, id: string): void {
    this.#find(feed, id);
  }

  /** Casts a performer. Answers the casting's id. Throws `Problem`. */
  cast(feed: string, wanted: Omit<Casting, 'id'>): string {
    this.#checkLook(wanted.look);
    if (this.of(feed).length >= MAX_FEED_CASTINGS) throw new Problem('castings_full');
    // Random, so that it is not used again after a restart, whatever the store has.
    const casting: Casting = { id: randomBytes(5).toString('hex'), ...wanted };
    this.#feeds.set(feed, [...this.of(feed), { casting, neutral: null }]);
    this.#say(feed, casting);
    return casting.id;
  }

  /** Changes what is given. Throws `Problem`. */
  recast(feed: string, id: string, change: Partial<Omit<Casting, 'id'>>): void {
    const known = this.#find(feed, id);
    if (change.look !== undefined) this.#checkLook(change.look);
    const casting = { ...known.casting, ...change };
    this.#replace(feed, { ...known, casting });
    this.#say(feed, casting);
  }

  /** The performer is cast no more; their neutral face is forgotten, in the store as well. Throws `Problem`. */
  uncast(feed: string, id: string): void {
    this.#find(feed, id);
    this.#feeds.set(
      feed,
      this.of(feed).filter(({ casting }) => casting.id !== id),
    );
    this.#touched.add(at(feed, id));
    this.#options.keep({ type: 'castingDropped', feed, casting: id, atMs: this.#now() });
  }

  /** A captured face; one whose casting has gone meanwhile is forgotten. */
  keepFace(feed: string, id: string, face: NeutralFace): void {
    const known = this.of(feed).find(({ casting }) => casting.id === id);
    if (!known) return;
    this.#replace(feed, { ...known, neutral: face });
    this.#touched.add(at(feed, id));
    this.#options.keep({ type: 'neutralFace', feed, casting: id, face, atMs: this.#now() });
  }

  /** What lay in the store. What this run has been told since is newer. */
  learn(stored: readonly StoredCasting[]): void {
    for (const { feed, casting, neutral } of stored) {
      const known = this.of(feed).some((one) => one.casting.id === casting.id);
      // A look that has gone from the shelf is no reason to forget who is cast: the engine covers that face and says why.
      if (known || this.#touched.has(at(feed, casting.id))) continue;
      this.#feeds.set(feed, [...this.of(feed), { casting, neutral }]);
    }
  }

  /** Throws `Problem` where the feed has no such casting. */
  #find(feed: string, id: string): Cast[number] {
    const found = this.of(feed).find(({ casting }) => casting.id === id);
    if (!found) throw new Problem('casting_unknown');
    return found;
  }

  #checkLook(look: string): void {
    const { looks } = this.#options;
    if (!looks.includes(look)) throw lookRefused(look, looks);
  }

  #replace(feed: string, changed: Cast[number]): void {
    this.#feeds.set(
      feed,
      this.of(feed).map((one) => (one.casting.id === changed.casting.id ? changed : one)),
    );
  }

  #say(feed: string, casting: Casting): void {
    this.#touched.add(at(feed, casting.id));
    this.#options.keep({ type: 'casting', feed, casting, atMs: this.#now() });
  }

  #now(): number {
    return (this.#options.nowMs ?? Date.now)();
  }
}

const at = (feed: string, id: string): string => `${feed} ${id}`;
