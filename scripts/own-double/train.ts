import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { MOST_BLENDED } from './blend.ts';
import { coverageOf } from './coverage.ts';
import { fitEyes } from './eyes.ts';
import { type FootageFile, lengthOf, listFootage } from './footage.ts';
import { FootageError } from './footage-error.ts';
import { irisOf } from './iris.ts';
import { neutralOf } from './neutral.ts';
import { openObserver } from './observe.ts';
import { createProgress } from './progress.ts';
import { samePerson } from './same-person.ts';
import { templateOf, textureOf } from './texture.ts';
import { picturesIn, watch } from './watch.ts';
import { networksOf, writeCoverage, writeDouble, writePortrait, writeTexture } from './write-double.ts';

export interface TrainOptions {
  /** The folder with the footage. */
  footage: string;
  name: string;
  /** The folder that the double's own folder, called like it, is put into. */
  out: string;
  /** Only footage of this age, years; null: all. */
  age: number | null;
  fictional: boolean;
  /** The bundled double whose trained network it is given; null: the one that was trained to fit anybody. */
  network: string | null;
  /** No network: the texture is drawn as it is. */
  drawn: boolean;
  /** Nothing but the report on the footage. */
  reportOnly: boolean;
  /** Whoever asks has made sure that all files show one person, whatever their faces' measures say. */
  samePerson: boolean;
  /** Takes the place of a double of this name. */
  again: boolean;
}

/** Seconds of one core that looking at a picture takes, and making the texture for each picture that goes into it. */
const LOOK_S = 0.06;
const BLEND_S = 0.3;
/** And learning the eyes. */
const EYES_S = 12;

/** Makes a double of footage of one person. Answers its folder. @throws FootageError with a sentence for who shot it. */
export async function train(options: TrainOptions, write?: (line: string) => unknown): Promise<string> {
  const { name, out, reportOnly } = options;
  const dir = join(out, name);
  if (!reportOnly && existsSync(dir) && !options.again)
    throw new FootageError(`${dir} is there already: choose another --name, or say --again to make it anew.`);
  // What is wrong with it is said before minutes are spent.
  if (!options.drawn) networksOf(options.network);
  const files = ofAge(listFootage(options.footage), options.age);
  const lengths = await Promise.all(files.map(lengthOf));
  const mesh = readFaceMesh();
  const observer = await openObserver();
  try {
    const looked = picturesIn(lengths);
    const progress = createProgress(
      [LOOK_S * looked, ...(reportOnly ? [] : [BLEND_S * Math.min(MOST_BLENDED, looked), options.drawn ? 0 : EYES_S])],
      write,
    );
    const watched = await watch(observer, templateOf(mesh, mesh.uv), files, lengths, progress);
    if (!options.samePerson) samePerson(watched.sights);
    const neutral = neutralOf(watched.sights, mesh);
    const coverage = coverageOf(watched, neutral.rest);
    for (const line of coverage.next) progress.say(`  ${line}`);
    if (reportOnly) {
      writeCoverage(dir, name, coverage);
      return dir;
    }
    progress.next();
    const texture = await textureOf(watched.sights, neutral, mesh, observer, progress);
    // Whole or not at all: the server takes whatever folder it finds.
    mkdirSync(out, { recursive: true });
    const making = mkdtempSync(join(out, '.making-'));
    const clear = (): void => rmSync(making, { recursive: true, force: true });
    process.once('exit', clear);
    try {
      await writeTexture(making, name, texture, neutral);
      if (watched.portrait) await writePortrait(making, watched.portrait);
      writeCoverage(making, name, coverage);
      progress.next();
      const { sights } = watched;
      await writeDouble(
        { ...options, dir: making, files, coverage },
        texture.seen,
        mesh,
        (drawing) => fitEyes(drawing, sights, neutral.rest, mesh, observer, progress),
        irisOf(sights, neutral.rest, mesh),
      );
      chmodSync(making, 0o755);
      if (options.again) rmSync(dir, { recursive: true, force: true });
      renameSync(making, dir);
    } finally {
      clear();
      process.off('exit', clear);
    }
    return dir;
  } finally {
    observer.close();
  }
}

/** A file that does not say an age is taken whatever age is asked for. */
function ofAge(files: readonly FootageFile[], age: number | null): FootageFile[] {
  if (age === null) return [...files];
  const near = files.filter((file) => file.age === null || Math.abs(file.age - age) <= NEAR_YEARS);
  const ages = [...new Set(files.map((file) => file.age ?? age))].toSorted((a, b) => a - b);
  if (near.length === 0)
    throw new FootageError(`None of the ${files.length} files is of age ${age}: they are of ${ages.join(', ')}.`);
  return near.map((file) => ({ ...file, age: file.age ?? age }));
}

const NEAR_YEARS = 3;
