import type { Template } from '../../server/double/template.ts';
import type { Picture } from '../../server/frame/frame.ts';
import { type FootageFile, picturesOf } from './footage.ts';
import { FootageError } from './footage-error.ts';
import { type Observer, portraitOf, type Quarters, type Seen, type Sight, type Where } from './observe.ts';
import type { Progress } from './progress.ts';

/** So many faces are kept at most: beyond it every other one is let go, and pictures are taken half as often. */
const MOST = 900;
const FIRST_INTERVAL_S = 0.1;
const ANY_WAY: readonly Quarters[] = [0, 1, 3, 2];
/** Fewer faces than this make no double. */
const FEWEST = 8;
/** A share of pictures with a second face that may be a mistake of the detector's. */
const MISTAKEN = 0.02;
/** A face that the crop would only blow up. */
const SMALLEST_FACE = 90;

/** What the footage shows. */
export interface Watched {
  sights: Sight[];
  /** Seconds of footage between two pictures that were looked at. */
  interval: number;
  /** Pictures looked at; of those, without a face, with several, with one too small. */
  looked: number;
  none: number;
  several: number;
  small: number;
  /** The calmest face that looks at the camera, packed RGB. */
  portrait: { rgb: Buffer; side: number } | null;
}

/**
 * Looks at footage as the server would, some ten pictures a second of it.
 * @param lengths of the files, seconds; 0 for a still.
 * @throws FootageError where it shows nobody, or more than one person.
 */
export async function watch(
  observer: Observer,
  template: Template,
  files: readonly FootageFile[],
  lengths: readonly number[],
  progress: Progress,
): Promise<Watched> {
  const total = lengths.reduce((sum, length) => sum + Math.max(FIRST_INTERVAL_S, length), 0);
  const surface = observer.surface(template);
  const watching = new Watching((picture, where) => observer.look(picture, surface, template, where));
  try {
    let done = 0;
    for (const [index, file] of files.entries()) {
      const tell = (at: number): void => progress.tell(`looking at ${file.name}`, (done + at) / total);
      await watching.file(observer, file, tell);
      done += Math.max(FIRST_INTERVAL_S, lengths[index]!);
    }
  } finally {
    surface.close();
  }
  return watching.end();
}

/** About how many pictures of footage of these lengths (seconds, 0 for a still) will be looked at. */
export const picturesIn = (lengths: readonly number[]): number =>
  lengths.reduce((sum, length) => sum + Math.max(1, length / FIRST_INTERVAL_S), 0);

type Look = (picture: Picture, where: Where) => Promise<Seen>;

class Watching {
  readonly #look: Look;
  readonly #crowds: { file: string; at: number }[] = [];
  #calmest = Number.POSITIVE_INFINITY;
  readonly #all: Watched = {
    sights: [],
    interval: FIRST_INTERVAL_S,
    looked: 0,
    none: 0,
    several: 0,
    small: 0,
    portrait: null,
  };

  constructor(look: Look) {
    this.#look = look;
  }

  async file(observer: Observer, file: FootageFile, tell: (at: number) => void): Promise<void> {
    let due = 0;
    // A phone's video may lie on its side: quarters to turn it by, once a face was seen.
    let quarters: Quarters | null = null;
    for await (const picture of picturesOf(file, observer.pictures)) {
      try {
        const at = picture.id.captureUs / 1e6;
        if (at < due - 1e-3) continue;
        due = at + this.#all.interval;
        this.#all.looked++;
        const where = { file: file.name, at, age: file.age };
        const ways: readonly Quarters[] = quarters === null ? ANY_WAY : [quarters];
        for (const turn of ways) {
          const found: boolean = await this.#try(observer.turned(picture, turn), where, observer.pictures);
          if (found) quarters = turn;
          if (found) break;
          if (turn === ways.at(-1)) this.#all.none++;
        }
        tell(at);
      } finally {
        observer.pictures.give(picture);
      }
    }
  }

  end(): Watched {
    this.#all.several = this.#crowds.length;
    refuse(this.#all, this.#crowds);
    return this.#all;
  }

  /** Whether anybody was seen. The picture is given back. */
  async #try(picture: Picture, where: Where, pictures: Observer['pictures']): Promise<boolean> {
    try {
      const seen = await this.#look(picture, where);
      if (seen.kind === 'several') this.#crowds.push(where);
      if (seen.kind === 'face') this.#keep(picture, seen.sight);
      return seen.kind !== 'none';
    } finally {
      pictures.give(picture);
    }
  }

  #keep(picture: Picture, sight: Sight): void {
    const all = this.#all;
    if (sight.faceHeight < SMALLEST_FACE) {
      all.small++;
      return;
    }
    all.sights.push(sight);
    const unrest = unrestOf(sight);
    if (unrest < this.#calmest) [this.#calmest, all.portrait] = [unrest, portraitOf(picture, sight)];
    if (all.sights.length > MOST) thin(all);
  }
}

function thin(all: Watched): void {
  all.sights = all.sights.filter((_, i) => i % 2 === 0);
  all.interval *= 2;
}

/** How far from a passport picture: turned, talking, blinking, blurred. */
function unrestOf({ yaw, pitch, expression, blur, faceHeight }: Sight): number {
  const { mouthOpen, blink, gazeX } = expression;
  const away = Number.isFinite(gazeX) ? 4 * Math.abs(gazeX) : 3;
  return (
    Math.abs(yaw) / 8 +
    Math.abs(pitch) / 8 +
    6 * mouthOpen +
    6 * Math.max(0, 0.3 + blink) +
    away +
    (80 * blur) / faceHeight
  );
}

function refuse({ sights, looked, small }: Watched, crowds: readonly { file: string; at: number }[]): void {
  const [first] = crowds;
  if (first && crowds.length > Math.max(2, MISTAKEN * looked)) {
    const pictures = `${crowds.length} of ${looked} pictures`;
    throw new FootageError(
      `More than one face is seen in ${pictures}, first in ${first.file} at ${first.at.toFixed(1)} s: a double is made of one person alone. Cut those parts out, or cover the others.`,
    );
  }
  if (sights.length >= FEWEST) return;
  const why = small > sights.length ? `; in ${small} more it is lower than ${SMALLEST_FACE} pixels` : '';
  throw new FootageError(
    `A face was found in ${sights.length} of ${looked} pictures${why}: at least ${FEWEST} are needed, better some hundreds. Shoot nearer, with the face well lit and nothing before it.`,
  );
}
