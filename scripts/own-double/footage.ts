import { existsSync, readdirSync, statSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { Demuxer } from 'node-av/api';
import sharp from 'sharp';
import type { Pictures } from '../../server/engine/pictures.ts';
import type { Picture } from '../../server/frame/frame.ts';
import { readVideo } from '../eval/video.ts';
import { rgbToI420 } from '../performer/yuv.ts';
import { FootageError } from './footage-error.ts';

const VIDEOS = ['.mp4', '.m4v', '.mov', '.mkv', '.webm', '.avi', '.mxf', '.ts', '.mpg', '.mpeg', '.y4m'];
const STILLS = ['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.avif'];
/** A still of this many pixels a side is more than a crop can hold. */
const LARGEST_STILL = 2160;
/** The name of a file or of its folder may say how old the person is in it: age-34. */
const AGE = /(?:^|[^a-z])age[-_ ]?(\d{1,2})(?!\d)/i;

/** One file of footage. */
export interface FootageFile {
  path: string;
  /** Under the footage's folder, for people. */
  name: string;
  still: boolean;
  /** Years, where the name says so. */
  age: number | null;
}

/** Every video and picture under a folder, by name. @throws FootageError with a sentence where there is none. */
export function listFootage(folder: string): FootageFile[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new FootageError(
      `There is no folder ${folder}: name the folder that holds the videos and pictures of one person.`,
    );
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const found = files.flatMap((file): FootageFile[] => {
    const ending = extname(file).toLowerCase();
    if (!VIDEOS.includes(ending) && !STILLS.includes(ending)) return [];
    const path = join(folder, file);
    const name = relative(folder, path);
    const age = AGE.exec(name)?.[1];
    return [{ path, name, still: STILLS.includes(ending), age: age ? Number(age) : null }];
  });
  if (found.length === 0)
    throw new FootageError(
      `${folder} holds neither videos nor pictures: put in some (${VIDEOS[0]}, ${VIDEOS[2]}, ${STILLS[0]} …) that show one person who has agreed to it.`,
    );
  return found;
}

/** Length in seconds; 0 for a still, and where a file does not say. @throws FootageError where it is no video. */
export async function lengthOf({ path, name, still }: FootageFile): Promise<number> {
  if (still) return 0;
  try {
    await using input = await Demuxer.open(path);
    if (!input.video()) throw new Error('no video');
    return Number.isFinite(input.duration) ? Math.max(0, input.duration) : 0;
  } catch {
    throw new FootageError(`${name} is not a video that can be read: convert it to MP4 or take it out of the folder.`);
  }
}

/** The pictures of a file in order, each the caller's to give back. @throws FootageError where it cannot be read. */
export async function* picturesOf(file: FootageFile, pictures: Pictures): AsyncGenerator<Picture> {
  if (file.still) {
    yield await readStill(file, pictures);
    return;
  }
  let count = 0;
  try {
    for await (const picture of readVideo(file.path, pictures)) {
      count++;
      yield picture;
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new FootageError(
      `${file.name} cannot be read beyond picture ${count} (${why}): convert it to MP4 or take it out of the folder.`,
    );
  }
}

async function readStill({ path, name }: FootageFile, pictures: Pictures): Promise<Picture> {
  try {
    const { data, info } = await sharp(path)
      .rotate()
      .removeAlpha()
      .toColourspace('srgb')
      .resize(LARGEST_STILL, LARGEST_STILL, { fit: 'inside', withoutEnlargement: true })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const [width, height] = [info.width & ~1, info.height & ~1];
    const rgb = new Float32Array(3 * width * height);
    for (let y = 0; y < height; y++)
      for (let k = 0; k < 3 * width; k++)
        rgb[3 * y * width + k] = data[info.channels * (y * info.width + Math.floor(k / 3)) + (k % 3)]!;
    const colour = { matrix: 'bt709', primaries: 'bt709', transfer: 'srgb', range: 'limited' } as const;
    const picture = pictures.take(width, height, colour, { feed: 'footage', rtpTs: 0, captureUs: 0 });
    const i420 = rgbToI420(rgb, width, height);
    const luma = width * height;
    picture.planes[0].set(i420.subarray(0, luma));
    picture.planes[1].set(i420.subarray(luma, luma + luma / 4));
    picture.planes[2].set(i420.subarray(luma + luma / 4));
    return picture;
  } catch {
    throw new FootageError(
      `${name} is not a picture that can be read: save it as JPEG or PNG or take it out of the folder.`,
    );
  }
}
