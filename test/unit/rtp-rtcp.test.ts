import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  GenericNack,
  PictureLossIndication,
  type ReceiverEstimatedMaxBitrate,
  RtcpPacketConverter,
  RtcpPayloadSpecificFeedback,
  RtcpRrPacket,
  RtcpSenderInfo,
  RtcpSrPacket,
  RtcpTransportLayerFeedback,
} from 'werift-rtp';
import {
  genericNack,
  parseRtcp,
  pictureLoss,
  receiverReport,
  remb,
  senderReport,
} from '../../server/media/rtp/rtcp.ts';

const report = {
  ssrc: 0xdeadbeef,
  fractionLost: 12,
  cumulativeLost: 345,
  extendedHighest: 0x0001_fffe,
  jitter: 77,
  lastSr: 0x12345678,
  delaySinceLastSr: 65536,
};

describe('RTCP against werift, an independent implementation', () => {
  test('a compound of everything we send reads there as we meant it', () => {
    // Last, and without a wrap: werift reads a NACK (as the SSRCs of a REMB) to the end of the datagram and does not wrap.
    const seqs = [1000, 1001, 1016, 1018, 4000];
    const compound = Buffer.concat([
      receiverReport(1, report),
      pictureLoss(1, 9),
      remb(1, 9, 6_000_000),
      genericNack(1, 9, seqs),
    ]);
    const [rr, pli, estimate, nack] = RtcpPacketConverter.deSerialize(compound);
    expect(rr).toBeInstanceOf(RtcpRrPacket);
    expect((rr as RtcpRrPacket).reports[0]).toMatchObject({
      ssrc: report.ssrc,
      fractionLost: 12,
      packetsLost: 345,
      highestSequence: report.extendedHighest,
      jitter: 77,
      lsr: report.lastSr,
      dlsr: 65536,
    });
    const lost = ((nack as RtcpTransportLayerFeedback).feedback as GenericNack).lost;
    expect(lost).toEqual(seqs);
    expect((pli as RtcpPayloadSpecificFeedback).feedback).toMatchObject({ senderSsrc: 1, mediaSsrc: 9 });
    const { bitrate, ssrcFeedbacks } = (estimate as RtcpPayloadSpecificFeedback)
      .feedback as ReceiverEstimatedMaxBitrate;
    expect(Number(bitrate)).toBeGreaterThan(5_990_000);
    expect(Number(bitrate)).toBeLessThanOrEqual(6_000_000);
    expect(ssrcFeedbacks[0]).toBe(9);
  });

  test('what werift sends reads here', () => {
    const sr = new RtcpSrPacket({
      ssrc: 5,
      senderInfo: new RtcpSenderInfo({
        ntpTimestamp: 0x1122334455667788n,
        rtpTimestamp: 9000,
        packetCount: 3,
        octetCount: 4,
      }),
    });
    const pli = new RtcpPayloadSpecificFeedback({
      feedback: new PictureLossIndication({ senderSsrc: 2, mediaSsrc: 5 }),
    });
    const nack = new RtcpTransportLayerFeedback({
      feedback: new GenericNack({ senderSsrc: 2, mediaSourceSsrc: 5, lost: [7, 8, 30] }),
    });
    expect(parseRtcp(Buffer.concat([sr.serialize(), pli.serialize(), nack.serialize()]))).toEqual([
      {
        kind: 'sr',
        ssrc: 5,
        ntpMiddle: 0x33445566,
        ntpUs: 0x11223344 * 1e6 + (0x55667788 * 1e6) / 2 ** 32,
        rtpTs: 9000,
      },
      { kind: 'pli', mediaSsrc: 5 },
      { kind: 'nack', mediaSsrc: 5, seqs: [7, 8, 30] },
    ]);
  });
});

describe('RTCP round trips', () => {
  test('sender reports with a name, and werift reads them', () => {
    const ntpUs = 3_900_000_000_123_456;
    const sent = senderReport({ ssrc: 9, ntpUs, rtpTs: 0xffff_fff0, packets: 12, bytes: 345 }, 'understudy');
    const [read] = parseRtcp(sent);
    expect(read).toMatchObject({ kind: 'sr', ssrc: 9, rtpTs: 0xffff_fff0 });
    expect(Math.abs((read?.kind === 'sr' ? read.ntpUs : 0) - ntpUs)).toBeLessThanOrEqual(1);
    const [report, description] = RtcpPacketConverter.deSerialize(sent);
    expect(report).toMatchObject({ ssrc: 9, senderInfo: { packetCount: 12, octetCount: 345 } });
    expect(description).toMatchObject({ chunks: [{ source: 9, items: [{ type: 1, text: 'understudy' }] }] });
  });

  test('reports, negative losses included', () => {
    for (const cumulativeLost of [0, 345, -3]) {
      expect(parseRtcp(receiverReport(1, { ...report, cumulativeLost }))).toEqual([
        { kind: 'rr', ssrc: 1, reports: [{ ...report, cumulativeLost }] },
      ]);
    }
  });

  test('any set of missing packets comes back from a NACK', () => {
    const sets = fc
      .tuple(fc.integer({ min: 0, max: 65535 }), fc.uniqueArray(fc.integer({ min: 0, max: 500 }), { minLength: 1 }))
      .map(([start, offsets]) => [...offsets].sort((a, b) => a - b).map((offset) => (start + offset) & 0xffff));
    fc.assert(
      fc.property(sets, (seqs) => {
        expect(parseRtcp(genericNack(1, 2, seqs))).toEqual([{ kind: 'nack', mediaSsrc: 2, seqs }]);
      }),
    );
  });

  test('a full intra request names its target in the entry', () => {
    const fir = Buffer.from([0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 42, 7, 0, 0, 0]);
    expect(parseRtcp(fir)).toEqual([{ kind: 'fir', mediaSsrc: 42 }]);
  });

  test('an estimate is rounded down to what the format holds', () => {
    for (const bits of [0, 1, 262_143, 262_144, 123_456_789, 2e9]) {
      const [message] = parseRtcp(remb(1, 2, bits));
      const value = message?.kind === 'remb' ? message.bitsPerSecond : Number.NaN;
      expect(value).toBeLessThanOrEqual(bits);
      expect(value).toBeGreaterThanOrEqual(bits * (1 - 2 ** -17));
    }
  });

  test('noise never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void parseRtcp(Buffer.from(bytes))),
      { numRuns: 2000 },
    );
    const valid = Buffer.concat([receiverReport(1, report), genericNack(1, 9, [1, 2]), remb(1, 9, 1e6)]);
    for (let length = 0; length < valid.length; length++) parseRtcp(valid.subarray(0, length));
  });
});
