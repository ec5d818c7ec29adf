import { workerData } from 'node:worker_threads';
import { FINE as STEP } from '../../server/double/occlusion/cells.ts';
import { FacePlace, PLACE_SIZE, readFaceShape } from '../../server/double/occlusion/face-place.ts';
import { type Affine, cutPlate, SIZE, WINDOW } from '../../server/double/surface.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { openAssets } from '../performer/assets.ts';
import { createBackdrops } from '../performer/backdrops.ts';
import { placeOccluder } from '../performer/extras.ts';
import { createHeadView } from '../performer/head-view.ts';
import { landmarkSites } from '../performer/landmark-sites.ts';
import { type PairMoment, randomMoment } from '../performer/moments.ts';
import { type Occluder, type OccluderKind, randomOccluder } from '../performer/occluders.ts';
import { developFast } from '../performer/pair.ts';
import { landmarksOf, type Points2d } from '../performer/pair-landmarks.ts';
import { randomIdentity } from '../performer/people.ts';
import { createPerformer, type Performer, QUICK } from '../performer/performer.ts';
import { PART_SHIFT } from '../performer/raster.ts';
import { random } from '../performer/vec.ts';
import { rgbToI420 } from '../performer/yuv.ts';
import { type Filmed, member } from './crew.ts';
import { byteOf, cutFloats } from './crop.ts';
import { driverFile, openRecording } from './files.ts';
import { disagrees, looksOf, soften } from './filming.ts';
import { MODELS, openOnlooker } from './onlooker.ts';

export interface CoveredJob {
  assets: string;
  skins: string;
  out: string;
  /** Faces of each driver. */
  faces: number;
}

/** Side of the pictures, and how large faces are in them, pixels: the network sees them in 128². */
const PICTURE = 288;
const FACE = [44, 220] as const;
/** What stands before the faces; where nothing does, hair still may. */
const KINDS: readonly (OccluderKind | null)[] = [
  ...Array<null>(9).fill(null),
  ...Array<'hand'>(9).fill('hand'),
  ...Array<'spectacles'>(6).fill('spectacles'),
  'microphone',
  'microphone',
  'cup',
  'box',
];
/** Share of things that are held as they come and go: further to the side and lower, decimetres. */
const ASIDE = 0.45;
const FURTHER = [1.1, 0.9] as const;
/** The lowest skin that is drawn, decimetres from the eyes. */
const FLOOR = -6;
const TOP = WINDOW.top / STEP;
const LEFT = WINDOW.left / STEP;
const HEIGHT = WINDOW.height / STEP;
const WIDTH = WINDOW.width / STEP;
/** Plate R, G, B; openings, coverage and facing of the mesh; what stands before the face. */
const PLANES = 7;

/** Something of a kind, where it is held or on its way there. */
function covering(next: () => number, looks: Parameters<typeof randomOccluder>[1], kind: OccluderKind): Occluder {
  const thing = randomOccluder(next, looks, kind);
  if (thing.on === 'skull' || next() > ASIDE) return thing;
  const [x, y, z] = thing.offset;
  return { ...thing, offset: [x + FURTHER[0] * (2 * next() - 1), y - FURTHER[1] * next(), z] };
}

/** Films one person: their picture, and how much of each pixel is hair or the thing before them. */
function filming(driver: Performer) {
  const [mesh, sites] = [readFaceMesh(), landmarkSites()];
  const view = createHeadView(driver, { width: PICTURE, height: PICTURE, detail: null, hidden: [], floor: FLOOR });
  const backdrops = createBackdrops(PICTURE, PICTURE);
  const plate = new Float32Array(3 * PICTURE * PICTURE);
  const before = new Float32Array(PICTURE * PICTURE);
  return (moment: PairMoment, occluder: Occluder | null, passes: number) => {
    const extra = occluder ? placeOccluder(occluder, moment, driver.poser, PICTURE, PICTURE) : null;
    view.render(moment, backdrops.at(moment.backdrop, moment.light), extra, true);
    developFast(view.colour, plate);
    soften(plate, PICTURE, passes);
    const { id, width } = view.gbuffer;
    for (let y = 0, i = 0; y < PICTURE; y++)
      for (let x = 0; x < PICTURE; x++, i++) {
        const k = 2 * y * width + 2 * x;
        let thing = 0;
        for (const at of [k, k + 1, k + width, k + width + 1])
          if (extra && id[at]! >= 0 && id[at]! >> PART_SHIFT === view.extraPart) thing += 0.25;
        before[i] = thing + (1 - thing) * view.hair[i]!;
      }
    const rendered = landmarksOf(driver, view, moment, sites, mesh);
    return { i420: rgbToI420(plate, PICTURE, PICTURE), before, rendered };
  };
}

/** Looks at pictures as server/double/occlusion does. */
async function openFinder() {
  const onlooker = await openOnlooker();
  const { arena, kernels } = onlooker;
  const place = new FacePlace(readFaceShape(MODELS), arena, kernels);
  const plane = PLACE_SIZE * PLACE_SIZE;
  const at = arena.allocate(4 * 7 * plane);
  const crop = at + 16 * plane;
  const given = arena.floats(at, 7 * plane);
  /** Where the face's crop lies; null where it is not seen, or elsewhere than it was rendered. */
  const look = (i420: Uint8Array, rendered: Points2d): Promise<Affine | null> =>
    onlooker.look(i420, PICTURE, PICTURE, (picture, landmarks) => {
      if (disagrees(landmarks, rendered)) return Promise.resolve(null);
      const { toCrop } = place.draw(landmarks, at);
      cutPlate(kernels, picture, toCrop, PLACE_SIZE, crop, [0, 0, PLACE_SIZE, PLACE_SIZE]);
      return Promise.resolve(toCrop);
    });
  const close = (): void => {
    place.close();
    onlooker.close();
  };
  return { given, look, close };
}

/** The planes of a face. @param given openings, zeros, coverage, facing; R, G, B: PLACE_SIZE² each. */
function sampleOf(given: Float32Array, before: Float32Array, toCrop: Affine): Uint8Array {
  const whole = new Uint8Array(SIZE * SIZE);
  cutFloats({ width: PICTURE, height: PICTURE, channels: 1, values: before }, toCrop, SIZE, whole);
  const sample = new Uint8Array(PLANES * HEIGHT * WIDTH);
  for (const [k, from] of [4, 5, 6, 0, 2, 3].entries())
    for (let y = 0; y < HEIGHT; y++)
      for (let x = 0; x < WIDTH; x++) {
        const value = given[(from * PLACE_SIZE + TOP + y) * PLACE_SIZE + LEFT + x]!;
        sample[(k * HEIGHT + y) * WIDTH + x] = byteOf(value);
      }
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++) {
      const k = (WINDOW.top + STEP * y) * SIZE + WINDOW.left + STEP * x;
      const sum = whole[k]! + whole[k + 1]! + whole[k + SIZE]! + whole[k + SIZE + 1]!;
      sample[(6 * HEIGHT + y) * WIDTH + x] = Math.round(sum / 4);
    }
  return sample;
}

async function main(): Promise<void> {
  const job = workerData as CoveredJob;
  const assets = openAssets(job.assets, job.skins);
  const finder = await openFinder();
  const film = async (driver: Performer, seed: number): Promise<Filmed> => {
    const next = random(seed * 7919 + 41);
    const shoot = filming(driver);
    const looks = looksOf(driver);
    const recording = openRecording(driverFile(job.out, seed));
    const faces: object[] = [];
    let lost = 0;
    while (faces.length < job.faces && lost < 2 * job.faces) {
      const size = FACE[0] * (FACE[1] / FACE[0]) ** next();
      const moment = randomMoment(next, { height: PICTURE, faceSize: [size, size] });
      const kind = KINDS[Math.floor(next() * KINDS.length)]!;
      const passes = Math.floor(3.5 * next() ** 2);
      const occluder = kind && covering(next, looks, kind);
      const shot = shoot(moment, occluder, passes);
      const toCrop = await finder.look(shot.i420, shot.rendered);
      if (!toCrop) {
        lost++;
        continue;
      }
      recording.write(sampleOf(finder.given, shot.before, toCrop));
      const { yaw, pitch } = moment.pose;
      faces.push({ driver: seed, yaw, pitch, faceSize: size, occluder: kind });
    }
    recording.finish({ planes: PLANES, lost, faces });
    return { kept: faces.length, lost };
  };
  member(async (seed) => film(await createPerformer(assets, randomIdentity(seed), QUICK), seed), finder.close);
}

await main();
