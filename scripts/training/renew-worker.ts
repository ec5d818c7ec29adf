import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { random } from '../performer/vec.ts';
import { rgbToI420 } from '../performer/yuv.ts';
import { type Filmed, member } from './crew.ts';
import { driverFile, openRecording } from './files.ts';
import { pictured, placed, readRecorded } from './recorded.ts';
import { Rest } from './rest.ts';
import { CROP, PICTURE, PLANES, sampleOf, TRUTH } from './sample.ts';
import { type DrawingFolder, openSeer, type Seer } from './seer.ts';

export interface RenewJob {
  from: string;
  out: string;
  /** The double, and what its faces are drawn with. */
  name: string;
  drawing: DrawingFolder;
}

async function renew({ from, out, name }: RenewJob, seer: Seer, seed: number): Promise<Filmed> {
  const { about, planes } = readRecorded(driverFile(join(from, name), seed));
  const next = random(seed * 7919 + 29);
  const rest = new Rest(Float32Array.from(about.neutral), seer.average);
  const recording = openRecording(driverFile(join(out, name), seed));
  const kept = new Float32Array(PICTURE * PICTURE);
  const faces: object[] = [];
  for (const [i, face] of about.faces.entries()) {
    const plate = rgbToI420(pictured(planes(i, CROP, 3)), PICTURE, PICTURE);
    const seen = await seer.see(plate, PICTURE, PICTURE, rest.known(next));
    if (!seen) continue;
    rest.saw(seen.canonical, face);
    recording.write(
      sampleOf({ truth: pictured(planes(i, TRUTH, 3)), face: placed(planes(i, TRUTH + 3, 1)), kept }, seen),
    );
    faces.push(face);
  }
  const lost = about.faces.length - faces.length;
  recording.finish({ ...about, planes: PLANES, lost: about.lost + lost, faces });
  return { kept: faces.length, lost };
}

async function main(): Promise<void> {
  const job = workerData as RenewJob;
  const seer = await openSeer(job.drawing);
  member((seed) => renew(job, seer, seed), seer.close);
}

await main();
