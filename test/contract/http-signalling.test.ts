import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PROBLEMS, Problem, type ProblemCode } from '../../server/config/problem.ts';
import { type Answer, AUTHORIZED, OFFER, startServer, type TestServer } from './http-fixture.ts';

/** WHIP and WHEP over real HTTP; the stage behind them is a fake. */

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
});

/** A loaded machine may take its time. */
const SOON = { timeout: 15_000 };
const SDP = { ...AUTHORIZED, 'content-type': 'application/sdp' };
const post = (path: string, body: string | Buffer = OFFER, headers: Record<string, string> = SDP) =>
  server.ask(path, { method: 'POST', headers, body });

function expectProblem(answer: Answer, code: ProblemCode): void {
  expect(answer.text).toContain(code);
  expect(answer.status).toBe(PROBLEMS[code][0]);
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  const body = JSON.parse(answer.text) as Record<string, unknown>;
  expect(body).toMatchObject({ code, status: PROBLEMS[code][0], title: PROBLEMS[code][1] });
  expect(Object.keys(body).every((key) => ['type', 'title', 'status', 'detail', 'code'].includes(key))).toBe(true);
}

describe.each([
  { endpoint: '/whip/a-cam', session: '/whip/a-cam' },
  { endpoint: '/whep/a-cam', session: '/whep/a-cam/program' },
  { endpoint: '/whep/a-cam/plate', session: '/whep/a-cam/plate' },
])('$endpoint', ({ endpoint, session }) => {
  test('opens a session, says nothing on GET, ends it once', async () => {
    const opened = await post(endpoint);
    expect(opened.status).toBe(201);
    expect(opened.headers['content-type']).toMatch(/^application\/sdp/);
    expect(opened.headers.etag).toMatch(/^"[\w-]+"$/);
    expect(opened.text).toContain('an answer of the fake');
    const { location = '' } = opened.headers;
    expect(location.startsWith(`${session}/`)).toBe(true);

    expect((await server.ask(location, { headers: AUTHORIZED })).status).toBe(204);
    expect((await server.ask(location, { method: 'HEAD', headers: AUTHORIZED })).status).toBe(200);
    const wrongTag = { ...AUTHORIZED, 'if-match': '"stale"' };
    expect((await server.ask(location, { method: 'DELETE', headers: wrongTag })).status).toBe(200);
    for (const method of ['DELETE', 'GET'])
      expectProblem(await server.ask(location, { method, headers: AUTHORIZED }), 'session_unknown');
    expect((await server.ask(location, { method: 'HEAD', headers: AUTHORIZED })).status).toBe(404);
  });

  test('answers GET, HEAD and OPTIONS without content', async () => {
    const got = await server.ask(endpoint, { headers: AUTHORIZED });
    expect([got.status, got.text]).toEqual([204, '']);
    const head = await server.ask(endpoint, { method: 'HEAD', headers: AUTHORIZED });
    expect(head.status).toBe(200);
    const options = await server.ask(endpoint, { method: 'OPTIONS', headers: AUTHORIZED });
    expect(options.status).toBe(200);
    expect(options.headers['accept-post']).toBe('application/sdp');
  });

  test('lets a preflight pass without a token and exposes what a player needs', async () => {
    const headers = { origin: 'https://player.example', 'access-control-request-method': 'POST' };
    const preflight = await server.ask(endpoint, { method: 'OPTIONS', headers });
    expect(preflight.status).toBe(200);
    expect(preflight.headers['access-control-allow-origin']).toBe('*');
    expect(preflight.headers['access-control-allow-methods']).toContain('DELETE');
    expect(preflight.headers['access-control-allow-headers']).toMatch(/Authorization/);
    const crossed = await post(endpoint, OFFER, { ...SDP, origin: 'https://player.example' });
    expect(crossed.status).toBe(201);
    for (const name of ['Location', 'ETag', 'Link']) {
      expect(crossed.headers['access-control-expose-headers']).toContain(name);
    }
  });

  test('refuses a wrong, a missing and a strange token', async () => {
    const type = { 'content-type': 'application/sdp' };
    for (const authorization of ['Bearer wrong-token-wrong-token', 'Basic YTpi', 'Bearer', '']) {
      expectProblem(await post(endpoint, OFFER, { ...type, authorization }), 'token_wrong');
    }
    const bare = await post(endpoint, OFFER, type);
    expectProblem(bare, 'token_wrong');
    expect(bare.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  test('refuses another media type, and none', async () => {
    expectProblem(
      await post(endpoint, '{}', { ...AUTHORIZED, 'content-type': 'application/json' }),
      'media_type_wrong',
    );
    expectProblem(await post(endpoint, OFFER, AUTHORIZED), 'media_type_wrong');
    expectProblem(await server.ask(endpoint, { method: 'POST', headers: AUTHORIZED }), 'media_type_wrong');
    const charset = { ...AUTHORIZED, 'content-type': 'application/sdp; charset=utf-8' };
    expect((await post(endpoint, OFFER, charset)).status).toBe(201);
  });

  test.each([
    ['nothing', ''],
    ['words', 'hello'],
    ['JSON', '{"sdp":"v=0"}'],
    ['a zero byte', OFFER.replace('s=-', 's=\0')],
    ['no version', OFFER.replace('v=0\r\n', '')],
    ['no media section', OFFER.slice(0, OFFER.indexOf('m='))],
    ['65 candidates', OFFER + 'a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n'.repeat(65)],
    ['40 sections', OFFER + 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\n'.repeat(40)],
    ['random bytes', Buffer.from(Array.from({ length: 999 }, (_, index) => (index * 167) % 256))],
  ])('refuses %s as malformed', async (_, body) => {
    expectProblem(await post(endpoint, body), 'sdp_malformed');
  });

  test('refuses audio alone as unusable', async () => {
    expectProblem(await post(endpoint, OFFER.replace('m=video', 'm=audio')), 'sdp_unusable');
  });

  test('refuses more than 128 KiB, declared or streamed, and takes 128 KiB', async () => {
    const line = 'a=x:0123456789\r\n';
    const full = OFFER + line.repeat(Math.floor((128 * 1024 - OFFER.length) / line.length));
    expect((await post(endpoint, full.slice(0, 4000 * line.length))).status).toBe(201);
    expectProblem(await post(endpoint, full + line.repeat(2)), 'sdp_too_large');
    const streamed = await server.ask(endpoint, {
      method: 'POST',
      headers: { ...SDP, 'transfer-encoding': 'chunked' },
      body: full + line.repeat(2),
    });
    expectProblem(streamed, 'sdp_too_large');
  });

  test.each([
    ['sdp_unusable', undefined],
    ['feed_busy', '2'],
    ['feed_idle', '2'],
    ['full', '10'],
    ['engine_down', '1'],
  ] as const)('passes on the stage’s %s', async (code, retryAfter) => {
    server.fake.refuse = new Problem(code, 'In this case.');
    const answer = await post(endpoint);
    expectProblem(answer, code);
    expect((JSON.parse(answer.text) as { detail: string }).detail).toBe('In this case.');
    expect(answer.headers['retry-after']).toBe(retryAfter);
  });

  test('keeps the inner words of a failure to the log', async () => {
    server.fake.refuse = new Error('a secret path');
    const answer = await post(endpoint);
    expectProblem(answer, 'internal');
    expect(answer.text).not.toContain('secret');
    expect(server.logged.some((line) => line.includes('a secret path'))).toBe(true);
  });

  test('refuses other methods and says which it takes', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const answer = await server.ask(endpoint, { method, headers: AUTHORIZED });
      // /whep/a-cam/plate and a session's address differ in depth, so DELETE is never taken for one.
      expectProblem(answer, 'method_refused');
      expect(answer.headers.allow).toContain('POST');
    }
    const put = await server.ask(`${session}/abc`, { method: 'PUT', headers: AUTHORIZED });
    expectProblem(put, 'method_refused');
    expect(put.headers.allow).toBe('GET, HEAD, PATCH, DELETE, OPTIONS');
  });
});

test.each(['A-CAM', '-a', 'a_b', 'a%20b', 'a%2fb', 'a'.repeat(33), '%E2%82%AC'])(
  'refuses %s as a feed name',
  async (name) => {
    expectProblem(await post(`/whip/${name}`), 'feed_unknown');
  },
);

test('does not know other renditions or broken addresses', async () => {
  expectProblem(await post('/whep/a-cam/negative'), 'not_found');
  expectProblem(await post('/whip/%zz'), 'bad_request');
  expectProblem(await post(`/whip/${'a'.repeat(500)}`), 'bad_request');
  expectProblem(await post('/whip'), 'not_found');
});

test('a session of one feed is not ended through another', async () => {
  const opened = await post('/whip/a-cam');
  const id = opened.headers.location?.split('/').at(-1) ?? '';
  const other = await server.ask(`/whip/b-cam/${id}`, { method: 'DELETE', headers: AUTHORIZED });
  expectProblem(other, 'session_unknown');
  expect(server.fake.sessions.get(id)).toBe('a-cam');
});

test('a session whose client left while it opened is ended', async () => {
  server.fake.sessions.clear();
  server.fake.ended.length = 0;
  const opening = Promise.withResolvers<void>();
  server.fake.hold = opening.promise;
  const client = httpRequest({ port: server.port, path: '/whip/a-cam', method: 'POST', headers: SDP, agent: false });
  client.on('error', () => undefined);
  client.end(OFFER);
  await vi.waitUntil(() => server.fake.hold === null, SOON);
  const gone = new Promise((resolve) => client.once('close', resolve));
  client.destroy();
  await gone;
  // The server learns of it in its own turn: a later request on another connection comes after.
  await server.ask('/healthz');
  opening.resolve();
  await vi.waitUntil(() => server.fake.ended.length === 1, SOON);
  expect(server.fake.sessions.size).toBe(0);
});

test('/whep/:feed is the program', async () => {
  server.fake.watched.length = 0;
  await post('/whep/a-cam');
  await post('/whep/a-cam/plate');
  expect(server.fake.watched).toEqual(['a-cam/program', 'a-cam/plate']);
});

describe('/whip/:feed/sound', () => {
  const SOUND = OFFER.replace('m=video', 'm=audio').replace('a=rtpmap:96 H264/90000', 'a=rtpmap:96 opus/48000/2');

  test('takes an offer of sound alone, and its session lies below it', async () => {
    const opened = await post('/whip/a-cam/sound', SOUND);
    expect(opened.status).toBe(201);
    const location = opened.headers.location ?? '';
    expect(location).toMatch(/^\/whip\/a-cam\/sound\/[\w-]+$/);
    expect((await server.ask(location, { method: 'DELETE', headers: AUTHORIZED })).status).toBe(200);
    expectProblem(await server.ask(location, { method: 'DELETE', headers: AUTHORIZED }), 'session_unknown');
    expect((await server.ask('/whip/a-cam/sound', { headers: AUTHORIZED })).status).toBe(204);
  });

  test('refuses a picture without sound there, and sound without a picture at the camera’s address', async () => {
    expectProblem(await post('/whip/a-cam/sound', OFFER), 'sdp_unusable');
    expectProblem(await post('/whip/a-cam', SOUND), 'sdp_unusable');
    expectProblem(await server.ask('/whip/a-cam/sound', { method: 'DELETE', headers: AUTHORIZED }), 'method_refused');
  });
});
