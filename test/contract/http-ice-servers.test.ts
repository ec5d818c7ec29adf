import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConfigInput, loadConfig } from '../../server/config/config.ts';
import { turnServers } from '../../server/media/peer/ice-links.ts';
import { iceServers } from '../../server/wire/ice.ts';
import { type Answer, AUTHORIZED, OFFER, startServer, type TestServer } from './http-fixture.ts';

/** STUN and TURN servers as clients learn of them: RFC 9725 §4.6 and the TURN REST scheme. */

const SECRET = 'north-by-northwest';
const TURN = [
  { urls: ['turn:turn.example.net:3478?transport=udp', 'turns:turn.example.net'], secret: SECRET, hours: 1 },
  { urls: 'turn:[2001:db8::7]', username: 'set', credential: 'p;a,ss' },
  { urls: 'stun:stun.example.net' },
];

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ media: { turn: TURN as never } });
});
afterAll(() => server.close());

const SDP = { ...AUTHORIZED, 'content-type': 'application/sdp' };
const open = (path: string) => server.ask(path, { method: 'POST', headers: SDP, body: OFFER });

const linkOf = ({ headers }: Answer): string => [headers.link ?? ''].flat().join(', ');

function expectSecretCredential(username: string, credential: string): void {
  const [expires, who] = username.split(':');
  expect(Number(expires) - Date.now() / 1000).toBeGreaterThan(3500);
  expect(Number(expires) - Date.now() / 1000).toBeLessThanOrEqual(3600);
  expect(who).toMatch(/^[\w-]{12}$/);
  expect(credential).toBe(createHmac('sha1', SECRET).update(username).digest('base64'));
}

describe.each(['/whip/a-cam', '/whep/a-cam', '/whep/a-cam/plate'])('%s', (endpoint) => {
  test('tells every server with a new session, with credentials of its own', async () => {
    const opened = await open(endpoint);
    expect(opened.status).toBe(201);
    const link = linkOf(opened);
    const [first, other] = turnServers(link);
    expectSecretCredential(first?.username ?? '', first?.password ?? '');
    expect(first).toMatchObject({ hostname: 'turn.example.net', port: 3478, relayType: 'TurnUdp' });
    expect(other).toMatchObject({ hostname: '2001:db8::7', port: 3478, username: 'set', password: 'p;a,ss' });
    expect(link).toContain('<stun:stun.example.net>; rel="ice-server"');
    expect(link).toMatch(
      /<turns:turn\.example\.net>; rel="ice-server"; username="[^"]+"; credential="[^"]+"; credential-type="password"/,
    );
    expect(turnServers(linkOf(await open(endpoint)))[0]?.username).not.toBe(first?.username);
    expect(opened.headers['access-control-expose-headers']).toContain('Link');
  });

  test('tells them before an offer to who may make one, and to nobody else', async () => {
    const options = await server.ask(endpoint, { method: 'OPTIONS', headers: AUTHORIZED });
    expect(options.status).toBe(200);
    expect(turnServers(linkOf(options))).toHaveLength(2);
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { origin: 'https://player.example' }]) {
      const refused = await server.ask(endpoint, { method: 'OPTIONS', headers });
      expect([refused.status, refused.headers.link]).toEqual([200, undefined]);
    }
  });
});

test('pages ask for them before their offer, with their session', async () => {
  const answer = await server.ask('/api/ice-servers', { headers: { cookie: await server.cookie() } });
  expect(answer.headers['cache-control']).toBe('no-store');
  const known = iceServers.parse(JSON.parse(answer.text));
  expect(known.validSeconds).toBe(3600);
  expect(known.iceServers.flatMap(({ urls }) => urls)).toEqual([
    'turn:turn.example.net:3478?transport=udp',
    'turns:turn.example.net',
    'turn:[2001:db8::7]',
    'stun:stun.example.net',
  ]);
  expectSecretCredential(known.iceServers[0]?.username ?? '', known.iceServers[0]?.credential ?? '');
  expect(known.iceServers[2]).toEqual({ urls: ['stun:stun.example.net'] });
  expect((await server.ask('/api/ice-servers')).status).toBe(401);
});

test('the secret leaves the server neither in an answer nor in the log', async () => {
  const answers = [await open('/whip/a'), await server.ask('/api/ice-servers', { headers: AUTHORIZED })];
  for (const { text, headers } of answers) expect(text + JSON.stringify(headers)).not.toContain(SECRET);
  expect(server.logged.length).toBeGreaterThan(0);
  expect(server.logged.join()).not.toContain(SECRET);
  expect(server.logged.join()).not.toContain('p;a,ss');
});

test('without media.turn nothing is told', async () => {
  const bare = await startServer();
  try {
    const opened = await bare.ask('/whip/a', { method: 'POST', headers: SDP, body: OFFER });
    expect([opened.status, opened.headers.link]).toEqual([201, undefined]);
    expect(JSON.parse((await bare.ask('/api/ice-servers', { headers: AUTHORIZED })).text)).toMatchObject({
      iceServers: [],
    });
  } finally {
    await bare.close();
  }
});

test.each([
  [{ urls: 'turn:t.example' }, /a TURN server wants a username and credential, or the secret/],
  [{ urls: 'turn:t.example', username: 'a' }, /username and credential belong together/],
  [{ urls: 'turn:t.example', username: 'a', credential: 'b', secret: 'c' }, /either username and credential, or/],
  [{ urls: 'http://t.example', secret: 'c' }, /write an address such as turn:/],
  [{ urls: 'turn:t.example', secret: 'with "quotes"' }, /none of them "/],
  [{ urls: [], secret: 'c' }, /media\.turn\.0\.urls/],
])('%j is refused', (turn, sentence) => {
  expect(() => loadConfig(undefined, { media: { turn: [turn] } } as ConfigInput)).toThrow(sentence);
});
