import { randomInt } from 'node:crypto';
import { RtcpNackResponder } from 'node-datachannel';
import type { CodedAudio, CodedFrame, Rotation } from '../../frame/coded.ts';
import { AudioSender, OPUS_HZ, reportNow, type StreamInstant, soundTarget, VIDEO_HZ } from '../rtp/audio-sender.ts';
import { ORIENTATION_URI, withExtension } from '../rtp/extensions.ts';
import { isRtcp } from '../rtp/packet.ts';
import { parseRtcp, type ReceptionReport } from '../rtp/rtcp.ts';
import { FrameSender, type StreamTarget } from '../rtp/sender.ts';
import {
  type Connected,
  connect,
  hangUp,
  MID,
  type Offered,
  PAYLOAD_TYPE,
  type PeerOptions,
  SOUND_PAYLOAD_TYPE,
  watch,
} from './connect.ts';

const NACK_PACKETS = 2048;
/** Id under which the offer names the orientation extension. */
const ORIENTATION_ID = 4;
/** The server reports twice a second: after this it is gone. */
const SILENCE_MS = 10_000;
const REPORT_MS = 500;
const CNAME = 'understudy-camera';

export interface PublisherOptions extends PeerOptions {
  /** The server needs a key frame (PLI or FIR). */
  onKeyRequest?(): void;
  ssrc?: number;
  /** Sound beside the picture, or alone as a mixer sends it; default none. */
  sound?: Offered['sound'];
}

export interface PublisherStats {
  packets: number;
  frames: number;
  bytes: number;
  nacks: number;
  keyRequests: number;
  /** Last bit rate that the server allowed (REMB); 0 before. */
  allowedBitrate: number;
  /** Of the last receiver report, 0–1. */
  fractionLost: number;
}

/** A camera's sending end. */
export interface Publisher {
  readonly ssrc: number;
  /** Sends a whole frame now, with its own RTP timestamp and, where it has one, its rotation. */
  /** Reports name `captureUs` of the last frame and of the last sound packet as instants of one clock. */
  send(frame: CodedFrame): void;
  sendSound(audio: CodedAudio): void;
  stats(): PublisherStats;
  /**
   * Settles when the server has reported the last packet that was sent, at the latest after so many milliseconds: what is still on its way when
   * the session is ended is lost.
   */
  arrived(withinMs: number): Promise<void>;
  close(): Promise<void>;
}

class RtpPublisher implements Publisher {
  readonly ssrc: number;
  readonly #target: StreamTarget;
  readonly #options: PublisherOptions;
  readonly #sender: FrameSender;
  readonly #soundSender = new AudioSender();
  readonly #soundTarget = soundTarget(SOUND_PAYLOAD_TYPE, randomInt(2 ** 31, 2 ** 32), (packet) =>
    this.#sendSound(packet),
  );
  #picture: StreamInstant | null = null;
  #sound: StreamInstant | null = null;
  #reports: NodeJS.Timeout | null = null;
  #connected: Connected | null = null;
  #closed = false;
  #lastRtcpMs = performance.now();
  /** Of the frame that is being sent. */
  #rotation: Rotation | null = null;
  #silence: NodeJS.Timeout | null = null;
  /** The highest sequence number that the server has reported; -1 before. */
  #reported = -1;
  #heard: (() => void) | null = null;
  readonly #stats: PublisherStats = {
    packets: 0,
    frames: 0,
    bytes: 0,
    nacks: 0,
    keyRequests: 0,
    allowedBitrate: 0,
    fractionLost: 0,
  };

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.ssrc = options.ssrc ?? randomInt(1, 2 ** 31);
    this.#target = {
      payloadType: PAYLOAD_TYPE,
      ssrc: this.ssrc,
      playoutDelayId: 0,
      seq: randomInt(0, 0x10000),
      send: (packet) => this.#sendPacket(packet),
    };
    this.#sender = new FrameSender(options.codec ?? 'h264');
  }

  async open(): Promise<void> {
    const extended = (offer: string): string => withExtension(offer, MID, ORIENTATION_ID, ORIENTATION_URI);
    const offered: Offered = {
      direction: 'SendOnly',
      ssrc: this.ssrc,
      soundSsrc: this.#soundTarget.ssrc,
      sound: this.#options.sound ?? 'none',
    };
    this.#connected = await connect(this.#options, offered, extended, ({ track, sound, kept }) => {
      // Sound's receiver reports keep a mixer's session alive as a picture's do.
      sound?.onMessage((datagram) => this.#datagram(datagram));
      if (track === sound) return;
      const responder = new RtcpNackResponder(NACK_PACKETS);
      kept.push(responder);
      track.setMediaHandler(responder);
      track.onMessage((datagram) => this.#datagram(datagram));
    });
    this.#reports = setInterval(() => this.#report(), REPORT_MS);
    watch(this.#connected, (reason) => this.#lost(reason));
    this.#lastRtcpMs = performance.now();
    this.#silence = setInterval(() => {
      if (performance.now() - this.#lastRtcpMs > SILENCE_MS) this.#lost('The server has been silent for 10 s.');
    }, 1000);
  }

  send(frame: CodedFrame): void {
    if (this.#closed) return;
    this.#stats.frames++;
    this.#rotation = frame.rotation ?? null;
    if (frame.captureUs > 0) this.#picture = { rtpTs: frame.rtpTs, captureUs: frame.captureUs };
    this.#sender.send(frame, [this.#target]);
  }

  sendSound(audio: CodedAudio): void {
    if (this.#closed) return;
    if (audio.captureUs > 0) this.#sound = { rtpTs: audio.rtpTs, captureUs: audio.captureUs };
    this.#soundSender.send(audio, [this.#soundTarget]);
  }

  stats(): PublisherStats {
    return { ...this.#stats };
  }

  async arrived(withinMs: number): Promise<void> {
    if (this.#stats.packets === 0) return;
    const untilMs = performance.now() + withinMs;
    while (!this.#closed && this.#reported !== this.#target.seq && performance.now() < untilMs) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, untilMs - performance.now());
        this.#heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#heard = null;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#heard?.();
    if (this.#silence) clearInterval(this.#silence);
    if (this.#reports) clearInterval(this.#reports);
    await this.#connected?.end();
    if (this.#connected) hangUp(this.#connected);
  }

  #sendPacket(plain: Buffer): void {
    // With the frame's last packet, as browsers say it.
    const last = ((plain[1] ?? 0) & 0x80) !== 0;
    const packet = last && this.#rotation !== null ? withOrientation(plain, this.#rotation) : plain;
    try {
      if (!this.#connected?.track.sendMessageBinary(packet)) return;
      this.#stats.packets++;
      this.#stats.bytes += packet.length;
    } catch {
      // Closed in this moment: `watch` tells.
    }
  }

  #sendSound(packet: Buffer): boolean {
    try {
      return this.#connected?.sound?.sendMessageBinary(packet) ?? false;
    } catch {
      return false;
    }
  }

  /** Sender reports (RFC 3550 §6.4.1): the server finds out by them which sound belongs to which picture. */
  #report(): void {
    const { packets, bytes } = this.#stats;
    if (this.#picture) {
      const report = reportNow(this.#picture, VIDEO_HZ, { ssrc: this.ssrc, packets, bytes }, CNAME);
      try {
        this.#connected?.track.sendMessageBinary(report);
      } catch {
        // Closed in this moment: `watch` tells.
      }
    }
    if (this.#sound) this.#sendSound(reportNow(this.#sound, OPUS_HZ, this.#soundTarget, CNAME));
  }

  #hear(reports: readonly ReceptionReport[]): void {
    const own = reports.find(({ ssrc }) => ssrc === this.ssrc);
    if (!own) return;
    this.#stats.fractionLost = own.fractionLost / 256;
    this.#reported = own.extendedHighest & 0xffff;
    this.#heard?.();
  }

  #lost(reason: string): void {
    if (this.#closed) return;
    void this.close();
    this.#options.onClosed?.(reason);
  }

  #datagram(datagram: Buffer): void {
    if (!isRtcp(datagram)) return;
    this.#lastRtcpMs = performance.now();
    for (const message of parseRtcp(datagram)) {
      if (message.kind === 'nack') this.#stats.nacks++;
      else if (message.kind === 'remb') this.#stats.allowedBitrate = message.bitsPerSecond;
      else if (message.kind === 'rr') this.#hear(message.reports);
      else if (message.kind === 'pli' || message.kind === 'fir') {
        this.#stats.keyRequests++;
        this.#options.onKeyRequest?.();
      }
    }
  }
}

/** The packet with the one-byte orientation extension. */
function withOrientation(packet: Buffer, rotation: Rotation): Buffer {
  const extension = Buffer.from([0xbe, 0xde, 0, 1, ORIENTATION_ID << 4, rotation / 90, 0, 0]);
  const extended = Buffer.concat([packet.subarray(0, 12), extension, packet.subarray(12)]);
  extended[0] = (extended[0] as number) | 0x10;
  return extended;
}

/** Connects as a camera (WHIP). Throws `PeerError` with a sentence. */
export async function openPublisher(options: PublisherOptions): Promise<Publisher> {
  const publisher = new RtpPublisher(options);
  await publisher.open();
  return publisher;
}
