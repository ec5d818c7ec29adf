import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { codedClip } from '../../scripts/bench/clip.ts';
import type { ConfigInput } from '../../server/config/config.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import type { FeedInfo } from '../../server/wire/messages.ts';
import type { SessionRecord } from '../../server/wire/sessions.ts';
import { feedBecomes, type LiveMonitor, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';

/** The keeper with a real store, beside a real front, engine, camera and monitor. */

let clip: CodedFrame[];
beforeAll(async () => {
  clip = await codedClip({ width: 320, height: 180, frames: 30, bitrate: 500_000, counter: false });
});

let dir: string;
let server: RunningServer | null;
const closing: { close(): Promise<void> }[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-keeper-'));
});
afterEach(async () => {
  for (const peer of closing.splice(0).toReversed()) await peer.close();
  await server?.close();
  server = null;
  rmSync(dir, { recursive: true });
});

async function start(change: ConfigInput = {}): Promise<RunningServer> {
  server = await liveServer({ ...change, store: { dir: join(dir, 'store') } });
  return server;
}

async function onAir(on: RunningServer): Promise<LiveMonitor> {
  closing.push(await liveCamera(on, 'a', clip));
  await feedBecomes(on, 'a', ({ state }) => state === 'live');
  const monitor = await liveMonitor(on, 'a');
  closing.push(monitor);
  await monitor.next();
  return monitor;
}

async function freePort(): Promise<number> {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  holder.close();
  await once(holder, 'close');
  return port;
}

const ask = (on: RunningServer, path: string) =>
  fetch(`${on.url}${path}`, { headers: { authorization: `Bearer ${on.apiToken}` } });

async function until<T>(read: () => Promise<T>, wanted: (value: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const value = await read();
    if (wanted(value)) return value;
    if (tries === 300) throw new Error(`It did not get there within 30 s; it is ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const storeState = async (on: RunningServer) =>
  ((await (await fetch(`${on.url}/healthz`)).json()) as { store: string }).store;
/** Those that carried something: a peer that did not connect at once has tried again, and its first session is kept too. */
const sessions = async (on: RunningServer) => {
  const answer = await ask(on, '/api/sessions?feed=a');
  const kept = answer.ok ? ((await answer.json()) as { sessions: SessionRecord[] }).sessions : [];
  return kept.filter(({ endedMs, counters }) => endedMs === null || (counters?.packets ?? 0) > 0);
};

async function say(on: RunningServer, message: object, done: (feed: FeedInfo) => boolean): Promise<void> {
  const headers = { authorization: `Bearer ${on.apiToken}` };
  const socket = new WebSocket(`${on.url.replace('http', 'ws')}/api/control`, { headers });
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify({ feed: 'a', ...message }));
  await feedBecomes(on, 'a', done);
  socket.close();
}

const set = (on: RunningServer, change: { uncast?: string; look?: string }): Promise<void> =>
  say(on, { type: 'feed', ...change }, (feed) =>
    Object.entries(change).every(([key, value]) => feed[key as 'look'] === value),
  );

describe('a keeper that is lost', () => {
  it.each([
    ['killed', 'SIGKILL'],
    ['hung', 'SIGSTOP'],
  ] as const)('%s: no connection drops, pictures go on, another one starts and gets what waited', async (_, signal) => {
    const on = await start();
    const monitor = await onAir(on);
    await until(
      () => sessions(on),
      (list) => list.length === 2,
    );
    const keeper = on.pids().keeper as number;
    process.kill(keeper, signal);
    const { rtpTs } = await monitor.next();
    const second = await liveMonitor(on, 'a', 'plate');
    await second.next();
    await second.close();
    await monitor.next((frame) => frame.rtpTs >= rtpTs + 90_000);
    const list = await until(
      () => sessions(on),
      (found) => found.some(({ rendition, endedMs }) => rendition === 'plate' && endedMs !== null),
    );
    expect(on.pids().keeper).not.toBe(keeper);
    expect(monitor.lost).toBeNull();
    expect(await storeState(on)).toBe('ok');
    expect(list.map(({ kind, rendition }) => `${kind} ${rendition}`)).toEqual([
      'viewer plate',
      'viewer program',
      'camera null',
    ]);
    expect(list[0]?.counters?.packets).toBeGreaterThan(0);
    expect(list[0]?.why).toMatch(/\.$/);
    const metrics = await (await ask(on, '/metrics')).text();
    expect(metrics).toContain('understudy_store_state{state="ok"} 1');
    expect(metrics).toContain('understudy_store_lost_records_total 0');
  });
});

it('a store that another program holds: feeds begin with the configuration, it is said, and what was kept holds once it can be read', async () => {
  const first = await start();
  closing.push(await liveCamera(first, 'a', clip));
  await feedBecomes(first, 'a', ({ state }) => state === 'live');
  await set(first, { uncast: 'blur', look: 'ivo' });
  await closing.pop()?.close();
  await first.close();
  const holder = new Sqlite(join(dir, 'store', 'understudy.sqlite'));
  holder.exec('BEGIN EXCLUSIVE');

  const on = await start();
  await until(
    () => storeState(on),
    (state) => state === 'failing',
  );
  const refused = await ask(on, '/api/sessions');
  expect([refused.status, (await refused.json()) as object]).toMatchObject([503, { code: 'store_down' }]);
  closing.push(await liveCamera(on, 'a', clip));
  expect(await feedBecomes(on, 'a', ({ state }) => state === 'live')).toMatchObject({ uncast: 'look', look: 'mara' });
  // What is set meanwhile is newer than what lies there.
  await set(on, { look: 'mara', uncast: 'pass' });
  await set(on, { uncast: 'look' });
  holder.exec('COMMIT');
  holder.close();
  await until(
    () => storeState(on),
    (state) => state === 'ok',
  );
  await feedBecomes(on, 'a', ({ look }) => look === 'mara');
  const list = await until(
    () => sessions(on),
    (found) => found.length === 2,
  );
  expect(list.map(({ kind, endedMs }) => [kind, endedMs === null])).toEqual([
    ['camera', true],
    ['camera', false],
  ]);
});

it('keeps what an operator set, and who is cast, over a killed front and over a new start of the server, and ends every session in its store', async () => {
  // A front that comes again listens where it did.
  const first = await start({ server: { port: await freePort() } });
  await onAir(first);
  await set(first, { uncast: 'blur' });
  const anna = { performer: 'Anna', look: 'ivo', age: -10 };
  await say(first, { type: 'cast', ...anna }, ({ castings }) => castings.length === 1);
  await until(
    async () => (await ask(first, '/metrics')).text(),
    (text) => text.includes('understudy_store_waiting_records 0'),
  );
  process.kill(first.pids().front as number, 'SIGKILL');
  await until(
    async () => (await fetch(`${first.url}/healthz`).catch(() => null))?.status,
    (status) => status === 200,
  );
  closing.push(await liveCamera(first, 'a', clip));
  const second = await feedBecomes(first, 'a', ({ state }) => state === 'live');
  expect(second).toMatchObject({ uncast: 'blur', castings: [{ ...anna, track: null, neutral: 'none' }] });
  await first.close();

  const file = join(dir, 'store', 'understudy.sqlite');
  expect([statSync(join(dir, 'store')).mode & 0o777, statSync(file).mode & 0o777]).toEqual([0o700, 0o600]);
  const database = new Sqlite(file, { readonly: true });
  const ends = database
    .prepare(
      `select kind, why, endedMs is null as unseen from sessions
       where endedMs is null or counters ->> 'packets' > 0 order by beganMs`,
    )
    .all();
  database.close();
  expect(ends).toEqual([
    { kind: 'camera', why: 'The server ended without closing it.', unseen: 1 },
    { kind: 'viewer', why: 'The server ended without closing it.', unseen: 1 },
    { kind: 'camera', why: 'It was closed.', unseen: 0 },
  ]);

  const again = await start();
  closing.push(await liveCamera(again, 'a', clip));
  const third = await feedBecomes(again, 'a', ({ state }) => state === 'live');
  expect(third).toMatchObject({ uncast: 'blur', castings: [{ id: second.castings[0]?.id, ...anna }] });
  await again.close();

  // The configuration now says something else than when the operator spoke: it was said last.
  const other = await start({ stage: { feeds: [{ name: 'a', uncast: 'pass' }] } });
  expect((await feedBecomes(other, 'a', () => true)).uncast).toBe('pass');
});
