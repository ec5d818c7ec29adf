import type { Expression } from '../eval/face-signals.ts';
import type { Sight } from './observe.ts';

/** One thing that footage should show, in how many pictures it does, and what to shoot where it does not. */
export interface Cell {
  part: 'pose' | 'expression' | 'light';
  name: string;
  views: number;
  wanted: number;
  shoot: string;
  /** What the double has of it. */
  why: string;
}

const FAR = 'temple and jaw; without it the face smears when the performer turns';
const EYES = 'iris and white of the eyes in their own colour';
const LIT = 'what is light and what is skin';

/** A sight, the expression at rest, and its light: coverage.ts `lightOf`. */
export type Reading = Sight & { rest: Expression; side: number; top: number; level: number };

type Shows = (r: Reading) => boolean;

const POSES = 6;
const EXPRESSIONS = 4;
const LIGHTS = 6;

const yawed = (from: number, to: number) => (r: Reading) => r.yaw >= from && r.yaw < to && Math.abs(r.pitch) < 15;
const ahead = (r: Reading): boolean => Math.abs(r.yaw) < 20;
const over = (key: keyof Expression, by: number) => (r: Reading) => r.expression[key] - r.rest[key] > by;
const under = (key: keyof Expression, by: number) => (r: Reading) => r.rest[key] - r.expression[key] > by;

/** What footage of a face should show. `matters`: of two that are equally thin the one with more is told first. */
export const WANTED: readonly (Omit<Cell, 'views'> & { matters: number; shows: (r: Reading) => boolean })[] = [
  pose(
    'facing the camera',
    yawed(-10, 10),
    'ten seconds straight into the camera, at rest',
    'the middle of the face and its shape',
    3,
  ),
  pose(
    'turned a little to their right',
    yawed(-30, -10),
    'the head turned slowly to their right, to about 30°',
    'cheek and side of the nose',
  ),
  pose(
    'turned a little to their left',
    yawed(10, 30),
    'the head turned slowly to their left, to about 30°',
    'cheek and side of the nose',
  ),
  pose(
    'turned far to their right',
    yawed(-65, -30),
    'the head held at about 45° to their right, eyes along with it',
    FAR,
    1.5,
  ),
  pose(
    'turned far to their left',
    yawed(30, 65),
    'the head held at about 45° to their left, eyes along with it',
    FAR,
    1.5,
  ),
  pose(
    'looking up',
    (r) => r.pitch > 9 && ahead(r),
    'the chin raised for a few seconds',
    'nostrils and the underside of the chin',
  ),
  pose(
    'looking down',
    (r) => r.pitch < -9 && ahead(r),
    'the chin lowered for a few seconds, eyes to the camera',
    'forehead and upper lids',
  ),
  expression(
    'at rest, lips together',
    (r) =>
      ahead(r) &&
      Math.abs(r.expression.mouthOpen - r.rest.mouthOpen) < 0.05 &&
      Math.abs(r.expression.smile - r.rest.smile) < 0.25,
    'a calm face with the lips together',
    'the proportions, and lips without teeth',
    3,
  ),
  expression(
    'mouth open',
    over('mouthOpen', 0.18),
    'the mouth wide open, and a sentence with long vowels (“a”, “o”)',
    'the skin around a mouth that speaks',
  ),
  expression('smile', over('smile', 0.3), 'a broad smile, with teeth and without', 'cheeks and lips drawn wide'),
  expression(
    'eyes shut',
    over('blink', 0.12),
    'the eyes gently shut for three seconds',
    'the lids, which show at every blink',
  ),
  expression('brows raised', over('brow', 0.18), 'the brows raised, as in surprise', 'the skin under the brows'),
  expression(
    'brows drawn down',
    under('brow', 0.15),
    'the brows drawn together, as in doubt',
    'which folds are expression and which are the face',
  ),
  expression('eyes to their right', under('gazeX', 0.07), 'the eyes to their right while the head stays', EYES),
  expression('eyes to their left', over('gazeX', 0.07), 'the eyes to their left while the head stays', EYES),
  light(
    'even light',
    (r) => ahead(r) && Math.abs(r.side) < 0.25 && r.top > -0.3 && r.top < 0.5,
    'ten seconds in soft, even light (an overcast window, two softboxes)',
    'most of the texture: what is shade in all of the footage is taken for skin',
    3,
  ),
  light(
    'light from their left',
    (r) => ahead(r) && r.side > 0.35,
    'a few seconds with the main light at their left',
    LIT,
  ),
  light(
    'light from their right',
    (r) => ahead(r) && r.side < -0.35,
    'a few seconds with the main light at their right',
    LIT,
  ),
  light(
    'well exposed',
    (r) => r.level > 0.18 && r.level < 0.88,
    'everything again, brighter or darker: the skin should be neither black nor white',
    'everything: what is black or white has no colour left',
    3,
  ),
];

function pose(name: string, shows: Shows, shoot: string, why: string, matters = 1) {
  return { part: 'pose', name, shows, shoot, why, matters, wanted: POSES } as const;
}
function expression(name: string, shows: Shows, shoot: string, why: string, matters = 1) {
  return { part: 'expression', name, shows, shoot, why, matters, wanted: EXPRESSIONS } as const;
}
function light(name: string, shows: Shows, shoot: string, why: string, matters = 1) {
  return { part: 'light', name, shows, shoot, why, matters, wanted: LIGHTS } as const;
}
