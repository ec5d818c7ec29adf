/**
 * `node encoder-trial.ts GPU`: encodes on a GPU as a feed would with engine.videoEncoder: nvenc, and prints an `EncoderTrial`. A process of its own: a
 * driver that hangs or crashes takes only this with it.
 */
import { Arena } from '../frame/arena.ts';
import { UNKNOWN_COLOUR } from '../frame/frame.ts';
import { Encoder } from './encoder.ts';
import { Pictures } from './pictures.ts';
import { quietCodecs } from './quiet.ts';

const SIZE = { width: 1280, height: 720 };
const MEMORY_MB = 16;
const PICTURES = 30;

/** Milliseconds of one picture, the median of 30 (1280×720); or why the GPU's encoder is not used. */
export type EncoderTrial = { ms: number } | { why: string };

async function trial(gpu: number): Promise<EncoderTrial> {
  quietCodecs();
  let why: string | null = null;
  const encoder = new Encoder({ bitrate: 4_000_000, threads: 1, gpu, fellBack: (reason) => (why = reason) });
  const pictures = new Pictures(new Arena(MEMORY_MB));
  const picture = pictures.take(SIZE.width, SIZE.height, UNKNOWN_COLOUR, { feed: '', rtpTs: 0, captureUs: 0 });
  const ms: number[] = [];
  try {
    for (let turn = 0; turn < PICTURES && why === null; turn++) {
      // Another picture each time: what stands still costs nothing.
      const [luma] = picture.planes;
      for (let at = 0; at < luma.length; at++) luma[at] = (at * 7 + turn * 13) & 255;
      const began = performance.now();
      await encoder.encode(picture);
      ms.push(performance.now() - began);
    }
  } finally {
    encoder.close();
    pictures.give(picture);
  }
  ms.sort((a, b) => a - b);
  return why === null ? { ms: ms[PICTURES >> 1] as number } : { why };
}

process.stdout.write(JSON.stringify(await trial(Number(process.argv[2]))));
