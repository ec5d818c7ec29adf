import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { cutFeatures, GIVEN } from '../../server/double/features.ts';
import { openDrawing } from '../../server/double/learned.ts';
import { EYE, MOUTH } from '../../server/double/parts.ts';
import { canonicalPoints, fitPose } from '../../server/double/pose.ts';
import { type Affine, SIZE } from '../../server/double/surface.ts';
import { random } from '../performer/vec.ts';
import { rgbToI420 } from '../performer/yuv.ts';
import { member } from './crew.ts';
import { byteOf, inCrop } from './crop.ts';
import { driverFile, openRecording } from './files.ts';
import { openOnlooker } from './onlooker.ts';
import { pictured, placed, readRecorded } from './recorded.ts';
import { Rest } from './rest.ts';
import { CROP, cutWanted, PICTURE, PLANE, TRUTH, WANTED } from './sample.ts';

export interface FeaturesJob {
  from: string;
  out: string;
  /** The double, and its folder as the server reads it. */
  name: string;
  dir: string;
}

/** Where a reader is to find a part's landmarks (reader.py): brow and eye from the temple inwards; lips. MediaPipe face mesh. */
const READ = [
  [33, 133, 159, 158, 160, 145, 144, 153, 70, 63, 105, 66, 107, 468],
  [263, 362, 386, 385, 387, 374, 373, 380, 300, 293, 334, 296, 336, 473],
  [61, 291, 78, 308, 37, 267, 84, 314, 81, 311, 178, 402, 40, 270, 91, 321, 0, 17, 13, 14],
] as const;
const PARTS = [EYE, EYE, MOUTH] as const;
const AREAS = PARTS.map(([height, width]) => height * width);
const AREA = AREAS.reduce((sum, area) => sum + area);

/** A double as it is drawn before its eyes and mouth are painted, and what paints them would be given. Owns everything it opens. */
async function openFilming(dir: string) {
  const onlooker = await openOnlooker();
  const { arena, kernels, runtime } = onlooker;
  const drawing = await openDrawing({ runtime, arena, kernels, dir });
  const { canonical, rigid } = drawing.template;
  const bytes = GIVEN * AREA * Float32Array.BYTES_PER_ELEMENT;
  const at = arena.allocate(bytes);
  const mouth = at + (bytes / AREA) * (AREAS[0]! + AREAS[1]!);
  return {
    average: canonical,
    /** Null where the server would not see exactly this one face. */
    film: (plate: Uint8Array, neutral: Float32Array | null, wanted: (toCrop: Affine) => Uint8Array) =>
      onlooker.look(plate, PICTURE, PICTURE, async (picture, landmarks, trackId) => {
        const drawn = await drawing.draw({ picture, landmarks, params: {}, trackId, neutral });
        drawing.forget(trackId);
        const places = cutFeatures(kernels, drawn, at, mouth);
        const { toCrop } = drawn.painted;
        const irises = arena.floats(drawn.iris, PLANE);
        const sample = sampleOf(arena.floats(at, GIVEN * AREA), [wanted(toCrop), bytesOf(irises)], places);
        return {
          sample,
          places,
          toCrop,
          canonical: canonicalPoints(landmarks.points, fitPose(canonical, landmarks.points, rigid)),
        };
      }),
    /** Where landmarks lie in the parts of a true face, part pixels; null where the server would not see it. */
    read: (truth: Uint8Array, toCrop: Affine, places: readonly Corner[]) =>
      onlooker.look(truth, PICTURE, PICTURE, (_picture, landmarks) => {
        const within = (landmark: number, { left, top }: Corner): number[] => {
          const [x, y] = inCrop(landmarks, landmark, toCrop);
          return [x - left, y - top].map((value) => Math.round(100 * value) / 100);
        };
        return Promise.resolve(READ.map((part, k) => part.map((landmark) => within(landmark, places[k]!))));
      }),
    close(): void {
      arena.release(at, bytes);
      drawing.close();
      onlooker.close();
    },
  };
}

const bytesOf = (values: Float32Array): Uint8Array => Uint8Array.from(values, byteOf);

/**
 * Of each part GIVEN, WANTED and one plane of bytes; scripts/training/features.py reads them. @param beside of the crop: WANTED planes, and how much
 * of each pixel is a painted iris.
 */
function sampleOf(given: Float32Array, beside: readonly Uint8Array[], places: readonly Corner[]): Uint8Array {
  const sample = new Uint8Array((GIVEN + WANTED + 1) * AREA);
  let [from, to] = [0, 0];
  for (const [k, [height, width]] of PARTS.entries()) {
    for (const end = from + GIVEN * AREAS[k]!; from < end; from++, to++) sample[to] = byteOf(given[from]!);
    const { left, top } = places[k]!;
    for (const planes of beside)
      for (let plane = 0; plane < planes.length; plane += PLANE)
        for (let y = 0; y < height; y++, to += width) {
          const row = plane + (top + y) * SIZE + left;
          sample.set(planes.subarray(row, row + width), to);
        }
  }
  return sample;
}

/** Where a part begins in the crop. */
interface Corner {
  left: number;
  top: number;
}

type Filming = Awaited<ReturnType<typeof openFilming>>;

async function record({ from, out, name }: FeaturesJob, filming: Filming, seed: number) {
  const { about, planes } = readRecorded(driverFile(join(from, name), seed));
  const next = random(seed * 7919 + 29);
  const rest = new Rest(Float32Array.from(about.neutral), filming.average);
  const recording = openRecording(driverFile(join(out, name), seed));
  const faces: object[] = [];
  for (const [i, face] of about.faces.entries()) {
    const plate = rgbToI420(pictured(planes(i, CROP, 3)), PICTURE, PICTURE);
    const truth = pictured(planes(i, TRUTH, 3));
    const taken = await filming.film(plate, rest.known(next), (toCrop) => {
      const cut = new Uint8Array(WANTED * PLANE);
      cutWanted(truth, placed(planes(i, TRUTH + 3, 1)), toCrop, cut);
      return cut;
    });
    if (!taken) continue;
    rest.saw(taken.canonical, face);
    recording.write(taken.sample);
    const read = await filming.read(rgbToI420(truth, PICTURE, PICTURE), taken.toCrop, taken.places);
    faces.push({ driver: face.driver, read, rig: face.rig });
  }
  recording.finish({ double: name, faces });
  return { kept: faces.length, lost: about.faces.length - faces.length };
}

async function main(): Promise<void> {
  const job = workerData as FeaturesJob;
  const filming = await openFilming(job.dir);
  member((seed) => record(job, filming, seed), filming.close);
}

await main();
