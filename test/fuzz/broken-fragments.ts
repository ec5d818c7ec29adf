/** ICE fragments of real clients (RFC 8840 §9), and ways to break them. */
import fc from 'fast-check';

const FRAGMENTS = [
  // whip-web-client and Chromium: one candidate, credentials of the session.
  [
    'a=ice-ufrag:EsAw',
    'a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1',
    'm=audio 9 UDP/TLS/RTP/SAVPF 0',
    'a=mid:0',
    'a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1',
    'a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0 ufrag EsAw network-id 2',
    'a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0 ufrag EsAw network-id 1',
    'a=end-of-candidates',
  ],
  // A restart with two sections.
  [
    'a=ice-options:trickle ice2',
    'a=group:BUNDLE 0 1',
    'a=ice-ufrag:ysXw',
    'a=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'a=mid:0',
    'm=video 9 UDP/TLS/RTP/SAVPF 96 97',
    'a=mid:1',
    'a=candidate:1 1 UDP 2114977791 127.0.0.1 40829 typ host',
    'a=candidate:2 1 UDP 1678769919 2001:db8::1 40829 typ srflx raddr ::1 rport 9',
    'a=candidate:3 2 udp 2122194687 f5c5c8d4-3f5c-4b1d-9a3c-000000000000.local 61765 typ relay raddr 0.0.0.0 rport 0',
  ],
  ['m=video 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:0', 'a=end-of-candidates'],
];

const WORDS = [
  ...[
    '',
    '0',
    '-1',
    '1',
    '65535',
    '65536',
    '4294967295',
    '4294967296',
    '99999999999999999999',
    'x',
    '*',
    ':',
    ',',
    ' ',
  ],
  ...['candidate', 'a=candidate:', 'udp', 'UDP', 'tcp', 'host', 'relay', 'typ', 'ufrag', '::', '::1', '127.0.0.1', 'é'],
  ...[
    'x.local',
    '%',
    '\u0000',
    'A'.repeat(300),
    'a=ice-pwd:short',
    'video',
    '256',
    '257',
    '0.0.0.0',
    '255.255.255.255',
  ],
];
const LINES = [
  ...FRAGMENTS.flat(),
  ...['', 'a=', 'a', 'a=mid:', 'a=mid:1', 'm=', 'v=0', 'a=ice-lite', 'a=ice-pacing:50', 'a=ice-ufrag:EsAw', 'a=x:y'],
  'a=candidate:1 1 udp 1 127.0.0.1 9 typ host,candidate:2 1 udp 1 127.0.0.1 10 typ host',
];

interface Edit {
  do: 'word' | 'insert' | 'drop' | 'again';
  line: number;
  word: number;
  text: string;
}
const edit: fc.Arbitrary<Edit> = fc.record({
  do: fc.constantFrom('word', 'word', 'insert', 'drop', 'again'),
  line: fc.nat(40),
  word: fc.nat(20),
  text: fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 12, unit: 'binary' })),
});

function apply(lines: string[], { do: how, line, word, text }: Edit): string[] {
  const at = line % (lines.length + 1);
  const old = lines[at] ?? '';
  if (how === 'insert') return lines.toSpliced(at, 0, LINES[word % LINES.length] ?? text);
  if (how === 'drop') return lines.toSpliced(at, 1);
  if (how === 'again') return lines.toSpliced(at, 0, ...Array.from({ length: word * 4 }, () => old));
  const parts = old.split(/([ :=,]+)/);
  parts[(word * 2) % parts.length] = text;
  return lines.toSpliced(at, 1, parts.join(''));
}

/** A fragment of a real client with up to six changes; one in ten has none. */
export const brokenFragment: fc.Arbitrary<string> = fc
  .tuple(fc.nat(FRAGMENTS.length - 1), fc.array(edit, { maxLength: 6 }), fc.constantFrom('\r\n', '\r\n', '\n'))
  .map(([which, edits, ending]) => {
    let lines: string[] = FRAGMENTS[which] ?? [];
    for (const change of edits) lines = apply(lines, change);
    return lines.map((line) => line + ending).join('');
  });

export const goodFragments: readonly string[] = FRAGMENTS.map((lines) => lines.map((line) => `${line}\r\n`).join(''));
