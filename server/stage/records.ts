import { Problem } from '../config/problem.ts';
import type { StoreApi } from '../http/store-api.ts';
import type { KeptRecord } from '../keeper/messages.ts';
import type { SessionKind } from '../wire/sessions.ts';

/** Told once, at a session's end: why, and its counts. */
export type SessionEnded = (why: string, counters: Record<string, number>) => void;

export interface SessionBegan {
  kind: SessionKind;
  rendition: string | null;
}

/** Where the stage tells what is to be kept. Nothing here waits or throws. */
export interface Records {
  keep(record: KeptRecord): void;
  session(began: SessionBegan & { feed: string }): SessionEnded;
}

const COUNTS = ['packets', 'lost', 'nacks', 'keyRequests', 'skipped'] as const;

/** A session's totals, as they are kept. */
export const countsOf = (stats: Partial<Record<(typeof COUNTS)[number], number>>): Record<string, number> =>
  Object.fromEntries(COUNTS.flatMap((key) => (stats[key] === undefined ? [] : [[key, stats[key]]])));

/** For a server that keeps nothing (`store.keep: false`). */
export const NO_RECORDS: Records & StoreApi = {
  keep: () => undefined,
  session: () => () => undefined,
  state: () => 'off',
  counts: () => ({ stored: 0, waiting: 0, lost: 0 }),
  sessions: async () => {
    throw new Problem('store_down', 'It is switched off: store.keep is false.');
  },
};
