import type { CodedFrame } from '../../frame/coded.ts';
import { createPacketizer, MAX_PAYLOAD_BYTES, type Packetizer } from './packetize.ts';

const RTP_HEADER = 12;
const EXTENSION = 8;
const HEADERS = RTP_HEADER + EXTENSION;

/** Where a stream's packets go, and what stands in their headers. */
export interface StreamTarget {
  readonly payloadType: number;
  readonly ssrc: number;
  /** Id of the playout-delay extension (draft: rtp-hdrext/playout-delay), or 0. */
  readonly playoutDelayId: number;
  /** Last sequence number used; counted up here. */
  seq: number;
  /** Gets a view that is valid during the call only. */
  send(packet: Buffer): void;
}

/**
 * Sends frames to any number of targets: cut once, each payload copied once into a scratch packet, one header per
 * target written before it. The RTP timestamp is the frame's own.
 */
export class FrameSender {
  readonly #packetizer: Packetizer;
  readonly #scratch = Buffer.alloc(HEADERS + MAX_PAYLOAD_BYTES + 16);

  constructor(codec: CodedFrame['codec']) {
    this.#packetizer = createPacketizer(codec);
  }

  send(frame: CodedFrame, targets: Iterable<StreamTarget>): void {
    const payloads = this.#packetizer.packetize(frame);
    const scratch = this.#scratch;
    payloads.forEach(({ head, body }, i) => {
      const headBytes = head ? head.copy(scratch, HEADERS) : 0;
      body.copy(scratch, HEADERS + headBytes);
      const end = HEADERS + headBytes + body.length;
      const marker = i === payloads.length - 1 ? 0x80 : 0;
      for (const target of targets) {
        const start = target.playoutDelayId ? 0 : EXTENSION;
        this.#writeHeader(start, target, marker, frame.rtpTs);
        target.send(scratch.subarray(start, end));
      }
    });
  }

  #writeHeader(start: number, target: StreamTarget, marker: number, rtpTs: number): void {
    const scratch = this.#scratch;
    target.seq = (target.seq + 1) & 0xffff;
    scratch[start] = target.playoutDelayId ? 0x90 : 0x80;
    scratch[start + 1] = target.payloadType | marker;
    scratch.writeUInt16BE(target.seq, start + 2);
    scratch.writeUInt32BE(rtpTs >>> 0, start + 4);
    scratch.writeUInt32BE(target.ssrc, start + 8);
    if (!target.playoutDelayId) return;
    // One-byte extension header, one word: id and length, then minimum and maximum delay, 12 bits each, both 0.
    scratch.writeUInt32BE(0xbede0001, start + 12);
    scratch.writeUInt32BE((((target.playoutDelayId << 4) | 2) << 24) >>> 0, start + 16);
  }
}
