/** Brings a store's tables to what this program knows, forwards only, with a copy of the file from before. */
import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { StoreError, storeError } from './store-error.ts';
import type { Tables } from './tables.ts';

interface Upgrade {
  file: string;
  database: Database;
  db: Kysely<Tables>;
  migrations: Readonly<Record<string, Migration>>;
}

/**
 * Runs what has not been run, all of it in one transaction: a store is as before or as this program wants it, never between.
 * Answers where the copy from before lies; null where none was needed. Throws `StoreError`.
 */
export async function upgradeStore({ file, database, db, migrations }: Upgrade): Promise<string | null> {
  const done = await migrationsDone(db);
  const unknown = done.filter((name) => !Object.hasOwn(migrations, name));
  if (unknown.length > 0) {
    throw new StoreError(
      `The store ${file} was written by a newer Understudy (it holds ${unknown.join(', ')}): start that one, or put back the copy from before the upgrade, which lies beside it.`,
    );
  }
  const open = Object.keys(migrations).filter((name) => !done.includes(name));
  if (open.length === 0) return null;
  const copy = done.length > 0 ? await copyOf(file, database, open[0] as string) : null;
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return copy;
  const why = error instanceof Error ? error.message : JSON.stringify(error);
  throw (
    storeError(error, file) ??
    new StoreError(`The store ${file} could not be brought to this version and is as before: ${why}.`, { cause: error })
  );
}

async function migrationsDone(db: Kysely<Tables>): Promise<string[]> {
  const tables = await sql<{ name: string }>`select name from sqlite_master where name = 'kysely_migration'`.execute(
    db,
  );
  if (tables.rows.length === 0) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}

/** Copies the store to FILE.before-NUMBER, whole or not at all; an older copy of that name stays: it is from the first try. */
async function copyOf(file: string, database: Database, next: string): Promise<string> {
  const copy = `${file}.before-${next.slice(0, 4)}`;
  if (existsSync(copy)) return copy;
  const part = `${copy}.part`;
  try {
    rmSync(part, { force: true });
    await database.backup(part);
    chmodSync(part, 0o600);
    renameSync(part, copy);
    return copy;
  } catch (error) {
    throw (
      storeError(error, file) ??
      new StoreError(`The store ${file} could not be copied before its upgrade, so it was left as it is.`, {
        cause: error,
      })
    );
  }
}
