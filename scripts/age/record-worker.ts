import { workerData } from 'node:worker_threads';
import { SIZE } from '../../server/double/surface.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { type Assets, openAssets } from '../performer/assets.ts';
import { createBackdrops } from '../performer/backdrops.ts';
import { placeOccluder } from '../performer/extras.ts';
import { createHeadView } from '../performer/head-view.ts';
import type { Identity } from '../performer/identity.ts';
import { landmarkSites } from '../performer/landmark-sites.ts';
import { FACE_HEIGHT, randomMoment } from '../performer/moments.ts';
import { randomOccluder } from '../performer/occluders.ts';
import { developFast } from '../performer/pair.ts';
import { landmarksOf } from '../performer/pair-landmarks.ts';
import { randomIdentity, withSkinOfAge } from '../performer/people.ts';
import { createPerformer, type Performer, QUICK, withSkin } from '../performer/performer.ts';
import type { Face } from '../performer/rig.ts';
import { tonedTo } from '../performer/toned.ts';
import { mix, random } from '../performer/vec.ts';
import { rgbToI420 } from '../performer/yuv.ts';
import { type Filmed, member } from '../training/crew.ts';
import { byteOf, cutFloats } from '../training/crop.ts';
import { openRecording, personFile } from '../training/files.ts';
import { disagrees, looksOf, soften } from '../training/filming.ts';
import { openAgeOnlooker, type SeenFace } from './onlooker.ts';
import { PLACE_PLANES } from './reage-graph.ts';

export interface AgeJob {
  assets: string;
  skins: string;
  out: string;
  /** Moments of each person. */
  moments: number;
}

/** Skins of one person that each moment is shown with, and the thirds of life (withSkinOfAge, 0–1) that their ages are drawn from. */
const AGES = [
  [0.05, 0.2],
  [0.4, 0.6],
  [0.75, 0.95],
] as const;
const PICTURE = 320;
const PLANE = SIZE * SIZE;
/** R, G, B of each age, then the face's place: scripts/training/ages.py reads them. */
const PLANES = 3 * AGES.length + PLACE_PLANES;
const OCCLUDED = 0.25;
/** Brow ridge to chin, pixels; the crop shows it about 150 high. */
const SMALLEST_FACE = 60;
const LARGEST_FACE = 200;

/** One person in every skin, the geometry that of an age between. */
async function cast(assets: Assets, seed: number, next: () => number): Promise<{ skins: Performer[]; ages: number[] }> {
  const ages = AGES.map(([from, to]) => mix(from, to, next()));
  const person: Identity = { ...randomIdentity(seed), age: mix(0.15, 0.6, next()) };
  const middle = await createPerformer(assets, withSkinOfAge(person, ages[1]!), QUICK);
  const inSkin = async (age: number): Promise<Performer> =>
    tonedTo(await withSkin(assets, middle, withSkinOfAge(person, age), QUICK), middle);
  return { skins: [await inSkin(ages[0]!), middle, await inSkin(ages[2]!)], ages };
}

/** Films a person at random moments, each of them in every skin; what the server does not see is filmed again. */
async function film(
  { out, moments }: AgeJob,
  seed: number,
  assets: Assets,
  onlooker: Awaited<ReturnType<typeof openAgeOnlooker>>,
): Promise<Filmed> {
  const next = random(seed * 7919 + 29);
  const { skins, ages } = await cast(assets, seed, next);
  const shoot = createStudio(skins, next);
  const recording = openRecording(personFile(out, seed));
  const sample = new Uint8Array(PLANES * PLANE);
  const shown: object[] = [];
  let lost = 0;
  while (shown.length < moments && lost < 3 * moments) {
    const { pictures, points, ...told } = shoot();
    const looked = pictures[Math.floor(next() * pictures.length)]!;
    const seen = await onlooker.see(rgbToI420(looked, PICTURE, PICTURE), PICTURE, PICTURE);
    if (!seen || disagrees(seen.landmarks, points)) {
      lost++;
      continue;
    }
    record(pictures, seen, sample);
    recording.write(sample);
    shown.push({ person: seed, ...told });
  }
  const { sex, ancestry } = skins[0]!.head.identity;
  recording.finish({ ages, sex, ancestry, picture: PICTURE, lost, moments: shown });
  return { kept: shown.length, lost };
}

interface Shot {
  /** sRGB codes, packed, one for each skin. */
  pictures: Float32Array[];
  /** Where the renderer put the landmarks. */
  points: Float32Array;
  faceSize: number;
  /** What the face does, for those who read it: the rig, and the eyes in radians. */
  rig: Face;
  gaze: readonly [yaw: number, pitch: number];
}

/** Renders random moments; background, hair, eyes, teeth and what stands before the face are the same in every skin. */
function createStudio(skins: readonly Performer[], next: () => number): () => Shot {
  const [first, ...others] = skins as [Performer, ...Performer[]];
  const view = createHeadView(first, { width: PICTURE, height: PICTURE, detail: null, hidden: [], floor: -6 });
  const backdrops = createBackdrops(PICTURE, PICTURE);
  const [sites, mesh] = [landmarkSites(), readFaceMesh()];
  const pictures = skins.map(() => new Float32Array(3 * PICTURE * PICTURE));
  const looks = looksOf(first);
  return () => {
    const size = SMALLEST_FACE * (LARGEST_FACE / SMALLEST_FACE) ** (next() ** 0.7);
    const moment = randomMoment(next, { height: PICTURE, faceSize: [size, size] });
    const occluder = next() < OCCLUDED ? randomOccluder(next, looks) : null;
    const extra = occluder && placeOccluder(occluder, moment, first.poser, PICTURE, PICTURE);
    view.render(moment, backdrops.at(moment.backdrop, moment.light), extra, true);
    developFast(view.colour, pictures[0]!);
    for (const [i, skin] of others.entries()) {
      view.repaint(skin);
      developFast(view.colour, pictures[i + 1]!);
    }
    const passes = Math.floor(3.5 * next() ** 2);
    for (const picture of pictures) soften(picture, PICTURE, passes);
    const { opening, position } = moment.camera;
    const faceSize = (FACE_HEIGHT * PICTURE) / (opening * position[2]);
    return {
      pictures,
      points: landmarksOf(first, view, moment, sites, mesh),
      faceSize,
      rig: moment.face,
      gaze: moment.pose.gaze,
    };
  };
}

function record(pictures: readonly Float32Array[], { toCrop, place }: SeenFace, sample: Uint8Array): void {
  for (const [i, picture] of pictures.entries()) {
    const values = picture.map((code) => code / 255);
    const floats = { width: PICTURE, height: PICTURE, channels: 3, values };
    cutFloats(floats, toCrop, SIZE, sample.subarray(3 * i * PLANE));
  }
  const from = 3 * pictures.length * PLANE;
  for (let i = 0; i < PLACE_PLANES * PLANE; i++) sample[from + i] = byteOf(place[i]!);
}

const job = workerData as AgeJob;
const assets = openAssets(job.assets, job.skins);
const onlooker = await openAgeOnlooker();
member((seed) => film(job, seed, assets, onlooker), onlooker.close);
