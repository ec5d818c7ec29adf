import type { Kysely } from 'kysely';

/** Times are milliseconds since 1970. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('feeds')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('createdMs', 'integer', (column) => column.notNull())
    .addColumn('updatedMs', 'integer', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('settings')
    .addColumn('feed', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('over', 'text', (column) => column.notNull())
    .addColumn('atMs', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('settingsKey', ['feed', 'key'])
    .execute();
  await db.schema
    .createTable('sessions')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('run', 'text', (column) => column.notNull())
    .addColumn('feed', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('rendition', 'text')
    .addColumn('beganMs', 'integer', (column) => column.notNull())
    .addColumn('endedMs', 'integer')
    .addColumn('why', 'text')
    .addColumn('counters', 'text')
    .execute();
  await db.schema.createIndex('sessionsByTime').on('sessions').column('beganMs').execute();
  await db.schema.createIndex('sessionsByFeed').on('sessions').columns(['feed', 'beganMs']).execute();
}
