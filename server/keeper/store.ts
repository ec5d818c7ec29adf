/** The store: one SQLite file that this process alone has open. Owns the connection: `close()` it. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { Kysely, type Transaction } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type SessionRecord, sessionCounters, sessionRecord } from '../wire/sessions.ts';
import { keepCasting, readCastings } from './castings.ts';
import { StoreDialect } from './dialect.ts';
import { type KeptRecord, type StoredCasting, type StoredSetting, storedSetting } from './messages.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { StoreError, storeError } from './store-error.ts';
import type { Tables } from './tables.ts';
import { upgradeStore } from './upgrade.ts';

export const STORE_FILE = 'understudy.sqlite';
const DAY_MS = 86_400_000;
/** What stands as the end of a session whose front was killed. */
const UNSEEN_END = 'The server ended without closing it.';

export interface StoreOptions {
  /** The folder; made with mode 0700 where it is missing. */
  dir: string;
  /** Days that a session's record is kept. */
  sessionDays: number;
  migrations?: Readonly<Record<string, Migration>>;
  nowMs?: () => number;
}

export class Store {
  readonly file: string;
  /** The copy from before an upgrade that this opening made. */
  readonly copy: string | null;
  readonly #db: Kysely<Tables>;
  readonly #options: StoreOptions;

  private constructor(file: string, copy: string | null, db: Kysely<Tables>, options: StoreOptions) {
    this.file = file;
    this.copy = copy;
    this.#db = db;
    this.#options = options;
  }

  /** Opens or makes the store. Throws `StoreError` with a sentence where it cannot be used; then nothing stays open. */
  static async open(options: StoreOptions): Promise<Store> {
    const file = join(options.dir, STORE_FILE);
    let database: Sqlite.Database | null = null;
    try {
      mkdirSync(options.dir, { recursive: true, mode: 0o700 });
      database = new Sqlite(file, { timeout: 0 });
      chmodSync(file, 0o600);
      prepare(database, file);
      const db = new Kysely<Tables>({ dialect: new StoreDialect({ database }) });
      const copy = await upgradeStore({ file, database, db, migrations: options.migrations ?? MIGRATIONS });
      return new Store(file, copy, db, options);
    } catch (error) {
      database?.close();
      throw storeError(error, file) ?? error;
    }
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }

  /** A new run of the front: sessions of earlier ones that have no end were lost with theirs. Forgets what is too old. */
  async beginRun(run: string): Promise<void> {
    await this.#guarded(async () => {
      await this.#db
        .updateTable('sessions')
        .set({ why: UNSEEN_END })
        .where('run', '<>', run)
        .where('why', 'is', null)
        .execute();
      await this.forgetOld();
    });
  }

  /** Deletes the sessions that began more than `sessionDays` ago. */
  async forgetOld(): Promise<void> {
    const before = (this.#options.nowMs ?? Date.now)() - this.#options.sessionDays * DAY_MS;
    await this.#guarded(() => this.#db.deleteFrom('sessions').where('beganMs', '<', before).execute());
  }

  /**
   * Keeps records in their order: all of them are on the disk when this resolves, and keeping them again changes nothing. Answers how
   * many could not be kept whatever is tried. Throws `StoreError` where the disk is at fault; then none of them counts as kept.
   */
  async keep(run: string, records: readonly KeptRecord[]): Promise<number> {
    return this.#guarded(() =>
      this.#db.transaction().execute(async (db) => {
        let skipped = 0;
        for (const record of records) {
          try {
            await keepOne(db, run, record);
          } catch (error) {
            // The transaction has gone with it.
            if (storeError(error, this.file)) throw error;
            skipped++;
          }
        }
        return skipped;
      }),
    );
  }

  async settings(): Promise<StoredSetting[]> {
    const rows = await this.#guarded(() => this.#db.selectFrom('settings').selectAll().execute());
    // A key of a program that was here before and knew more is no reason to know nothing.
    return rows.flatMap((row) => storedSetting.safeParse(row).data ?? []);
  }

  async castings(): Promise<StoredCasting[]> {
    return this.#guarded(() => readCastings(this.#db));
  }

  /** The sessions that began last, newest first. */
  async sessions(feed: string | null, limit: number): Promise<SessionRecord[]> {
    const query = this.#db.selectFrom('sessions').selectAll().orderBy('beganMs', 'desc').orderBy('id', 'desc');
    const rows = await this.#guarded(() =>
      (feed === null ? query : query.where('feed', '=', feed)).limit(limit).execute(),
    );
    return rows.flatMap((row) => sessionRecord.safeParse({ ...row, counters: countersOf(row.counters) }).data ?? []);
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storeError(error, this.file) ?? error;
    }
  }
}

/** One writer, who has the file to itself until it is closed, and whose commits survive a power cut. */
function prepare(database: Sqlite.Database, file: string): void {
  database.pragma('locking_mode = EXCLUSIVE');
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma('trusted_schema = OFF');
  // What is deleted is overwritten: a performer's face must not stay behind in free pages.
  database.pragma('secure_delete = ON');
  // The lock is taken with the first write, so take it now: a second server is told at its start.
  database.exec('BEGIN IMMEDIATE; COMMIT');
  const [found] = database.pragma('quick_check(1)') as { quick_check: string }[];
  if (found?.quick_check !== 'ok') {
    const damaged = Object.assign(new Error(found?.quick_check), { code: 'SQLITE_CORRUPT' });
    throw storeError(damaged, file) ?? new StoreError(damaged.message);
  }
}

async function keepOne(db: Transaction<Tables>, run: string, record: KeptRecord): Promise<void> {
  if (record.type === 'feed') await touchFeed(db, record.feed, record.atMs);
  else if (record.type === 'setting') {
    const { type: _, ...setting } = record;
    await touchFeed(db, record.feed, record.atMs);
    await db.replaceInto('settings').values(setting).execute();
  } else if (record.type === 'settingDropped') {
    await db.deleteFrom('settings').where('feed', '=', record.feed).where('key', '=', record.key).execute();
  } else if (record.type === 'began') {
    const { id, feed, kind, rendition, atMs } = record;
    const began = { id, run, feed, kind, rendition, beganMs: atMs, endedMs: null, why: null, counters: null };
    await db
      .insertInto('sessions')
      .values(began)
      .onConflict((known) => known.column('id').doNothing())
      .execute();
  } else if (record.type === 'ended') {
    const ended = { endedMs: record.atMs, why: record.why, counters: JSON.stringify(record.counters) };
    await db.updateTable('sessions').set(ended).where('id', '=', record.id).execute();
  } else {
    if (record.type === 'casting') await touchFeed(db, record.feed, record.atMs);
    await keepCasting(db, record);
  }
}

async function touchFeed(db: Transaction<Tables>, name: string, atMs: number): Promise<void> {
  await db
    .insertInto('feeds')
    .values({ name, createdMs: atMs, updatedMs: atMs })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ updatedMs: atMs }))
    .execute();
}

function countersOf(text: string | null): SessionRecord['counters'] {
  if (text === null) return null;
  try {
    return sessionCounters.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
