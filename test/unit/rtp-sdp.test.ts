import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Problem } from '../../server/config/problem.ts';
import {
  fmtpValue,
  type OfferUse,
  parameterSets,
  parseOffer,
  usableCandidates,
  withPlayoutDelay,
  withStartBitrate,
} from '../../server/media/rtp/sdp.ts';

const TRANSPORT = [
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuvwx',
  `a=fingerprint:sha-256 ${Array(32).fill('5F').join(':')}`,
  'a=setup:actpass',
];
const SESSION = ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0'];
const h264 = (type: number, profile = '42e01f', mode = 1): string[] => [
  `a=rtpmap:${type} H264/90000`,
  `a=fmtp:${type} level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${profile}`,
];
const video = (mid: string, types: string, ...lines: string[]): string[] => [
  `m=video 9 UDP/TLS/RTP/SAVPF ${types}`,
  'c=IN IP4 0.0.0.0',
  ...TRANSPORT,
  `a=mid:${mid}`,
  ...lines,
];
const audio = (mid: string): string[] => [
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'c=IN IP4 0.0.0.0',
  ...TRANSPORT,
  `a=mid:${mid}`,
  'a=sendrecv',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
];
const sdp = (...sections: string[][]): string => `${[...SESSION, ...sections.flat()].join('\r\n')}\r\n`;

const camera: OfferUse = { sends: true };
const monitor: OfferUse = { sends: false, codec: 'h264' };
function refusal(text: string, use = camera): string {
  try {
    parseOffer(text, use);
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('offers', () => {
  test('a camera’s H.264 is preferred to its VP8, in mode 1 only', () => {
    const offer = parseOffer(
      sdp(
        audio('0'),
        video(
          '1',
          '96 100 102',
          'a=sendonly',
          'a=rtpmap:96 VP8/90000',
          ...h264(100, '42001f', 0),
          ...h264(102, '640c1f'),
        ),
      ),
      camera,
    );
    expect(offer).toMatchObject({ codec: 'h264', format: { payloadType: 102 }, video: { mid: '1' } });
    expect(offer.sections.map(({ kind, mid }) => [kind, mid])).toEqual([
      ['audio', '0'],
      ['video', '1'],
    ]);
  });

  test.each(['42e01f', '42001f', '42c02a', '4d0032', '64001f', '640c34'])('profile %s is accepted', (profile) => {
    expect(parseOffer(sdp(video('0', '102', 'a=sendonly', ...h264(102, profile))), camera).codec).toBe('h264');
  });

  test('VP8 where there is no usable H.264', () => {
    const offer = sdp(video('0', '100 96', 'a=sendonly', ...h264(100, '42e01f', 0), 'a=rtpmap:96 VP8/90000'));
    expect(parseOffer(offer, camera)).toMatchObject({ codec: 'vp8', format: { payloadType: 96 } });
    expect(refusal(offer.replace('sendonly', 'recvonly'), monitor)).toBe('sdp_unusable');
  });

  test('a viewer gets constrained baseline where it offers it, else its first mode 1 format', () => {
    const both = video('0', '98 102', 'a=recvonly', ...h264(98, '640c1f'), ...h264(102, '42e01f'));
    expect(parseOffer(sdp(both), monitor).format.payloadType).toBe(102);
    const high = video('0', '98', 'a=recvonly', ...h264(98, '640c1f'));
    expect(parseOffer(sdp(high), monitor).format.payloadType).toBe(98);
  });

  test('of several video sections the first that goes the right way', () => {
    const sections = [
      video('a', '102', 'a=recvonly', ...h264(102)),
      video('b', '35', 'a=sendonly', 'a=rtpmap:35 AV1/90000'),
      video('c', '102', 'a=sendonly', ...h264(102)),
      video('d', '102', 'a=sendonly', ...h264(102)),
    ];
    expect(parseOffer(sdp(...sections), camera).video.mid).toBe('c');
    expect(parseOffer(sdp(...sections), monitor).video.mid).toBe('a');
  });

  test('the playout-delay extension is found by its address', () => {
    const line = 'a=extmap:12 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay';
    expect(parseOffer(sdp(video('0', '102', line, 'a=recvonly', ...h264(102))), monitor).video.playoutDelayId).toBe(12);
    expect(
      parseOffer(sdp(video('0', '102', line.replace('12', '200'), 'a=recvonly', ...h264(102))), monitor).video
        .playoutDelayId,
    ).toBe(0);
    expect(withPlayoutDelay('a=mid:0\r\na=mid:01\r\n', '0', 3)).toBe(
      `a=mid:0\r\n${line.replace('12', '3')}\r\na=mid:01\r\n`,
    );
  });

  test('lines may end with a line feed alone', () => {
    expect(parseOffer(sdp(video('0', '102', 'a=sendonly', ...h264(102))).replaceAll('\r\n', '\n'), camera).codec).toBe(
      'h264',
    );
  });
});

describe('refusals', () => {
  const good = sdp(video('0', '102', 'a=sendonly', ...h264(102)));

  test('malformed', () => {
    expect(refusal('')).toBe('sdp_malformed');
    expect(refusal('hello')).toBe('sdp_malformed');
    expect(refusal('{"type":"offer"}')).toBe('sdp_malformed');
    expect(refusal(sdp())).toBe('sdp_malformed');
    expect(refusal(good.replace('s=-', 'nonsense'))).toBe('sdp_malformed');
    expect(refusal(good.replace('a=ice-ufrag:abcd\r\n', ''))).toBe('sdp_malformed');
    expect(refusal(good.replace(/a=fingerprint.*\r\n/, ''))).toBe('sdp_malformed');
    expect(refusal(good.replace('a=mid:0\r\n', ''))).toBe('sdp_malformed');
    expect(refusal(sdp(audio('0'), video('0', '102', 'a=sendonly', ...h264(102))))).toBe('sdp_malformed');
  });

  test('nothing usable: audio only, other codecs, the wrong direction, a section already refused', () => {
    expect(refusal(sdp(audio('0')))).toBe('sdp_unusable');
    expect(refusal(sdp(video('0', '35', 'a=sendonly', 'a=rtpmap:35 AV1/90000')))).toBe('sdp_unusable');
    expect(refusal(good.replace('sendonly', 'recvonly'))).toBe('sdp_unusable');
    expect(refusal(good.replace('sendonly', 'inactive'))).toBe('sdp_unusable');
    expect(refusal(good.replace('m=video 9', 'm=video 0'))).toBe('sdp_unusable');
    expect(refusal(good, monitor)).toBe('sdp_unusable');
  });

  test('too large, and too many candidates', () => {
    expect(refusal(`${good}a=x:${'y'.repeat(128 * 1024)}\r\n`)).toBe('sdp_too_large');
    const candidates = (count: number): string =>
      'a=candidate:1 1 UDP 2114977791 127.0.0.1 41158 typ host\r\n'.repeat(count);
    expect(refusal(good + candidates(64))).toBe('accepted');
    expect(refusal(good + candidates(65))).toBe('sdp_malformed');
  });

  test('whatever comes is accepted or refused with a problem', () => {
    const lines = good.split('\r\n');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(lines.length), fc.string({ maxLength: 60 })), { maxLength: 5 }), (edits) => {
        const edited = [...lines];
        for (const [at, text] of edits) edited.splice(at, 1, text);
        refusal(edited.join('\r\n'));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('details', () => {
  test('candidates that cannot be used are left out', () => {
    const candidate = (transport: string, address: string): string =>
      `a=candidate:1 1 ${transport} 1 ${address} 5000 typ host\r\n`;
    const [local, lan, six, name, tcp] = [
      candidate('UDP', '127.0.0.1'),
      candidate('udp', '192.168.1.2'),
      candidate('udp', 'fe80::1'),
      candidate('udp', '2f6a4f1c-1c5c.local'),
      candidate('tcp', '192.168.1.2'),
    ];
    expect(usableCandidates(`v=0\r\n${local}${lan}${six}${name}${tcp}`, false)).toBe(`v=0\r\n${local}${lan}${six}`);
    expect(usableCandidates(`v=0\r\n${local}${lan}${six}${name}${tcp}`, true)).toBe(`v=0\r\n${local}`);
  });

  test('an answer says where a sender may begin, beside other parameters or alone', () => {
    const h264Answer = 'a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1\r\n';
    expect(withStartBitrate(h264Answer, 102, 4e6)).toBe(
      h264Answer.replace('mode=1', 'mode=1;x-google-start-bitrate=4000'),
    );
    const vp8Answer = 'a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n';
    expect(withStartBitrate(vp8Answer, 96, 1e6)).toBe(
      vp8Answer.replace('a=rtcp', 'a=fmtp:96 x-google-start-bitrate=1000\r\na=rtcp'),
    );
  });

  test('format parameters and parameter sets', () => {
    const fmtp = 'packetization-mode=1; profile-level-id=42e01f;sprop-parameter-sets=Z0LAH9oBQBbo,aM48gA==';
    expect(fmtpValue(fmtp, 'profile-level-id')).toBe('42e01f');
    expect(fmtpValue(fmtp, 'nothing')).toBeNull();
    expect(parameterSets(fmtp).map((set) => set.toString('hex'))).toEqual(['6742c01fda014016e8', '68ce3c80']);
  });
});
