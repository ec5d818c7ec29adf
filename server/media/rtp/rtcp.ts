/**
 * RTCP by hand (RFC 3550, RFC 4585, RFC 5104, draft-alvestrand-rmcat-remb): on a receiving track node-datachannel passes
 * hand-made RTCP through only when no media handler sits on it. Every feedback starts with a receiver report, as
 * compound packets must where reduced-size RTCP was not agreed.
 */

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const TRANSPORT_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;
const FMT_NACK = 1;
const FMT_PLI = 1;
const FMT_FIR = 4;
const FMT_APPLICATION = 15;

export interface ReceptionReport {
  ssrc: number;
  /** Of the packets since the last report, 0–255. */
  fractionLost: number;
  cumulativeLost: number;
  extendedHighest: number;
  /** In RTP ticks. */
  jitter: number;
  /** Middle 32 bits of the NTP time in the last sender report. */
  lastSr: number;
  /** Since that report, in 1/65536 s. */
  delaySinceLastSr: number;
}

/** One instant on a sender's two clocks (RFC 3550 §6.4.1). */
export interface SenderReport {
  ssrc: number;
  /** Since 1900, microseconds. */
  ntpUs: number;
  rtpTs: number;
}

export type RtcpMessage =
  | ({ kind: 'sr'; ntpMiddle: number } & SenderReport)
  | { kind: 'rr'; ssrc: number; reports: ReceptionReport[] }
  | { kind: 'nack'; mediaSsrc: number; seqs: number[] }
  | { kind: 'pli'; mediaSsrc: number }
  | { kind: 'fir'; mediaSsrc: number }
  | { kind: 'remb'; bitsPerSecond: number };

function header(type: number, count: number, bytes: number): Buffer {
  const block = Buffer.alloc(bytes);
  block[0] = 0x80 | count;
  block[1] = type;
  block.writeUInt16BE(bytes / 4 - 1, 2);
  return block;
}

/** A receiver report; without a reception block it only opens a compound packet. */
export function receiverReport(sender: number, report?: ReceptionReport): Buffer {
  const block = header(RECEIVER_REPORT, report ? 1 : 0, report ? 32 : 8);
  block.writeUInt32BE(sender, 4);
  if (!report) return block;
  block.writeUInt32BE(report.ssrc, 8);
  block[12] = report.fractionLost;
  block.writeIntBE(Math.min(0x7fffff, Math.max(-0x800000, report.cumulativeLost)), 13, 3);
  block.writeUInt32BE(report.extendedHighest >>> 0, 16);
  block.writeUInt32BE(report.jitter >>> 0, 20);
  block.writeUInt32BE(report.lastSr >>> 0, 24);
  block.writeUInt32BE(report.delaySinceLastSr >>> 0, 28);
  return block;
}

/** A sender report without reception blocks, and the source's name: streams of one name are played in step (RFC 3550 §6.5.1). */
export function senderReport(report: SenderReport & { packets: number; bytes: number }, cname: string): Buffer {
  const block = header(SENDER_REPORT, 0, 28);
  const seconds = Math.floor(report.ntpUs / 1e6);
  block.writeUInt32BE(report.ssrc, 4);
  block.writeUInt32BE(seconds >>> 0, 8);
  block.writeUInt32BE(Math.floor(((report.ntpUs - seconds * 1e6) * 2 ** 32) / 1e6) >>> 0, 12);
  block.writeUInt32BE(report.rtpTs >>> 0, 16);
  block.writeUInt32BE(report.packets >>> 0, 20);
  block.writeUInt32BE(report.bytes >>> 0, 24);
  const name = Buffer.from(cname, 'utf8').subarray(0, 255);
  // One chunk: SSRC, the item CNAME (1), and at least one zero octet up to the next word.
  const description = header(SOURCE_DESCRIPTION, 1, 8 + Math.ceil((name.length + 3) / 4) * 4);
  description.writeUInt32BE(report.ssrc, 4);
  description[8] = 1;
  description[9] = name.length;
  name.copy(description, 10);
  return Buffer.concat([block, description]);
}

function feedback(type: number, format: number, sender: number, media: number, bodyBytes: number): Buffer {
  const block = header(type, format, 12 + bodyBytes);
  block.writeUInt32BE(sender, 4);
  block.writeUInt32BE(media, 8);
  return block;
}

export const pictureLoss = (sender: number, media: number): Buffer =>
  feedback(PAYLOAD_FEEDBACK, FMT_PLI, sender, media, 0);

/** Generic NACK: `seqs` ascending on the 16-bit circle; each entry names one packet and up to 16 that follow it. */
export function genericNack(sender: number, media: number, seqs: readonly number[]): Buffer {
  const pairs: [first: number, mask: number][] = [];
  for (const seq of seqs) {
    const last = pairs.at(-1);
    const ahead = last ? (seq - last[0]) & 0xffff : 0;
    if (last && ahead >= 1 && ahead <= 16) last[1] |= 1 << (ahead - 1);
    else pairs.push([seq & 0xffff, 0]);
  }
  const block = feedback(TRANSPORT_FEEDBACK, FMT_NACK, sender, media, pairs.length * 4);
  pairs.forEach(([first, mask], i) => {
    block.writeUInt16BE(first, 12 + i * 4);
    block.writeUInt16BE(mask, 14 + i * 4);
  });
  return block;
}

/** Receiver Estimated Maximum Bitrate: without it a sender stays at its start rate for ten seconds. */
export function remb(sender: number, media: number, bitsPerSecond: number): Buffer {
  let exponent = 0;
  let mantissa = Math.max(0, Math.floor(bitsPerSecond));
  while (mantissa > 0x3ffff) {
    mantissa = Math.floor(mantissa / 2);
    exponent++;
  }
  const block = feedback(PAYLOAD_FEEDBACK, FMT_APPLICATION, sender, 0, 12);
  block.write('REMB', 12, 'latin1');
  block[16] = 1;
  block[17] = (exponent << 2) | (mantissa >> 16);
  block.writeUInt16BE(mantissa & 0xffff, 18);
  block.writeUInt32BE(media, 20);
  return block;
}

function parseReports(block: Buffer): ReceptionReport[] {
  const reports: ReceptionReport[] = [];
  const count = (block[0] as number) & 0x1f;
  for (let i = 0, at = 8; i < count && at + 24 <= block.length; i++, at += 24) {
    reports.push({
      ssrc: block.readUInt32BE(at),
      fractionLost: block[at + 4] as number,
      cumulativeLost: block.readIntBE(at + 5, 3),
      extendedHighest: block.readUInt32BE(at + 8),
      jitter: block.readUInt32BE(at + 12),
      lastSr: block.readUInt32BE(at + 16),
      delaySinceLastSr: block.readUInt32BE(at + 20),
    });
  }
  return reports;
}

function parseNack(block: Buffer): number[] {
  const seqs: number[] = [];
  for (let at = 12; at + 4 <= block.length; at += 4) {
    const first = block.readUInt16BE(at);
    const mask = block.readUInt16BE(at + 2);
    seqs.push(first);
    for (let bit = 0; bit < 16; bit++) if (mask & (1 << bit)) seqs.push((first + bit + 1) & 0xffff);
  }
  return seqs;
}

function parsePayloadFeedback(block: Buffer): RtcpMessage | null {
  const format = (block[0] as number) & 0x1f;
  if (format === FMT_PLI) return { kind: 'pli', mediaSsrc: block.readUInt32BE(8) };
  // FIR names its target in the entry; the header's media source is unused (RFC 5104 §4.3.1).
  if (format === FMT_FIR && block.length >= 20) return { kind: 'fir', mediaSsrc: block.readUInt32BE(12) };
  if (format === FMT_APPLICATION && block.length >= 20 && block.toString('latin1', 12, 16) === 'REMB') {
    const exponent = (block[17] as number) >> 2;
    const mantissa = (((block[17] as number) & 3) << 16) | block.readUInt16BE(18);
    return { kind: 'remb', bitsPerSecond: mantissa * 2 ** exponent };
  }
  return null;
}

function parseBlock(block: Buffer): RtcpMessage | null {
  switch (block[1]) {
    case SENDER_REPORT:
      if (block.length < 28) return null;
      return {
        kind: 'sr',
        ssrc: block.readUInt32BE(4),
        ntpMiddle: block.readUInt32BE(10),
        ntpUs: block.readUInt32BE(8) * 1e6 + (block.readUInt32BE(12) * 1e6) / 2 ** 32,
        rtpTs: block.readUInt32BE(16),
      };
    case RECEIVER_REPORT:
      return { kind: 'rr', ssrc: block.readUInt32BE(4), reports: parseReports(block) };
    case TRANSPORT_FEEDBACK:
      if (((block[0] as number) & 0x1f) !== FMT_NACK || block.length < 16) return null;
      return { kind: 'nack', mediaSsrc: block.readUInt32BE(8), seqs: parseNack(block) };
    case PAYLOAD_FEEDBACK:
      return block.length >= 12 ? parsePayloadFeedback(block) : null;
    default:
      return null;
  }
}

/** What we understand of a compound packet, in order; unknown or cut-off blocks are passed over. */
export function parseRtcp(datagram: Buffer): RtcpMessage[] {
  const messages: RtcpMessage[] = [];
  for (let at = 0; at + 8 <= datagram.length; ) {
    const bytes = (datagram.readUInt16BE(at + 2) + 1) * 4;
    if (bytes < 8 || at + bytes > datagram.length) break;
    const message = parseBlock(datagram.subarray(at, at + bytes));
    if (message) messages.push(message);
    at += bytes;
  }
  return messages;
}
