import { VIDEO_CLOCK, type VideoCodec } from '../frame/coded.ts';
import { toAnnexB } from './avcc.ts';
import { CommandError } from './command.ts';
import { FileEncoder } from './file-encoder.ts';
import type { VideoFile } from './video-file.ts';

export interface CameraFrame {
  bytes: Buffer;
  key: boolean;
  /** From the start, 90 kHz; goes on rising when the file begins anew. */
  time: number;
  width: number;
  height: number;
}

export interface FileCameraOptions {
  loop: boolean;
  /** Plays every picture of the file at this rate; the file's own times where absent. */
  fps?: number;
  size?: { width: number; height: number };
  codec: VideoCodec;
  bitrate: number;
  /** Sends the file's own coded pictures: H.264 without B frames only. */
  copy: boolean;
  /** The file begins (anew) at this time, 90 kHz; told a little before. */
  begins?(time: number): void;
}

/** A video file as a camera: coded frames in order, each made when it is asked for. */
export class FileCamera {
  readonly #file: VideoFile;
  readonly #options: FileCameraOptions;
  readonly #encoder: FileEncoder | null;

  /** The file stays the caller's to close. */
  constructor(file: VideoFile, options: FileCameraOptions) {
    if (options.copy && !file.isH264) throw new CommandError(`${file.path} is not H.264: leave out --copy.`);
    if (options.copy && file.reorders)
      throw new CommandError(`${file.path} has B frames, which a camera may not send: leave out --copy.`);
    if (options.copy && options.size)
      throw new CommandError('--copy sends the pictures as they are: leave out --size or --copy.');
    this.#file = file;
    this.#options = options;
    const { num, den } = file.rate;
    this.#encoder = options.copy ? null : new FileEncoder({ ...options, fps: options.fps ?? num / den });
  }

  /** The next frame to be encoded becomes a key frame; a copied file's key frames come when they come. */
  requestKey(): void {
    this.#encoder?.requestKey();
  }

  async *frames(): AsyncGenerator<CameraFrame> {
    const { num, den } = this.#file.rate;
    const step = this.#options.fps ? VIDEO_CLOCK / this.#options.fps : (VIDEO_CLOCK * den) / num;
    let base = 0;
    let count = 0;
    do {
      this.#options.begins?.(base);
      let end = base;
      let any = false;
      for await (const frame of this.#encoder ? this.#encoded(this.#encoder, base) : this.#copied(base)) {
        const time = this.#options.fps ? Math.round(count * step) : frame.time;
        count++;
        any = true;
        end = time + step;
        yield { ...frame, time };
      }
      if (!any) throw new CommandError(`${this.#file.path} holds no picture that can be decoded.`);
      base = Math.round(end);
    } while (this.#options.loop);
  }

  close(): void {
    this.#encoder?.close();
  }

  async *#encoded(encoder: FileEncoder, base: number): AsyncGenerator<CameraFrame> {
    let last = base - 1;
    for await (const { frame, time } of this.#file.pictures()) {
      // Some containers repeat a time; a camera's clock always moves.
      last = Math.max(last + 1, base + time);
      yield { ...encoder.encode(frame, last), time: last };
    }
  }

  async *#copied(base: number): AsyncGenerator<CameraFrame> {
    const convert = toAnnexB(this.#file.codecDescription);
    const { width, height } = this.#file;
    for await (const { bytes, key, time } of this.#file.packets()) {
      yield { bytes: convert(bytes, key), key, time: base + time, width, height };
    }
  }
}
