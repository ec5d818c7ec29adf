import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const range = z.tuple([z.number(), z.number()]);
const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

const rig = z.looseObject({
  jaw: z.number(),
  smile: z.number(),
  blinkLeft: z.number(),
  blinkRight: z.number(),
  brows: z.number(),
  /** Radians, > 0 to the performer's left and up. */
  gaze: range,
});

/** What `truth.json` says of a rendered performance, beside its videos. Frame ranges: [from, to), frame numbers. */
const performanceSchema = z.looseObject({
  fps: z.number().positive(),
  flags: z.array(z.string()).default([]),
  still: z.array(range).default([]),
  moving: z.array(range).default([]),
  rig: z.array(rig.nullable()).nullable().default(null),
  /** Clips with several people or exits: whose double each is to wear, and where they are. */
  people: z.array(z.looseObject({ double: z.string(), boxes: z.array(box.nullable()) })).default([]),
  /** Years. */
  age: z.looseObject({ plate: z.number(), young: z.number() }).nullable().default(null),
});

export type Performance = z.infer<typeof performanceSchema> & {
  name: string;
  /** A video of the performance, or null where it is not there: `plate`, `face`, `kept`, `truth-mara`, `truth-young` … */
  video(part: string): string | null;
};
export type RigMoment = z.infer<typeof rig>;

/** The performances in a folder, by name. @throws Error with a sentence when there are none or one is not understood. */
export function readPerformances(folder: string): Performance[] {
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}.`);
  const found = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'truth.json')))
    .map((entry) => readPerformance(join(folder, entry.name), entry.name))
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
