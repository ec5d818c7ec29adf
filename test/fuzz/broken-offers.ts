/** Offers of real clients (offers/: Chromium, libdatachannel as OBS uses it; after FFmpeg's and GStreamer's), and ways to break them. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';

const FOLDER = new URL('./offers/', import.meta.url);

export const OFFERS: readonly { name: string; sdp: string }[] = readdirSync(FOLDER)
  .sort()
  .map((file) => ({ name: file.replace('.sdp', ''), text: readFileSync(new URL(file, FOLDER), 'utf8') }))
  // A checkout has its own line ends; SDP has these.
  .map(({ name, text }) => ({ name, sdp: text.replaceAll(/\r?\n/g, '\r\n') }));

export const offerNamed = (name: string): string => {
  const found = OFFERS.find((offer) => offer.name === name);
  if (!found) throw new Error(`test/fuzz/offers holds no ${name}.sdp.`);
  return found.sdp;
};

/** What stands in for a word, a number or a whole value. */
const WORDS = [
  ...['', '0', '-1', '1', '9', '127', '128', '255', '256', '65535', '65536', '2147483648', '4294967295', '4294967296'],
  ...['18446744073709551616', '-9223372036854775809', '1e9', '0x10', '٣', 'NaN', '*', '/', ':', ';', '=', ' ', '\t'],
  ...['video', 'audio', 'application', 'H264/90000', 'VP8/90000', 'opus/48000/2', 'rtx/90000', 'UDP', 'TCP', 'udp'],
  ...['UDP/TLS/RTP/SAVPF', 'RTP/AVP', 'IN', 'IP4', 'IP6', '::1', '127.0.0.1', '0.0.0.0', '255.255.255.255', '::'],
  ...['fe80::1%eth0', 'x.local', 'sendonly', 'recvonly', 'active', 'passive', 'actpass', 'sha-1', 'sha-512', 'md5'],
  ...[
    '00',
    ':'.repeat(95),
    'FF:'.repeat(64),
    '\u0000',
    '\u{1F600}',
    'é',
    '%00',
    '%n',
    '..',
    '\r',
    '{',
    '"',
    'A'.repeat(300),
  ],
];

/** Lines that an offer may hold somewhere. */
const LINES = [
  ...['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'c=IN IP6 ::1', 'b=AS:0', 'b=TIAS:-1', 'k=clear:x', 'r=7d 1h'],
  ...[
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'm=video 0 UDP/TLS/RTP/SAVPF 96',
    'm=audio 9 UDP/TLS/RTP/SAVPF',
    'm=',
    'm=video',
  ],
  ...['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'm=application 9 DTLS/SCTP 5000', 'm=video 9 TCP/RTP/AVP 96'],
  ...['a=sctp-port:5000', 'a=sctp-port:-1', 'a=max-message-size:0', 'a=max-message-size:99999999999999999999'],
  ...['a=mid:', 'a=mid:0', 'a=mid:1', 'a=mid:data', 'a=group:BUNDLE', 'a=group:BUNDLE 0 0 1 1', 'a=bundle-only'],
  ...['a=setup:active', 'a=setup:passive', 'a=setup:holdconn', 'a=setup:', 'a=ice-lite', 'a=ice-options:ice2,trickle'],
  ...['a=ice-ufrag:', 'a=ice-ufrag:a', 'a=ice-pwd:', 'a=ice-pwd:short', `a=ice-ufrag:${'u'.repeat(257)}`],
  ...[`a=ice-pwd:${'p'.repeat(257)}`, 'a=fingerprint:sha-256', 'a=fingerprint:sha-256 00', 'a=fingerprint:md5 00:11'],
  ...['a=rtpmap:96 H264/90000', 'a=rtpmap:96', 'a=rtpmap:-1 H264/90000', 'a=rtpmap:999 VP8/90000', 'a=rtpmap:x VP8/0'],
  ...['a=rtpmap:96 H264', 'a=rtpmap:96 /', 'a=rtpmap:96 VP8/-1/-1', 'a=rtpmap: /'],
  ...['a=fmtp:96 packetization-mode=1', 'a=fmtp:96', 'a=fmtp:x y', 'a=fmtp:-1 a=b', 'a=fmtp:99999999999 a', 'a=fmtp'],
  ...[
    'a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAH9oBQBbo,aM48gA==,!!!!',
    'a=rtcp-fb:* nack',
    'a=rtcp-fb:x',
  ],
  ...[
    'a=rtcp-fb:96',
    'a=rtcp-fb:',
    'a=rtcp-fb:99999999999 nack',
    'a=ssrc:1 cname:x',
    'a=ssrc:',
    'a=ssrc:x',
    'a=ssrc:-1 a:b',
  ],
  ...[
    'a=ssrc:99999999999 cname:x',
    'a=ssrc-group:FID 1 2',
    'a=ssrc-group:FID',
    'a=ssrc-group:',
    'a=rid:h send',
    'a=rid:',
  ],
  ...[
    'a=simulcast:send h;m;l',
    'a=simulcast:',
    'a=extmap:1 urn:x',
    'a=extmap:x',
    'a=extmap:',
    'a=extmap:99999999999 urn:x',
  ],
  ...[
    'a=extmap:1/sendonly urn:x',
    'a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
    'a=rtcp-mux',
  ],
  ...[
    'a=candidate:1 1 UDP 1 127.0.0.1 9 typ host',
    'a=candidate:',
    'a=candidate:1 1 UDP x 127.0.0.1 x typ x',
    'a=candidate',
  ],
  ...[
    'a=candidate:1 1 UDP 1 ::1 99999 typ host',
    'a=candidate:1 1 UDP -1 127.0.0.1 -1 typ host',
    'a=end-of-candidates',
  ],
  ...[
    'a=candidate:1 256 UDP 4294967296 127.0.0.1 0 typ relay raddr 0.0.0.0 rport 0',
    'a=candidate:1 1 UDP 1 127.0.0.1 9',
  ],
  ...[
    'a=sendonly',
    'a=recvonly',
    'a=inactive',
    'a=sendrecv',
    'a',
    'a=',
    'a=:',
    'a=x:',
    '=',
    '',
    'x',
    ' a=mid:0',
    'a=msid:- x',
  ],
];

type Edit =
  | { do: 'word'; line: number; word: number; text: string }
  | { do: 'insert'; line: number; text: string }
  | { do: 'drop'; line: number; count: number }
  | { do: 'again'; line: number; count: number; times: number }
  | { do: 'swap'; line: number; other: number }
  | { do: 'cut'; line: number }
  | { do: 'byte'; at: number; text: string };

const place = fc.nat(100_000);
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...WORDS) },
  fc.string({ maxLength: 20, unit: 'binary' }),
);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('word' as const), line: place, word: fc.nat(12), text }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('insert' as const), line: place, text: fc.constantFrom(...LINES) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('drop' as const), line: place, count: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('again' as const), line: place, count: fc.nat(40), times: fc.nat(4) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('swap' as const), line: place, other: place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), line: place }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('byte' as const), at: place, text: fc.string({ maxLength: 3 }) }),
  },
);

function apply(lines: string[], change: Edit): string[] {
  const at = 'line' in change ? change.line % (lines.length + 1) : 0;
  const line = lines[at] ?? '';
  switch (change.do) {
    case 'word': {
      // Separators stay: every second part is a word.
      const parts = line.split(/([ :;=/,]+)/);
      parts[(change.word * 2) % parts.length] = change.text;
      return lines.with(Math.min(at, lines.length - 1), parts.join(''));
    }
    case 'insert':
      return lines.toSpliced(at, 0, change.text);
    case 'drop':
      return lines.toSpliced(at, 1 + change.count);
    case 'again': {
      const piece = lines.slice(at, at + 1 + change.count);
      return lines.toSpliced(at, 0, ...Array.from({ length: change.times }, () => piece).flat());
    }
    case 'swap': {
      const other = change.other % (lines.length + 1);
      return lines
        .with(Math.min(at, lines.length - 1), lines[other] ?? '')
        .with(Math.min(other, lines.length - 1), line);
    }
    case 'cut':
      return lines.slice(0, at);
    case 'byte': {
      const whole = lines.join('\n');
      const from = change.at % (whole.length + 1);
      return (whole.slice(0, from) + change.text + whole.slice(from + 1)).split('\n');
    }
  }
}

/** An offer of a real client with up to eight changes; one in twenty has none. */
export const brokenOffer: fc.Arbitrary<string> = fc
  .record({
    offer: fc.constantFrom(...OFFERS.map(({ name }) => name)),
    edits: fc.oneof(
      { weight: 1, arbitrary: fc.constant<Edit[]>([]) },
      { weight: 13, arbitrary: fc.array(edit, { minLength: 1, maxLength: 2 }) },
      { weight: 6, arbitrary: fc.array(edit, { minLength: 3, maxLength: 8 }) },
    ),
    ending: fc.constantFrom('\r\n', '\r\n', '\r\n', '\n'),
  })
  .map(({ offer, edits, ending }) => {
    let lines = offerNamed(offer).split('\r\n');
    for (const change of edits) lines = lines.length > 0 ? apply(lines, change) : [''];
    return lines.join(ending).slice(0, 200_000);
  });
