import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { feedInfo } from '../fixtures/feed-info.ts';
import { AUTHORIZED, openSocket, startServer, type TestServer, trySocket } from './http-fixture.ts';

/** The control socket over real WebSocket; the stage behind it is a fake. */

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
});

const open = () => openSocket(server.port, AUTHORIZED);
/** A loaded machine may take its time. */
const SOON = { timeout: 15_000 };

describe('who may open it', () => {
  test('a session cookie of our own page, or a bearer token', async () => {
    const cookie = await server.cookie();
    const origin = `http://127.0.0.1:${server.port}`;
    expect((await trySocket(server.port, { cookie, origin })).status).toBe(101);
    expect((await trySocket(server.port, AUTHORIZED)).status).toBe(101);
  });

  test('not a foreign origin, not a rebound Host, not a token in the address', async () => {
    const cookie = await server.cookie();
    const refused = async (headers: Record<string, string>, path?: string) => {
      const answer = await trySocket(server.port, headers, path);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      return [answer.status, (JSON.parse(answer.text) as { code: string }).code];
    };
    expect(await refused({})).toEqual([401, 'token_wrong']);
    expect(await refused({ authorization: 'Bearer wrong' })).toEqual([401, 'token_wrong']);
    expect(await refused({ cookie: 'understudy_0=x' })).toEqual([401, 'token_wrong']);
    expect(await refused({ cookie, origin: 'http://evil.example' })).toEqual([403, 'origin_refused']);
    expect(await refused({ cookie, origin: 'null' })).toEqual([403, 'origin_refused']);
    expect(await refused({ ...AUTHORIZED, origin: 'http://evil.example' })).toEqual([403, 'origin_refused']);
    expect(await refused({ ...AUTHORIZED, host: 'evil.example' })).toEqual([403, 'origin_refused']);
    const token = server.tokens.apiToken;
    expect(await refused({}, `/api/control?token=${token}`)).toEqual([401, 'token_wrong']);
    expect(await refused(AUTHORIZED, '/somewhere')).toEqual([404, 'not_found']);
  });

  test('a polite h2c upgrade is answered as plain HTTP', async () => {
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' };
    expect((await server.ask('/healthz', { headers })).status).toBe(200);
  });
});

describe('what it says', () => {
  test('feeds at once, and again on every change', async () => {
    const { socket, next } = await open();
    expect((await next('feeds')).feeds.map((feed) => feed.name)).toEqual(['demo']);
    server.fake.infos = [feedInfo('demo'), feedInfo('a-cam')];
    server.fake.changed();
    expect((await next('feeds')).feeds.map((feed) => feed.name)).toEqual(['demo', 'a-cam']);
    socket.terminate();
    server.fake.infos = [feedInfo('demo')];
  });

  test('feeds at least twice a second while one is live', async () => {
    server.fake.infos = [feedInfo('demo', { state: 'live' })];
    const { socket, next } = await open();
    await next('feeds');
    const started = performance.now();
    for (let count = 0; count < 3; count += 1) await next('feeds');
    expect(performance.now() - started).toBeLessThan(2500);
    socket.terminate();
    server.fake.infos = [feedInfo('demo')];
  });

  test('the time at once', async () => {
    const { socket, next, send } = await open();
    send({ type: 'clock', t0Ms: 12.5 });
    const clock = await next('clock');
    expect(clock.t0Ms).toBe(12.5);
    expect(clock.serverUs).toBeGreaterThanOrEqual(1000);
    socket.terminate();
  });
});

describe('what it takes', () => {
  test('a feed’s settings, and only those that are there', async () => {
    const { socket, next, send } = await open();
    server.fake.sets.length = 0;
    send({ type: 'feed', feed: 'demo', uncast: 'blur' });
    send({ type: 'feed', feed: 'demo', look: 'joris' });
    send({ type: 'clock', t0Ms: 1 });
    await next('clock');
    expect(server.fake.sets).toEqual([
      { feed: 'demo', change: { uncast: 'blur' } },
      { feed: 'demo', change: { look: 'joris' } },
    ]);
    send({ type: 'feed', feed: 'nobody', look: 'joris' });
    expect(await next('refused')).toMatchObject({ code: 'feed_unknown' });
    socket.terminate();
  });

  test('which feed’s faces it follows, one at a time, and none any more when it has gone', async () => {
    const { fake } = server;
    const { socket, next, send } = await open();
    const face = {
      track: 4,
      shown: 'plate',
      why: null,
      casting: null,
      neck: null,
      box: { x: 0, y: 0, w: 0.1, h: 0.2 },
    } as const;
    send({ type: 'follow', feed: 'nobody' });
    expect(await next('refused')).toMatchObject({ code: 'feed_unknown' });
    const told = async (feed: string | null): Promise<void> => {
      send({ type: 'follow', feed });
      send({ type: 'clock', t0Ms: 1 });
      await next('clock');
    };
    fake.infos = [feedInfo('demo'), feedInfo('a-cam')];
    await told('demo');
    await told('a-cam');
    expect([fake.followers('demo'), fake.followers('a-cam')]).toEqual([0, 1]);
    fake.faces('demo', []);
    fake.faces('a-cam', [face]);
    expect(await next('faces')).toEqual({ type: 'faces', feed: 'a-cam', faces: [face] });
    await told(null);
    expect(fake.followers('a-cam')).toBe(0);
    await told('a-cam');
    socket.terminate();
    await vi.waitFor(() => expect(fake.followers('a-cam')).toBe(0), SOON);
    fake.infos = [feedInfo('demo')];
  });

  test('who is cast, and nothing that could not be meant', async () => {
    const { socket, next, send } = await open();
    server.fake.orders.length = 0;
    const orders = [
      { type: 'cast', feed: 'demo', track: 4, performer: 'Anna', look: 'mara', age: -8 },
      { type: 'cast', feed: 'demo', track: null, performer: 'Ben', look: 'joris', age: 0 },
      { type: 'recast', feed: 'demo', casting: 'c1', age: 3 },
      { type: 'uncast', feed: 'demo', casting: 'c1' },
      { type: 'bind', feed: 'demo', casting: 'c1', track: 4 },
      { type: 'bind', feed: 'demo', casting: null, track: 4 },
      { type: 'neutral', feed: 'demo', casting: 'c1' },
    ];
    for (const order of orders) send(order);
    send({ type: 'clock', t0Ms: 1 });
    await next('clock');
    expect(server.fake.orders).toEqual(orders);
    for (const [wrong, why] of [
      [{ type: 'cast', feed: 'demo', performer: '  ', look: 'mara' }, 'performer'],
      [{ type: 'cast', feed: 'demo', performer: 'Anna', look: 'mara', age: 31 }, 'age'],
      [{ type: 'cast', feed: 'demo', performer: 'Anna', look: 'mara', track: -1 }, 'track'],
      [{ type: 'recast', feed: 'demo', casting: '../c1' }, 'casting'],
      [{ type: 'bind', feed: 'demo', casting: 'c1' }, 'track'],
    ] as const) {
      send(wrong);
      const refused = await next('refused');
      expect([refused.code, refused.sentence]).toEqual(['bad_request', expect.stringContaining(why)]);
    }
    expect(server.fake.orders).toHaveLength(orders.length);
    socket.terminate();
  });

  test.each([
    '',
    '{',
    'null',
    '[]',
    '"clock"',
    '{"type":"shutdown"}',
    '{"type":"clock"}',
    '{"type":"clock","t0Ms":"1"}',
    '{"type":"feed","feed":"../x"}',
    '{"type":"feed","feed":"demo","uncast":"show"}',
    '{"__proto__":{"type":"clock"}}',
  ])('refuses %s and goes on', async (text) => {
    const { socket, next, send } = await open();
    socket.send(text);
    const refused = await next('refused');
    expect(refused.code).toBe('bad_request');
    expect(refused.sentence).toMatch(/\.$/);
    send({ type: 'clock', t0Ms: 2 });
    expect((await next('clock')).t0Ms).toBe(2);
    socket.terminate();
  });

  test('refuses binary', async () => {
    const { socket, next } = await open();
    socket.send(Buffer.from('{"type":"clock","t0Ms":1}'));
    expect((await next('refused')).sentence).toContain('JSON text');
    socket.terminate();
  });

  test('closes on more than 64 KiB and on a flood, and lives on for others', async () => {
    const witness = await open();
    const large = await open();
    large.socket.send(`"${'x'.repeat(64 * 1024)}"`);
    const [tooLarge] = (await once(large.socket, 'close')) as [number];
    expect(tooLarge).toBe(1009);
    const flood = await open();
    for (let count = 0; count < 400; count += 1) flood.send({ type: 'clock', t0Ms: count });
    const [flooded] = (await once(flood.socket, 'close')) as [number];
    expect(flooded).toBe(1008);
    witness.send({ type: 'clock', t0Ms: 3 });
    expect((await witness.next('clock')).t0Ms).toBe(3);
    witness.socket.terminate();
  });
});

test('drops a client that does not read before it fills the memory', async () => {
  const big = 'x'.repeat(200_000);
  server.fake.infos = [feedInfo('demo', { message: big })];
  const { socket, next } = await open();
  await next('feeds');
  socket.pause();
  const gone = once(socket, 'close');
  // The system's own buffers take a few megabytes before the server's grow.
  for (let count = 0; count < 200; count += 1) {
    server.fake.changed();
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.resume();
  await gone;
  server.fake.infos = [feedInfo('demo')];
});

describe('every fifteen seconds', () => {
  const PING_MS = 15_000;

  /** A server of its own whose intervals stand still until the test moves them. */
  async function startStill(nowMs: () => number = Date.now) {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    return startServer({ auth: { sessionHours: 1 } }, nowMs);
  }
  afterEach(() => void vi.useRealTimers());

  test('a socket that answers no ping is dropped, one that does is kept', async () => {
    const own = await startStill();
    const good = await openSocket(own.port, AUTHORIZED);
    const dead = await openSocket(own.port, AUTHORIZED, { autoPong: false });
    const gone = once(dead.socket, 'close');
    const pinged = once(good.socket, 'ping');
    await vi.advanceTimersByTimeAsync(PING_MS);
    await pinged;
    // The answer to a message sent after the pong shows that the pong has arrived.
    good.send({ type: 'clock', t0Ms: 1 });
    await good.next('clock');
    await vi.advanceTimersByTimeAsync(PING_MS);
    await gone;
    good.send({ type: 'clock', t0Ms: 2 });
    expect((await good.next('clock')).t0Ms).toBe(2);
    await own.close();
  });

  test('a socket whose session has ended is dropped', async () => {
    let now = Date.now();
    const own = await startStill(() => now);
    const { socket } = await openSocket(own.port, { cookie: await own.cookie() });
    const gone = once(socket, 'close');
    now += 3601e3;
    await vi.advanceTimersByTimeAsync(PING_MS);
    await gone;
    await own.close();
  });
});

test('close() ends every socket and lets go of the stage', async () => {
  const own = await startServer();
  const { socket } = await openSocket(own.port, AUTHORIZED);
  expect(own.fake.listeners()).toBe(1);
  const closed = once(socket, 'close');
  await own.close();
  const [code] = (await closed) as [number];
  expect(code).toBe(1001);
  expect(own.fake.listeners()).toBe(0);
});
