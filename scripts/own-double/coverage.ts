import { SIZE } from '../../server/double/surface.ts';
import type { Expression } from '../eval/face-signals.ts';
import { qualityOf } from './blend.ts';
import { quantile } from './neutral.ts';
import { PLANE, type Sight } from './observe.ts';
import type { Watched } from './watch.ts';

/** One thing that footage should show, in how many pictures it does, and what to shoot where it does not. */
export interface Cell {
  part: 'pose' | 'expression' | 'light';
  name: string;
  views: number;
  wanted: number;
  shoot: string;
}

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

type Reading = Sight & { rest: Expression; side: number; top: number; level: number };

const POSES = 6;
const EXPRESSIONS = 4;
const LIGHTS = 6;
/** A face lower than this is blown up in a close-up. */
const GOOD_HEIGHT = 220;
/** Ages further apart than this are two faces. */
const ONE_AGE = 6;

const yawed = (from: number, to: number) => (r: Reading) => r.yaw >= from && r.yaw < to && Math.abs(r.pitch) < 15;
const ahead = (r: Reading): boolean => Math.abs(r.yaw) < 20;
const over = (key: keyof Expression, by: number) => (r: Reading) => r.expression[key] - r.rest[key] > by;
const under = (key: keyof Expression, by: number) => (r: Reading) => r.rest[key] - r.expression[key] > by;

const CELLS: readonly (Omit<Cell, 'views'> & { shows: (r: Reading) => boolean })[] = [
  pose('facing the camera', yawed(-10, 10), 'ten seconds straight into the camera, at rest'),
  pose('turned a little to their right', yawed(-30, -10), 'the head turned slowly to their right, to about 30°'),
  pose('turned a little to their left', yawed(10, 30), 'the head turned slowly to their left, to about 30°'),
  pose('turned far to their right', yawed(-65, -30), 'the head held at about 45° to their right, eyes along with it'),
  pose('turned far to their left', yawed(30, 65), 'the head held at about 45° to their left, eyes along with it'),
  pose('looking up', (r) => r.pitch > 9 && ahead(r), 'the chin raised for a few seconds'),
  pose('looking down', (r) => r.pitch < -9 && ahead(r), 'the chin lowered for a few seconds, eyes to the camera'),
  expression(
    'at rest, lips together',
    (r) =>
      ahead(r) &&
      Math.abs(r.expression.mouthOpen - r.rest.mouthOpen) < 0.05 &&
      Math.abs(r.expression.smile - r.rest.smile) < 0.25,
    'a calm face with the lips together',
  ),
  expression('mouth open', over('mouthOpen', 0.18), 'the mouth wide open, and a sentence with long vowels (“a”, “o”)'),
  expression('smile', over('smile', 0.3), 'a broad smile, with teeth and without'),
  expression('eyes shut', over('blink', 0.12), 'the eyes gently shut for three seconds'),
  expression('brows raised', over('brow', 0.18), 'the brows raised, as in surprise'),
  expression('brows drawn down', under('brow', 0.15), 'the brows drawn together, as in doubt'),
  expression('eyes to their right', under('gazeX', 0.07), 'the eyes to their right while the head stays'),
  expression('eyes to their left', over('gazeX', 0.07), 'the eyes to their left while the head stays'),
  light(
    'even light',
    (r) => ahead(r) && Math.abs(r.side) < 0.25 && r.top > -0.3 && r.top < 0.5,
    'ten seconds in soft, even light (an overcast window, two softboxes): it counts for most of the texture',
  ),
  light('light from their left', (r) => ahead(r) && r.side > 0.35, 'a few seconds with the main light at their left'),
  light(
    'light from their right',
    (r) => ahead(r) && r.side < -0.35,
    'a few seconds with the main light at their right',
  ),
  light(
    'well exposed',
    (r) => r.level > 0.18 && r.level < 0.88,
    'everything again, brighter or darker: the skin should be neither black nor white',
  ),
];

function pose(name: string, shows: (r: Reading) => boolean, shoot: string) {
  return { part: 'pose', name, shows, shoot, wanted: POSES } as const;
}
function expression(name: string, shows: (r: Reading) => boolean, shoot: string) {
  return { part: 'expression', name, shows, shoot, wanted: EXPRESSIONS } as const;
}
function light(name: string, shows: (r: Reading) => boolean, shoot: string) {
  return { part: 'light', name, shows, shoot, wanted: LIGHTS } as const;
}

/** Tells what footage covers. @param rest the expression of the person's face at rest. */
export function coverageOf(watched: Watched, rest: Expression): Coverage {
  const { sights, looked, none, several, small, interval } = watched;
  const readings = sights.map((sight): Reading => ({ ...sight, rest, ...lightOf(sight) }));
  const cells = CELLS.map(({ shows, ...cell }): Cell => ({ ...cell, views: readings.filter(shows).length }));
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

function nextOf(cells: readonly Cell[], age: Coverage['age'], size: Coverage['size']): string[] {
  const missing = cells
    .filter(({ views, wanted }) => views < wanted)
    .toSorted((a, b) => a.views / a.wanted - b.views / b.wanted)
    .map(
      ({ name, views, shoot }) =>
        `${views === 0 ? 'Nothing' : `Only ${views} picture${views === 1 ? '' : 's'}`} of “${name}”: shoot ${shoot}.`,
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
  const rows = cells.map(
    ({ part, name: what, views, wanted }) =>
      `| ${part} | ${what} | ${views} | ${views >= wanted ? 'enough' : '**gap**'} |`,
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
    ...(next.length ? next.map((line) => `- ${line}`) : ['Nothing is missing.']),
    '',
    '## What it shows',
    '',
    '| | | pictures | |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
