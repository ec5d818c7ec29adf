import * as av from 'node-av';
import { type CodedFrame, VIDEO_CLOCK, type VideoCodec } from '../frame/coded.ts';
import type { Picture } from '../frame/frame.ts';
import { sameColour, tagEncoder } from './colour-tags.ts';
import { makeOf } from './encoder-makes.ts';
import { OwnFrame } from './own-frame.ts';
import { unpack } from './planes.ts';

/** Key frames come on request; a long interval keeps the bit rate for the picture. */
const LONG_GOP = 100_000;
/** What encoders are opened for; a camera at another rate is encoded at its own. */
const NOMINAL_FPS = 30;

export interface EncoderOptions {
  /** H.264 where left out. */
  codec?: VideoCodec;
  /** Bits per second. */
  bitrate: number;
  threads: number;
  /** The NVIDIA GPU, as nvidia-smi counts them, whose own encoder is asked first; null or left out: the processor encodes. */
  gpu?: number | null;
  /** Hears, once, why the processor encodes instead. */
  fellBack?: (sentence: string) => void;
  /** Which of FFmpeg's encoders it is: a test without a GPU puts a stand-in here. */
  makes?: typeof makeOf;
}

/**
 * One rendition's encoder: no delay, key frames on request; H.264 is constrained baseline. Opens anew when size, colour or bit rate changes.
 * What a GPU's encoder does not take, or does not give back at once, the processor encodes: the same picture, and every one after it.
 */
export class Encoder {
  readonly #options: EncoderOptions;
  readonly #codec: VideoCodec;
  readonly #packet = new av.Packet();
  /** Bits per second, from the next picture on. */
  bitrate: number;
  /** The GPU that encodes; null: the processor. */
  #gpu: number | null;
  #context: av.CodecContext | null = null;
  #own: OwnFrame | null = null;
  #opened: (Pick<Picture, 'width' | 'height' | 'colour'> & { bitrate: number }) | null = null;
  #keyWanted = true;
  #closed = false;

  constructor(options: EncoderOptions) {
    this.#options = options;
    this.bitrate = options.bitrate;
    this.#codec = options.codec ?? 'h264';
    // NVENC has no VP8.
    this.#gpu = this.#codec === 'h264' ? (options.gpu ?? null) : null;
    this.#packet.alloc();
  }

  /** The next picture becomes a key frame. */
  requestKey(): void {
    this.#keyWanted = true;
  }

  /** Encodes a picture; the picture is free again when the promise settles. Throws when the encoder fails. */
  async encode(picture: Picture): Promise<CodedFrame> {
    if (this.#closed) throw new Error('The encoder has been closed.');
    try {
      if (!this.#fits(picture)) await this.#open(picture);
      return await this.#encode(picture);
    } catch (error) {
      if (this.#closed) throw error;
      // What it still holds would come out under the next picture's name: the next one gets a new encoder, and a key frame.
      this.#packet.unref();
      this.#drop();
      if (this.#gpu === null) throw error;
      this.#leaveGpu(error);
      return this.encode(picture);
    }
  }

  /** Whether the encoder that is open is one for this picture. */
  #fits({ width, height, colour }: Picture): boolean {
    const known = this.#opened;
    return (
      known !== null &&
      known.width === width &&
      known.height === height &&
      known.bitrate === this.bitrate &&
      sameColour(known.colour, colour)
    );
  }

  /** For good: a driver that fails would fail again, in the midst of a take. */
  #leaveGpu(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#options.fellBack?.(`GPU ${this.#gpu}: ${why}`);
    this.#gpu = null;
  }

  async #encode(picture: Picture): Promise<CodedFrame> {
    const [context, own] = [this.#context as av.CodecContext, this.#own as OwnFrame];
    const { frame } = own;
    const { planes, strides } = own.planes();
    unpack(picture.planes, planes, strides, picture.width, picture.height);
    frame.pts = BigInt(picture.id.rtpTs);
    const key = this.#keyWanted;
    this.#keyWanted = false;
    frame.pictType = key ? av.AV_PICTURE_TYPE_I : av.AV_PICTURE_TYPE_NONE;
    const sent = await context.sendFrame(frame);
    if (sent < 0) throw new Error(`The encoder refused a picture (FFmpeg error ${sent}).`);
    const got = await context.receivePacket(this.#packet);
    // Asked for once: each time it is another buffer.
    const { data } = this.#packet;
    if (got < 0 || !data) throw new Error(`The encoder gave no frame (FFmpeg error ${got}).`);
    const coded: CodedFrame = {
      codec: this.#codec,
      key: this.#packet.isKeyframe,
      rtpTs: picture.id.rtpTs,
      captureUs: picture.id.captureUs,
      width: picture.width,
      height: picture.height,
      colour: picture.colour,
      // The packet's own memory is FFmpeg's and goes with unref().
      bytes: Buffer.from(data),
    };
    this.#packet.unref();
    return coded;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#drop();
    this.#packet.free();
  }

  #drop(): void {
    this.#context?.freeContext();
    this.#own?.close();
    this.#context = null;
    this.#own = null;
    this.#opened = null;
  }

  async #open({ width, height, colour }: Picture): Promise<void> {
    this.#drop();
    const { bitrate } = this;
    const { name, settings } = (this.#options.makes ?? makeOf)(this.#codec, this.#gpu);
    const codec = av.Codec.findEncoderByName(name);
    if (!codec)
      throw new Error(
        `This machine's FFmpeg build has no ${this.#codec} encoder of this name (${name}): reinstall the packages.`,
      );
    const context = new av.CodecContext();
    context.allocContext3(codec);
    context.width = width;
    context.height = height;
    context.pixelFormat = av.AV_PIX_FMT_YUV420P;
    context.timeBase = new av.Rational(1, VIDEO_CLOCK);
    context.framerate = new av.Rational(NOMINAL_FPS, 1);
    context.bitRate = BigInt(bitrate);
    context.gopSize = LONG_GOP;
    context.maxBFrames = 0;
    context.threadCount = this.#options.threads;
    tagEncoder(context, colour);
    const refused = settings({ width, height, fps: NOMINAL_FPS, bitrate }).find(
      ([key, value]) => context.setOption(key, value) < 0,
    );
    const opened = refused ? av.AVERROR_OPTION_NOT_FOUND : await context.open2(codec, null);
    if (opened < 0) {
      context.freeContext();
      throw new Error(
        `The ${this.#codec} encoder (${name}) could not be opened for ${width}×${height} (FFmpeg error ${opened}).`,
      );
    }
    try {
      this.#own = new OwnFrame(av.AV_PIX_FMT_YUV420P, width, height);
    } catch (error) {
      context.freeContext();
      throw error;
    }
    this.#context = context;
    this.#opened = { width, height, colour, bitrate };
    this.#keyWanted = true;
  }
}
