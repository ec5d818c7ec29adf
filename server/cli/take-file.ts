import { EncodedPacket, EncodedVideoPacketSource, FilePathTarget, Mp4OutputFormat, Output } from 'mediabunny';
import { type CodedFrame, VIDEO_CLOCK } from '../frame/coded.ts';
import { tsDistance } from '../media/rtp/packet.ts';
import { avcDescription, toLengthPrefixed } from './avcc.ts';

interface Sample {
  bytes: Buffer;
  key: boolean;
  /** 90 kHz from the first frame. */
  time: number;
}

/** Writes H.264 frames into an MP4 file as they are, with the camera's times. Owns the file: `close()` finishes it. */
export class TakeFile {
  readonly #output: Output;
  readonly #source = new EncodedVideoPacketSource('avc');
  #started = false;
  #lastTs = 0;
  #time = 0;
  /** A frame's duration is known when the next one comes. */
  #pending: Sample | null = null;
  #lastDuration = VIDEO_CLOCK / 30;
  #meta: { decoderConfig: VideoDecoderConfig } | undefined;
  #writing: Promise<void> = Promise.resolve();
  #frames = 0;

  constructor(path: string) {
    this.#output = new Output({ format: new Mp4OutputFormat(), target: new FilePathTarget(path) });
    this.#output.addVideoTrack(this.#source);
  }

  get frames(): number {
    return this.#frames;
  }

  /** In order, beginning with a key frame; frames before one are passed over. */
  add(frame: CodedFrame): void {
    if (!this.#started && !this.#begin(frame)) return;
    const step = this.#pending ? tsDistance(frame.rtpTs, this.#lastTs) : 0;
    if (this.#pending && step <= 0) return;
    this.#time += step;
    this.#lastTs = frame.rtpTs;
    this.#flush(step);
    this.#pending = { bytes: toLengthPrefixed(frame.bytes), key: frame.key, time: this.#time };
    this.#frames++;
  }

  /** Finishes the file; without a single frame there is none. Rejects where the disk refuses. */
  async close(): Promise<void> {
    if (!this.#started) return;
    this.#flush(this.#lastDuration);
    this.#pending = null;
    await this.#writing;
    await this.#output.finalize();
  }

  #begin(frame: CodedFrame): boolean {
    const described = frame.key ? avcDescription(frame.bytes) : null;
    if (!described) return false;
    this.#started = true;
    this.#meta = {
      decoderConfig: {
        codec: described.codec,
        codedWidth: frame.width,
        codedHeight: frame.height,
        description: described.description,
      },
    };
    this.#writing = this.#output.start();
    return true;
  }

  #flush(duration: number): void {
    const sample = this.#pending;
    if (!sample) return;
    this.#lastDuration = duration;
    const meta = this.#meta;
    this.#meta = undefined;
    const packet = new EncodedPacket(
      sample.bytes,
      sample.key ? 'key' : 'delta',
      sample.time / VIDEO_CLOCK,
      duration / VIDEO_CLOCK,
    );
    this.#writing = this.#writing.then(() => this.#source.add(packet, meta));
    // Told by close().
    this.#writing.catch(() => undefined);
  }
}
