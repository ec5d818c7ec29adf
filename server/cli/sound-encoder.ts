import * as av from 'node-av';
import { CommandError } from './command.ts';

/** Opus counts at 48 kHz, whatever it carries (RFC 7587). */
export const SOUND_HZ = 48_000;
/** One packet: 20 ms. */
export const PACKET_SAMPLES = 960;

export interface SoundPacket {
  bytes: Buffer;
  /** Of the first sample, in samples from the start of what was encoded; the codec's own delay is taken off, so it begins below zero. */
  time: number;
}

/** PCM → Opus in packets of 20 ms, with the least delay that Opus has. Owns FFmpeg's contexts: `close()` it. */
export class SoundEncoder {
  readonly #context: av.CodecContext;
  readonly #frame = new av.Frame();
  readonly #packet = new av.Packet();
  readonly #channels: 1 | 2;
  readonly #waiting: Float32Array;
  #filled = 0;
  #time = 0;

  /** `bitrate` in bits per second. */
  constructor({ channels, bitrate = channels * 64_000 }: { channels: 1 | 2; bitrate?: number }) {
    const codec = av.Codec.findEncoderByName('libopus' as av.FFEncoderCodec);
    if (!codec) throw new CommandError('This build of FFmpeg cannot encode Opus: reinstall the packages.');
    const layout = channels === 1 ? av.AV_CHANNEL_LAYOUT_MONO : av.AV_CHANNEL_LAYOUT_STEREO;
    const shape = { sampleRate: SOUND_HZ, channelLayout: layout };
    this.#channels = channels;
    this.#waiting = new Float32Array(PACKET_SAMPLES * channels);
    this.#context = new av.CodecContext();
    this.#context.allocContext3(codec);
    Object.assign(this.#context, { ...shape, sampleFormat: av.AV_SAMPLE_FMT_FLT, bitRate: BigInt(bitrate) });
    this.#context.timeBase = new av.Rational(1, SOUND_HZ);
    this.#context.setOption('application', 'lowdelay');
    this.#context.setOption('frame_duration', '20');
    const opened = this.#context.open2Sync(codec, null);
    if (opened < 0) throw new CommandError(`Opus cannot be encoded (FFmpeg error ${opened}).`);
    this.#packet.alloc();
    this.#frame.alloc();
    Object.assign(this.#frame, { ...shape, format: av.AV_SAMPLE_FMT_FLT, nbSamples: PACKET_SAMPLES });
    this.#frame.getBuffer();
  }

  /** Interleaved samples, −1 … 1, of any number; answers the packets that they fill. */
  encode(samples: Float32Array): SoundPacket[] {
    const packets: SoundPacket[] = [];
    for (let at = 0; at < samples.length; ) {
      const count = Math.min(samples.length - at, this.#waiting.length - this.#filled);
      this.#waiting.set(samples.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === this.#waiting.length) packets.push(...this.#full());
    }
    return packets;
  }

  close(): void {
    this.#context.freeContext();
    this.#frame.free();
    this.#packet.free();
  }

  #full(): SoundPacket[] {
    this.#filled = 0;
    this.#frame.makeWritable();
    const [plane] = this.#frame.data as Buffer[];
    const bytes = Buffer.from(this.#waiting.buffer, 0, PACKET_SAMPLES * this.#channels * 4);
    bytes.copy(plane as Buffer);
    this.#frame.pts = BigInt(this.#time);
    this.#time += PACKET_SAMPLES;
    const sent = this.#context.sendFrameSync(this.#frame);
    if (sent < 0) throw new CommandError(`The encoder refused sound (FFmpeg error ${sent}).`);
    const packets: SoundPacket[] = [];
    while (this.#context.receivePacketSync(this.#packet) >= 0) {
      if (this.#packet.data) packets.push({ bytes: Buffer.from(this.#packet.data), time: Number(this.#packet.pts) });
      this.#packet.unref();
    }
    return packets;
  }
}
