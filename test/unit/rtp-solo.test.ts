import { describe, expect, test } from 'vitest';
import { needsSolo, soloOffer, withIdle } from '../../server/media/rtp/solo.ts';

const text = (...lines: string[]): string => `${lines.join('\r\n')}\r\n`;
const OFFER = text(
  'v=0',
  'a=group:BUNDLE 0 1 2',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 63',
  'a=mid:0',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:pwd',
  'a=fingerprint:sha-256 AA',
  'a=setup:actpass',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10',
  'a=rtpmap:63 red/48000/2',
  'm=video 0 UDP/TLS/RTP/SAVPF 96',
  'a=bundle-only',
  'a=mid:1',
  'a=rtpmap:96 VP8/90000',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=mid:2',
);
const ANSWER = text(
  'v=0',
  'a=group:BUNDLE 1',
  'm=video 5000 UDP/TLS/RTP/SAVPF 96',
  'c=IN IP4 127.0.0.1',
  'a=mid:1',
  'a=recvonly',
  'a=setup:active',
  'a=ice-ufrag:efgh',
  'a=candidate:1 1 UDP 1 127.0.0.1 5000 typ host',
);

describe('an offer that names no SSRC', () => {
  test('is told from one that does, and from one that has nothing else', () => {
    expect(needsSolo(OFFER, '1')).toBe(true);
    expect(needsSolo(`${OFFER.replace('a=mid:1', 'a=mid:1\r\na=ssrc:5 cname:x')}`, '1')).toBe(false);
    expect(needsSolo(text('v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:1'), '1')).toBe(false);
  });

  test('is reduced to its video, with the bundle’s transport', () => {
    expect(soloOffer(OFFER, '1')).toBe(
      text(
        'v=0',
        'a=group:BUNDLE 1',
        'm=video 9 UDP/TLS/RTP/SAVPF 96',
        'a=mid:1',
        'a=rtpmap:96 VP8/90000',
        'a=ice-ufrag:abcd',
        'a=ice-pwd:pwd',
        'a=fingerprint:sha-256 AA',
        'a=setup:actpass',
      ),
    );
  });

  test('is answered with every section in its place', () => {
    const answer = withIdle(ANSWER, OFFER, '1').split('\r\n');
    expect(answer.filter((line) => line.startsWith('m=') || line.startsWith('a=group'))).toEqual([
      'a=group:BUNDLE 0 1',
      'm=audio 5000 UDP/TLS/RTP/SAVPF 111',
      'm=video 5000 UDP/TLS/RTP/SAVPF 96',
      'm=application 0 UDP/DTLS/SCTP webrtc-datachannel',
    ]);
    const audio = answer.slice(
      answer.indexOf('m=audio 5000 UDP/TLS/RTP/SAVPF 111'),
      answer.indexOf('m=video 5000 UDP/TLS/RTP/SAVPF 96'),
    );
    expect(audio).toEqual(
      expect.arrayContaining([
        'a=mid:0',
        'a=inactive',
        'a=rtcp-mux',
        'a=rtpmap:111 opus/48000/2',
        'a=ice-ufrag:efgh',
        'a=setup:active',
      ]),
    );
  });
});
