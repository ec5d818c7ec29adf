import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROBLEMS } from '../../server/config/problem.ts';
import { AUTHORIZED, OFFER, startServer, type TestServer } from './http-fixture.ts';

/** Links, sessions, origins and pages over real HTTP; the stage behind them is a fake. */

let server: TestServer;
let now = Date.now();
beforeAll(async () => {
  server = await startServer({ auth: { sessionHours: 2 } }, () => now);
});
afterAll(async () => {
  await server.close();
});

const HOUR_MS = 3600e3;
const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('a one-time link', () => {
  test('lets one browser in, once, with a strict HttpOnly cookie', async () => {
    const link = server.tokens.link('/monitor?feed=demo');
    const first = await server.ask(link, { headers: { ...HTML, 'sec-fetch-site': 'none' } });
    expect([first.status, first.headers.location]).toEqual([303, '/monitor?feed=demo']);
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/; HttpOnly/);
    expect(cookie).toMatch(/; SameSite=Strict/);
    expect(cookie).toMatch(/Max-Age=7200/);
    expect(first.headers['cache-control']).toBe('no-store');

    const inside = { ...HTML, cookie: cookie.split(';')[0] };
    expect((await server.ask('/monitor', { headers: inside })).text).toBe('<p>monitor</p>');

    const second = await server.ask(link, { headers: HTML });
    expect(second.status).toBe(401);
    expect(second.headers['content-type']).toMatch(/^text\/html/);
    expect(second.text).toContain(PROBLEMS.token_wrong[1]);
    expect(second.headers['set-cookie']).toBeUndefined();

    const reload = await server.ask(link, { headers: { ...inside, 'sec-fetch-site': 'none' } });
    expect(reload.status, 'who is in may open an old link again').toBe(303);
  });

  test('hops over a page of ours where a strict cookie would not follow a redirect', async () => {
    const headers = { ...HTML, 'sec-fetch-site': 'cross-site' };
    const hop = await server.ask(server.tokens.link('/camera'), { headers });
    expect(hop.status).toBe(200);
    expect(hop.text).toContain('url=/camera"');
    expect(hop.headers['set-cookie']).toHaveLength(1);
  });

  test.each([
    '//evil.example',
    'https://evil.example/',
    '/\\evil',
    '/camera/../x',
    'javascript:alert(1)',
    '/"><script>',
  ])('never leads to %s', async (to) => {
    const headers = { ...HTML, 'sec-fetch-site': 'none' };
    expect((await server.ask(server.tokens.link(to), { headers })).headers.location).toBe('/');
  });

  test('is not spent by HEAD, and dies after twelve hours', async () => {
    const link = server.tokens.link('/camera');
    expect((await server.ask(link, { method: 'HEAD' })).status).toBe(404);
    now += 12 * HOUR_MS;
    expect((await server.ask(link, { headers: HTML })).status).toBe(401);
  });

  test.each(['/enter', '/enter?token=', '/enter?token=x', '/enter?token=x&token=y', `/enter?token=${'x'.repeat(600)}`])(
    '%s is refused with a sentence',
    async (path) => {
      const answer = await server.ask(path, { headers: HTML });
      expect(answer.status).toBe(401);
      expect(answer.text).toContain(PROBLEMS.token_wrong[1]);
      expect((await server.ask(path)).headers['content-type']).toMatch(/^application\/problem\+json/);
    },
  );

  test('a session ends with its hours', async () => {
    const cookie = await server.cookie();
    expect((await server.ask('/api/feeds', { headers: { cookie } })).status).toBe(200);
    now += 2 * HOUR_MS;
    expect((await server.ask('/api/feeds', { headers: { cookie } })).status).toBe(401);
  });

  test('leaves no token in the log', async () => {
    const link = server.tokens.link('/camera');
    await server.ask(link);
    await server.ask(link, { headers: AUTHORIZED });
    const token = new URL(link, 'http://x').searchParams.get('token') ?? '';
    expect(server.logged.length).toBeGreaterThan(0);
    expect(server.logged.join('')).not.toContain(token);
    expect(server.logged.join('')).not.toContain(AUTHORIZED.authorization);
  });
});

describe('a page of another server', () => {
  test.each(['http://evil.example', 'http://localhost:1', 'null', 'not an origin'])(
    '%s cannot use a session',
    async (origin) => {
      const headers = { cookie: await server.cookie(), origin, 'content-type': 'application/sdp' };
      const answer = await server.ask('/whip/a-cam', { method: 'POST', headers, body: OFFER });
      expect([answer.status, JSON.parse(answer.text)]).toMatchObject([403, { code: 'origin_refused' }]);
    },
  );

  test('is told from our own', async () => {
    const own = `http://127.0.0.1:${server.port}`;
    const headers = { cookie: await server.cookie(), origin: own, 'content-type': 'application/sdp' };
    expect((await server.ask('/whip/a-cam', { method: 'POST', headers, body: OFFER })).status).toBe(201);
  });
});

describe('a Host that a rebound name would bring', () => {
  test.each([
    'evil.example',
    'evil.example:8880',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil',
    '10.0.0.1',
  ])('%s is refused everywhere', async (host) => {
    for (const path of ['/healthz', '/', '/nothing', '/whip/a-cam']) {
      const answer = await server.ask(path, { headers: { ...AUTHORIZED, host } });
      expect([answer.status, JSON.parse(answer.text)]).toMatchObject([403, { code: 'origin_refused' }]);
    }
  });

  test.each(['localhost', 'LOCALHOST:8880', '127.0.0.1:1', '[::1]:8880'])('%s is this machine', async (host) => {
    expect((await server.ask('/healthz', { headers: { host } })).status).toBe(200);
  });
});

describe('pages', () => {
  test.each(['/', '/camera', '/monitor', '/try'])('%s asks for a link with a page, not with JSON', async (path) => {
    const answer = await server.ask(path, { headers: HTML });
    expect(answer.status).toBe(401);
    expect(answer.text).toContain(PROBLEMS.token_wrong[1]);
    expect(answer.headers['content-security-policy']).toContain("default-src 'self'");
  });

  test('are never cached, their hashed files for ever, others checked', async () => {
    const headers = { ...HTML, cookie: await server.cookie() };
    const page = await server.ask('/camera', { headers });
    expect([page.status, page.headers['cache-control']]).toEqual([200, 'no-store']);
    const script = await server.ask('/assets/page-a1b2c3.js');
    expect([script.status, script.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
    expect((await server.ask('/model.task')).headers['cache-control']).toBe('no-cache');
  });

  test('have one address each, and stay in their folder', async () => {
    for (const path of [
      '/monitor.html',
      '/index.html',
      '/../package.json',
      '/%2e%2e/package.json',
      '/assets',
      '/.env',
    ]) {
      expect([400, 404], path).toContain((await server.ask(path, { headers: HTML })).status);
    }
  });

  test('that are not built say what to do', async () => {
    const answer = await server.ask('/try', { headers: { ...HTML, cookie: await server.cookie() } });
    expect(answer.status).toBe(503);
    expect(answer.text).toContain('npm run build');
  });

  test('may use the camera page’s WebAssembly and blobs, and no stranger’s script', async () => {
    const policy = (await server.ask('/healthz')).headers['content-security-policy'] ?? '';
    expect(policy).toMatch(/script-src 'self' 'wasm-unsafe-eval' blob:;/);
    expect(policy).not.toContain("'unsafe-inline'");
    expect(policy).not.toContain('upgrade-insecure-requests');
  });
});

describe('the API', () => {
  test('lists feeds for those who are in', async () => {
    const answer = await server.ask('/api/feeds', { headers: AUTHORIZED });
    expect(JSON.parse(answer.text)).toMatchObject({
      feeds: [{ name: 'demo', state: 'idle' }],
      looks: ['mara', 'joris'],
      dials: ['retouch'],
    });
    expect((await server.ask('/api/feeds')).status).toBe(401);
    expect((await server.ask('/api/feeds', { method: 'DELETE', headers: AUTHORIZED })).status).toBe(405);
    expect((await server.ask('/api/control', { headers: AUTHORIZED })).status).toBe(426);
    expect(JSON.parse((await server.ask('/healthz')).text)).toEqual({ status: 'ok', store: 'ok' });
  });

  test('makes a fresh link for the next tablet', async () => {
    const headers = { ...AUTHORIZED, 'content-type': 'application/json' };
    const made = await server.ask('/api/links', { method: 'POST', headers, body: '{"to":"/camera"}' });
    expect(made.status).toBe(201);
    const { link } = JSON.parse(made.text) as { link: string };
    expect((await server.ask(link)).headers['set-cookie']).toHaveLength(1);
    for (const body of ['{"to":"//evil"}', '{"to":1}', '{', '[]', '{"two":1}', `{"to":"${'x'.repeat(9000)}"}`]) {
      const refused = await server.ask('/api/links', { method: 'POST', headers, body });
      expect([400, 413], body.slice(0, 20)).toContain(refused.status);
      expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/);
    }
  });
});

test('an odd expectation is overlooked, not answered past the rules', async () => {
  expect((await server.ask('/healthz', { headers: { expect: 'a-miracle' } })).status).toBe(200);
  const foreign = await server.ask('/healthz', { headers: { expect: 'a-miracle', host: 'evil.example' } });
  expect([foreign.status, JSON.parse(foreign.text)]).toMatchObject([403, { code: 'origin_refused' }]);
});

test('too many requests of one address are told to wait', async () => {
  const small = await startServer({ server: { requestsPerMinute: 10 } });
  try {
    let last = await small.ask('/healthz');
    for (let count = 1; count < 101; count += 1) last = await small.ask(count % 2 ? '/nothing' : '/api/feeds');
    expect([last.status, JSON.parse(last.text)]).toMatchObject([429, { code: 'too_many' }]);
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
  } finally {
    await small.close();
  }
});
