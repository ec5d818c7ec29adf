import * as av from 'node-av';
import { Decoder, Demuxer, FilterAPI } from 'node-av/api';

/** Samples of a file's first sound stream, one array a channel; they follow each other without a gap. */
export interface SoundPiece {
  channels: Float32Array[];
  sampleRate: number;
  /** Of the first sample, seconds from the file's first picture. */
  seconds: number;
}

/** Whether a file has sound, and how many channels. */
export async function soundChannels(path: string): Promise<number> {
  await using input = await Demuxer.open(path);
  return input.audio()?.codecpar.channels ?? 0;
}

/** A file's sound from its start, at its own rate or at another. */
export async function* soundOf(path: string, sampleRate: number | null): AsyncGenerator<SoundPiece> {
  await using input = await Demuxer.open(path);
  const stream = input.audio();
  if (!stream) return;
  const begins = startOf(stream) - startOf(input.video() ?? stream);
  using decoder = await Decoder.create(stream);
  const rate = sampleRate ?? stream.codecpar.sampleRate;
  using filter = FilterAPI.create(`aresample=${rate},aformat=sample_fmts=fltp`);
  let samples = 0;
  for await (const frame of filter.frames(decoder.frames(input.packets(stream.index)))) {
    if (!frame) continue;
    const count = frame.nbSamples;
    const channels = (frame.data as Buffer[]).map(
      (plane) => new Float32Array(plane.buffer.slice(plane.byteOffset, plane.byteOffset + count * 4)),
    );
    frame.free();
    yield { channels, sampleRate: rate, seconds: begins + samples / rate };
    samples += count;
  }
}

function startOf({ startTime, timeBase }: av.Stream): number {
  // FFmpeg's "unknown" is the smallest 64-bit number.
  return startTime === av.AV_NOPTS_VALUE ? 0 : (Number(startTime) * timeBase.num) / timeBase.den;
}
