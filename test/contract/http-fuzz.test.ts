import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { API_TOKEN, AUTHORIZED, OFFER, openSocket, startServer, type TestServer } from './http-fixture.ts';

/** Whatever is sent, the server answers below 500 and lives on. The stage behind it is a fake that takes every offer. */

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ server: { requestsPerMinute: 1_000_000 }, log: { level: 'silent' } });
});
afterAll(async () => {
  await server.close();
});

const alive = async (): Promise<void> => expect((await server.ask('/healthz')).status).toBe(200);

const segment = fc.oneof(
  fc.constantFrom(
    'whip',
    'whep',
    'api',
    'feeds',
    'links',
    'control',
    'enter',
    'a-cam',
    'plate',
    'program',
    '..',
    '%00',
    '%zz',
    '',
  ),
  fc.string({ maxLength: 40 }).map(encodeURIComponent),
);
const path = fc
  .tuple(fc.array(segment, { maxLength: 5 }), fc.option(fc.webQueryParameters()))
  .map(([segments, query]) => `/${segments.join('/')}${query === null ? '' : `?${query}`}`);
const method = fc.constantFrom(
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'QUERY',
);
/** Bytes that Node's own client lets through in a header. */
const headerText = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 200,
});
const headers = fc.record(
  {
    authorization: fc.oneof(fc.constant(`Bearer ${API_TOKEN}`), fc.constant(`Bearer ${API_TOKEN}`), headerText),
    'content-type': fc.oneof(fc.constant('application/sdp'), fc.constant('application/json'), headerText),
    accept: fc.oneof(fc.constant('text/html'), headerText),
    cookie: headerText.map((text) => `understudy_0=${text}`),
    origin: fc.oneof(fc.webUrl(), headerText),
    host: fc.oneof(fc.constant('127.0.0.1'), fc.constant('127.0.0.1'), headerText),
    range: headerText,
    'if-none-match': headerText,
    'content-encoding': headerText,
    'sec-fetch-site': headerText,
    expect: fc.constantFrom('100-continue', 'x'),
  },
  { requiredKeys: [] },
);
/** An offer with lines broken, doubled, cut or made up. */
const brokenOffer = fc.tuple(fc.array(fc.nat(OFFER.length)), fc.string({ maxLength: 60 }), fc.nat(OFFER.length)).map(
  ([holes, middle, cut]) =>
    Array.from(OFFER)
      .filter((_, index) => !holes.includes(index))
      .join('')
      .slice(0, cut) +
    middle +
    OFFER.slice(cut),
);
const body = fc.oneof(
  fc.constant(undefined),
  fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  brokenOffer,
  fc.json(),
  fc.nat(300_000).map((length) => 'a=x\n'.repeat(length / 4)),
);

test('random requests never fail inside', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(path, method, headers, body, async (where, how, asked, what) => {
      const given = how === 'GET' || how === 'HEAD' ? undefined : what;
      const sent = await server
        .ask(where, { method: how, headers: asked, ...(given !== undefined && { body: given }) })
        .catch((error: NodeJS.ErrnoException) => error);
      // The server may hang up on a body that it refused before all of it came.
      if (sent instanceof Error) expect(['EPIPE', 'ECONNRESET']).toContain(sent.code);
      else if (sent.status !== 503) expect(sent.status, sent.text).toBeLessThan(500);
      else expect(sent.text).toContain('npm run build');
    }),
    { numRuns: 400 },
  );
  await alive();
});

test('broken offers reach WHIP and WHEP and never fail inside', async () => {
  const doors = fc.constantFrom('/whip/a-cam', '/whep/a-cam', '/whep/a-cam/plate');
  await fc.assert(
    fc.asyncProperty(doors, brokenOffer, async (where, offer) => {
      const answer = await server.ask(where, {
        method: 'POST',
        headers: { ...AUTHORIZED, 'content-type': 'application/sdp' },
        body: offer,
      });
      expect([201, 400, 422], answer.text).toContain(answer.status);
    }),
    { numRuns: 200 },
  );
});

test('bytes that are not HTTP are refused or hung up on', async () => {
  const raw = (bytes: Uint8Array): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(server.port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
      });
      socket.on('error', () => resolve(text));
      socket.on('close', () => resolve(text));
      socket.end(bytes);
    });
  const start = fc.constantFrom(
    '',
    'GET / HTTP/1.1\r\n',
    'POST /whip/a HTTP/1.1\r\nhost: localhost\r\n',
    '\x16\x03\x01',
    'GET / HTTP/9.9\r\n\r\n',
  );
  await fc.assert(
    fc.asyncProperty(start, fc.uint8Array({ maxLength: 300 }), async (head, rest) => {
      const text = await raw(Buffer.concat([Buffer.from(head, 'latin1'), rest]));
      expect(text === '' || /^HTTP\/1\.1 [1-4]\d\d /.test(text), text).toBe(true);
    }),
    { numRuns: 100 },
  );
  const endless = await raw(Buffer.from(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`));
  expect(endless).toMatch(/^HTTP\/1\.1 400 [\s\S]*application\/problem\+json/);
  await alive();
});

test('random control messages are refused or taken, and the socket closes on broken frames only', async () => {
  const { socket, next, send } = await openSocket(server.port, AUTHORIZED);
  const message = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .record({
        type: fc.constantFrom('clock', 'feed', 'x'),
        t0Ms: fc.anything(),
        feed: fc.string(),
        look: fc.string(),
      })
      .map((value) => JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? 0 : inner))),
  );
  // 90 messages: the limit has a test of its own.
  for (const [index, text] of fc.sample(message, 45).entries()) {
    socket.send(text);
    send({ type: 'clock', t0Ms: -1000 - index });
    for (let clock = await next('clock'); clock.t0Ms !== -1000 - index; ) clock = await next('clock');
  }
  expect(socket.readyState).toBe(WebSocket.OPEN);
  socket.terminate();
  await alive();
});
