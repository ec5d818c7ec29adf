import type { Track } from '../../face/types.ts';
import { LANDMARKS } from '../../face/types.ts';
import type { NeutralFace } from '../../wire/casting.ts';

/** Frames that count, over at least so long; what has not come together by the end was not held still. */
const GOOD_FRAMES = 20;
const LEAST_US = 1_000_000;
const MOST_US = 3_000_000;
/** Turned further than this a face is not seen from the front. */
const MAX_TURN_DEG = 12;
/** Canonical units (about centimetres): a mouth that opens or closes by more is speaking, one that is open further is not at rest. */
const MOUTH_RANGE = 0.35;
const MOUTH_OPEN = 0.8;
/** Lids nearer together than this share of the widest seen: a blink, which does not count, but does no harm. */
const BLINK = 0.7;
/** Standard deviation of the points over the capture. Measured, canonical units: a calm face 0.02–0.06, a speaking one 0.08 and more. */
const MAX_SPREAD = 0.09;

const LIPS = [13, 14] as const;
const LIDS = [
  [159, 145],
  [386, 374],
] as const;

/** Collects one performer's face at rest, picture by picture. Pure: state follows from what it is told. */
export class Capture {
  #beganUs: number | null = null;
  readonly #frames: { points: Float32Array; us: number; mouth: number; lids: number }[] = [];

  /** @param points the landmarks on the head (head.ts); null where none can be had in this picture. */
  add(track: Track | null, points: Float32Array | null, captureUs: number): 'more' | 'moved' | NeutralFace {
    this.#beganUs ??= captureUs;
    const turned = track ? Math.max(Math.abs(track.yawDeg), Math.abs(track.pitchDeg)) : Number.POSITIVE_INFINITY;
    if (points && turned < MAX_TURN_DEG) {
      const lids = LIDS.reduce((sum, [upper, lower]) => sum + apart(points, upper, lower), 0);
      this.#frames.push({ points, us: captureUs, mouth: apart(points, ...LIPS), lids });
    }
    const calm = this.#calm();
    if (calm.length >= GOOD_FRAMES && captureUs - (calm[0]?.us ?? captureUs) >= LEAST_US) return meanOf(calm);
    return captureUs - this.#beganUs > MOST_US ? 'moved' : 'more';
  }

  /** The newest run of frames in which nothing but a blink moved. */
  #calm(): { points: Float32Array; us: number }[] {
    const widest = Math.max(...this.#frames.map(({ lids }) => lids));
    const open = this.#frames.filter(({ lids }) => lids >= BLINK * widest);
    let [low, high] = [Number.POSITIVE_INFINITY, 0];
    let from = open.length;
    while (from > 0) {
      const { mouth } = open[from - 1] ?? { mouth: Number.POSITIVE_INFINITY };
      low = Math.min(low, mouth);
      high = Math.max(high, mouth);
      if (!(high <= MOUTH_OPEN) || high - low > MOUTH_RANGE) break;
      from--;
    }
    const run = open.slice(from);
    return run.length >= GOOD_FRAMES && spreadOf(run) <= MAX_SPREAD ? run : [];
  }
}

function apart(points: Float32Array, a: number, b: number): number {
  let square = 0;
  for (let axis = 0; axis < 3; axis++) square += ((points[3 * a + axis] ?? 0) - (points[3 * b + axis] ?? 0)) ** 2;
  return Math.sqrt(square);
}

function means(frames: readonly { points: Float32Array }[]): Float64Array {
  const mean = new Float64Array(3 * LANDMARKS);
  for (const { points } of frames) for (let k = 0; k < mean.length; k++) mean[k]! += (points[k] ?? 0) / frames.length;
  return mean;
}

/** Root mean square distance of a coordinate from its mean, irises left out: eyes wander in the calmest face. */
function spreadOf(frames: readonly { points: Float32Array }[]): number {
  const mean = means(frames);
  const values = 3 * 468;
  let square = 0;
  for (const { points } of frames) for (let k = 0; k < values; k++) square += ((points[k] ?? 0) - (mean[k] ?? 0)) ** 2;
  return Math.sqrt(square / values / frames.length);
}

function meanOf(frames: readonly { points: Float32Array; us: number }[]): NeutralFace {
  const points = Array.from(means(frames), (value) => Math.round(value * 1e4) / 1e4);
  return { points, spread: spreadOf(frames), atMs: Date.now() };
}
