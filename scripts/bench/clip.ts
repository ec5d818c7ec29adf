/** A bench's camera: the demo performer at a given size and rate with a counter in the picture, coded once, before anything is timed. */
import { fileURLToPath } from 'node:url';
import { Decoder, Demuxer, FilterAPI } from 'node-av/api';
import { Encoder } from '../../server/engine/encoder.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { pack } from '../../server/engine/planes.ts';
import { quietCodecs } from '../../server/engine/quiet.ts';
import { Arena } from '../../server/frame/arena.ts';
import type { CodedFrame, VideoCodec } from '../../server/frame/coded.ts';
import type { Colour } from '../../server/frame/frame.ts';
import { drawCounter } from './counter.ts';

export const DEMO_CLIP = fileURLToPath(new URL('../../models/demo/demo.mp4', import.meta.url));

/** Between two frames at 30 a second, 90 kHz. */
const TICKS = 3000;

const BT709: Colour = { matrix: 'bt709', primaries: 'bt709', transfer: 'bt709', range: 'limited' };

export interface ClipOptions {
  file?: string;
  width: number;
  height: number;
  /** Frames to code; the clip is played in a loop. */
  frames: number;
  bitrate: number;
  /** H.264 where left out. */
  codec?: VideoCodec;
  /** FFmpeg filters applied before scaling, such as `crop=…` or `tile=3x2`. */
  filter?: string;
  /** Draw the counter; default yes. */
  counter?: boolean;
}

/** Frame k of the clip carries the number k. Its rtpTs is k: the publisher puts the real one in. */
export async function codedClip(options: ClipOptions): Promise<CodedFrame[]> {
  const { file = DEMO_CLIP, width, height, frames, bitrate, codec = 'h264', filter, counter = true } = options;
  quietCodecs();
  const pictures = new Pictures(new Arena(128));
  const encoder = new Encoder({ codec, bitrate, threads: 1 });
  const coded: CodedFrame[] = [];
  const picture = pictures.take(width, height, BT709, { feed: '', rtpTs: 0, captureUs: 0 });
  try {
    await using input = await Demuxer.open(file);
    const stream = input.video();
    if (!stream) throw new Error(`${file} holds no video.`);
    using decoder = await Decoder.create(stream);
    using scale = FilterAPI.create(`${filter ? `${filter},` : ''}scale=${width}:${height}:flags=area,format=yuv420p`);
    for await (const frame of scale.frames(decoder.frames(input.packets(stream.index)))) {
      if (!frame) continue;
      pack(frame.data ?? [], frame.linesize, picture.planes, width, height);
      frame.free();
      if (counter) drawCounter(picture.planes[0], width, coded.length);
      // Encoders share the bit rate out over time: these are the times of a camera.
      const rtpTs = coded.length * TICKS;
      coded.push({ ...(await encoder.encode({ ...picture, id: { ...picture.id, rtpTs } })), rtpTs: coded.length });
      if (coded.length === frames) break;
    }
  } finally {
    encoder.close();
  }
  return coded;
}
