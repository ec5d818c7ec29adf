import type { CodedAudio } from '../../frame/coded.ts';
import { AudioAlign } from './audio-align.ts';
import type { OrderedPacket } from './audio-order.ts';
import { AudioReceiver, type AudioStats } from './audio-receiver.ts';
import { CaptureClock } from './clock.ts';
import { OPUS_HZ, opusTicks } from './opus.ts';
import type { SenderReport } from './rtcp.ts';

export interface AudioInOptions {
  payloadType: number;
  /** The picture's clock, where both come from one sender. */
  video?: CaptureClock;
  sendRtcp(packet: Buffer): void;
  sound(audio: CodedAudio): void;
}

/** A sender's sound: packets in order with their capture times, their bytes untouched. Owns its receiver. */
export class AudioIn {
  readonly #options: AudioInOptions;
  readonly #receiver: AudioReceiver;
  #clock = new CaptureClock(OPUS_HZ);
  #align: AudioAlign | null = null;

  constructor(options: AudioInOptions) {
    this.#options = options;
    this.#receiver = new AudioReceiver({
      payloadType: options.payloadType,
      sendRtcp: options.sendRtcp,
      packet: (ordered, restarted) => this.#packet(ordered, restarted),
      senderReport: (report) => this.#align?.audioReport(report),
    });
    this.#begin();
  }

  get lastDatagramMs(): number {
    return this.#receiver.lastDatagramMs;
  }

  datagram(datagram: Buffer): void {
    this.#receiver.datagram(datagram);
  }

  videoReport(report: SenderReport): void {
    this.#align?.videoReport(report);
  }

  stats(): AudioStats {
    return this.#receiver.stats();
  }

  close(): void {
    this.#receiver.close();
  }

  #begin(): void {
    this.#clock = new CaptureClock(OPUS_HZ);
    this.#align = this.#options.video ? new AudioAlign(this.#options.video, this.#clock) : null;
  }

  #packet({ packet, arrivalUs, lostBefore }: OrderedPacket, restarted: boolean): void {
    if (restarted) this.#begin();
    // A packet leaves its sender when its last sample is in: its first was captured that much before.
    const lengthUs = (opusTicks(packet.payload) * 1e6) / OPUS_HZ;
    const byArrival = this.#clock.captureUs(packet.ts, arrivalUs - lengthUs);
    this.#options.sound({
      rtpTs: packet.ts,
      captureUs: Math.round(byArrival + (this.#align?.correctionUs() ?? 0)),
      marker: packet.marker,
      lostBefore,
      bytes: packet.payload,
    });
  }
}
