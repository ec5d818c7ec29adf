import * as av from 'node-av';
import type { CodedFrame, VideoCodec } from '../frame/coded.ts';
import type { Picture } from '../frame/frame.ts';
import { levelOf, levelWords } from '../frame/h264-level.ts';
import { sameColour, tagEncoder } from './colour-tags.ts';
import { OwnFrame } from './own-frame.ts';
import { unpack } from './planes.ts';

/** RTP's video clock (RFC 3551). */
const VIDEO_CLOCK = 90_000;
/** Key frames come on request; a long interval keeps the bit rate for the picture. */
const LONG_GOP = 100_000;
/** The rate buffer in seconds: small, so that no frame takes longer to send than its own duration by much. */
const BUFFER_SECONDS = 0.125;

/** What encoders are opened for; a camera at another rate is encoded at its own. */
const NOMINAL_FPS = 30;

export interface EncoderOptions {
  /** H.264 where left out. */
  codec?: VideoCodec;
  /** Bits per second. */
  bitrate: number;
  threads: number;
}

const ENCODERS: Record<VideoCodec, av.FFEncoderCodec> = { h264: av.FF_ENCODER_LIBX264, vp8: av.FF_ENCODER_LIBVPX_VP8 };

const H264_SETTINGS = [
  ['preset', 'ultrafast'],
  ['tune', 'zerolatency'],
  ['profile', 'baseline'],
  ['forced-idr', '1'],
] as const;

/** libvpx in realtime: no frames held back, a constant bit rate (as FFmpeg tells it: least, most and mean are one). */
const VP8_SETTINGS = [
  ['deadline', 'realtime'],
  ['cpu-used', '-6'],
  ['lag-in-frames', '0'],
  ['auto-alt-ref', '0'],
  ['error-resilient', '0'],
  ['undershoot-pct', '95'],
  ['static-thresh', '0'],
] as const;

/** One rendition's encoder: no delay, key frames on request; H.264 is constrained baseline. Opens anew when size, colour or bit rate changes. */
export class Encoder {
  readonly #options: EncoderOptions;
  readonly #codec: VideoCodec;
  readonly #packet = new av.Packet();
  /** Bits per second, from the next picture on. */
  bitrate: number;
  #context: av.CodecContext | null = null;
  #own: OwnFrame | null = null;
  #opened: (Pick<Picture, 'width' | 'height' | 'colour'> & { bitrate: number }) | null = null;
  #keyWanted = true;
  #closed = false;

  constructor(options: EncoderOptions) {
    this.#options = options;
    this.bitrate = options.bitrate;
    this.#codec = options.codec ?? 'h264';
    this.#packet.alloc();
  }

  /** The next picture becomes a key frame. */
  requestKey(): void {
    this.#keyWanted = true;
  }

  /** Encodes a picture; the picture is free again when the promise settles. Throws when the encoder fails. */
  async encode(picture: Picture): Promise<CodedFrame> {
    if (this.#closed) throw new Error('The encoder has been closed.');
    const known = this.#opened;
    if (
      !known ||
      known.width !== picture.width ||
      known.height !== picture.height ||
      known.bitrate !== this.bitrate ||
      !sameColour(known.colour, picture.colour)
    ) {
      await this.#open(picture);
    }
    try {
      return await this.#encode(picture);
    } catch (error) {
      // What it still holds would come out under the next picture's name: the next one gets a new encoder, and a key frame.
      if (!this.#closed) {
        this.#packet.unref();
        this.#drop();
      }
      throw error;
    }
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
    const codec = av.Codec.findEncoderByName(ENCODERS[this.#codec]);
    if (!codec) {
      throw new Error(
        `This machine's FFmpeg build has no ${this.#codec} encoder (${ENCODERS[this.#codec]}): reinstall the packages.`,
      );
    }
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
    for (const [key, value] of this.#settings(width, height, bitrate)) context.setOption(key, value);
    const opened = await context.open2(codec, null);
    if (opened < 0) {
      context.freeContext();
      throw new Error(
        `The ${this.#codec} encoder could not be opened for ${width}×${height} (FFmpeg error ${opened}).`,
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

  #settings(width: number, height: number, bitrate: number): readonly (readonly [name: string, value: string])[] {
    const rate = String(bitrate);
    const buffer = ['bufsize', String(Math.round(bitrate * BUFFER_SECONDS))] as const;
    if (this.#codec === 'vp8') return [...VP8_SETTINGS, ['minrate', rate], ['maxrate', rate], buffer];
    const level = levelWords(levelOf({ width, height, fps: NOMINAL_FPS, bitrate }));
    return [...H264_SETTINGS, ['level', level], ['maxrate', rate], buffer];
  }
}
