import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PROBLEMS, Problem, type ProblemCode } from '../../server/config/problem.ts';
import { type Answer, AUTHORIZED, OFFER, startServer, type TestServer } from './http-fixture.ts';

/** Trickling and ICE restarts by PATCH (RFC 9725 §4.3) over real HTTP; the stage behind them is a fake. */

const UFRAG = 'EsAw';
const PWD = 'P2uYro0UCOQ4zxjKXaWCBui1';
const ICE_OFFER = `${OFFER}a=ice-ufrag:${UFRAG}\r\na=ice-pwd:${PWD}\r\na=mid:0\r\n`;
const CANDIDATE = 'candidate:1 1 udp 2122260223 192.0.2.7 54609 typ host';
const SDP = { ...AUTHORIZED, 'content-type': 'application/sdp' };
const FRAGMENT = { ...AUTHORIZED, 'content-type': 'application/trickle-ice-sdpfrag' };

function fragment(candidates: readonly string[] = [CANDIDATE], ufrag = UFRAG, pwd = PWD): string {
  const lines = candidates.map((candidate) => `a=${candidate}\r\n`).join('');
  return `a=ice-ufrag:${ufrag}\r\na=ice-pwd:${pwd}\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n${lines}`;
}
const RESTART = fragment([CANDIDATE], 'nEwU', 'newPassword0newPassword0');

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
beforeEach(() => {
  server.fake.trickled.length = 0;
  server.fake.restarted.length = 0;
});
afterAll(async () => {
  await server.close();
});

function expectProblem(answer: Answer, code: ProblemCode): void {
  expect(answer.text).toContain(code);
  expect(answer.status).toBe(PROBLEMS[code][0]);
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
}

async function open(endpoint: string, on = server): Promise<{ location: string; etag: string }> {
  const opened = await on.ask(endpoint, { method: 'POST', headers: SDP, body: ICE_OFFER });
  expect(opened.status).toBe(201);
  const { location = '', etag = '' } = opened.headers;
  return { location, etag };
}
const patch = (path: string, body: string, headers: Record<string, string> = {}, on = server) =>
  on.ask(path, { method: 'PATCH', headers: { ...FRAGMENT, ...headers }, body });

describe.each(['/whip/a-cam', '/whep/a-cam'])('%s', (endpoint) => {
  test('takes candidates with the current ETag', async () => {
    const { location, etag } = await open(endpoint);
    const answer = await patch(location, fragment([CANDIDATE, CANDIDATE.replace(' 1 udp', ' 2 udp')]), {
      'if-match': `"other", ${etag}`,
    });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(server.fake.trickled).toEqual([CANDIDATE]);
    const ended = `a=ice-ufrag:${UFRAG}\r\na=ice-pwd:${PWD}\r\nm=video 9 RTP/AVP 0\r\na=mid:0\r\na=end-of-candidates\r\n`;
    expect((await patch(location, ended, { 'if-match': etag })).status).toBe(204);
  });

  test('restarts ICE, with new credentials and a new ETag, and again', async () => {
    const { location, etag } = await open(endpoint);
    const answer = await patch(location, RESTART, { 'if-match': '*' });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/trickle-ice-sdpfrag/);
    expect(answer.text).toBe(
      [
        'a=ice-ufrag:ours',
        'a=ice-pwd:our-password-of-24-bytes',
        'm=video 9 UDP/TLS/RTP/SAVPF 0',
        'a=mid:0',
        'a=candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host',
        'a=end-of-candidates',
        '',
      ].join('\r\n'),
    );
    expect(server.fake.restarted).toEqual([{ ufrag: 'nEwU', pwd: 'newPassword0newPassword0' }]);
    expect(server.fake.trickled).toEqual([CANDIDATE]);
    const { etag: next = '' } = answer.headers;
    expect(next).toMatch(/^"[\w-]+"$/);
    expect(next).not.toBe(etag);
    expectProblem(await patch(location, fragment(), { 'if-match': etag }), 'ice_outdated');
    expect((await patch(location, RESTART, { 'if-match': next })).status).toBe(204);
    const again = await patch(location, fragment([], 'aGain', PWD), { 'if-match': '"*"' });
    expect(again.status).toBe(200);
    expect(again.headers.etag).not.toBe(next);
  });

  test('a failed restart leaves the session as it was', async () => {
    const { location, etag } = await open(endpoint);
    server.fake.refuseRestart = new Problem('restart_refused', 'There is no UDP port left for it.');
    expectProblem(await patch(location, RESTART, { 'if-match': '*' }), 'restart_refused');
    expect((await patch(location, fragment(), { 'if-match': etag })).status).toBe(204);
    const foreign = RESTART.replace('typ host', 'typ host ufrag EsAw');
    expectProblem(await patch(location, foreign, { 'if-match': '*' }), 'ice_outdated');
    expect(server.fake.restarted).toEqual([]);
    expect((await patch(location, fragment(), { 'if-match': etag })).status).toBe(204);
  });

  test('wants the right precondition', async () => {
    const { location, etag } = await open(endpoint);
    expectProblem(await patch(location, fragment()), 'if_match_missing');
    expectProblem(await patch(location, RESTART), 'if_match_missing');
    expectProblem(await patch(location, fragment(), { 'if-match': '"stale"' }), 'ice_outdated');
    expectProblem(await patch(location, fragment(), { 'if-match': `W/${etag}` }), 'ice_outdated');
    expectProblem(await patch(location, RESTART, { 'if-match': etag }), 'fragment_malformed');
    expect(server.fake.trickled).toEqual([]);
    // Any ICE session is this one too.
    expect((await patch(location, fragment(), { 'if-match': '*' })).status).toBe(204);
    expect(server.fake.restarted).toEqual([]);
  });

  test('wants the right type, a fragment, and a session', async () => {
    const { location, etag } = await open(endpoint);
    const headers = { 'if-match': etag };
    for (const type of ['application/json', 'text/plain', 'application/sdp']) {
      const answer = await patch(location, fragment(), { ...headers, 'content-type': type });
      expectProblem(answer, 'media_type_wrong');
    }
    const bare = await server.ask(location, { method: 'PATCH', headers: { ...AUTHORIZED, ...headers } });
    expectProblem(bare, 'media_type_wrong');
    expectProblem(await patch(location, 'v=0\r\n', headers), 'fragment_malformed');
    expectProblem(await patch(location, '', headers), 'fragment_malformed');
    expectProblem(await patch(`${location}x`, fragment(), headers), 'session_unknown');
    expectProblem(await patch(location, `a=${'x'.repeat(130 * 1024)}`, headers), 'sdp_too_large');
    const stranger = await server.ask(location, {
      method: 'PATCH',
      headers: { 'content-type': FRAGMENT['content-type'], ...headers },
      body: fragment(),
    });
    expectProblem(stranger, 'token_wrong');
    const posted = await server.ask(endpoint, { method: 'POST', headers: FRAGMENT, body: fragment() });
    expectProblem(posted, 'media_type_wrong');
  });

  test('takes 64 candidates in all, and as many again after a restart', async () => {
    const { location, etag } = await open(endpoint);
    const many = (count: number) => Array.from({ length: count }, (_, i) => CANDIDATE.replace(':1 ', `:${i} `));
    expect((await patch(location, fragment(many(60)), { 'if-match': etag })).status).toBe(204);
    expectProblem(await patch(location, fragment(many(5)), { 'if-match': etag }), 'candidates_too_many');
    expect((await patch(location, fragment(many(4)), { 'if-match': etag })).status).toBe(204);
    expectProblem(await patch(location, fragment(many(65)), { 'if-match': etag }), 'candidates_too_many');
    expect((await patch(location, fragment(many(64), 'nEwU'), { 'if-match': '*' })).status).toBe(200);
  });

  test('says what it takes, and lets a page elsewhere read and ask it', async () => {
    const { location, etag } = await open(endpoint);
    const options = await server.ask(location, {
      method: 'OPTIONS',
      headers: { origin: 'https://player.example', 'access-control-request-method': 'PATCH' },
    });
    expect(options.status).toBe(200);
    expect(options.headers['accept-patch']).toContain('application/trickle-ice-sdpfrag');
    expect(options.headers.allow).toBe('GET, HEAD, PATCH, DELETE, OPTIONS');
    expect(options.headers['access-control-allow-methods']).toContain('PATCH');
    expect(options.headers['access-control-allow-headers']).toContain('If-Match');
    const crossed = await patch(location, fragment(), { 'if-match': etag, origin: 'https://player.example' });
    for (const name of ['Location', 'ETag', 'Link'])
      expect(crossed.headers['access-control-expose-headers']).toContain(name);
  });
});

describe('WHEP’s counter-offer', () => {
  const unusable = ICE_OFFER.replace('m=video', 'm=audio');
  beforeEach(() => {
    server.fake.invites = true;
    server.fake.answered.length = 0;
  });
  const invite = () => server.ask('/whep/a-cam', { method: 'POST', headers: SDP, body: unusable });
  const answer = (path: string, body: string, headers: Record<string, string> = {}) =>
    server.ask(path, { method: 'PATCH', headers: { ...SDP, ...headers }, body });

  test('comes with 406 for an offer that holds nothing usable, and takes an answer', async () => {
    const invited = await invite();
    expect([invited.status, invited.text]).toEqual([406, 'v=0\r\nan answer of the fake\r\n']);
    expect(invited.headers['content-type']).toMatch(/^application\/sdp/);
    const { location = '', etag = '' } = invited.headers;
    expect(location).toMatch(/^\/whep\/a-cam\/program\/./);
    expectProblem(await answer(location, ICE_OFFER, { 'if-match': '"stale"' }), 'ice_outdated');
    expectProblem(await answer(location, ICE_OFFER.replace('m=video 9', 'm=video 0')), 'sdp_unusable');
    expectProblem(await answer(location, 'v=0'), 'sdp_malformed');
    const taken = await answer(location, ICE_OFFER, { 'if-match': etag });
    expect([taken.status, server.fake.answered]).toEqual([204, [ICE_OFFER]]);
    expect(taken.headers.etag).not.toBe(etag);
    expect((await patch(location, fragment(), { 'if-match': taken.headers.etag ?? '' })).status).toBe(204);
    expect((await server.ask(location, { method: 'DELETE', headers: AUTHORIZED })).status).toBe(200);
  });

  test('comes neither to a camera nor where the server makes none, nor in place of another refusal', async () => {
    expectProblem(await server.ask('/whip/a-cam', { method: 'POST', headers: SDP, body: unusable }), 'sdp_unusable');
    server.fake.refuse = new Problem('feed_idle');
    expectProblem(await invite(), 'feed_idle');
    const accept = 'application/sdp, application/problem+json';
    const told = await server.ask('/whep/a-cam', { method: 'POST', headers: { ...SDP, accept }, body: unusable });
    expectProblem(told, 'sdp_unusable');
    server.fake.invites = false;
    const refused = await invite();
    expectProblem(refused, 'sdp_unusable');
    expect(refused.text).toContain('no video section');
  });
});

describe('media.signalling: compatible', () => {
  let lenient: TestServer;
  beforeAll(async () => {
    lenient = await startServer({ media: { signalling: 'compatible' } });
  });
  afterAll(async () => {
    await lenient.close();
  });
  const counted = async (leniency: string): Promise<number> => {
    const { text } = await lenient.ask('/metrics', { headers: AUTHORIZED });
    const line = new RegExp(`^understudy_signalling_leniencies_total\\{leniency="${leniency}"\\} (\\d+)$`, 'm');
    return Number(line.exec(text)?.[1]);
  };

  test('takes candidates without If-Match and counts it, but no restart', async () => {
    const { location } = await open('/whip/a-cam', lenient);
    expect(await counted('if_match_missing')).toBe(0);
    expect((await patch(location, fragment(), {}, lenient)).status).toBe(204);
    expect(await counted('if_match_missing')).toBe(1);
    expectProblem(await patch(location, RESTART, {}, lenient), 'if_match_missing');
    expectProblem(await patch(location, fragment(), { 'if-match': '"stale"' }, lenient), 'ice_outdated');
    expect(await counted('if_match_missing')).toBe(1);
  });

  test('splits candidates that a comma joins, and counts it', async () => {
    const { location, etag } = await open('/whip/a-cam', lenient);
    const other = CANDIDATE.replace('192.0.2.7', '192.0.2.8');
    const joined = fragment([`${CANDIDATE},a=${other}`]);
    expect((await patch(location, joined, { 'if-match': etag }, lenient)).status).toBe(204);
    expect(lenient.fake.trickled.slice(-2)).toEqual([CANDIDATE, other]);
    expect(await counted('joined_candidates')).toBe(1);
    const strict = await open('/whip/a-cam');
    expectProblem(await patch(strict.location, joined, { 'if-match': strict.etag }), 'fragment_malformed');
  });
});
