import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KeptRecord } from '../../server/keeper/messages.ts';
import { MIGRATIONS } from '../../server/keeper/migrations/index.ts';
import { STORE_FILE, Store, type StoreOptions } from '../../server/keeper/store.ts';

/** The store on a real SQLite file. */

let dir: string;
let file: string;
const open: Store[] = [];
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'understudy-store-')), 'data');
  file = join(dir, STORE_FILE);
});
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  rmSync(join(dir, '..'), { recursive: true });
});

async function store(change: Partial<StoreOptions> = {}): Promise<Store> {
  const opened = await Store.open({ dir, sessionDays: 90, ...change });
  open.push(opened);
  return opened;
}

const refusal = async (change: Partial<StoreOptions> = {}): Promise<string> =>
  store(change).then(
    () => 'it opened',
    (error: Error) => `${error.name}: ${error.message}`,
  );

const began = (id: string, atMs: number, feed = 'a'): KeptRecord => ({
  type: 'began',
  id,
  feed,
  kind: 'viewer',
  rendition: 'program',
  atMs,
});
const ended = (id: string, atMs: number): KeptRecord => ({
  type: 'ended',
  id,
  why: 'It was closed.',
  counters: { packets: 7 },
  atMs,
});
const setting = (value: string, atMs: number): KeptRecord => ({
  type: 'setting',
  feed: 'a',
  key: 'uncast',
  value,
  over: 'look',
  atMs,
});

const more = {
  ...MIGRATIONS,
  '0099-takes': {
    up: async (db: Kysely<unknown>) => void (await sql`create table takes (id text primary key)`.execute(db)),
  },
};

describe('what is kept', () => {
  test('lies in a folder and in files that only this user can read', async () => {
    const { file: made } = await store();
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(made).mode & 0o777).toBe(0o600);
  });

  test('is there again after closing: settings, and sessions newest first, of one feed or all', async () => {
    const first = await store();
    await first.beginRun('run');
    const now = Date.now();
    const records = [began('1', now), began('2', now + 1, 'b'), ended('1', now + 5), setting('blur', now)];
    expect(await first.keep('run', records)).toBe(0);
    // A keeper that is killed before it could say so gets the same again.
    expect(await first.keep('run', records)).toBe(0);
    await first.close();
    const second = await store();
    expect(await second.settings()).toEqual([{ feed: 'a', key: 'uncast', value: 'blur', over: 'look', atMs: now }]);
    const one = { feed: 'a', kind: 'viewer', rendition: 'program', beganMs: now };
    const done = { ...one, endedMs: now + 5, why: 'It was closed.', counters: { packets: 7 } };
    const living = { ...one, feed: 'b', beganMs: now + 1, endedMs: null, why: null, counters: null };
    expect(await second.sessions(null, 10)).toEqual([living, done]);
    expect(await second.sessions('a', 10)).toEqual([done]);
    expect(await second.sessions(null, 1)).toEqual([living]);
    await second.beginRun('next run');
    expect(await second.sessions('b', 1)).toEqual([{ ...living, why: 'The server ended without closing it.' }]);
    await second.keep('next run', [{ type: 'settingDropped', feed: 'a', key: 'uncast', atMs: now }]);
    expect(await second.settings()).toEqual([]);
  });

  test('is forgotten after its days', async () => {
    const day = 86_400_000;
    const kept = await store({ sessionDays: 2, nowMs: () => 10 * day });
    await kept.keep('run', [began('old', 7 * day), began('new', 9 * day)]);
    await kept.beginRun('run');
    expect((await kept.sessions(null, 10)).map(({ beganMs }) => beganMs / day)).toEqual([9]);
  });

  test('holds without what cannot be kept, which is counted', async () => {
    const kept = await store();
    const nonsense = { ...began('1', 1), feed: null } as unknown as KeptRecord;
    expect(await kept.keep('run', [nonsense, began('2', Date.now())])).toBe(1);
    expect(await kept.sessions(null, 10)).toHaveLength(1);
  });
});

describe('castings', () => {
  const casting = { id: 'c1', performer: 'Anna', look: 'mara', age: -10 };
  const points = Array.from({ length: 3 * 478 }, (_, index) => Math.fround(index / 100 - 7));
  const face = { points, spread: 0.02, atMs: 12 };
  const cast = (change: Partial<typeof casting> = {}, feed = 'a'): KeptRecord => ({
    type: 'casting',
    feed,
    casting: { ...casting, ...change },
    atMs: 1,
  });
  const captured: KeptRecord = { type: 'neutralFace', feed: 'a', casting: 'c1', face, atMs: 12 };
  const dropped: KeptRecord = { type: 'castingDropped', feed: 'a', casting: 'c1', atMs: 20 };

  test('are there again after closing, with the face by which a performer is known', async () => {
    const first = await store();
    expect(await first.keep('run', [cast(), captured, cast({ performer: 'Ben' }, 'b'), cast({ age: 5 })])).toBe(0);
    await first.close();
    const second = await store();
    expect(await second.castings()).toEqual([
      { feed: 'a', casting: { ...casting, age: 5 }, neutral: face },
      { feed: 'b', casting: { ...casting, performer: 'Ben' }, neutral: null },
    ]);
  });

  test('go with their face, of which nothing stays in the file; one that comes too late is not kept', async () => {
    const kept = await store();
    await kept.keep('run', [cast(), captured]);
    await kept.keep('run', [dropped]);
    expect(await kept.keep('run', [captured])).toBe(0);
    expect(await kept.castings()).toEqual([]);
    await kept.close();
    // Some of its landmarks, from the middle of a page of the file.
    const mark = Buffer.alloc(80);
    for (let index = 0; index < 20; index++) mark.writeFloatLE(points[800 + index] as number, index * 4);
    for (const name of readdirSync(dir)) expect(readFileSync(join(dir, name)).includes(mark), name).toBe(false);
    const again = await store();
    await again.keep('run', [cast(), captured]);
    await again.close();
    expect(readFileSync(file).includes(mark)).toBe(true);
  });

  test('have their tables made in a store of the version before, whose settings stay', async () => {
    const { '0001-feeds-settings-sessions': before } = MIGRATIONS;
    const old = await store({ migrations: { '0001-feeds-settings-sessions': before as Migration } });
    await old.keep('run', [setting('blur', 1)]);
    await old.close();
    const upgraded = await store();
    expect(upgraded.copy).toBe(`${file}.before-0002`);
    expect(await upgraded.keep('run', [cast(), captured])).toBe(0);
    expect([await upgraded.settings(), await upgraded.castings()]).toMatchObject([
      [{ value: 'blur' }],
      [{ neutral: face }],
    ]);
  });
});

describe('an upgrade', () => {
  test('runs forwards and leaves a copy of what was before, which an older program can open', async () => {
    const first = await store();
    await first.keep('run', [setting('blur', 1)]);
    await first.close();
    const upgraded = await store({ migrations: more });
    expect(upgraded.copy).toBe(`${file}.before-0099`);
    expect(await upgraded.settings()).toHaveLength(1);
    expect(statSync(`${file}.before-0099`).mode & 0o077).toBe(0);
    await upgraded.close();
    expect(await refusal()).toMatch(
      /^StoreError: The store .* was written by a newer Understudy \(it holds 0099-takes\): start that one, or put back the copy/,
    );
    const copy = new Sqlite(`${file}.before-0099`, { readonly: true });
    expect(copy.prepare('select value from settings').all()).toEqual([{ value: 'blur' }]);
    copy.close();
  });

  test('that fails in the middle leaves everything as it was', async () => {
    const first = await store();
    await first.keep('run', [setting('blur', 1)]);
    await first.close();
    const broken = {
      ...more,
      '0100-broken': {
        up: async (db: Kysely<unknown>) => {
          await sql`drop table settings`.execute(db);
          await sql`create nonsense`.execute(db);
        },
      },
    };
    expect(await refusal({ migrations: broken })).toMatch(
      /could not be brought to this version and is as before: near/,
    );
    const again = await store();
    expect(await again.settings()).toHaveLength(1);
    expect(readdirSync(dir).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

describe('a store that cannot be used is a sentence that says what to do', () => {
  test('in use by another', async () => {
    await store();
    expect(await refusal()).toMatch(/is in use by another program.*store\.dir/);
    // One that reads by hand, with a lock.
    await open.pop()?.close();
    const other = new Sqlite(file);
    other.exec('BEGIN EXCLUSIVE');
    expect(await refusal()).toMatch(/is in use by another program/);
    other.close();
    await store();
  });

  test('not a database, or a damaged one', async () => {
    await (await store()).close();
    const whole = new Sqlite(file);
    whole.pragma('journal_mode = DELETE');
    whole.exec(
      'insert into feeds select hex(randomblob(200)), 1, 1 from (select 1 from sqlite_master a, sqlite_master b)',
    );
    whole.close();
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 4096 * 2, 4096 * 6);
    writeFileSync(file, bytes);
    expect(await refusal()).toMatch(/is damaged: move it away/);
    writeFileSync(file, 'This is a shopping list and not a database. '.repeat(40));
    expect(await refusal()).toMatch(/is damaged: move it away/);
  });

  test('a full disk: of that batch nothing counts as kept, and it goes on when there is room', async () => {
    const small = {
      ...MIGRATIONS,
      '0099-small': {
        up: async (db: Kysely<unknown>) => void (await sql`pragma max_page_count = 26`.execute(db)),
      },
    };
    const kept = await store({ migrations: small });
    const now = Date.now();
    const many = Array.from({ length: 2000 }, (_, index) => began(`${index}`, now));
    await expect(kept.keep('run', many)).rejects.toThrow(/^The disk of the store .* is full: free some space/);
    expect(await kept.sessions(null, 10)).toEqual([]);
    expect(await kept.keep('run', many.slice(0, 1))).toBe(0);
    await kept.close();
    const roomy = await store({ migrations: small });
    expect(await roomy.keep('run', many)).toBe(0);
    expect(await roomy.sessions(null, 1000)).toHaveLength(1000);
  });

  test('a folder that cannot be made', async () => {
    writeFileSync(join(dir, '..', 'data'), 'a file is in the way');
    expect(await refusal()).toMatch(/cannot be written by this user: set store\.dir/);
  });
});
