import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { SIZE } from '../../server/double/surface.ts';
import { PICTURE, PLANE, PLANES } from './sample.ts';

/** What stands beside a driver's recorded faces. */
const recording = z.object({
  double: z.string(),
  lost: z.number(),
  /** Of a sample of the file; recordings of older forms have fewer. */
  planes: z.number().int().default(PLANES),
  neutral: z.array(z.number()),
  faces: z.array(z.looseObject({ driver: z.number(), yaw: z.number(), pitch: z.number() })),
});

/** The crop lies in the middle of the picture. */
const EDGE = (PICTURE - SIZE) / 2;

/** One driver's recording, as scripts/training/record.ts left it. @param file its path, without ending. @throws Error with a sentence. */
export function readRecorded(file: string) {
  const read = recording.safeParse(JSON.parse(readFileSync(`${file}.json`, 'utf8')));
  if (!read.success)
    throw new Error(
      `${file}.json cannot be drawn anew (${read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}): it was recorded before faces at rest were kept, or is damaged. Record this driver again with scripts/training/record.ts.`,
    );
  const about = read.data;
  const bytes = readFileSync(`${file}.bin`);
  return {
    about,
    /** Planes of one face, PLANE bytes each. */
    planes(face: number, first: number, count: number): Uint8Array {
      const begin = (face * about.planes + first) * PLANE;
      return bytes.subarray(begin, begin + count * PLANE);
    },
  };
}

/** Three planes of a sample as a picture: packed R, G, B, 0–255, black around them. */
export function pictured(planes: Uint8Array): Float32Array {
  const out = new Float32Array(3 * PICTURE * PICTURE);
  for (let c = 0; c < 3; c++)
    for (let k = 0; k < PLANE; k++)
      out[3 * ((EDGE + Math.floor(k / SIZE)) * PICTURE + EDGE + (k % SIZE)) + c] = planes[c * PLANE + k]!;
  return out;
}

/** One plane as a picture, 0–1. */
export function placed(plane: Uint8Array): Float32Array {
  const out = new Float32Array(PICTURE * PICTURE);
  for (let k = 0; k < PLANE; k++) out[(EDGE + Math.floor(k / SIZE)) * PICTURE + EDGE + (k % SIZE)] = plane[k]! / 255;
  return out;
}
