import * as av from 'node-av';
import { colourOf, tagEncoder } from '../engine/colour-tags.ts';
import { VIDEO_CLOCK, type VideoCodec } from '../frame/coded.ts';
import { CommandError } from './command.ts';

export interface FileEncoderOptions {
  codec: VideoCodec;
  /** Bits per second. */
  bitrate: number;
  /** Scales to this; the source's own size where absent. */
  size?: { width: number; height: number };
  fps: number;
}

/** How a camera encodes: no delay, no B frames, key frames on request only. */
const SETTINGS: Record<VideoCodec, { encoder: av.FFEncoderCodec; options: Record<string, string> }> = {
  h264: {
    encoder: av.FF_ENCODER_LIBX264,
    options: { preset: 'ultrafast', tune: 'zerolatency', profile: 'baseline', 'forced-idr': '1' },
  },
  vp8: { encoder: av.FF_ENCODER_LIBVPX_VP8, options: { deadline: 'realtime', 'cpu-used': '-6', 'lag-in-frames': '0' } },
};

/** Any FFmpeg frame → coded frame, as a camera would send it; converts and scales where needed. Owns its contexts. */
export class FileEncoder {
  readonly #options: FileEncoderOptions;
  readonly #packet = new av.Packet();
  #context: av.CodecContext | null = null;
  #scaler: av.SoftwareScaleContext | null = null;
  #scaled: av.Frame | null = null;
  #opened = { width: 0, height: 0, format: av.AV_PIX_FMT_NONE as number, colour: '' };
  #keyWanted = true;

  constructor(options: FileEncoderOptions) {
    this.#options = options;
    this.#packet.alloc();
  }

  requestKey(): void {
    this.#keyWanted = true;
  }

  /** `time` on the 90 kHz clock, rising. */
  encode(frame: av.Frame, time: number): { bytes: Buffer; key: boolean; width: number; height: number } {
    const context = this.#prepare(frame);
    const picture = this.#convert(frame);
    picture.pts = BigInt(time);
    picture.pictType = this.#keyWanted ? av.AV_PICTURE_TYPE_I : av.AV_PICTURE_TYPE_NONE;
    this.#keyWanted = false;
    const sent = context.sendFrameSync(picture);
    const got = sent < 0 ? sent : context.receivePacketSync(this.#packet);
    if (got < 0 || !this.#packet.data) throw new CommandError(`The encoder refused a picture (FFmpeg error ${got}).`);
    const coded = {
      bytes: Buffer.from(this.#packet.data),
      key: this.#packet.isKeyframe,
      width: context.width,
      height: context.height,
    };
    this.#packet.unref();
    return coded;
  }

  close(): void {
    this.#drop();
    this.#packet.free();
  }

  #drop(): void {
    this.#context?.freeContext();
    this.#scaler?.freeContext();
    this.#scaled?.free();
    this.#context = null;
    this.#scaler = null;
    this.#scaled = null;
  }

  #prepare(frame: av.Frame): av.CodecContext {
    const colour = JSON.stringify(colourOf(frame));
    const { width, height, format } = this.#opened;
    const same =
      width === frame.width && height === frame.height && format === frame.format && colour === this.#opened.colour;
    if (this.#context && same) return this.#context;
    this.#drop();
    this.#opened = { width: frame.width, height: frame.height, format: frame.format, colour };
    this.#context = this.#open(frame);
    this.#keyWanted = true;
    return this.#context;
  }

  #open(frame: av.Frame): av.CodecContext {
    const { codec: codecName, bitrate, fps } = this.#options;
    const { width, height } = this.#options.size ?? frame;
    const { encoder, options } = SETTINGS[codecName];
    const codec = av.Codec.findEncoderByName(encoder);
    if (!codec) throw new CommandError(`This build of FFmpeg cannot encode ${codecName}: reinstall the packages.`);
    const direct = frame.format === av.AV_PIX_FMT_YUV420P || frame.format === av.AV_PIX_FMT_YUVJ420P;
    if (!direct || frame.width !== width || frame.height !== height) this.#openScaler(frame, width, height);
    const context = new av.CodecContext();
    context.allocContext3(codec);
    Object.assign(context, {
      width,
      height,
      pixelFormat: av.AV_PIX_FMT_YUV420P,
      gopSize: 100_000,
      maxBFrames: 0,
      threadCount: 1,
    });
    context.timeBase = new av.Rational(1, VIDEO_CLOCK);
    context.framerate = new av.Rational(Math.round(fps * 1000), 1000);
    context.bitRate = BigInt(bitrate);
    tagEncoder(context, colourOf(frame));
    for (const [name, value] of Object.entries(options)) context.setOption(name, value);
    if (codecName === 'h264') {
      context.setOption('maxrate', String(bitrate));
      context.setOption('bufsize', String(Math.round(bitrate / 8)));
    }
    const opened = context.open2Sync(codec, null);
    if (opened < 0)
      throw new CommandError(`${codecName} cannot be encoded at ${width}×${height} (FFmpeg error ${opened}).`);
    return context;
  }

  #openScaler(frame: av.Frame, width: number, height: number): void {
    const full = frame.format === av.AV_PIX_FMT_YUVJ420P;
    const target = full ? av.AV_PIX_FMT_YUVJ420P : av.AV_PIX_FMT_YUV420P;
    this.#scaler = new av.SoftwareScaleContext();
    this.#scaler.getContext(
      frame.width,
      frame.height,
      frame.format as av.AVPixelFormat,
      width,
      height,
      target,
      av.SWS_BICUBIC,
    );
    this.#scaled = new av.Frame();
    this.#scaled.alloc();
    Object.assign(this.#scaled, { format: target, width, height });
    this.#scaled.getBuffer();
  }

  #convert(frame: av.Frame): av.Frame {
    if (!this.#scaler || !this.#scaled) return frame;
    this.#scaled.makeWritable();
    const done = this.#scaler.scaleFrameSync(this.#scaled, frame);
    if (done < 0) throw new CommandError(`A picture could not be scaled (FFmpeg error ${done}).`);
    return this.#scaled;
  }
}
