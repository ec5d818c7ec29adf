import type { Assets } from './assets.ts';
import { createBackdrops } from './backdrops.ts';
import type { Identity } from './identity.ts';
import { createPairs, type Pair, type PairNumbers, type PairsRenderer } from './pair.ts';
import { personNamed, randomIdentity, withSkinOfAge } from './people.ts';
import { type ClipKind, type Performance, writePerformance } from './performances.ts';
import { createPerformer, FINE, type Performer } from './performer.ts';
import { sample } from './texture.ts';
import { rgbToI420 } from './yuv.ts';

/** One clip to render. */
export interface ClipJob {
  assets: string;
  skins: string;
  kind: ClipKind;
  seed: number;
  /** Seeds of the people before the camera, the nearer one first. */
  people: number[];
  doubles: string[];
  width: number;
  height: number;
  fps: number;
  seconds: number;
}

/** One person in one picture. */
export interface PersonTruth {
  /** Position in the job's list of people. */
  person: number;
  /** Share of the face's pixels that the picture shows: 0 out of the picture or hidden. */
  visible: number;
  numbers: PairNumbers;
}

/** One picture of the clip: I420 by file name, and what it shows. */
export interface ClipPicture {
  index: number;
  files: Record<string, Uint8Array>;
  people: PersonTruth[];
}

interface Actor {
  performer: Performer;
  performance: Performance;
  /** Renders the plate and every truth. */
  pairs: PairsRenderer;
}

/** Skin ages of the plate and of its younger truth. */
const OLD = 0.85;
const YOUNG = 0.1;
/** Geometry of an aged pair: a face that can pass for either. */
const AGED_GEOMETRY = 0.35;

/** Names of the truths of a clip: one for each double, or the same face younger. */
export const truthNames = (job: Pick<ClipJob, 'kind' | 'doubles'>): string[] =>
  job.kind.aged ? ['young'] : job.doubles;

export function identityOf(kind: ClipKind, seed: number): Identity {
  const person = randomIdentity(seed);
  return kind.aged ? withSkinOfAge({ ...person, age: AGED_GEOMETRY }, OLD) : person;
}

async function castActor(assets: Assets, job: ClipJob, role: 0 | 1): Promise<Actor> {
  const seed = job.people[role]!;
  const identity = identityOf(job.kind, seed);
  const performer = await createPerformer(assets, identity, FINE);
  const others: Performer[] = [];
  for (const name of truthNames(job))
    others.push(
      await createPerformer(assets, job.kind.aged ? withSkinOfAge(identity, YOUNG) : personNamed(name), FINE),
    );
  const looks = { skin: meanSkin(performer), eyes: performer.head.eyes[0][0] };
  return {
    performer,
    performance: writePerformance(job.kind, job.seed, job.seconds, looks, role),
    pairs: createPairs(performer, others, job.width, job.height, { detail: true }),
  };
}

/** Linear colour of the forehead's skin, for the performer's hand. */
function meanSkin(p: Performer): [number, number, number] {
  const skin = p.head.parts.find((part) => part.name === 'skin')!;
  const rgba = new Float32Array(4);
  const sum: [number, number, number] = [0, 0, 0];
  let n = 0;
  for (let t = 0; t < skin.triangles.length; t += 3) {
    const i = 3 * skin.triangles[t]!;
    if (p.rest[i + 1]! < 0.3 || p.rest[i + 1]! > 0.5 || Math.abs(p.rest[i]!) > 0.4 || p.rest[i + 2]! < -0.2) continue;
    sample(p.textures.skin!, skin.uvs[2 * skin.corners[t]!]!, skin.uvs[2 * skin.corners[t]! + 1]!, rgba);
    for (let c = 0; c < 3; c++) sum[c] = sum[c]! + rgba[c]!;
    n++;
  }
  return [sum[0] / n, sum[1] / n, sum[2] / n];
}

export interface ClipRenderer {
  render(index: number): ClipPicture;
}

/** Everything of a clip but the encoding; the frames may be rendered in any order. */
export async function createClipRenderer(assets: Assets, job: ClipJob): Promise<ClipRenderer> {
  const { width, height } = job;
  const actors: Actor[] = [];
  for (let role = 0; role < job.people.length; role++) actors.push(await castActor(assets, job, role as 0 | 1));
  const backdrops = createBackdrops(width, height);
  const pixels = width * height;
  const buffers = {
    truth: new Float32Array(3 * pixels),
    face: new Float32Array(pixels),
    kept: new Float32Array(pixels),
    leastFace: new Float32Array(pixels),
    mostKept: new Float32Array(pixels),
  };
  return {
    render(index) {
      const files: Record<string, Uint8Array> = {};
      let people: PersonTruth[] = [];
      buffers.leastFace.fill(1);
      buffers.mostKept.fill(0);
      const shots = shoot(actors, index / job.fps, backdrops);
      const plate = shots[shots.length - 1]!.pairs[0]!.plate;
      files.plate = picture(plate, width, height);
      truthNames(job).forEach((name, truth) => {
        people = wearAll(shots, truth, plate, buffers);
        files[`truth-${name}`] = picture(buffers.truth, width, height);
        for (let i = 0; i < pixels; i++) {
          buffers.leastFace[i] = Math.min(buffers.leastFace[i]!, buffers.face[i]!);
          buffers.mostKept[i] = Math.max(buffers.mostKept[i]!, buffers.kept[i]!);
        }
      });
      files.face = mask(buffers.leastFace, width, height);
      files.kept = mask(buffers.mostKept, width, height);
      return { index, files, people };
    },
  };
}

interface Buffers {
  truth: Float32Array;
  face: Float32Array;
  kept: Float32Array;
}

/** One person filmed; `hidden` is what nearer people cover. */
interface Shot {
  person: number;
  pairs: Pair[];
  hidden: Float32Array | null;
}

/** Films everybody, the farthest first, each before the picture of those behind. */
function shoot(actors: readonly Actor[], t: number, backdrops: ReturnType<typeof createBackdrops>): Shot[] {
  const shots: Shot[] = [];
  let behind: Float32Array | null = null;
  for (let person = actors.length - 1; person >= 0; person--) {
    const { performance, pairs } = actors[person]!;
    const moment = performance.moment(t);
    behind ??= backdrops.at(moment.backdrop, moment.light);
    const filmed = pairs.render(moment, performance.occluder(t), behind);
    behind = filmed[0]!.linear;
    for (const s of shots) s.hidden = filmed[0]!.cover;
    shots.push({ person, pairs: filmed, hidden: null });
  }
  return shots;
}

/** Fills the buffers with everybody wearing one truth; people in the order of the job. */
function wearAll(shots: readonly Shot[], truth: number, plate: Float32Array, out: Buffers): PersonTruth[] {
  out.truth.set(plate);
  out.face.fill(0);
  out.kept.fill(0);
  const people = shots.map((s): PersonTruth => {
    const pair = s.pairs[truth]!;
    return { person: s.person, visible: wear(pair, s.hidden, out), numbers: pair.numbers };
  });
  return people.toSorted((a, b) => a.person - b.person);
}

/** Puts one double's face into the truth where it is seen; returns the share of it that is. */
function wear(pair: Pair, hidden: Float32Array | null, out: Buffers): number {
  const { face, kept, truth } = pair;
  let [seen, all] = [0, 0];
  for (let i = 0; i < face.length; i++) {
    if (face[i] === 0) continue;
    const away = hidden ? hidden[i]! : 0;
    const before = kept[i]! + (1 - kept[i]!) * away;
    const a = face[i]! * (1 - before);
    for (let c = 3 * i; c < 3 * i + 3; c++) out.truth[c] = out.truth[c]! + (truth[c]! - out.truth[c]!) * a;
    all += face[i]!;
    seen += a;
    out.face[i] = Math.max(out.face[i]!, face[i]! * (1 - away));
    out.kept[i] = Math.max(out.kept[i]! * away, kept[i]! * (1 - away));
  }
  // What sticks out of the picture is not in the mask: count it by the face's size.
  const whole = 0.62 * pair.numbers.faceSize ** 2;
  return Math.min(1, seen / Math.max(all, 0.6 * whole, 1));
}

const picture = (rgb: Float32Array, width: number, height: number): Uint8Array =>
  Uint8Array.from(rgbToI420(rgb, width, height));

/** 0–1 → luma 16–235 with grey chroma. */
function mask(values: Float32Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array((width * height * 3) / 2).fill(128);
  for (let i = 0; i < values.length; i++) out[i] = Math.round(16 + 219 * values[i]!);
  return out;
}
