import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const pair = z.tuple([z.number(), z.number()]);
const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

/** 0–1; brows −1–1. */
const rig = z.looseObject({
  jaw: z.number(),
  smile: z.number(),
  blinkLeft: z.number(),
  blinkRight: z.number(),
  brows: z.number(),
});

const person = z.looseObject({
  person: z.number(),
  /** In the picture, and more of the face to be seen than a quarter. */
  present: z.boolean(),
  box,
  yawDeg: z.number(),
  /** > 0 to the performer's left and up. */
  gazeDeg: pair,
  rig,
});

/** What `truth.json` says of a rendered performance (scripts/performer/render-performances.ts), beside its videos. Frame ranges: [from, to). */
const performanceSchema = z.looseObject({
  fps: z.number().positive(),
  people: z.array(z.looseObject({ name: z.string() })).min(1),
  light: z.string(),
  /** What passes before the face, or is worn. */
  occluders: z.array(z.string()),
  /** In which frames the performer holds still, or moves fast all the time. */
  still: pair.nullable(),
  fast: pair.nullable(),
  frames: z.array(z.looseObject({ people: z.array(person) })),
});

export type Performance = z.infer<typeof performanceSchema> & {
  name: string;
  /** A video of the performance, or null where it is not there: `plate`, `face`, `kept`, `truth-mara`, `truth-young` … */
  video(part: string): string | null;
};
export type PersonMoment = z.infer<typeof person>;

/** One person alone: what is measured of a face is measured in these; several are there to be told apart. */
export const isAlone = ({ people }: Performance): boolean => people.length === 1;

/** Light that wanders over the face. */
export const isSwept = ({ light }: Performance): boolean => light !== 'steady';

/** The performances in a folder, by name. @throws Error with a sentence when there are none or one is not understood. */
export function readPerformances(folder: string): Performance[] {
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}.`);
  const found = readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'truth.json')))
    .map((name) => readPerformance(join(folder, name), name))
    .sort((a, b) => a.name.localeCompare(b.name));
  if (found.length === 0)
    throw new Error(
      `${folder} holds no performances: render some with node scripts/performer/render-performances.ts --out ${folder}.`,
    );
  return found;
}

function readPerformance(folder: string, name: string): Performance {
  const file = join(folder, 'truth.json');
  const parsed = performanceSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${file} is not understood: "${issue?.path.join('.')}": ${issue?.message}.`);
  }
  const video = (part: string): string | null => {
    const path = join(folder, `${part}.mkv`);
    return existsSync(path) ? path : null;
  };
  if (!video('plate')) throw new Error(`${folder} has no plate.mkv: render it again.`);
  return { ...parsed.data, name, video };
}
