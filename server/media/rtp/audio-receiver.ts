import { AudioOrder, type OrderedPacket } from './audio-order.ts';
import { monotonicUs } from './clock.ts';
import { isRtcp, parseRtp, type RtpPacket } from './packet.ts';
import { Rates } from './rates.ts';
import { parseRtcp, receiverReport, type SenderReport } from './rtcp.ts';

/** Our own SSRC in feedback: nobody sends media under it. */
const OWN_SSRC = 2;
const TICK_MS = 10;
const REPORT_MS = 1000;
/** Another SSRC takes the stream over when the first has been silent this long. */
const TAKEOVER_MS = 300;
/** No Opus packet is larger (RFC 6716 §3.4: 48 frames of 1275 bytes never fit one datagram). */
const MAX_BYTES = 1500;

export interface AudioReceiverOptions {
  payloadType: number;
  sendRtcp(packet: Buffer): void;
  /** In order; `restarted` on the first packet of another source. */
  packet(ordered: OrderedPacket, restarted: boolean): void;
  senderReport?(report: SenderReport): void;
}

export interface AudioStats {
  packets: number;
  lost: number;
  reordered: number;
  /** Bits per second over the last second. */
  bitrate: number;
}

/** One sound stream's receiving end: order, loss, reports. Owns its timers; datagrams come in by `datagram`. */
export class AudioReceiver {
  /** When the last datagram of any kind came (performance.now). */
  lastDatagramMs = performance.now();
  readonly #options: AudioReceiverOptions;
  readonly #order: AudioOrder;
  readonly #rates = new Rates();
  readonly #timer: NodeJS.Timeout;
  #flushing: NodeJS.Timeout | null = null;
  #ssrc = -1;
  #lastPacketMs = 0;
  #restarted = true;
  #sr = { ntpMiddle: 0, atMs: 0 };
  #reported = { received: 0, lost: 0 };

  constructor(options: AudioReceiverOptions) {
    this.#options = options;
    this.#order = new AudioOrder((ordered) => {
      const restarted = this.#restarted;
      this.#restarted = false;
      this.#options.packet(ordered, restarted);
    });
    this.#timer = setInterval(() => this.#report(), REPORT_MS);
    this.#timer.unref();
  }

  /** Any datagram of the session, RTP or RTCP; those of other streams are passed over. */
  datagram(datagram: Buffer): void {
    const nowMs = performance.now();
    if (isRtcp(datagram)) {
      this.lastDatagramMs = nowMs;
      this.#rtcp(datagram, nowMs);
      return;
    }
    const packet = parseRtp(datagram);
    if (!packet || packet.payloadType !== this.#options.payloadType || !this.#belongs(packet, nowMs)) return;
    this.lastDatagramMs = nowMs;
    this.#lastPacketMs = nowMs;
    if (packet.payload.length === 0 || packet.payload.length > MAX_BYTES) return;
    this.#rates.bytes(datagram.length, nowMs);
    this.#order.push(packet, monotonicUs());
    if (this.#order.holds) this.#flushSoon();
  }

  stats(): AudioStats {
    const { received, lost, reordered } = this.#order.stats;
    return { packets: received, lost, reordered, bitrate: this.#rates.perSecond(performance.now()).bitrate };
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#flushing) clearTimeout(this.#flushing);
    this.#flushing = null;
  }

  #flushSoon(): void {
    this.#flushing ??= setTimeout(() => {
      this.#flushing = null;
      this.#order.flush(monotonicUs());
      if (this.#order.holds) this.#flushSoon();
    }, TICK_MS);
  }

  #belongs(packet: RtpPacket, nowMs: number): boolean {
    if (packet.ssrc === this.#ssrc) return true;
    if (this.#ssrc >= 0 && nowMs - this.#lastPacketMs < TAKEOVER_MS) return false;
    this.#ssrc = packet.ssrc;
    this.#restarted = true;
    this.#sr = { ntpMiddle: 0, atMs: 0 };
    this.#order.reset();
    return true;
  }

  #rtcp(datagram: Buffer, nowMs: number): void {
    for (const message of parseRtcp(datagram)) {
      if (message.kind !== 'sr' || message.ssrc !== this.#ssrc) continue;
      this.#sr = { ntpMiddle: message.ntpMiddle, atMs: nowMs };
      this.#options.senderReport?.(message);
    }
  }

  #report(): void {
    if (this.#ssrc < 0) return;
    const { received, lost } = this.#order.stats;
    const [came, missing] = [received - this.#reported.received, lost - this.#reported.lost];
    this.#reported = { received, lost };
    const sinceSr = this.#sr.ntpMiddle ? ((performance.now() - this.#sr.atMs) / 1000) * 65536 : 0;
    this.#options.sendRtcp(
      receiverReport(OWN_SSRC, {
        ssrc: this.#ssrc,
        fractionLost: Math.min(255, Math.floor((256 * missing) / Math.max(1, came + missing))),
        cumulativeLost: lost,
        extendedHighest: Math.max(0, this.#order.highest - 0x10000),
        jitter: 0,
        lastSr: this.#sr.ntpMiddle,
        delaySinceLastSr: Math.round(sinceSr),
      }),
    );
  }
}
