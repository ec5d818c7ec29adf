import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { SIZE } from '../../server/double/surface.ts';
import { random } from '../performer/vec.ts';
import { rgbToI420 } from '../performer/yuv.ts';
import { Rest } from './rest.ts';
import { PICTURE, PLANE, PLANES, sampleOf, TRUTH } from './sample.ts';
import { type DrawingFolder, driverFile, openSeer, type Seer } from './seer.ts';

export interface RenewJob {
  from: string;
  out: string;
  /** The double, and what its faces are drawn with. */
  name: string;
  drawing: DrawingFolder;
}

/** Where the plate's crop lies in a sample. */
const CROP = 3;
/** The crop lies in the middle of the picture. */
const EDGE = (PICTURE - SIZE) / 2;

const recording = z.object({
  double: z.string(),
  lost: z.number(),
  /** Of a sample of the file; recordings of older forms have fewer. */
  planes: z.number().int().default(PLANES),
  neutral: z.array(z.number()),
  faces: z.array(z.looseObject({ yaw: z.number(), pitch: z.number() })),
});

/** Three planes of a sample as a picture: packed R, G, B, 0–255, black around them. */
function pictured(planes: Uint8Array): Float32Array {
  const out = new Float32Array(3 * PICTURE * PICTURE);
  for (let c = 0; c < 3; c++)
    for (let k = 0; k < PLANE; k++)
      out[3 * ((EDGE + Math.floor(k / SIZE)) * PICTURE + EDGE + (k % SIZE)) + c] = planes[c * PLANE + k]!;
  return out;
}

/** One plane as a picture, 0–1. */
function placed(plane: Uint8Array): Float32Array {
  const out = new Float32Array(PICTURE * PICTURE);
  for (let k = 0; k < PLANE; k++) out[(EDGE + Math.floor(k / SIZE)) * PICTURE + EDGE + (k % SIZE)] = plane[k]! / 255;
  return out;
}

async function renew({ from, out, name }: RenewJob, seer: Seer, seed: number): Promise<{ kept: number; lost: number }> {
  const old = driverFile(from, name, seed);
  const read = recording.safeParse(JSON.parse(readFileSync(`${old}.json`, 'utf8')));
  if (!read.success)
    throw new Error(
      `${old}.json cannot be drawn anew (${read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}): it was recorded before faces at rest were kept, or is damaged. Record this driver again with scripts/training/record.ts.`,
    );
  const about = read.data;
  const bytes = readFileSync(`${old}.bin`);
  const next = random(seed * 7919 + 29);
  const rest = new Rest(Float32Array.from(about.neutral), seer.average);
  const file = driverFile(out, name, seed);
  const open = openSync(`${file}.part`, 'w');
  const kept = new Float32Array(PICTURE * PICTURE);
  const faces: object[] = [];
  for (const [i, face] of about.faces.entries()) {
    const part = (plane: number, count: number): Uint8Array => {
      const begin = (i * about.planes + plane) * PLANE;
      return bytes.subarray(begin, begin + count * PLANE);
    };
    const plate = rgbToI420(pictured(part(CROP, 3)), PICTURE, PICTURE);
    const seen = await seer.see(plate, PICTURE, PICTURE, rest.known(next));
    if (!seen) continue;
    rest.saw(seen.canonical, face);
    writeSync(open, sampleOf({ truth: pictured(part(TRUTH, 3)), face: placed(part(TRUTH + 3, 1)), kept }, seen));
    faces.push(face);
  }
  closeSync(open);
  const lost = about.faces.length - faces.length;
  writeFileSync(`${file}.json`, JSON.stringify({ ...about, planes: PLANES, lost: about.lost + lost, faces }));
  renameSync(`${file}.part`, `${file}.bin`);
  return { kept: faces.length, lost };
}

async function main(): Promise<void> {
  const job = workerData as RenewJob;
  const seer = await openSeer(job.drawing);
  parentPort?.on('message', (seed: number | null) => {
    if (seed === null) {
      seer.close();
      parentPort?.close();
      return;
    }
    void renew(job, seer, seed).then((done) => parentPort?.postMessage({ seed, ...done }));
  });
  parentPort?.postMessage('ready');
}

await main();
