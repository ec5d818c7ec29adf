import { SIZE } from '../../server/double/surface.ts';
import type { Expression } from '../eval/face-signals.ts';
import { qualityOf } from './blend.ts';
import { quantile } from './neutral.ts';
import { PLANE, type Sight } from './observe.ts';
import { type Cell, type Reading, WANTED } from './wanted.ts';
import type { Watched } from './watch.ts';

/** What footage shows of a face, and what it does not. */
export interface Coverage {
  format: 1;
  /** Pictures looked at; of those used; and why others were not. */
  pictures: { looked: number; used: number; noFace: number; severalFaces: number; tooSmall: number };
  /** Of footage, where it is video. */
  secondsBetween: number;
  cells: Cell[];
  /** Years that the files' names tell, and pictures of each; pictures whose age nobody told. */
  age: { years: Record<string, number>; untold: number };
  /** Median height of the face in pixels, and share of pictures that are sharp enough for a close-up. */
  size: { faceHeight: number; sharp: number };
  /** What to shoot next, the most needed first. */
  next: string[];
}

/** A face lower than this is blown up in a close-up. */
const GOOD_HEIGHT = 220;
/** Ages further apart than this are two faces. */
const ONE_AGE = 6;

/** Tells what footage covers. @param rest the expression of the person's face at rest. */
export function coverageOf(watched: Watched, rest: Expression): Coverage {
  const { sights, looked, none, several, small, interval } = watched;
  const readings = sights.map((sight): Reading => ({ ...sight, rest, ...lightOf(sight) }));
  const cells = WANTED.map(
    ({ shows, matters: _, ...cell }): Cell => ({ ...cell, views: readings.filter(shows).length }),
  );
  const years: Record<string, number> = {};
  for (const { age } of sights) if (age !== null) years[age] = (years[age] ?? 0) + 1;
  const size = {
    faceHeight: Math.round(
      quantile(
        sights.map((s) => s.faceHeight),
        0.5,
      ),
    ),
    sharp: sights.filter((s) => qualityOf(s) > 0.4).length / Math.max(1, sights.length),
  };
  const age = { years, untold: sights.filter((s) => s.age === null).length };
  return {
    format: 1,
    pictures: { looked, used: sights.length, noFace: none, severalFaces: several, tooSmall: small },
    secondsBetween: interval,
    cells,
    age,
    size,
    next: nextOf(cells, age, size),
  };
}

/** Stops by which their left cheek is brighter than the right one, and the forehead than the chin; encoded brightness of all. */
function lightOf(sight: Sight): Pick<Reading, 'side' | 'top' | 'level'> {
  const at = (points: readonly number[]): number =>
    points.reduce((sum, point) => sum + patch(sight, point), 0) / points.length;
  const [right, left, forehead, chin] = [at([50, 205]), at([280, 425]), at([151, 9]), at([200, 199])] as [
    number,
    number,
    number,
    number,
  ];
  // About a square root of light is encoded.
  const stops = (a: number, b: number): number => 2 * Math.log2(Math.max(0.01, a) / Math.max(0.01, b));
  return { side: stops(left, right), top: stops(forehead, chin), level: (right + left + forehead + chin) / 4 };
}

/** Mean brightness of a small patch of the crop around a landmark, encoded, 0–1. */
function patch({ crop, cropPoints }: Sight, point: number): number {
  const [cx, cy] = [Math.round(cropPoints[2 * point]!), Math.round(cropPoints[2 * point + 1]!)];
  let [sum, count] = [0, 0];
  for (let y = Math.max(0, cy - 4); y <= Math.min(SIZE - 1, cy + 4); y++)
    for (let x = Math.max(0, cx - 4); x <= Math.min(SIZE - 1, cx + 4); x++) {
      const i = y * SIZE + x;
      sum += 0.25 * crop[i]! + 0.6 * crop[PLANE + i]! + 0.15 * crop[2 * PLANE + i]!;
      count++;
    }
  return count > 0 ? sum / count / 255 : 0;
}

const need = ({ name, views, wanted }: Cell): number =>
  (WANTED.find((cell) => cell.name === name)?.matters ?? 1) * (1 - views / wanted);

function nextOf(cells: readonly Cell[], age: Coverage['age'], size: Coverage['size']): string[] {
  const missing = cells
    .filter(({ views, wanted }) => views < wanted)
    .toSorted((a, b) => need(b) - need(a))
    .map(
      ({ name, views, wanted, shoot, why }) =>
        `${views === 0 ? 'Nothing' : `Only ${views} of ${wanted} pictures`} of “${name}”: shoot ${shoot}. It is for ${why}.`,
    );
  const years = Object.keys(age.years).map(Number);
  const told: string[] = [];
  if (years.length === 0)
    told.push(
      'Nobody told how old the person is in this footage: put it into the names of files or folders (age-34), or say --age 34.',
    );
  else if (Math.max(...years) - Math.min(...years) > ONE_AGE)
    told.push(
      `The footage spans ages ${Math.min(...years)} to ${Math.max(...years)}: a double has one age. Choose with --age, and shoot or find more of that age.`,
    );
  else if (age.untold > 0)
    told.push(`In ${age.untold} pictures the age is not told: put it into those files’ names (age-34).`);
  if (size.faceHeight < GOOD_HEIGHT)
    told.push(
      `The face is ${size.faceHeight} pixels high in the middle of all pictures: for close-ups shoot nearer or in 4K, ${GOOD_HEIGHT} pixels and more.`,
    );
  if (size.sharp < 0.3)
    told.push('Hardly a picture is sharp: hold camera and focus still, light better, use a shorter shutter.');
  return [...missing, ...told];
}

/** The report as a page to read, Markdown. */
export function pageOf(name: string, coverage: Coverage): string {
  const { pictures, cells, age, size, next } = coverage;
  const gaps = cells.filter(({ views, wanted }) => views < wanted).length;
  const rows = cells.map(
    ({ part, name: what, views, wanted }) =>
      `| ${part} | ${what} | ${views} | ${wanted} | ${views >= wanted ? 'enough' : '**gap**'} |`,
  );
  const years = Object.entries(age.years).map(([year, count]) => `${year} (${count} pictures)`);
  return [
    `# The footage of “${name}”`,
    '',
    `${pictures.looked} pictures were looked at and ${pictures.used} used; ${pictures.noFace} show no face, ${pictures.severalFaces} several, in ${pictures.tooSmall} it is too small.`,
    `The face is ${size.faceHeight} pixels high in the middle of all; ${Math.round(100 * size.sharp)} % are sharp enough for a close-up. Age: ${years.join(', ') || 'not told'}.`,
    '',
    '## What to shoot next',
    '',
    ...(gaps > 0
      ? [
          `${cells.length - gaps} of ${cells.length} things are shown enough. What is missing or thin, the most needed first; a few seconds of each will do, in the same make-up and hair:`,
          '',
        ]
      : []),
    ...(next.length ? next.map((line) => `- ${line}`) : ['Nothing is missing.']),
    '',
    '## What it shows',
    '',
    '| | | pictures | wanted | |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
