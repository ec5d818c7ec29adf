import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SessionRecord } from '../../server/wire/sessions.ts';
import { AUTHORIZED, startServer, type TestServer } from './http-fixture.ts';

/** GET /api/sessions over real HTTP; the store behind it is a fake. */

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const kept = (feed: string): SessionRecord => ({
  feed,
  kind: 'camera',
  rendition: null,
  beganMs: 1,
  endedMs: 2,
  why: 'It was closed.',
  counters: { packets: 3 },
});

test('tells the sessions of a feed or of all, as many as are asked for, and only to those who may come in', async () => {
  server.fake.kept = [kept('a'), kept('b'), kept('a')];
  const ask = async (query: string) => {
    const { status, text } = await server.ask(`/api/sessions${query}`, { headers: AUTHORIZED });
    return status === 200
      ? (JSON.parse(text) as { sessions: SessionRecord[] }).sessions
      : (JSON.parse(text) as { code: string }).code;
  };
  expect((await server.ask('/api/sessions')).status).toBe(401);
  expect(await ask('')).toEqual(server.fake.kept);
  expect(await ask('?feed=a')).toHaveLength(2);
  expect(await ask('?feed=a&limit=1')).toEqual([kept('a')]);
  expect(await ask('?feed=c')).toEqual([]);
  for (const wrong of ['?feed=A%20B', '?limit=0', '?limit=1001', '?limit=x', '?person=somebody'])
    expect(await ask(wrong), wrong).toBe('bad_request');
  server.fake.storeState = 'failing';
  expect(await ask('')).toBe('store_down');
  expect(JSON.parse((await server.ask('/healthz')).text)).toEqual({ status: 'ok', store: 'failing' });
  expect((await server.ask('/readyz')).status).toBe(200);
  server.fake.storeState = 'ok';
  expect((await server.ask('/api/sessions', { method: 'POST', headers: AUTHORIZED })).headers.allow).toBe(
    'GET, HEAD, OPTIONS',
  );
});
