import type { Guide, Template } from '../../server/double/template.ts';
import type { Expression } from '../eval/face-signals.ts';
import type { Observer, Sight } from './observe.ts';
import type { Progress } from './progress.ts';
import { Registration } from './register.ts';
import type { Texels } from './texels.ts';
import { type Unrolled, unroll } from './unroll.ts';

/** Faces a texture is made of: more add little but time. */
export const MOST_BLENDED = 120;
const ROUNDS = 3;
const YAW_CELL = 18;
/** A face as high as this fills the crop that a double is drawn in. */
const FULL_FACE = 200;

/** What a texture is blended from, and how. */
export interface Blending {
  observer: Observer;
  template: Template;
  texels: Texels;
  /** Of each landmark, 0–1, flat. */
  uv: readonly number[];
  rest: Expression;
  progress: Progress;
}

/** Colour over light, three numbers a texel, and how much was seen of each. */
export interface Blend {
  colour: Float32Array;
  weight: Float32Array;
}

/** Faces of all sides, the best of each: sharp, large, at rest. */
export function chooseSights(sights: readonly Sight[], rest: Expression): Sight[] {
  const cells = new Map<number, Sight[]>();
  for (const sight of sights) {
    const cell = Math.round(sight.yaw / YAW_CELL);
    cells.set(cell, [...(cells.get(cell) ?? []), sight]);
  }
  const good = (s: Sight): number =>
    qualityOf(s) * Math.max(0.1, calmMouth(s, rest)) * Math.max(0.1, calmEyes(s, rest));
  const queues = [...cells.values()].map((cell) => cell.toSorted((a, b) => good(b) - good(a)));
  const chosen: Sight[] = [];
  while (chosen.length < MOST_BLENDED && queues.some((queue) => queue.length > 0))
    for (const queue of queues) {
      const next = queue.shift();
      if (next) chosen.push(next);
    }
  return chosen.slice(0, MOST_BLENDED);
}

/** Sharpness in the crop a double is drawn in, 0–1. */
export function qualityOf({ blur, faceHeight }: Sight): number {
  const scale = FULL_FACE / faceHeight;
  const sigma = Math.hypot(blur * scale, 0.4 * Math.max(0, scale - 1));
  return 1 / (1 + sigma * sigma);
}

const bell = (off: number, width: number): number => (Number.isFinite(off) ? Math.exp(-((off / width) ** 2)) : 0.2);
const calmMouth = ({ expression: e }: Sight, rest: Expression): number =>
  bell(Math.max(0, e.mouthOpen - rest.mouthOpen), 0.1) * bell(e.smile - rest.smile, 0.35);
const calmEyes = ({ expression: e }: Sight, rest: Expression): number => bell(Math.max(0, e.blink - rest.blink), 0.06);
const calmBrows = ({ expression: e }: Sight, rest: Expression): number => bell(e.brow - rest.brow, 0.3);

/** x and y on the canonical face, camera axes, and how far around them expression moves the skin. */
const REGIONS = [
  { calm: calmMouth, places: [[0, 4.3]], reach: 3.2 },
  {
    calm: calmEyes,
    places: [
      [-3.2, -2.6],
      [3.2, -2.6],
    ],
    reach: 1.9,
  },
  {
    calm: calmBrows,
    places: [
      [-3.4, -5],
      [3.4, -5],
      [0, -5],
    ],
    reach: 2.4,
  },
] as const;

/** Share of each texel that belongs to each region, 0–1. */
function regionsOf({ places, at }: Texels): Float32Array[] {
  return REGIONS.map(({ places: middles, reach }) =>
    Float32Array.from(at, (_, k) =>
      Math.max(
        ...middles.map(([x, y]) => {
          const away = Math.hypot(places[3 * k]! - x, places[3 * k + 1]! - y) / reach;
          return Math.min(1, Math.max(0, 2 - 2 * away));
        }),
      ),
    ),
  );
}

/**
 * The mean of what all sights show of each texel, seen squarely, sharply and at rest counting for more, and what disagrees (highlights,
 * shadows, hair, hands) for less: iteratively reweighted least squares with a Cauchy-like weight, narrower on the bright side.
 */
export function blend(
  sights: readonly Sight[],
  { observer, template, texels, uv, rest, progress }: Blending,
  how: { guide: Guide; gained: number; aligned: number; what: string; done: (share: number) => number },
): Blend {
  const surface = observer.surface(template);
  const regions = regionsOf(texels);
  try {
    let done = 0;
    const steps = sights.length * (1 + how.aligned);
    const step = (): void => progress.tell(how.what, how.done(++done / steps));
    const seen = sights.map((sight) => {
      const one = unroll(sight, observer.draw(surface, sight), texels, uv, how.guide, how.gained);
      weigh(one, sight, rest, regions);
      step();
      return one;
    });
    let mean: Blend | null = null;
    for (let round = 0; round < ROUNDS; round++) mean = meanOf(seen, mean, texels.at.length);
    const registration = new Registration(texels);
    const laid = seen.map((one) => registration.begin(one));
    for (let round = 0; round < how.aligned; round++) {
      const slopes = registration.slopesOf(mean!);
      for (const one of laid) {
        registration.align(one, slopes);
        step();
      }
      mean = meanOf(
        laid.map((one) => one.laid),
        mean,
        texels.at.length,
      );
    }
    return mean!;
  } finally {
    surface.close();
  }
}

function meanOf(seen: readonly Unrolled[], before: Blend | null, count: number): Blend {
  const sum = { colour: new Float32Array(3 * count), weight: new Float32Array(count) };
  for (const one of seen) add(sum, one, before);
  for (let k = 0; k < count; k++)
    if (sum.weight[k]! > 0) for (let c = 3 * k; c < 3 * k + 3; c++) sum.colour[c]! /= sum.weight[k]!;
  return sum;
}

function weigh({ weight }: Unrolled, sight: Sight, rest: Expression, regions: readonly Float32Array[]): void {
  const quality = qualityOf(sight) ** 2;
  const calm = REGIONS.map((region) => region.calm(sight, rest));
  for (let k = 0; k < weight.length; k++) {
    if (weight[k] === 0) continue;
    let share = quality;
    for (let r = 0; r < regions.length; r++) share *= 1 - regions[r]![k]! * (1 - Math.max(0.02, calm[r]!));
    weight[k]! *= share;
  }
}

/** Logs of brightness that far from the mean count a quarter. */
const [TOO_DARK, TOO_BRIGHT] = [0.16, 0.07];

function add(sum: Blend, { colour, weight }: Unrolled, mean: Blend | null): void {
  for (let k = 0; k < weight.length; k++) {
    let w = weight[k]!;
    if (w === 0) continue;
    if (mean && mean.weight[k]! > 0) {
      const off = Math.log(Math.max(0.02, brightness(colour, k)) / Math.max(0.02, brightness(mean.colour, k)));
      const away = off / (off > 0 ? TOO_BRIGHT : TOO_DARK);
      w /= (1 + away * away) ** 2;
    }
    sum.weight[k]! += w;
    for (let c = 3 * k; c < 3 * k + 3; c++) sum.colour[c]! += w * colour[c]!;
  }
}

const brightness = (colour: Float32Array, k: number): number =>
  0.25 * colour[3 * k]! + 0.6 * colour[3 * k + 1]! + 0.15 * colour[3 * k + 2]!;
