import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Problem } from '../../server/config/problem.ts';
import { parseFragment, writeFragment } from '../../server/http/fragment.ts';

const HEAD = 'a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n';
const SECTION = 'm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n';
const CANDIDATE = 'candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1';

const code = (text: string, lenient = false): string => {
  try {
    parseFragment(text, lenient);
    return 'taken';
  } catch (error) {
    return error instanceof Problem ? error.code : String(error);
  }
};

describe('an ICE fragment', () => {
  test('is read as RFC 9725 shows one', () => {
    const text = `a=group:BUNDLE 0 1\r\n${HEAD}a=ice-options:trickle ice2\r\n${SECTION}a=${CANDIDATE}\r\na=candidate:1 1 TCP 9 fe80::1 9 typ srflx raddr 10.0.0.1 rport 4\r\na=end-of-candidates\r\nm=video 9 RTP/AVP 96\r\na=mid:v\r\n`;
    expect(parseFragment(text)).toEqual({
      credentials: { ufrag: 'EsAw', pwd: 'P2uYro0UCOQ4zxjKXaWCBui1' },
      leniencies: [],
      sections: [
        {
          mid: '0',
          endOfCandidates: true,
          candidates: [
            {
              line: CANDIDATE,
              foundation: '1387637174',
              component: 1,
              transport: 'udp',
              priority: 2122260223,
              address: '192.0.2.1',
              port: 61764,
              type: 'host',
              ufrag: 'EsAw',
            },
            expect.objectContaining({ transport: 'tcp', type: 'srflx', address: 'fe80::1', ufrag: null }),
          ],
        },
        { mid: 'v', endOfCandidates: false, candidates: [] },
      ],
    });
    expect(parseFragment(text.replaceAll('\r\n', '\n')).sections).toHaveLength(2);
    expect(parseFragment(SECTION).credentials).toBeNull();
  });

  test.each([
    ['nothing', ''],
    ['a session description', `v=0\r\n${HEAD}`],
    ['an unknown attribute', `${HEAD}a=setup:active\r\n`],
    ['an empty line inside', `${HEAD}\r\n${SECTION}`],
    ['half of the credentials', 'a=ice-ufrag:EsAw\r\n'],
    ['a short ufrag', HEAD.replace('EsAw', 'EsA')],
    ['a short password', HEAD.replace('P2uYro0UCOQ4zxjKXaWCBui1', 'P2uYro0UCOQ4zxjKXaWCB')],
    ['two ufrags', `${HEAD}a=ice-ufrag:Other\r\n`],
    ['a candidate before any section', `${HEAD}a=${CANDIDATE}\r\n`],
    ['a section without mid', `${HEAD}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=${CANDIDATE}\r\n`],
    ['a section with two mids', `${HEAD}${SECTION}a=mid:1\r\n`],
    ['a component too many', `${HEAD}${SECTION}a=${CANDIDATE.replace(' 1 udp', ' 257 udp')}\r\n`],
    ['a port too large', `${HEAD}${SECTION}a=${CANDIDATE.replace('61764', '65536')}\r\n`],
    ['a priority too large', `${HEAD}${SECTION}a=${CANDIDATE.replace('2122260223', '4294967296')}\r\n`],
    ['an unknown type', `${HEAD}${SECTION}a=${CANDIDATE.replace('typ host', 'typ guest')}\r\n`],
    ['a zero byte', `${HEAD}${SECTION}a=${CANDIDATE}\0\r\n`],
    ['joined candidates', `${HEAD}${SECTION}a=${CANDIDATE},${CANDIDATE}\r\n`],
    ['33 sections', HEAD + SECTION.repeat(33)],
    ['1001 lines', HEAD + 'a=ice-lite\r\n'.repeat(1001)],
  ])('with %s is malformed', (_, text) => {
    expect(code(text)).toBe('fragment_malformed');
  });

  test('holds 64 candidates at most', () => {
    const many = (count: number): string => HEAD + SECTION + `a=${CANDIDATE}\r\n`.repeat(count);
    expect([code(many(64)), code(many(65))]).toEqual(['taken', 'candidates_too_many']);
    const joined = `${HEAD}${SECTION}a=${Array<string>(65).fill(CANDIDATE).join(',')}\r\n`;
    expect(code(joined, true)).toBe('candidates_too_many');
  });

  test('may be mended, and says what was', () => {
    const zero = CANDIDATE.replace(' 1 udp', ' 0 udp');
    expect(code(`${HEAD}${SECTION}a=${zero}\r\n`)).toBe('fragment_malformed');
    const read = parseFragment(`${HEAD}${SECTION}a=${zero},${CANDIDATE}\r\na=${zero},a=${zero}\r\n`, true);
    expect(read.leniencies).toEqual(['joined_candidates', 'component_zero']);
    expect(read.sections[0]?.candidates.map(({ line }) => line)).toEqual(Array(4).fill(CANDIDATE));
    expect(parseFragment(`${HEAD}${SECTION}a=${CANDIDATE}\r\n`, true).leniencies).toEqual([]);
    const bracketed = `${HEAD}${SECTION}a=${CANDIDATE.replace('192.0.2.1', '[fd00::2]')}\r\n`;
    expect(code(bracketed)).toBe('fragment_malformed');
    const { leniencies, sections } = parseFragment(bracketed, true);
    expect([leniencies, sections[0]?.candidates[0]?.address]).toEqual([['bracketed_address'], 'fd00::2']);
  });

  test('that was written is read back', () => {
    const text = writeFragment(
      { ufrag: 'EsAw', pwd: 'P2uYro0UCOQ4zxjKXaWCBui1', candidates: [CANDIDATE] },
      { kind: 'video', mid: 'v0' },
    );
    expect(parseFragment(text)).toMatchObject({
      credentials: { ufrag: 'EsAw' },
      sections: [{ mid: 'v0', endOfCandidates: true, candidates: [{ line: CANDIDATE }] }],
    });
  });

  test('whatever it holds is taken or refused, and nothing else', () => {
    const whole = `${HEAD}${SECTION}a=${CANDIDATE}\r\na=end-of-candidates\r\n`;
    const pieces = fc.constantFrom(
      HEAD,
      SECTION,
      `a=${CANDIDATE}\r\n`,
      'a=end-of-candidates\r\n',
      'm=',
      'a=',
      '\r\n',
      '\0',
      ',',
    );
    const text = fc.oneof(
      fc.array(fc.oneof(pieces, fc.string({ maxLength: 30 })), { maxLength: 20 }).map((parts) => parts.join('')),
      fc
        .tuple(fc.nat(whole.length), fc.nat(20), fc.string({ maxLength: 20 }))
        .map(([at, cut, put]) => whole.slice(0, at) + put + whole.slice(at + cut)),
    );
    fc.assert(
      fc.property(text, fc.boolean(), (body, lenient) => {
        expect(['taken', 'fragment_malformed', 'candidates_too_many']).toContain(code(body, lenient));
      }),
      { numRuns: 3000 },
    );
  });
});
