import type { Track } from '../../face/types.ts';
import { LANDMARKS } from '../../face/types.ts';
import type { NeutralFace, NeutralMissed } from '../../wire/casting.ts';
import type { Sight } from './sight.ts';

/** A face is at rest when this share of its newest pictures, blinks left out, shows it as it mostly is; over so long, in so many of them. */
const CALM_SHARE = 0.6;
const CALM_US = 1_000_000;
const LEAST_FRAMES = 8;
/** How far back is looked, at least: a slow machine sees few pictures. */
const WINDOW_US = 1_200_000;
const WINDOW_FRAMES = 12;
/** What has not come together by then was not held still. */
const MOST_US = 4_000_000;
/** Who is in no hurry looks at every so many pictures. */
const PATIENT_STEP = 5;
/**
 * A face turned or bent further than this is not seen from the front. Up and down there is room for cameras that hang high or stand low:
 * a real face that looked straight ahead read as 16–25° in one clip.
 */
const MAX_YAW_DEG = 20;
const MAX_PITCH_DEG = 32;
/** From the usual pose of the capture: landmarks that are turned back onto the head still creep by about 0.1 units in ten degrees. */
const POSE_RANGE_DEG = 6;
/** Canonical units (about centimetres) between the lips. Measured: calm faces 0.05–0.36, speaking ones 0.1–1.9. */
const MOUTH_OPEN = 0.6;
const MOUTH_RANGE = 0.2;
/** Lids nearer together than this share of the usual: a blink, which does not count, but does no harm. */
const BLINK = 0.75;
/** How far the points may lie from where they mostly are, root mean square. Measured: calm 0.03–0.06, speaking 0.06–0.16. */
const MAX_AWAY = 0.09;
/**
 * Below these the landmarks are another face's. Measured on two real faces made smaller, darker and softer, as likeness to themselves
 * (at most 9.1 nats): 26 pixels 5.9 and 8.5, 20 pixels −0.1 and 7.4; level 42 1.0 and 3.3, level 28 −21 and −24; blurred with σ of 2.6 % of
 * their width (detail 0.060 and 0.077) 2.5 and 7.7, of 5 % (detail 0.050 and 0.053) −7.6 and −0.1.
 */
const MIN_WIDTH = 28;
const MIN_LEVEL = 36;
const MIN_DETAIL = 0.056;

const LIPS = [13, 14] as const;
const LIDS = [
  [159, 145],
  [386, 374],
] as const;
/** Coordinates that are compared; irises left out: eyes wander in the calmest face. */
const COMPARED = 3 * 468;

/** One picture of a face that is to be captured. */
export interface Seen {
  track: Pick<Track, 'yawDeg' | 'pitchDeg'>;
  /** The landmarks on the head (head.ts). */
  points: Float32Array;
  /** Null where it cannot be told: then it counts as well seen. */
  sight: Sight | null;
}

interface Frame {
  us: number;
  /** Why it cannot count, whatever the others show. */
  wrong: NeutralMissed | null;
  seen: Seen | null;
  mouth: number;
  lids: number;
}

/** Collects one performer's face at rest, picture by picture. Pure but for the date: state follows from what it is told. */
export class Capture {
  readonly #patient: boolean;
  #beganUs: number | null = null;
  #added = 0;
  #frames: Frame[] = [];

  /** @param patient never gives up: for a performer who has not been asked to hold still. */
  constructor(patient = false) {
    this.#patient = patient;
  }

  /** @param seen null where the face is not in the picture, or not for certain. @returns the face, why it came to nothing, or that it goes on. */
  add(seen: Seen | null, captureUs: number): NeutralFace | NeutralMissed | 'more' {
    this.#beganUs ??= captureUs;
    this.#frames.push(frameOf(seen, captureUs));
    const keptUs = this.#patient ? WINDOW_US : MOST_US;
    while (this.#frames.length > WINDOW_FRAMES && captureUs - (this.#frames[0]?.us ?? captureUs) > keptUs)
      this.#frames.shift();
    const long = captureUs - this.#beganUs >= CALM_US;
    // Most pictures of somebody who speaks need no closer look.
    const due = !this.#patient || this.#added++ % PATIENT_STEP === 0;
    const calm = long && due && !this.#frames.at(-1)?.wrong ? calmOf(this.#newest(captureUs)) : null;
    if (calm) return meanOf(calm);
    return !this.#patient && captureUs - this.#beganUs > MOST_US ? reasonOf(this.#frames) : 'more';
  }

  #newest(us: number): Frame[] {
    const recent = this.#frames.findIndex((frame) => us - frame.us <= WINDOW_US);
    return this.#frames.slice(Math.max(0, Math.min(recent, this.#frames.length - WINDOW_FRAMES)));
  }
}

function frameOf(seen: Seen | null, us: number): Frame {
  if (!seen) return { us, wrong: 'gone', seen, mouth: 0, lids: 0 };
  const lids = LIDS.reduce((sum, [upper, lower]) => sum + apart(seen.points, upper, lower), 0);
  const mouth = apart(seen.points, ...LIPS);
  return { us, wrong: wrongWith(seen, mouth), seen, mouth, lids };
}

function wrongWith({ track, sight }: Seen, mouth: number): NeutralMissed | null {
  if (sight && sight.width < MIN_WIDTH) return 'small';
  if (sight && sight.level < MIN_LEVEL) return 'dark';
  if (sight && sight.detail < MIN_DETAIL) return 'soft';
  if (!(Math.abs(track.yawDeg) <= MAX_YAW_DEG && Math.abs(track.pitchDeg) <= MAX_PITCH_DEG)) return 'turned';
  return mouth <= MOUTH_OPEN ? null : 'mouth';
}

/** What keeps each of these frames from showing the face as it mostly is; null for one that does; blinks are left out. */
function compared(frames: readonly Frame[]): { seen: Seen; wrong: NeutralMissed | null }[] {
  const usable = frames.flatMap((frame) => (frame.seen && !frame.wrong ? [{ ...frame, seen: frame.seen }] : []));
  const lids = median(usable.map((frame) => frame.lids));
  const open = usable.filter((frame) => frame.lids >= BLINK * lids);
  const usual = {
    mouth: median(open.map(({ mouth }) => mouth)),
    yaw: median(open.map(({ seen }) => seen.track.yawDeg)),
    pitch: median(open.map(({ seen }) => seen.track.pitchDeg)),
  };
  const first = open.map(({ seen, mouth }) => {
    const turned = Math.max(Math.abs(seen.track.yawDeg - usual.yaw), Math.abs(seen.track.pitchDeg - usual.pitch));
    const wrong = turned > POSE_RANGE_DEG ? 'moved' : Math.abs(mouth - usual.mouth) > MOUTH_RANGE ? 'mouth' : null;
    return { seen, wrong } as const;
  });
  const left = first.filter(({ wrong }) => !wrong).map(({ seen }) => seen);
  if (left.length === 0) return first;
  const mean = means(nearest(left, means(left)));
  return first.map(({ seen, wrong }) => ({ seen, wrong: wrong ?? (away(seen, mean) > MAX_AWAY ? 'moved' : null) }));
}

/** The pictures of a face at rest; null while it is none. */
function calmOf(frames: readonly Frame[]): Seen[] | null {
  const shown = compared(frames);
  const blinks = frames.filter(({ wrong }) => !wrong).length - shown.length;
  const calm = shown.flatMap(({ seen, wrong }) => (wrong ? [] : [seen]));
  return calm.length >= LEAST_FRAMES && calm.length >= CALM_SHARE * (frames.length - blinks) ? calm : null;
}

/** What was wrong with most of the pictures that could not be used. */
function reasonOf(frames: readonly Frame[]): NeutralMissed {
  const counts = new Map<NeutralMissed, number>();
  const all = [...frames.map(({ wrong }) => wrong), ...compared(frames).map(({ wrong }) => wrong)];
  for (const wrong of all) if (wrong) counts.set(wrong, (counts.get(wrong) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'moved';
}

/** The half of the faces that are nearest to a mean, so that a hand before the face does not draw it along. */
function nearest(seen: readonly Seen[], mean: Float64Array): Seen[] {
  const sorted = seen.map((one) => ({ one, away: away(one, mean) })).sort((a, b) => a.away - b.away);
  return sorted.slice(0, Math.ceil(seen.length / 2)).map(({ one }) => one);
}

function apart(points: Float32Array, a: number, b: number): number {
  let square = 0;
  for (let axis = 0; axis < 3; axis++) square += ((points[3 * a + axis] ?? 0) - (points[3 * b + axis] ?? 0)) ** 2;
  return Math.sqrt(square);
}

/** Root mean square distance of a coordinate from a mean. */
function away({ points }: Seen, mean: Float64Array): number {
  let square = 0;
  for (let k = 0; k < COMPARED; k++) square += ((points[k] ?? 0) - (mean[k] ?? 0)) ** 2;
  return Math.sqrt(square / COMPARED);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function means(seen: readonly Seen[]): Float64Array {
  const mean = new Float64Array(3 * LANDMARKS);
  for (const { points } of seen) for (let k = 0; k < mean.length; k++) mean[k]! += (points[k] ?? 0) / seen.length;
  return mean;
}

function meanOf(seen: readonly Seen[]): NeutralFace {
  const mean = means(seen);
  const square = seen.reduce((sum, one) => sum + away(one, mean) ** 2, 0) / seen.length;
  const points = Array.from(mean, (value) => Math.round(value * 1e4) / 1e4);
  return { points, spread: Math.sqrt(square), atMs: Date.now() };
}
