import { randomInt } from 'node:crypto';
import { RtcpNackResponder } from 'node-datachannel';
import type { CodedFrame } from '../../frame/coded.ts';
import { isRtcp } from '../rtp/packet.ts';
import { parseRtcp } from '../rtp/rtcp.ts';
import { FrameSender, type StreamTarget } from '../rtp/sender.ts';
import { type Connected, connect, hangUp, PAYLOAD_TYPE, type PeerOptions, watch } from './connect.ts';

const NACK_PACKETS = 2048;
/** The server reports twice a second: after this it is gone. */
const SILENCE_MS = 10_000;

export interface PublisherOptions extends PeerOptions {
  /** The server needs a key frame (PLI or FIR). */
  onKeyRequest?(): void;
  ssrc?: number;
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
  /** Sends a whole frame now, with its own RTP timestamp. */
  send(frame: CodedFrame): void;
  stats(): PublisherStats;
  close(): Promise<void>;
}

class RtpPublisher implements Publisher {
  readonly ssrc: number;
  readonly #target: StreamTarget;
  readonly #options: PublisherOptions;
  readonly #sender: FrameSender;
  #connected: Connected | null = null;
  #closed = false;
  #lastRtcpMs = performance.now();
  #silence: NodeJS.Timeout | null = null;
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
    this.#connected = await connect(this.#options, 'SendOnly', this.ssrc, String, ({ track, kept }) => {
      const responder = new RtcpNackResponder(NACK_PACKETS);
      kept.push(responder);
      track.setMediaHandler(responder);
      track.onMessage((datagram) => this.#datagram(datagram));
    });
    watch(this.#connected, (reason) => this.#lost(reason));
    this.#lastRtcpMs = performance.now();
    this.#silence = setInterval(() => {
      if (performance.now() - this.#lastRtcpMs > SILENCE_MS) this.#lost('The server has been silent for 10 s.');
    }, 1000);
  }

  send(frame: CodedFrame): void {
    if (this.#closed) return;
    this.#stats.frames++;
    this.#sender.send(frame, [this.#target]);
  }

  stats(): PublisherStats {
    return { ...this.#stats };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#silence) clearInterval(this.#silence);
    await this.#connected?.end();
    if (this.#connected) hangUp(this.#connected);
  }

  #sendPacket(packet: Buffer): void {
    try {
      if (!this.#connected?.track.sendMessageBinary(packet)) return;
      this.#stats.packets++;
      this.#stats.bytes += packet.length;
    } catch {
      // Closed in this moment: `watch` tells.
    }
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
      else if (message.kind === 'rr') this.#stats.fractionLost = (message.reports[0]?.fractionLost ?? 0) / 256;
      else if (message.kind === 'pli' || message.kind === 'fir') {
        this.#stats.keyRequests++;
        this.#options.onKeyRequest?.();
      }
    }
  }
}

/** Connects as a camera (WHIP). Throws `PeerError` with a sentence. */
export async function openPublisher(options: PublisherOptions): Promise<Publisher> {
  const publisher = new RtpPublisher(options);
  await publisher.open();
  return publisher;
}
