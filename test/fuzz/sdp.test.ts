import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Problem } from '../../server/config/problem.ts';
import { checkOffer } from '../../server/http/sdp.ts';
import {
  MAX_CANDIDATES,
  MAX_OFFER_BYTES,
  type Offer,
  type OfferUse,
  parameterSets,
  parseOffer,
  usableCandidates,
  withPlayoutDelay,
  withStartBitrate,
} from '../../server/media/rtp/sdp.ts';
import { needsSolo, soloOffer, withIdle } from '../../server/media/rtp/solo.ts';
import { brokenOffer, OFFERS, offerNamed } from './broken-offers.ts';
import { CAMPAIGN_MS, campaign } from './campaign.ts';

/** Everything that happens to an offer before libdatachannel reads it, and to the answer afterwards. */

const USES: readonly OfferUse[] = [{ sends: true }, { sends: false, codec: 'h264' }, { sends: false, codec: 'vp8' }];

/** The offer as read, or null where it was refused with a problem of the table that is the client's to solve. */
function read(sdp: string, use: OfferUse): Offer | null {
  try {
    checkOffer(sdp);
    return parseOffer(sdp, use);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    expect(['sdp_malformed', 'sdp_unusable', 'sdp_too_large']).toContain(error.code);
    return null;
  }
}

function checkRead(sdp: string, use: OfferUse, offer: Offer): void {
  expect(Buffer.byteLength(sdp)).toBeLessThanOrEqual(MAX_OFFER_BYTES);
  expect(offer.sections).toContain(offer.video);
  expect(offer.video).toMatchObject({ kind: 'video', removed: false, [use.sends ? 'sends' : 'receives']: true });
  expect(offer.video.formats).toContain(offer.format);
  expect(offer.format.payloadType).toBeGreaterThanOrEqual(0);
  expect(offer.format.payloadType).toBeLessThanOrEqual(127);
  expect(new Set(offer.sections.map(({ mid }) => mid)).size).toBe(offer.sections.length);
  for (const set of parameterSets(offer.format.fmtp)) expect(set.length).toBeLessThan(1024);
}

/** What goes to libdatachannel, and what would go back. */
function prepare(sdp: string, offer: Offer): void {
  const { mid, playoutDelayId } = offer.video;
  const solo = needsSolo(sdp, mid) ? soloOffer(sdp, mid) : sdp;
  if (solo !== sdp) expect(solo.split('\r\nm=').length).toBe(2);
  for (const loopback of [true, false]) {
    const given = usableCandidates(solo, loopback);
    expect(given.length).toBeLessThanOrEqual(solo.length * 2);
    expect(given.split('a=candidate:').length - 1).toBeLessThanOrEqual(MAX_CANDIDATES);
  }
  const answer = offerNamed('obs-camera');
  const sections = (text: string): number => text.split(/(?:^|\r\n)m=/).length;
  const idle = withIdle(answer, sdp, mid);
  expect(sections(idle)).toBe(offer.sections.length + 1);
  expect(withPlayoutDelay(answer, mid, playoutDelayId).length).toBeLessThan(answer.length + 100 + mid.length);
  expect(withStartBitrate(answer, offer.format.payloadType, 4e6).length).toBeLessThan(answer.length + 100);
}

test.each(OFFERS)('the offer of $name is taken as it is', ({ name, sdp }) => {
  const use: OfferUse = name.includes('viewer') ? { sends: false, codec: 'h264' } : { sends: true };
  expect(read(sdp, use)?.codec).toMatch(/h264|vp8/);
});

test('a broken offer is read or refused with a sentence', { timeout: CAMPAIGN_MS }, () =>
  campaign({
    name: 'sdp-broken',
    cases: brokenOffer,
    check(sdp) {
      for (const use of USES) {
        const offer = read(sdp, use);
        if (!offer) continue;
        checkRead(sdp, use, offer);
        prepare(sdp, offer);
      }
    },
  }),
);

test('what is no offer at all is refused', { timeout: CAMPAIGN_MS }, () =>
  campaign({
    name: 'sdp-noise',
    cases: fc.oneof(
      fc.string({ maxLength: 400, unit: 'binary' }),
      fc.json(),
      fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc
        .tuple(fc.constantFrom('a=x\r\n', 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\n', 'a=mid:0\r\n', '\r\n'), fc.nat(40_000))
        .map(([line, times]) => `v=0\r\no=-\r\n${line.repeat(times)}`.slice(0, 200_000)),
    ),
    check(sdp) {
      for (const use of USES) expect(read(sdp, use)).toBeNull();
    },
  }),
);
