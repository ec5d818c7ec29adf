import type { Kysely } from 'kysely';

/** Who is cast on which feed, and the faces by which they are known again. A face goes with its casting. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('castings')
    .addColumn('feed', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('performer', 'text', (column) => column.notNull())
    .addColumn('look', 'text', (column) => column.notNull())
    .addColumn('age', 'integer', (column) => column.notNull())
    .addColumn('createdMs', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('castingsKey', ['feed', 'id'])
    .execute();
  await db.schema
    .createTable('neutralFaces')
    .addColumn('feed', 'text', (column) => column.notNull())
    .addColumn('casting', 'text', (column) => column.notNull())
    .addColumn('points', 'blob', (column) => column.notNull())
    .addColumn('spread', 'real', (column) => column.notNull())
    .addColumn('atMs', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('neutralFacesKey', ['feed', 'casting'])
    .addForeignKeyConstraint('neutralFacesOfCastings', ['feed', 'casting'], 'castings', ['feed', 'id'], (key) =>
      key.onDelete('cascade'),
    )
    .execute();
}
