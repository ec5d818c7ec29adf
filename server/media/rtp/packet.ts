import type { Rotation } from '../../frame/coded.ts';

/** RTP headers (RFC 3550 §5.1, RFC 8285): read in place, without a copy of the payload. */

export interface RtpPacket {
  seq: number;
  /** 90 kHz, 32 bits, as sent. */
  ts: number;
  ssrc: number;
  marker: boolean;
  payloadType: number;
  /** A view into the datagram; empty for a padding-only (probe) packet. */
  payload: Buffer;
  /** Where the packet says how the picture is held. */
  rotation?: Rotation | null;
}

/** RTCP shares the port (RFC 5761 §4): its second byte lies in 192–223. */
export const isRtcp = (datagram: Buffer): boolean => {
  const type = datagram[1];
  return type !== undefined && type >= 192 && type <= 223;
};

/** Null for anything that is not a well-formed RTP packet. */
export function parseRtp(datagram: Buffer): RtpPacket | null {
  if (datagram.length < 12) return null;
  const first = datagram[0] as number;
  if (first >> 6 !== 2) return null;
  let start = 12 + (first & 0x0f) * 4;
  let end = datagram.length;
  if (first & 0x10) {
    if (start + 4 > end) return null;
    start += 4 + datagram.readUInt16BE(start + 2) * 4;
  }
  if (first & 0x20) end -= datagram[end - 1] as number;
  if (start > end) return null;
  const second = datagram[1] as number;
  return {
    seq: datagram.readUInt16BE(2),
    ts: datagram.readUInt32BE(4),
    ssrc: datagram.readUInt32BE(8),
    marker: (second & 0x80) !== 0,
    payloadType: second & 0x7f,
    payload: datagram.subarray(start, end),
  };
}

/** Signed distance from b to a on a 16-bit circle: positive when a is newer. */
export const seqDistance = (a: number, b: number): number => ((a - b) << 16) >> 16;

/** Signed distance from b to a on the 32-bit circle of RTP time. */
export const tsDistance = (a: number, b: number): number => (a - b) | 0;
