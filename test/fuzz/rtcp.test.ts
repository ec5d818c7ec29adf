import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VideoReceiver } from '../../server/media/rtp/receiver.ts';
import {
  genericNack,
  parseRtcp,
  pictureLoss,
  type ReceptionReport,
  receiverReport,
  remb,
} from '../../server/media/rtp/rtcp.ts';
import { CAMPAIGN_MS, campaign } from './campaign.ts';
import { PAYLOAD_TYPE, SSRC, type Storm, storm, stormPackets, streamOf } from './streams.ts';

const word = fc.nat(0xffff_ffff);
const report: fc.Arbitrary<ReceptionReport> = fc.record({
  ssrc: word,
  fractionLost: fc.nat(255),
  cumulativeLost: fc.integer({ min: -0x80_0000, max: 0x7f_ffff }),
  extendedHighest: word,
  jitter: word,
  lastSr: word,
  delaySinceLastSr: word,
});
/** Ascending on the circle, as the reorder buffer asks: distances of less than half of it. */
const lostSeqs = fc
  .tuple(fc.nat(65_535), fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 200 }))
  .map(([first, steps]) => {
    const seqs = [first];
    for (const step of steps) seqs.push(((seqs.at(-1) as number) + step) & 0xffff);
    return seqs;
  });

test('what we write is what is read', { timeout: CAMPAIGN_MS }, () =>
  campaign<{ report: ReceptionReport; seqs: number[]; sender: number; media: number; bits: number }>({
    name: 'rtcp-round',
    cases: fc.record({ report, seqs: lostSeqs, sender: word, media: word, bits: fc.nat(0x7fff_ffff) }),
    check({ report: sent, seqs, sender, media, bits }) {
      const compound = Buffer.concat([
        receiverReport(sender, sent),
        genericNack(sender, media, seqs),
        pictureLoss(sender, media),
        remb(sender, media, bits),
      ]);
      const [rr, nack, pli, allowed] = parseRtcp(compound);
      expect(rr).toEqual({ kind: 'rr', ssrc: sender, reports: [sent] });
      expect(nack).toEqual({ kind: 'nack', mediaSsrc: media, seqs });
      expect(pli).toEqual({ kind: 'pli', mediaSsrc: media });
      // 18 bits of mantissa (draft-alvestrand-rmcat-remb §2.2).
      const said = allowed?.kind === 'remb' ? allowed.bitsPerSecond : Number.NaN;
      expect(said).toBeLessThanOrEqual(bits);
      expect(said).toBeGreaterThanOrEqual(bits * (1 - 2 ** -17) - 1);
    },
  }),
);

interface Broken {
  seqs: number[];
  flips: { at: number; to: number }[];
  cut: number;
  more: Uint8Array;
}

test('a broken report is passed over, or says no more than its bytes can hold', { timeout: CAMPAIGN_MS }, () =>
  campaign<Broken>({
    name: 'rtcp-broken',
    cases: fc.record({
      seqs: lostSeqs,
      flips: fc.array(fc.record({ at: fc.nat(400), to: fc.nat(255) }), { maxLength: 8 }),
      cut: fc.nat(400),
      more: fc.uint8Array({ maxLength: 100 }),
    }),
    check({ seqs, flips, cut, more }) {
      const whole = Buffer.concat([receiverReport(1), genericNack(1, 2, seqs), remb(1, 2, 8e6), more]);
      for (const { at, to } of flips) whole[at % whole.length] = to;
      const bytes = whole.subarray(0, Math.max(0, whole.length - cut));
      const messages = parseRtcp(bytes);
      expect(messages.length).toBeLessThanOrEqual(bytes.length / 8);
      const asked = messages.reduce((sum, message) => sum + (message.kind === 'nack' ? message.seqs.length : 0), 0);
      expect(asked).toBeLessThanOrEqual((bytes.length / 4) * 17);
    },
  }),
);

test(
  'a receiver lives through a storm of media and reports, and everything it sends can be read',
  {
    timeout: CAMPAIGN_MS,
  },
  () =>
    campaign<{ storm: Storm; reports: Uint8Array[] }>({
      name: 'rtcp-receiver',
      cases: fc.record({
        storm,
        reports: fc.array(
          fc
            .tuple(fc.constantFrom(192, 200, 201, 205, 206, 207, 223), fc.uint8Array({ maxLength: 120 }))
            .map(([type, body]) => Uint8Array.from([0x81, type, ...body])),
          { maxLength: 8 },
        ),
      }),
      check({ storm: made, reports }) {
        let frames = 0;
        const sent: Buffer[] = [];
        const receiver = new VideoReceiver({
          codec: made.codec,
          payloadType: PAYLOAD_TYPE,
          maxBitrate: 8e6,
          sendRtcp: (packet) => void sent.push(packet),
          frame: () => frames++,
        });
        try {
          for (const [index, packet] of stormPackets(made).entries()) {
            receiver.datagram(packet);
            const extra = reports[index];
            if (extra) receiver.datagram(Buffer.from(extra));
          }
        } finally {
          receiver.close();
        }
        // A receiver report opens every compound packet (RFC 3550 §6.1), and each goes into one datagram.
        for (const packet of sent) {
          expect(parseRtcp(packet)[0]?.kind).toBe('rr');
          expect(packet.length).toBeLessThan(4600);
        }
        expect(frames).toBeLessThanOrEqual(streamOf(made.codec).frames.length * 80);
        for (const value of Object.values(receiver.stats())) expect(Number.isFinite(value)).toBe(true);
      },
    }),
);

test('a sender report of our camera changes nothing but the time', () => {
  const receiver = new VideoReceiver({
    codec: 'h264',
    payloadType: PAYLOAD_TYPE,
    sendRtcp: () => undefined,
    frame: () => undefined,
  });
  const sr = Buffer.alloc(28);
  sr.set([0x80, 200, 0, 6]);
  sr.writeUInt32BE(SSRC, 4);
  receiver.datagram(streamOf('h264').packets[0] as Buffer);
  const before = receiver.stats();
  receiver.datagram(sr);
  expect(receiver.stats()).toMatchObject({ packets: before.packets, lost: 0 });
  receiver.close();
});
