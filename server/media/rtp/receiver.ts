import type { Rotation, VideoCodec } from '../../frame/coded.ts';
import { FrameAssembler } from './assemble.ts';
import type { CodedPicture } from './depacketize.ts';
import { orientationOf } from './extensions.ts';
import { KeyPacer } from './pacer.ts';
import { isRtcp, parseRtp, type RtpPacket } from './packet.ts';
import { Rates } from './rates.ts';
import { ReorderBuffer } from './reorder.ts';
import {
  genericNack,
  parseRtcp,
  pictureLoss,
  type ReceptionReport,
  receiverReport,
  remb,
  type SenderReport,
} from './rtcp.ts';

/** Our own SSRC in feedback: nobody sends media under it. */
const OWN_SSRC = 1;
const TICK_MS = 10;
const REPORT_MS = 500;
/** Another SSRC takes the stream over when the first has been silent this long (the camera's encoder restarted). */
const TAKEOVER_MS = 300;

export interface ReceiverOptions {
  codec: VideoCodec;
  payloadType: number;
  /** Parameter sets from the SDP, for cameras that do not send them in band. */
  parameterSets?: readonly Buffer[];
  /** Bits per second to allow the sender by REMB; none is sent where absent. */
  maxBitrate?: number;
  /** Id of the orientation extension, where the sender uses it. */
  orientationId?: number;
  /** Whether a key frame is of use (default: always); when its last packet came is performance.now(). */
  keysUseful?(lastPacketMs: number): boolean;
  sendRtcp(packet: Buffer): void;
  /** `arrivalMs` (performance.now) of the frame's last packet. */
  frame(picture: CodedPicture, rtpTs: number, arrivalMs: number, rotation: Rotation): void;
  /** What the stream's sender says of its clocks. */
  senderReport?(report: SenderReport): void;
}

export interface ReceiverStats {
  packets: number;
  lost: number;
  recovered: number;
  reordered: number;
  duplicates: number;
  late: number;
  nacks: number;
  keyRequests: number;
  discardedFrames: number;
  bitrate: number;
  fps: number;
}

/** One video stream's receiving end: order, repair, reports, frames. It owns its timers; datagrams come in by `datagram`. */
export class VideoReceiver {
  readonly #options: ReceiverOptions;
  readonly #reorder: ReorderBuffer;
  readonly #assembler: FrameAssembler;
  readonly #keys: KeyPacer;
  readonly #rates = new Rates();
  readonly #timers: NodeJS.Timeout[];
  #ssrc = -1;
  #nowMs = 0;
  /** When the last datagram of any kind came (performance.now). */
  lastDatagramMs = performance.now();
  #sr = { ntpMiddle: 0, atMs: 0 };
  #jitter = 0;
  #transit = Number.NaN;
  #firstSeq = 0;
  #reported = { expected: 0, received: 0 };
  /** Packets of SSRCs before this one. */
  #countedBefore = 0;
  #lastPacketMs = 0;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#keys = new KeyPacer(() => this.#sendPli());
    this.#assembler = new FrameAssembler(
      options.codec,
      {
        frame: (picture, rtpTs, rotation) => this.#frame(picture, rtpTs, rotation),
        keyNeeded: () => this.#keyNeeded(),
      },
      options.parameterSets,
    );
    this.#reorder = new ReorderBuffer({
      packet: (packet) => this.#assembler.packet(packet),
      gap: () => this.#assembler.gap(),
      nack: (seqs) => this.#send(genericNack(OWN_SSRC, this.#ssrc, seqs)),
      late: () => this.#keys.request(),
    });
    this.#timers = [setInterval(() => this.#tick(), TICK_MS), setInterval(() => this.#report(), REPORT_MS)];
    for (const timer of this.#timers) timer.unref();
  }

  /** Any datagram of the session, RTP or RTCP. */
  datagram(datagram: Buffer): void {
    this.#nowMs = performance.now();
    this.lastDatagramMs = this.#nowMs;
    if (isRtcp(datagram)) {
      this.#rtcp(datagram);
      return;
    }
    const packet = parseRtp(datagram);
    if (!packet || packet.payloadType !== this.#options.payloadType || !this.#belongs(packet)) return;
    this.#lastPacketMs = this.#nowMs;
    this.#rates.bytes(datagram.length, this.#nowMs);
    this.#noteJitter(packet);
    if (this.#options.orientationId) packet.rotation = orientationOf(datagram, this.#options.orientationId);
    this.#reorder.push(packet, this.#nowMs);
  }

  requestKey(): void {
    if (this.#ssrc >= 0) this.#keys.request();
  }

  stats(): ReceiverStats {
    const { received, lost, recovered, reordered, duplicates, late, nacks } = this.#reorder.stats;
    return {
      packets: received,
      lost: Math.max(0, lost - late),
      recovered,
      reordered,
      duplicates,
      late,
      nacks,
      keyRequests: this.#keys.sent,
      discardedFrames: this.#assembler.discarded,
      ...this.#rates.perSecond(performance.now()),
    };
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#keys.close();
  }

  #frame(picture: CodedPicture, rtpTs: number, rotation: Rotation): void {
    if (picture.key) this.#keys.satisfied();
    this.#rates.frame(this.#nowMs);
    this.#options.frame(picture, rtpTs, this.#nowMs, rotation);
  }

  #belongs(packet: RtpPacket): boolean {
    if (packet.ssrc === this.#ssrc) return true;
    const first = this.#ssrc < 0;
    if (!first && this.#nowMs - this.#lastPacketMs < TAKEOVER_MS) return false;
    this.#ssrc = packet.ssrc;
    this.#lastPacketMs = this.#nowMs;
    this.#firstSeq = packet.seq;
    this.#transit = Number.NaN;
    this.#sr = { ntpMiddle: 0, atMs: 0 };
    if (!first) {
      this.#reorder.reset();
      this.#reported = { expected: 0, received: 0 };
      this.#countedBefore = this.#uniquePackets();
      this.#assembler.gap();
    }
    this.#report();
    return true;
  }

  /** Interarrival jitter, RFC 3550 §6.4.1. */
  #noteJitter(packet: RtpPacket): void {
    const transit = (Math.round(this.#nowMs * 90) - packet.ts) | 0;
    if (!Number.isNaN(this.#transit)) {
      const change = Math.abs((transit - this.#transit) | 0);
      this.#jitter += (change - this.#jitter) / 16;
    }
    this.#transit = transit;
  }

  #rtcp(datagram: Buffer): void {
    for (const message of parseRtcp(datagram)) {
      if (message.kind !== 'sr' || message.ssrc !== this.#ssrc) continue;
      this.#sr = { ntpMiddle: message.ntpMiddle, atMs: this.#nowMs };
      this.#options.senderReport?.(message);
    }
  }

  #tick(): void {
    if (this.#ssrc < 0) return;
    this.#nowMs = performance.now();
    this.#reorder.tick(this.#nowMs);
    if (this.#assembler.waitsForKey && this.#assembler.discarded > 0) this.#keyNeeded();
  }

  #keyNeeded(): void {
    if (this.#options.keysUseful?.(this.#lastPacketMs) ?? true) this.#keys.request();
  }

  #report(): void {
    if (this.#ssrc < 0) return;
    const blocks = [receiverReport(OWN_SSRC, this.#reception())];
    if (this.#options.maxBitrate) blocks.push(remb(OWN_SSRC, this.#ssrc, this.#options.maxBitrate));
    this.#options.sendRtcp(Buffer.concat(blocks));
  }

  #uniquePackets(): number {
    return this.#reorder.stats.received - this.#reorder.stats.duplicates;
  }

  #reception(): ReceptionReport {
    const unique = this.#uniquePackets() - this.#countedBefore;
    const highest = Math.max(0, this.#reorder.highest - 0x10000);
    const expected = unique === 0 ? 0 : highest - this.#firstSeq + 1;
    const lost = expected - this.#reported.expected - (unique - this.#reported.received);
    const share = lost / Math.max(1, expected - this.#reported.expected);
    this.#reported = { expected, received: unique };
    const sinceSr = this.#sr.ntpMiddle ? ((performance.now() - this.#sr.atMs) / 1000) * 65536 : 0;
    return {
      ssrc: this.#ssrc,
      fractionLost: Math.max(0, Math.min(255, Math.floor(share * 256))),
      cumulativeLost: expected - unique,
      extendedHighest: highest,
      jitter: Math.round(this.#jitter),
      lastSr: this.#sr.ntpMiddle,
      delaySinceLastSr: Math.round(sinceSr),
    };
  }

  #sendPli(): void {
    if (this.#ssrc >= 0) this.#send(pictureLoss(OWN_SSRC, this.#ssrc));
  }

  #send(feedback: Buffer): void {
    this.#options.sendRtcp(Buffer.concat([receiverReport(OWN_SSRC), feedback]));
  }
}
