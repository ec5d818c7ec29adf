import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { codedClip } from '../../scripts/bench/clip.ts';
import type { Publisher } from '../../server/media/peer/publisher.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { feedBecomes, liveCamera, liveServer } from '../fixtures/live.ts';
import { brokenFragment } from './broken-fragments.ts';
import { brokenOffer } from './broken-offers.ts';
import { CAMPAIGN_MS, campaign } from './campaign.ts';

/**
 * A real server with a real camera and everything broken at its doors: nothing fails inside, no process is lost, and no session stays.
 * Feed `a` has the camera; `b` stands empty; there is no room for a third.
 */

let server: RunningServer;
let camera: Publisher;
let front: number;
beforeAll(async () => {
  server = await liveServer({
    server: { requestsPerMinute: 1_000_000 },
    media: { signalling: 'compatible' },
    stage: { maxFeeds: 2, feeds: [{ name: 'a' }, { name: 'b' }] },
    engine: { spare: false },
    log: { level: 'error', pretty: false },
  });
  front = server.pids().front as number;
  camera = await liveCamera(server, 'a', await codedClip({ width: 320, height: 180, frames: 30, bitrate: 3e5 }));
  await feedBecomes(server, 'a', ({ state }) => state === 'live');
}, 60_000);
afterAll(async () => {
  await camera?.close();
  await server?.close();
});
afterEach(() => expect(server.pids().front, 'the front is still the same process').toBe(front));

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}
interface Ask {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

const WITHIN_MS = 4000;

/** Null where the server hung up on a body that it had refused before all of it came. */
function ask({ method, path, headers = {}, body }: Ask): Promise<Answer | null> {
  const { hostname, port } = new URL(server.url);
  const framed = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const asking = request({ hostname, port, path, method, headers: { ...headers, ...framed }, agent: false });
    const late = setTimeout(() => reject(new Error(`${method} ${path} was not answered.`)), WITHIN_MS);
    asking.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', () => undefined);
      response.on('close', () => {
        clearTimeout(late);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    asking.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(late);
      // What is no request is refused without knowing that it was a HEAD: the refusal then has a body.
      const unread = method === 'HEAD' && error.code === 'HPE_CLOSED_CONNECTION';
      if (unread || error.code === 'EPIPE' || error.code === 'ECONNRESET') resolve(null);
      else reject(error);
    });
    asking.end(body);
  });
}

const token = (): Record<string, string> => ({ authorization: `Bearer ${server.apiToken}` });
const SDP = { 'content-type': 'application/sdp' };

/** Refusals that a client may meet; `internal` is none of them. */
function fair({ status, text }: Answer): void {
  if (status >= 500) expect(text).toMatch(/"code":"(full|engine_down|pages_missing|draining)"/);
}

/** Ends a session that a case happened to open. */
async function end(answer: Answer): Promise<void> {
  const location = answer.headers.location;
  if (answer.status !== 201 || typeof location !== 'string' || !location.startsWith('/wh')) return;
  const ended = await ask({ method: 'DELETE', path: location, headers: token() });
  expect(ended?.status).toBe(200);
}

interface Offered {
  door: string;
  offer: string;
  patches: { fragment: string; ifMatch: string }[];
}

describe('HTTP', () => {
  test(
    'broken offers and patches are answered or refused, and what they open can be closed',
    {
      timeout: CAMPAIGN_MS,
    },
    () =>
      campaign<Offered>({
        name: 'doors-offer',
        share: { runs: 400 },
        cases: fc.record({
          door: fc.constantFrom('/whip/b', '/whip/a', '/whip/c', '/whep/a', '/whep/a/plate', '/whep/a/low', '/whep/b'),
          offer: brokenOffer,
          patches: fc.array(
            fc.record({ fragment: brokenFragment, ifMatch: fc.constantFrom('', '*', 'tag', 'W/"x"', '"x"') }),
            { maxLength: 3 },
          ),
        }),
        async check({ door, offer, patches }) {
          const opened = await ask({ method: 'POST', path: door, headers: { ...token(), ...SDP }, body: offer });
          if (!opened) return;
          fair(opened);
          const location = String(opened.headers.location);
          for (const { fragment, ifMatch } of opened.status === 201 ? patches : []) {
            const tag = ifMatch === 'tag' ? String(opened.headers.etag) : ifMatch;
            const headers = { ...token(), 'content-type': 'application/trickle-ice-sdpfrag' };
            const patched = await ask({
              method: 'PATCH',
              path: location,
              headers: tag ? { ...headers, 'if-match': tag } : headers,
              body: fragment,
            });
            if (patched) fair(patched);
          }
          await end(opened);
        },
      }),
  );

  const segment = fc.oneof(
    fc.constantFrom('whip', 'whep', 'api', 'feeds', 'links', 'control', 'sessions', 'settings', 'enter', 'healthz'),
    fc.constantFrom('readyz', 'metrics', 'a', 'b', 'plate', 'program', 'low', '..', '%00', '%zz', '', 'x'),
    fc.string({ maxLength: 40, unit: 'grapheme' }).map((text) => encodeURIComponent(text.toWellFormed())),
  );
  const header = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    maxLength: 200,
  });
  const TYPES = ['application/sdp', 'application/json', 'application/trickle-ice-sdpfrag', 'text/plain', ''];

  test('requests of any kind are answered below 500', { timeout: CAMPAIGN_MS }, () =>
    campaign<Ask & { known: boolean }>({
      name: 'doors-request',
      share: { runs: 600 },
      cases: fc.record(
        {
          method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'),
          path: fc
            .tuple(fc.array(segment, { maxLength: 5 }), fc.option(fc.webQueryParameters()))
            .map(([segments, query]) => `/${segments.join('/')}${query === null ? '' : `?${query}`}`),
          known: fc.boolean(),
          headers: fc.record(
            {
              'content-type': fc.oneof(fc.constantFrom(...TYPES), header),
              accept: fc.oneof(fc.constant('text/html'), header),
              cookie: header,
              origin: header,
              range: header,
              'if-match': fc.oneof(fc.constant('*'), header),
              'if-none-match': header,
              'content-encoding': header,
              'x-forwarded-for': header,
              expect: fc.constantFrom('100-continue', 'x'),
              'transfer-encoding': fc.constantFrom('identity', 'gzip'),
            },
            { requiredKeys: [] },
          ),
          body: fc.oneof(
            brokenOffer,
            brokenFragment,
            fc.json(),
            fc.uint8Array({ maxLength: 2000 }),
            fc.nat(300_000).map((length) => 'a=x\n'.repeat(length / 4)),
          ),
        },
        { requiredKeys: ['method', 'path', 'known', 'headers'] },
      ),
      async check({ known, method, path, headers, body }) {
        const given = method === 'GET' || method === 'HEAD' || body === undefined ? {} : { body };
        const answer = await ask({ method, path, headers: { ...headers, ...(known ? token() : {}) }, ...given });
        if (!answer) return;
        fair(answer);
        await end(answer);
      },
    }),
  );

  test('bytes that are no HTTP are refused or hung up on', { timeout: CAMPAIGN_MS }, () =>
    campaign<{ head: string; rest: Uint8Array; ends: boolean }>({
      name: 'doors-bytes',
      share: { runs: 200 },
      cases: fc.record({
        head: fc.constantFrom(
          '',
          'GET / HTTP/1.1\r\n',
          'POST /whip/b HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n',
          'POST /whep/a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n',
          'GET /api/control HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n',
          '\x16\x03\x01\x02\x00\x01\x00',
          'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        ),
        rest: fc.uint8Array({ maxLength: 300 }),
        ends: fc.boolean(),
      }),
      async check({ head, rest, ends }) {
        const { hostname, port } = new URL(server.url);
        const socket = connect(Number(port), hostname);
        let said = '';
        socket.on('data', (chunk: Buffer) => {
          said += chunk.toString('latin1');
        });
        socket.on('error', () => undefined);
        const over = new Promise<void>((resolve) => socket.on('close', () => resolve()));
        const bytes = Buffer.concat([Buffer.from(head, 'latin1'), rest]);
        // One that stays open is hung up on by us: the server waits for what is missing.
        if (ends) socket.end(bytes);
        else socket.write(bytes, () => setTimeout(() => socket.destroy(), 5));
        await over;
        expect(said === '' || /^HTTP\/1\.1 [1-4]\d\d /.test(said), said.slice(0, 200)).toBe(true);
      },
    }),
  );
});

describe('the control socket', () => {
  type Said = { text: string } | { bytes: Uint8Array } | { frame: Uint8Array };

  test(
    'messages of any kind are taken or refused; only what is no WebSocket ends the socket',
    {
      timeout: CAMPAIGN_MS,
    },
    () =>
      campaign<{ said: Said[]; ends: 'close' | 'terminate' }>({
        name: 'doors-control',
        share: { runs: 400 },
        cases: fc.record({
          ends: fc.constantFrom('close', 'terminate'),
          said: fc.array(
            fc.oneof(
              fc.record({ text: fc.oneof(fc.json(), fc.string({ unit: 'binary', maxLength: 200 })) }),
              fc.record({
                text: fc
                  .record({
                    type: fc.constantFrom('clock', 'feed', 'cast', 'recast', 'uncast', 'bind', 'neutral', 'x'),
                    performer: fc.constantFrom('Anna', ' ', 7),
                    casting: fc.oneof(fc.constant(null), fc.string({ maxLength: 4 })),
                    track: fc.oneof(fc.constant(null), fc.integer(), fc.double()),
                    t0Ms: fc.oneof(fc.double(), fc.string()),
                    feed: fc.constantFrom('a', 'b', '', '../a', 'A'),
                    look: fc.oneof(fc.constantFrom('mara', 'nobody'), fc.string()),
                    uncast: fc.constantFrom('look', 'blur', 'x'),
                  })
                  .map((message) => JSON.stringify(message)),
              }),
              fc.record({ bytes: fc.uint8Array({ maxLength: 200 }) }),
              fc.record({ text: fc.nat(70_000).map((length) => '['.repeat(length)) }),
              // Straight onto the connection: frames of a client are masked, so most of this is none.
              fc.record({ frame: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
            ),
            { minLength: 1, maxLength: 12 },
          ),
        }),
        async check({ said, ends }) {
          const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/control`, { headers: token() });
          const closed = new Promise<number>((resolve) => socket.on('close', resolve));
          socket.on('error', () => undefined);
          await new Promise<void>((resolve) => socket.once('open', () => resolve()));
          const heard = new Promise<void>((resolve) => {
            socket.on('message', (data: Buffer) => {
              const message = JSON.parse(data.toString('utf8')) as { type: string; t0Ms?: number; code?: string };
              expect(message.code).not.toBe('internal');
              if (message.type === 'clock' && message.t0Ms === -1) resolve();
            });
          });
          for (const one of said) {
            if ('text' in one) socket.send(one.text);
            else if ('bytes' in one) socket.send(one.bytes);
            else (socket as unknown as { _socket: { write(bytes: Uint8Array): void } })._socket.write(one.frame);
          }
          socket.send(JSON.stringify({ type: 'clock', t0Ms: -1 }));
          const spoiled = said.some((one) => 'frame' in one || ('text' in one && Buffer.byteLength(one.text) > 65_536));
          // A spoiled stream may wait for the rest of a frame that never comes.
          if (spoiled) await Promise.race([closed, heard, new Promise((resolve) => setTimeout(resolve, 20))]);
          else await heard;
          if (ends === 'close' && !spoiled) socket.close();
          else socket.terminate();
          await closed;
        },
      }),
  );
});

test('after all this nothing has failed inside, nothing stays open, and the picture goes on', {
  timeout: 60_000,
}, async () => {
  const handles = (): number =>
    process.platform === 'linux' ? readdirSync(`/proc/${front}/fd`).length : Number.NEGATIVE_INFINITY;
  const metrics = async (): Promise<string> =>
    (await ask({ method: 'GET', path: '/metrics', headers: token() }))?.text ?? '';
  expect(await metrics()).toMatch(/^understudy_refusals_total\{code="internal"\} 0$/m);
  await feedBecomes(server, 'b', ({ state }) => state === 'idle');
  const feed = await feedBecomes(server, 'a', ({ viewers }) => Object.values(viewers).every((count) => count === 0));
  expect(feed).toMatchObject({ name: 'a', state: 'live' });
  const sockets = async (): Promise<string | undefined> =>
    /^understudy_control_sockets (\d+)$/m.exec(await metrics())?.[1];
  await expect.poll(sockets, { timeout: 20_000 }).toBe('0');
  // A camera, its port, the engines' channels, the listening sockets and what Node itself holds.
  await expect.poll(handles, { timeout: 20_000 }).toBeLessThan(60);
});
