import type { Pictures } from '../../server/engine/pictures.ts';
import type { Picture } from '../../server/frame/frame.ts';
import { readVideo } from './video.ts';

/**
 * Several videos of one performance, picture by picture side by side; null for those without a file. Ends with the
 * shortest. The pictures stay the reader's own: they are given back when the next ones are asked for.
 */
export async function* readTogether<Part extends string>(
  files: Readonly<Record<Part, string | null>>,
  pictures: Pictures,
): AsyncGenerator<Record<Part, Picture | null>> {
  const parts = Object.keys(files) as Part[];
  const videos = parts.map((part) => (files[part] ? readVideo(files[part], pictures) : null));
  try {
    for (;;) {
      const read: (IteratorResult<Picture> | undefined)[] = [];
      for (const video of videos) read.push(await video?.next());
      const got = read.map((one) => (one && !one.done ? one.value : null));
      try {
        if (read.some((one) => one?.done)) return;
        yield Object.fromEntries(parts.map((part, k) => [part, got[k]])) as Record<Part, Picture | null>;
      } finally {
        for (const picture of got) if (picture) pictures.give(picture);
      }
    }
  } finally {
    for (const video of videos) await video?.return(undefined);
  }
}
