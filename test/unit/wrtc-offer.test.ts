import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Problem } from '../../server/config/problem.ts';
import { narrowedOffer, servedAnswer } from '../../server/media/wrtc/offer.ts';
import { BAD_OFFERS } from '../fixtures/bad-offers.ts';

const offerOf = (name: string): string =>
  readFileSync(new URL(`../fuzz/offers/${name}.sdp`, import.meta.url), 'utf8').replace(/\r?\n/g, '\r\n');
const EVERYWHERE = { bitrate: 4e6, address: null, announce: undefined };
const HERE = { ...EVERYWHERE, address: '127.0.0.1' };

/** The video section's lines. */
const video = (sdp: string): string[] =>
  (sdp.split(/\r\n(?=m=)/).find((part) => part.startsWith('m=video')) ?? '').split('\r\n');

describe('an offer on its way to libwebrtc', () => {
  it.each([
    ['chromium-camera', 'camera'],
    ['chromium-viewer', 'viewer'],
  ] as const)('of %s keeps VP8 and its retransmission alone', (name, use) => {
    const lines = video(narrowedOffer(offerOf(name), use, EVERYWHERE));
    const names = lines.flatMap((line) => /^a=rtpmap:\d+ ([^/]+)/.exec(line)?.[1] ?? []);
    expect(names).toEqual(['VP8', 'rtx']);
    const listed = (lines[0] ?? '').split(' ').slice(3);
    expect(listed).toHaveLength(2);
    for (const line of lines) {
      const type = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) /.exec(line)?.[1];
      if (type) expect(listed).toContain(type);
    }
  });

  it('tells our own sender its bit rate, in a viewer’s offer only', () => {
    const text = 'x-google-start-bitrate=4000;x-google-max-bitrate=4000';
    expect(narrowedOffer(offerOf('chromium-viewer'), 'viewer', EVERYWHERE)).toContain(text);
    expect(narrowedOffer(offerOf('chromium-camera'), 'camera', EVERYWHERE)).not.toContain('x-google');
  });

  it('brings only candidates that can be used', () => {
    const offer = offerOf('chromium-camera').replace(
      /(m=video[^\r]*\r\n)/,
      [
        '$1a=candidate:1 1 udp 2113937151 0a1b2c3d.local 50000 typ host',
        'a=candidate:2 1 udp 2113937151 192.0.2.7 50001 typ host',
        'a=candidate:3 1 udp 2113937151 127.0.0.1 50002 typ host',
        'a=candidate:4 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active',
        '',
      ].join('\r\n'),
    );
    const kept = (sdp: string): string[] =>
      sdp.split('\r\n').flatMap((line) => /^a=candidate:(\d) /.exec(line)?.[1] ?? []);
    expect(kept(narrowedOffer(offer, 'camera', EVERYWHERE))).toEqual(['2', '3']);
    expect(kept(narrowedOffer(offer, 'camera', HERE))).toEqual(['3']);
  });

  it.each(BAD_OFFERS)('$what is refused with $code', ({ offer, code }) => {
    for (const use of ['camera', 'viewer'] as const) {
      let refused: unknown;
      try {
        narrowedOffer(offer, use, HERE);
      } catch (error) {
        refused = error;
      }
      // What only a native library can judge (a fingerprint that is none) is left to it.
      if (refused !== undefined) expect(refused).toBeInstanceOf(Problem);
      if (refused !== undefined) expect((refused as Problem).code).toBe(code);
      else expect(offer).toContain('nonsense');
    }
  });

  it('of H.264 alone is refused, and says why', () => {
    const offer = offerOf('chromium-camera')
      .split('\r\n')
      .filter((line) => !/^a=rtpmap:\d+ (?:VP8|VP9|AV1)/.test(line))
      .join('\r\n');
    expect(() => narrowedOffer(offer, 'camera', HERE)).toThrow(/VP8 only/);
  });
});

describe('an answer on its way to the client', () => {
  const answer = [
    'v=0',
    'm=video 50000 UDP/TLS/RTP/SAVPF 96',
    'c=IN IP4 192.0.2.2',
    'a=candidate:1 1 udp 2122194687 192.0.2.2 50000 typ host',
    'a=candidate:2 1 udp 2122063615 127.0.0.1 50000 typ host',
    'a=candidate:3 1 tcp 1518214911 192.0.2.2 50000 typ host tcptype passive',
    'a=rtpmap:96 VP8/90000',
    '',
  ].join('\r\n');

  it('names the one address that media may use', () => {
    expect(servedAnswer(answer, 'viewer', HERE).match(/a=candidate:\d/g)).toEqual(['a=candidate:2']);
    expect(servedAnswer(answer, 'viewer', EVERYWHERE).match(/a=candidate:\d/g)).toEqual([
      'a=candidate:1',
      'a=candidate:2',
    ]);
  });

  it('names announced addresses in their place', () => {
    const announced = servedAnswer(answer, 'viewer', {
      ...EVERYWHERE,
      announce: { addresses: ['203.0.113.7'], only: true },
    });
    expect(announced).toContain(' 203.0.113.7 50000 typ host');
    expect(announced).not.toContain('192.0.2.2');
  });

  it('tells a camera where to begin and what is the most', () => {
    const said = servedAnswer(answer, 'camera', { ...EVERYWHERE, bitrate: 8e6 });
    expect(said).toContain('c=IN IP4 192.0.2.2\r\nb=AS:8000\r\n');
    expect(said).toContain(
      'a=rtpmap:96 VP8/90000\r\na=fmtp:96 x-google-start-bitrate=4000;x-google-max-bitrate=8000\r\n',
    );
    expect(servedAnswer(answer, 'viewer', EVERYWHERE)).not.toContain('b=AS');
  });
});
