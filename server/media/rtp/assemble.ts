import type { Rotation, VideoCodec } from '../../frame/coded.ts';
import { type CodedPicture, createDepacketizer, type Depacketizer } from './depacketize.ts';
import type { RtpPacket } from './packet.ts';

/** A frame larger than this is none: a sender that never ends its frame would fill the front's memory, and the channel takes no more than 32 MiB. */
const MAX_FRAME_BYTES = 8 * 1024 * 1024;

export interface AssemblerEvents {
  frame(picture: CodedPicture, rtpTs: number, rotation: Rotation): void;
  /** Decoding cannot go on without a key frame. */
  keyNeeded(): void;
}

/**
 * Packets in order → whole frames, each handed on with its last packet (the marker, or the next frame's first packet).
 * Starts at a key frame, and after a gap or a broken frame waits for the next one.
 */
export class FrameAssembler {
  readonly #depacketizer: Depacketizer;
  readonly #events: AssemblerEvents;
  #ts = -1;
  #open = false;
  #broken = false;
  #bytes = 0;
  #rotation: Rotation = 0;
  #waitsForKey = true;
  /** Frames thrown away while waiting for a key frame. */
  discarded = 0;

  constructor(codec: VideoCodec, events: AssemblerEvents, parameterSets: readonly Buffer[] = []) {
    this.#depacketizer = createDepacketizer(codec, parameterSets);
    this.#events = events;
  }

  get waitsForKey(): boolean {
    return this.#waitsForKey;
  }

  packet(packet: RtpPacket): void {
    if (packet.payload.length === 0) return;
    if (this.#open && packet.ts !== this.#ts) this.#finish();
    this.#open = true;
    this.#ts = packet.ts;
    // Said with key frames and whenever it changes; what was said last holds (3GPP TS 26.114 §7.4.5).
    this.#rotation = packet.rotation ?? this.#rotation;
    this.#bytes += packet.payload.length;
    if (!this.#broken && (this.#bytes > MAX_FRAME_BYTES || !this.#depacketizer.add(packet.payload))) {
      this.#broken = true;
      this.#depacketizer.reset();
    }
    if (packet.marker) this.#finish();
  }

  gap(): void {
    // What follows may be the rest of the frame that the gap cut; a whole frame is recognised by its beginning.
    this.#startAnew();
    this.#waitForKey();
  }

  #startAnew(): void {
    this.#depacketizer.reset();
    this.#open = false;
    this.#broken = false;
    this.#bytes = 0;
  }

  #finish(): void {
    const picture = this.#broken ? null : this.#depacketizer.take();
    const broken = this.#broken || (!picture && this.#depacketizer.begun);
    this.#startAnew();
    if (picture?.key) this.#waitsForKey = false;
    if (picture && !this.#waitsForKey) {
      this.#events.frame(picture, this.#ts, this.#rotation);
      return;
    }
    this.discarded++;
    if (broken || this.#waitsForKey) this.#waitForKey();
  }

  #waitForKey(): void {
    this.#waitsForKey = true;
    this.#events.keyNeeded();
  }
}
