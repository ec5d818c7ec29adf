import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Decoder, Demuxer, FilterAPI } from 'node-av/api';
import { colourOf } from '../../server/engine/colour-tags.ts';
import type { Pictures } from '../../server/engine/pictures.ts';
import { pack } from '../../server/engine/planes.ts';
import { quietCodecs } from '../../server/engine/quiet.ts';
import type { Picture } from '../../server/frame/frame.ts';

const VIDEO = /\.(mp4|m4v|mov|mkv|webm|avi|ts|mpg|mpeg|y4m)$/i;

/** The videos of a folder, by name. @throws Error with a sentence when there is no such folder. */
export function videosIn(folder: string): string[] {
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}.`);
  return readdirSync(folder)
    .filter((file) => VIDEO.test(file))
    .sort()
    .map((file) => join(folder, file));
}

/**
 * The pictures of any video file that FFmpeg reads, as 8-bit 4:2:0 in kernel memory, with the file's own times.
 * Each picture is the reader's to give back. @throws Error when the file holds no video.
 */
export async function* readVideo(file: string, pictures: Pictures): AsyncGenerator<Picture> {
  quietCodecs();
  await using input = await Demuxer.open(file);
  const stream = input.video();
  if (!stream) throw new Error(`${file} holds no video.`);
  using decoder = await Decoder.create(stream);
  using convert = FilterAPI.create('format=yuv420p|yuvj420p');
  const { num, den } = stream.timeBase;
  let first: bigint | null = null;
  for await (const frame of convert.frames(decoder.frames(input.packets(stream.index)))) {
    if (!frame) continue;
    first ??= frame.pts;
    const captureUs = Math.round((Number(frame.pts - first) * num * 1e6) / den);
    const [width, height] = [frame.width & ~1, frame.height & ~1];
    const rtpTs = Math.round(captureUs * 0.09) >>> 0;
    const picture = pictures.take(width, height, colourOf(frame), { feed: 'eval', rtpTs, captureUs });
    pack(frame.data ?? [], frame.linesize, picture.planes, width, height);
    frame.free();
    yield picture;
  }
}
