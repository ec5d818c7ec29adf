import * as av from 'node-av';
import type { CodedFrame, VideoCodec } from '../frame/coded.ts';
import { colourOf } from './colour-tags.ts';
import { OwnFrame } from './own-frame.ts';
import type { Pictures } from './pictures.ts';
import { pack } from './planes.ts';
import { type Decoded, rightSize, tooLarge, wrongSize } from './sizes.ts';

const DECODERS: Record<VideoCodec, av.FFDecoderCodec> = { h264: av.FF_DECODER_H264, vp8: av.FF_DECODER_VP8 };

/** One camera's decoder: coded frames in order, one picture each, no delay. Opens anew when the codec changes. */
export class Decoder {
  readonly #pictures: Pictures;
  readonly #feed: string;
  readonly #packet = new av.Packet();
  readonly #frame = new av.Frame();
  /** The decoder's pictures are copied into it: theirs lie somewhere else each time. */
  #own: OwnFrame | null = null;
  #context: av.CodecContext | null = null;
  #codec: VideoCodec | null = null;
  #waitingForKey = true;
  #closed = false;

  constructor(pictures: Pictures, feed: string) {
    this.#pictures = pictures;
    this.#feed = feed;
    this.#packet.alloc();
    this.#frame.alloc();
  }

  /** Forgets the stream: the next frame must be a key frame. */
  reset(): void {
    this.#context?.freeContext();
    this.#context = null;
    this.#waitingForKey = true;
  }

  async decode(coded: CodedFrame): Promise<Decoded> {
    if (this.#closed) return { needKey: false, why: 'closed' };
    if (this.#codec !== coded.codec) this.reset();
    // Before FFmpeg takes gigabytes for it.
    if (tooLarge(coded.width, coded.height)) {
      this.reset();
      return { needKey: false, why: wrongSize(coded.width, coded.height) };
    }
    if (this.#waitingForKey && !coded.key) return { needKey: true, why: 'no key frame yet' };
    const context = this.#context ?? (await this.#open(coded.codec));
    this.#packet.data = Buffer.from(coded.bytes.buffer, coded.bytes.byteOffset, coded.bytes.byteLength);
    this.#packet.pts = BigInt(coded.rtpTs);
    const sent = await context.sendPacket(this.#packet);
    this.#packet.unref();
    if (sent < 0) return this.#lost('a damaged frame');
    const got = await context.receiveFrame(this.#frame);
    if (got < 0) return this.#lost('a frame without a picture');
    // FFmpeg patches damage up with what was there before; the detector may not find a face in that, and it would be shown.
    if (this.#frame.decodeErrorFlags !== 0) {
      this.#frame.unref();
      return this.#lost('a damaged picture');
    }
    this.#waitingForKey = false;
    try {
      return this.#take(coded);
    } finally {
      this.#frame.unref();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#context?.freeContext();
    this.#own?.close();
    this.#packet.free();
    this.#frame.free();
  }

  /** A decoder that stumbled may hold a picture back and be one late ever after: the next key frame gets a new one. */
  #lost(why: string): Decoded {
    this.reset();
    return { needKey: true, why };
  }

  #take(coded: CodedFrame): Decoded {
    const { format } = this.#frame;
    // An odd last row or column is left off: 4:2:0 encoders take even sizes only.
    const [width, height] = [this.#frame.width & ~1, this.#frame.height & ~1];
    if (format !== av.AV_PIX_FMT_YUV420P && format !== av.AV_PIX_FMT_YUVJ420P) {
      return {
        needKey: false,
        why: 'The camera sends a picture format other than 8-bit 4:2:0: set it to H.264 baseline, main or high, 8 bit.',
      };
    }
    if (!rightSize(width, height)) {
      return {
        needKey: false,
        why: wrongSize(width, height),
      };
    }
    const picture = this.#pictures.take(width, height, colourOf(this.#frame), {
      feed: this.#feed,
      rtpTs: coded.rtpTs,
      captureUs: coded.captureUs,
    });
    try {
      const { planes, strides } = this.#copied(format);
      pack(planes, strides, picture.planes, width, height);
    } catch (error) {
      this.#pictures.give(picture);
      throw error;
    }
    return { picture, rotation: coded.rotation ?? 0 };
  }

  #copied(format: av.AVPixelFormat): ReturnType<OwnFrame['planes']> {
    const { width, height } = this.#frame;
    if (this.#own?.format !== format || this.#own.width !== width || this.#own.height !== height) {
      this.#own?.close();
      this.#own = null;
      this.#own = new OwnFrame(format, width, height);
    }
    const planes = this.#own.planes();
    const copied = this.#own.frame.copy(this.#frame);
    if (copied < 0) throw new Error(`A decoded picture could not be copied (FFmpeg error ${copied}).`);
    return planes;
  }

  async #open(codec: VideoCodec): Promise<av.CodecContext> {
    const implementation = av.Codec.findDecoderByName(DECODERS[codec]);
    if (!implementation)
      throw new Error(`This machine's FFmpeg build has no ${codec} decoder: reinstall the packages.`);
    const context = new av.CodecContext();
    context.allocContext3(implementation);
    context.threadCount = 1;
    context.setFlags(av.AV_CODEC_FLAG_LOW_DELAY);
    const opened = await context.open2(implementation, null);
    if (opened < 0) {
      context.freeContext();
      throw new Error(`The ${codec} decoder could not be opened (FFmpeg error ${opened}).`);
    }
    this.#context = context;
    this.#codec = codec;
    return context;
  }
}
