/** Castings and neutral faces in the store. */
import type { Kysely, Transaction } from 'kysely';
import { type NeutralFace, neutralFace } from '../wire/casting.ts';
import { type CastingRecord, type StoredCasting, storedCasting } from './messages.ts';
import type { Tables } from './tables.ts';

/** Keeping the same again changes nothing. A face whose casting is not there (any more) is not kept. */
export async function keepCasting(db: Transaction<Tables>, record: CastingRecord): Promise<void> {
  const { feed, atMs } = record;
  if (record.type === 'casting') {
    const { id, performer, look, age } = record.casting;
    await db
      .insertInto('castings')
      .values({ feed, id, performer, look, age, createdMs: atMs })
      // An update: a row that were replaced would take its face along.
      .onConflict((known) => known.columns(['feed', 'id']).doUpdateSet({ performer, look, age }))
      .execute();
  } else if (record.type === 'castingDropped') {
    await db.deleteFrom('castings').where('feed', '=', feed).where('id', '=', record.casting).execute();
  } else {
    const { casting, face } = record;
    const there = db.selectFrom('castings').select('id').where('feed', '=', feed).where('id', '=', casting);
    if (!(await there.executeTakeFirst())) return;
    const { spread, atMs: capturedMs } = face;
    await db
      .replaceInto('neutralFaces')
      .values({ feed, casting, points: bytesOf(face.points), spread, atMs: capturedMs })
      .execute();
  }
}

/** Every casting of every feed, those that were made first first. */
export async function readCastings(db: Kysely<Tables>): Promise<StoredCasting[]> {
  const rows = await db.selectFrom('castings').selectAll().orderBy('createdMs').orderBy('id').execute();
  const faces = await db.selectFrom('neutralFaces').selectAll().execute();
  const faceOf = new Map(faces.map((row) => [`${row.feed} ${row.casting}`, row]));
  return rows.flatMap(({ feed, createdMs: _, ...casting }) => {
    const face = faceOf.get(`${feed} ${casting.id}`);
    const neutral = face ? readFace(face) : null;
    return storedCasting.safeParse({ feed, casting, neutral }).data ?? [];
  });
}

/** Landmarks as 32-bit floats, little-endian: a hundredth of a pixel, in a fifth of the room that their digits would take. */
function bytesOf(points: readonly number[]): Buffer {
  const bytes = Buffer.alloc(points.length * 4);
  for (const [index, value] of points.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes;
}

/** Null for one that is damaged: it is captured again. */
function readFace({ points, spread, atMs }: Tables['neutralFaces']): NeutralFace | null {
  const values = Array.from({ length: Math.floor(points.length / 4) }, (_, index) => points.readFloatLE(index * 4));
  return neutralFace.safeParse({ points: values, spread, atMs }).data ?? null;
}
