import { setTimeout as sleep } from 'node:timers/promises';
import type { CodedAudio } from '../frame/coded.ts';
import { monotonicUs } from '../media/rtp/clock.ts';
import { LtcDecoder, type LtcFrame } from '../wire/ltc.ts';
import { PACKET_SAMPLES, SOUND_HZ, SoundEncoder } from './sound-encoder.ts';
import { type SoundPiece, soundOf } from './sound-file.ts';

export interface CameraSoundOptions {
  path: string;
  channels: number;
  /** The channel with timecode, from 1; it is not sent as sound. Null: none. */
  ltc: number | null;
  send(audio: CodedAudio): void;
  /** A timecode whose first bit was captured then, on this machine's monotonic clock. */
  timecode(frame: LtcFrame, captureUs: number): void;
}

/** A file's sound beside its pictures, packet by packet in real time. Owns its encoder; a pass ends with its signal. */
export class CameraSound {
  readonly #options: CameraSoundOptions;
  readonly #heard: number[];
  #pass: AbortController | null = null;

  constructor(options: CameraSoundOptions) {
    this.#options = options;
    const all = Array.from({ length: Math.min(options.channels, 2) }, (_, i) => i);
    this.#heard = all.filter((channel) => channel + 1 !== options.ltc);
  }

  /** The file begins at `beganUs` (monotonic clock), its RTP time at `firstTs`; what was playing before ends. */
  begin(beganUs: number, firstTs: number): void {
    this.#pass?.abort();
    const pass = new AbortController();
    this.#pass = pass;
    // A file whose sound is damaged is a camera without sound.
    if (this.#heard.length > 0) void this.#play(beganUs, firstTs, pass.signal).catch(() => undefined);
    if (this.#options.ltc !== null) void this.#listen(this.#options.ltc, beganUs, pass.signal).catch(() => undefined);
  }

  close(): void {
    this.#pass?.abort();
    this.#pass = null;
  }

  async #play(beganUs: number, firstTs: number, signal: AbortSignal): Promise<void> {
    const encoder = new SoundEncoder({ channels: this.#heard.length === 1 ? 1 : 2 });
    try {
      let first: number | null = null;
      for await (const piece of soundOf(this.#options.path, SOUND_HZ)) {
        first ??= Math.round(piece.seconds * SOUND_HZ);
        for (const { bytes, time } of encoder.encode(this.#interleave(piece))) {
          const at = first + time;
          // A packet leaves when its last sample is in.
          await until(beganUs + ((at + PACKET_SAMPLES) * 1e6) / SOUND_HZ, signal);
          if (signal.aborted) return;
          const captureUs = Math.round(beganUs + (at * 1e6) / SOUND_HZ);
          this.#options.send({ rtpTs: (firstTs + at) >>> 0, captureUs, marker: false, lostBefore: 0, bytes });
        }
      }
    } finally {
      encoder.close();
    }
  }

  #interleave({ channels }: SoundPiece): Float32Array {
    const [first, second] = this.#heard.map((channel) => channels[channel] as Float32Array);
    if (!first || !second) return first ?? new Float32Array();
    const both = new Float32Array(first.length * 2);
    for (let i = 0; i < first.length; i++) {
      both[2 * i] = first[i] as number;
      both[2 * i + 1] = second[i] as number;
    }
    return both;
  }

  /** The file's own samples: nothing comes before the decoder. */
  async #listen(channel: number, beganUs: number, signal: AbortSignal): Promise<void> {
    let decoder: LtcDecoder | null = null;
    let first = 0;
    for await (const { channels, sampleRate, seconds } of soundOf(this.#options.path, null)) {
      const samples = channels[channel - 1];
      if (!samples) return;
      if (!decoder) {
        first = seconds;
        decoder = new LtcDecoder(sampleRate, (frame) =>
          this.#options.timecode(frame, Math.round(beganUs + (first + frame.sample / sampleRate) * 1e6)),
        );
      }
      await until(beganUs + (seconds + samples.length / sampleRate) * 1e6, signal);
      if (signal.aborted) return;
      decoder.push(samples);
    }
  }
}

async function until(momentUs: number, signal: AbortSignal): Promise<void> {
  const waitMs = (momentUs - monotonicUs()) / 1000;
  if (waitMs > 0.5) await sleep(waitMs, undefined, { signal }).catch(() => undefined);
}
