import { existsSync, statSync } from 'node:fs';
import * as av from 'node-av';
import { VIDEO_CLOCK } from '../frame/coded.ts';
import { CommandError } from './command.ts';

/** One decoded picture of a file. */
export interface FilePicture {
  /** FFmpeg's frame: valid until the next picture is asked for. */
  frame: av.Frame;
  /** From the file's first picture, 90 kHz. */
  time: number;
}

/** One coded picture of a file, in decoding order. */
export interface FilePacket {
  /** Valid until the next packet is asked for. */
  bytes: Buffer;
  key: boolean;
  time: number;
}

const FALLBACK_FPS = 30;

/** A video file's first video stream. Owns FFmpeg's contexts: `close()` it. */
export class VideoFile {
  readonly path: string;
  readonly #format: av.FormatContext;
  readonly #stream: av.Stream;
  #firstPts: bigint | null = null;
  #closed = false;

  private constructor(path: string, format: av.FormatContext, stream: av.Stream) {
    this.path = path;
    this.#format = format;
    this.#stream = stream;
  }

  /** Throws `CommandError` where there is no such file, or no video in it. */
  static async open(path: string): Promise<VideoFile> {
    if (!existsSync(path)) throw new CommandError(`There is no file ${path}.`);
    if (!statSync(path).isFile()) throw new CommandError(`${path} is not a file.`);
    const format = new av.FormatContext();
    const opened = await format.openInput(path);
    if (opened < 0) throw new CommandError(`${path} is not a video file that FFmpeg can read.`);
    const known = await format.findStreamInfo();
    const index = known < 0 ? -1 : format.findBestStream(av.AVMEDIA_TYPE_VIDEO);
    const stream = index < 0 ? undefined : format.streams[index];
    if (!stream || stream.codecpar.width === 0) {
      await format.closeInput();
      throw new CommandError(`${path} holds no video.`);
    }
    return new VideoFile(path, format, stream);
  }

  get width(): number {
    return this.#stream.codecpar.width;
  }

  get height(): number {
    return this.#stream.codecpar.height;
  }

  /** Frames per second, a rational. */
  get rate(): { num: number; den: number } {
    const { num, den } = this.#stream.avgFrameRate;
    return num > 0 && den > 0 ? { num, den } : { num: FALLBACK_FPS, den: 1 };
  }

  get isH264(): boolean {
    return this.#stream.codecpar.codecId === av.AV_CODEC_ID_H264;
  }

  /** True where pictures are shown in another order than coded (B frames). */
  get reorders(): boolean {
    return this.#stream.codecpar.videoDelay > 0;
  }

  /** The container's codec description: avcC, or parameter sets with start codes. */
  get codecDescription(): Buffer | null {
    return this.#stream.codecpar.extradata;
  }

  /** The file's coded pictures from its start. */
  async *packets(): AsyncGenerator<FilePacket> {
    await this.#rewind();
    for await (const packet of this.#read()) {
      const bytes = packet.data;
      if (bytes) yield { bytes, key: packet.isKeyframe, time: this.#time(packet.pts) };
    }
  }

  /** The file's pictures from its start, in display order. */
  async *pictures(): AsyncGenerator<FilePicture> {
    await this.#rewind();
    const decoder = await this.#openDecoder();
    const frame = new av.Frame();
    frame.alloc();
    try {
      for await (const packet of this.#read()) {
        if ((await decoder.sendPacket(packet)) >= 0) yield* this.#receive(decoder, frame);
      }
      await decoder.sendPacket(null);
      yield* this.#receive(decoder, frame);
    } finally {
      frame.free();
      decoder.freeContext();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#format.closeInput();
  }

  async #openDecoder(): Promise<av.CodecContext> {
    const codec = av.Codec.findDecoder(this.#stream.codecpar.codecId);
    if (!codec) throw new CommandError(`${this.path} is coded in a way that this build of FFmpeg cannot decode.`);
    const decoder = new av.CodecContext();
    decoder.allocContext3(codec);
    this.#stream.codecpar.toContext(decoder);
    decoder.threadCount = 1;
    if ((await decoder.open2(codec, null)) < 0) throw new CommandError(`${this.path} could not be decoded.`);
    return decoder;
  }

  async *#read(): AsyncGenerator<av.Packet> {
    const packet = new av.Packet();
    packet.alloc();
    try {
      while ((await this.#format.readFrame(packet)) >= 0) {
        if (packet.streamIndex === this.#stream.index) yield packet;
        packet.unref();
      }
    } finally {
      packet.free();
    }
  }

  async *#receive(decoder: av.CodecContext, frame: av.Frame): AsyncGenerator<FilePicture> {
    while ((await decoder.receiveFrame(frame)) >= 0) {
      yield { frame, time: this.#time(frame.bestEffortTimestamp) };
      frame.unref();
    }
  }

  async #rewind(): Promise<void> {
    if (this.#firstPts === null) return;
    await this.#format.seekFrame(this.#stream.index, 0n, av.AVSEEK_FLAG_BACKWARD);
  }

  #time(pts: bigint): number {
    this.#firstPts ??= pts;
    const { num, den } = this.#stream.timeBase;
    return Math.round((Number(pts - this.#firstPts) * VIDEO_CLOCK * num) / den);
  }
}
