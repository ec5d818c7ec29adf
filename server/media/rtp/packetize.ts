import type { CodedFrame } from '../../frame/coded.ts';
import { NAL, nalType, splitAnnexB } from './annexb.ts';

/** Largest RTP payload: with SRTP, UDP, IPv6 and a tunnel on top it still fits one Ethernet frame. */
export const MAX_PAYLOAD_BYTES = 1180;

/** One packet's payload: a few bytes of its own, then a piece of the frame (not copied). */
export interface Payload {
  head: Buffer | null;
  body: Buffer;
}

/** Whole frames → RTP payloads, in order; the last one carries the marker. */
export interface Packetizer {
  packetize(frame: CodedFrame): Payload[];
}

export const createPacketizer = (codec: CodedFrame['codec']): Packetizer =>
  codec === 'h264' ? new H264Packetizer() : new Vp8Packetizer();

/** RFC 6184 mode 1: single units and FU-A. */
class H264Packetizer implements Packetizer {
  packetize(frame: CodedFrame): Payload[] {
    const payloads: Payload[] = [];
    for (const nal of splitAnnexB(frame.bytes)) {
      const type = nalType(nal);
      if (type === NAL.delimiter || type === NAL.filler) continue;
      if (nal.length <= MAX_PAYLOAD_BYTES) payloads.push({ head: null, body: nal });
      else this.#fragment(nal, payloads);
    }
    return payloads;
  }

  #fragment(nal: Buffer, payloads: Payload[]): void {
    const first = nal[0] as number;
    // Pieces of equal size: no tiny last packet.
    const room = MAX_PAYLOAD_BYTES - 2;
    const size = Math.ceil((nal.length - 1) / Math.ceil((nal.length - 1) / room));
    for (let at = 1; at < nal.length; at += size) {
      const end = Math.min(nal.length, at + size);
      const flags = (at === 1 ? 0x80 : 0) | (end === nal.length ? 0x40 : 0);
      payloads.push({
        head: Buffer.from([(first & 0xe0) | NAL.fuA, flags | (first & 0x1f)]),
        body: nal.subarray(at, end),
      });
    }
  }
}

/** RFC 7741 with a 15-bit picture number. */
class Vp8Packetizer implements Packetizer {
  #picture = Math.floor(Math.random() * 0x8000);

  packetize(frame: CodedFrame): Payload[] {
    this.#picture = (this.#picture + 1) & 0x7fff;
    const bytes = Buffer.from(frame.bytes.buffer, frame.bytes.byteOffset, frame.bytes.byteLength);
    const room = MAX_PAYLOAD_BYTES - 4;
    const payloads: Payload[] = [];
    for (let at = 0; at < bytes.length; at += room) {
      const head = Buffer.from([at === 0 ? 0x90 : 0x80, 0x80, 0x80 | (this.#picture >> 8), this.#picture & 0xff]);
      payloads.push({ head, body: bytes.subarray(at, Math.min(bytes.length, at + room)) });
    }
    return payloads;
  }
}
