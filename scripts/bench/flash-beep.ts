/** A camera that flashes and beeps at the same instant, once a second, and the eyes and ears that find both again. */
import * as av from 'node-av';
import { FileEncoder } from '../../server/cli/file-encoder.ts';
import { PACKET_SAMPLES, SOUND_HZ, SoundEncoder } from '../../server/cli/sound-encoder.ts';
import { Decoder } from '../../server/engine/decoder.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { Arena } from '../../server/frame/arena.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import { UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import type { Publisher } from '../../server/media/peer/publisher.ts';
import type { ReceivedFrame, ReceivedSound } from '../../server/media/peer/viewer.ts';
import { monotonicUs } from '../../server/media/rtp/clock.ts';

const VIDEO_HZ = 90_000;
const WIDTH = 640;
const HEIGHT = 360;
const BEEP_S = 0.1;
const DARK = 60;
const BRIGHT = 230;

/** Flash and beep begin with each second. Owns its encoders and timer. */
export class FlashBeepCamera {
  readonly #fps: number;
  readonly #video: FileEncoder;
  readonly #sound = new SoundEncoder({ channels: 1 });
  readonly #frame = new av.Frame();
  readonly #base: { video: number; sound: number };
  #timer: NodeJS.Timeout | null = null;
  #frames = 0;
  #samples = 0;

  constructor(fps: number, base = { video: 0xffff_0000, sound: 12_345 }) {
    this.#fps = fps;
    this.#base = base;
    this.#video = new FileEncoder({ codec: 'h264', bitrate: 2_000_000, fps });
    this.#frame.alloc();
    Object.assign(this.#frame, { format: av.AV_PIX_FMT_YUV420P, width: WIDTH, height: HEIGHT });
    this.#frame.getBuffer();
  }

  requestKey(): void {
    this.#video.requestKey();
  }

  /** Sends in real time; the sound by a publisher of its own where one is given. */
  play(picture: Publisher, sound: Publisher = picture): void {
    const beganUs = monotonicUs();
    const sinceS = (): number => (monotonicUs() - beganUs) / 1e6;
    this.#timer = setInterval(() => {
      while (this.#frames / this.#fps <= sinceS()) picture.send(this.#picture(beganUs));
      // A packet leaves when its last sample is in.
      while ((this.#samples + PACKET_SAMPLES) / SOUND_HZ <= sinceS()) {
        for (const { bytes, time } of this.#sound.encode(this.#tone())) {
          const captureUs = Math.round(beganUs + (time * 1e6) / SOUND_HZ);
          sound.sendSound({ rtpTs: (this.#base.sound + time) >>> 0, captureUs, marker: false, lostBefore: 0, bytes });
        }
      }
    }, 2);
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#video.close();
    this.#sound.close();
    this.#frame.free();
  }

  #picture(beganUs: number): CodedFrame {
    const time = Math.round((this.#frames * VIDEO_HZ) / this.#fps);
    const [luma, ...chroma] = this.#frame.data as Buffer[];
    this.#frame.makeWritable();
    luma?.fill(this.#frames % this.#fps === 0 ? BRIGHT : DARK);
    for (const plane of chroma) plane.fill(128);
    this.#frames++;
    const captureUs = Math.round(beganUs + (time * 1e6) / VIDEO_HZ);
    const coded = this.#video.encode(this.#frame, time);
    return { ...coded, codec: 'h264', rtpTs: (this.#base.video + time) >>> 0, captureUs, colour: UNKNOWN_COLOUR };
  }

  #tone(): Float32Array {
    const samples = new Float32Array(PACKET_SAMPLES);
    for (let i = 0; i < PACKET_SAMPLES; i++, this.#samples++) {
      const inSecond = this.#samples % SOUND_HZ;
      if (inSecond < BEEP_S * SOUND_HZ) samples[i] = 0.5 * Math.cos((2 * Math.PI * 1000 * inSecond) / SOUND_HZ);
    }
    return samples;
  }
}

/** An instant found in a stream. */
export interface Found {
  rtpTs: number;
  /** performance.now() when it came; for a sample within a packet, as much later as it lies behind the packet's first. */
  arrivalMs: number;
}

/** Finds the first bright picture after dark ones. Owns its decoder. */
export class Eyes {
  readonly #pictures = new Pictures(new Arena(64));
  readonly #decoder = new Decoder(this.#pictures, 'bench');
  readonly #found: (flash: Found) => void;
  #chain: Promise<void> = Promise.resolve();
  #bright = true;

  constructor(found: (flash: Found) => void) {
    this.#found = found;
  }

  see(frame: ReceivedFrame): void {
    this.#chain = this.#chain.then(() => this.#look(frame)).catch(() => undefined);
  }

  /** FFmpeg ends the process where a decoder is closed under a frame: what has come is looked at first. */
  close(): Promise<void> {
    return this.#chain.then(() => this.#decoder.close());
  }

  async #look(frame: ReceivedFrame): Promise<void> {
    const decoded = await this.#decoder.decode(frame);
    if (!('picture' in decoded)) return;
    const { picture } = decoded;
    const luma = picture.planes[0];
    let sum = 0;
    let count = 0;
    for (let i = 0; i < picture.width * picture.height; i += 97, count++) sum += luma[i] ?? 0;
    this.#pictures.give(picture);
    const bright = sum / count > (DARK + BRIGHT) / 2;
    if (bright && !this.#bright) this.#found({ rtpTs: frame.rtpTs, arrivalMs: frame.arrivalMs });
    this.#bright = bright;
  }
}

const LOUD = 0.1;
const QUIET_SAMPLES = 0.3 * SOUND_HZ;

/** Finds the first loud sample after silence. Owns its decoder. */
export class Ears {
  readonly #context = new av.CodecContext();
  readonly #packet = new av.Packet();
  readonly #frame = new av.Frame();
  readonly #found: (onset: Found) => void;
  #quiet = 0;

  constructor(found: (onset: Found) => void) {
    this.#found = found;
    const codec = av.Codec.findDecoderByName('opus' as av.FFDecoderCodec);
    if (!codec) throw new Error('This build of FFmpeg cannot decode Opus.');
    this.#context.allocContext3(codec);
    Object.assign(this.#context, { sampleRate: SOUND_HZ, channelLayout: av.AV_CHANNEL_LAYOUT_MONO });
    if (this.#context.open2Sync(codec, null) < 0) throw new Error('Opus cannot be decoded.');
    this.#packet.alloc();
    this.#frame.alloc();
  }

  hear({ bytes, rtpTs, arrivalMs }: ReceivedSound): void {
    this.#packet.data = Buffer.from(bytes);
    const sent = this.#context.sendPacketSync(this.#packet);
    this.#packet.unref();
    if (sent < 0 || this.#context.receiveFrameSync(this.#frame) < 0) return;
    const [plane] = this.#frame.data as Buffer[];
    if (plane) this.#listen(new Float32Array(plane.buffer, plane.byteOffset, this.#frame.nbSamples), rtpTs, arrivalMs);
    this.#frame.unref();
  }

  close(): void {
    this.#context.freeContext();
    this.#packet.free();
    this.#frame.free();
  }

  #listen(samples: Float32Array, rtpTs: number, arrivalMs: number): void {
    for (let i = 0; i < samples.length; i++) {
      if (Math.abs(samples[i] as number) < LOUD) {
        this.#quiet++;
        continue;
      }
      if (this.#quiet >= QUIET_SAMPLES)
        this.#found({ rtpTs: (rtpTs + i) >>> 0, arrivalMs: arrivalMs + (i * 1000) / SOUND_HZ });
      this.#quiet = 0;
    }
  }
}
