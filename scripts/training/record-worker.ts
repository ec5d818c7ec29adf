import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { openAssets } from '../performer/assets.ts';
import { type PairMoment, randomMoment } from '../performer/moments.ts';
import { randomOccluder } from '../performer/occluders.ts';
import { createPairs, type Pair } from '../performer/pair.ts';
import { personNamed, randomIdentity } from '../performer/people.ts';
import { TALK, writePerformance } from '../performer/performances.ts';
import { createPerformer, type Performer, QUICK } from '../performer/performer.ts';
import { expressionUnits, NEUTRAL_FACE } from '../performer/rig.ts';
import { random } from '../performer/vec.ts';
import { rgbToI420 } from '../performer/yuv.ts';
import { type Filmed, member } from './crew.ts';
import { driverFile, openRecording } from './files.ts';
import { disagrees, looksOf, soften } from './filming.ts';
import { Rest, thousandths } from './rest.ts';
import { PICTURE, PLANES, sampleOf } from './sample.ts';
import { type DrawingFolder, openSeer, type Seen, type Seer } from './seer.ts';

export interface RecordJob {
  assets: string;
  skins: string;
  out: string;
  /** The doubles, and what each one's faces are drawn with. Each has a folder of its name under `out`. */
  doubles: readonly { name: string; drawing: DrawingFolder }[];
  /** Faces of each driver. */
  faces: number;
  /** Faces of a performance, instead of each drawn anew. */
  performing: boolean;
}

/** Every so often something passes before the face. */
const OCCLUDED = 0.3;
const SMALLEST_FACE = 64;
const LARGEST_FACE = 330;
/** Length of a driver's performance: long enough that its faces differ. */
const SECONDS = 40;
/** The performer as at casting: calm, nearly frontal, looking at the camera. */
function atRest(next: () => number): PairMoment {
  const moment = randomMoment(next, { height: PICTURE, faceSize: [200, 200], yaw: 4, pitch: 4, roll: 2 });
  return { ...moment, expression: {}, face: NEUTRAL_FACE, pose: { ...moment.pose, gaze: [0, 0] } };
}

/** A moment with the face and the gaze of another: heads and light come from every side as in the others. */
function performed(moment: PairMoment, { face, pose: { gaze } }: PairMoment): PairMoment {
  return { ...moment, face, expression: expressionUnits(face, gaze[1]), pose: { ...moment.pose, gaze } };
}

async function main(): Promise<void> {
  const job = workerData as RecordJob;
  const assets = openAssets(job.assets, job.skins);
  const doubles = await Promise.all(
    job.doubles.map(async ({ name, drawing }) => ({
      name,
      performer: await createPerformer(assets, personNamed(name)),
      seer: await openSeer(drawing),
    })),
  );
  const film = async (driver: Performer, seed: number): Promise<Filmed> => {
    const next = random(seed * 7919 + 17);
    const performers = doubles.map(({ performer }) => performer);
    const { render } = createPairs(driver, performers, PICTURE, PICTURE);
    const see = (seer: Seer, { plate }: Pair, neutral: Float32Array | null): Promise<Seen | null> =>
      seer.see(rgbToI420(plate, PICTURE, PICTURE), PICTURE, PICTURE, neutral);
    const atCasting = render(atRest(next), null)[0]!;
    const measured = await see(doubles[0]!.seer, atCasting, null);
    if (!measured) return { kept: 0, lost: 0 };
    const neutral = Float32Array.from(measured.canonical);
    const rest = new Rest(neutral, doubles[0]!.seer.average);
    const recordings = doubles.map(({ name }) => openRecording(driverFile(join(job.out, name), seed)));
    const faces: object[] = [];
    const looks = looksOf(driver);
    const performance = job.performing ? writePerformance(TALK, seed, SECONDS, looks) : null;
    let lost = 0;
    while (faces.length < job.faces && lost < 3 * job.faces) {
      const size = SMALLEST_FACE * (LARGEST_FACE / SMALLEST_FACE) ** next();
      const drawn = randomMoment(next, { height: PICTURE, faceSize: [size, size] });
      const moment = performance ? performed(drawn, performance.moment(SECONDS * next())) : drawn;
      const occluder = next() < OCCLUDED ? randomOccluder(next, looks) : null;
      const known = rest.known(next);
      const pairs = render(moment, occluder);
      const passes = Math.floor(3.5 * next() ** 2);
      soften(pairs[0]!.plate, PICTURE, passes);
      for (const { truth } of pairs) soften(truth, PICTURE, passes);
      const taken: Uint8Array[] = [];
      let canonical: Float32Array = neutral;
      for (const [i, { seer }] of doubles.entries()) {
        const pair = pairs[i]!;
        const seen = await see(seer, pair, known);
        if (!seen || disagrees(seen.landmarks, pair.numbers.driver)) break;
        taken.push(sampleOf(pair, seen));
        if (i === 0) canonical = seen.canonical;
      }
      // All or none: a driver's files hold the same moments for every double.
      if (taken.length < doubles.length) {
        lost++;
        continue;
      }
      for (const [i, sample] of taken.entries()) recordings[i]!.write(sample);
      const { pose, faceSize } = pairs[0]!.numbers;
      rest.saw(canonical, pose);
      const { yaw, pitch } = pose;
      const rig = { ...moment.face, gaze: pose.gaze[0] };
      faces.push({ driver: seed, yaw, pitch, faceSize, occluder: occluder?.kind ?? null, rig });
    }
    for (const [i, { name }] of doubles.entries())
      recordings[i]!.finish({ double: name, planes: PLANES, lost, neutral: thousandths(neutral), faces });
    return { kept: faces.length, lost };
  };

  member(
    async (seed) => film(await createPerformer(assets, randomIdentity(seed), QUICK), seed),
    () => {
      for (const { seer } of doubles) seer.close();
    },
  );
}

await main();
