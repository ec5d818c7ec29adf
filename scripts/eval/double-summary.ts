import { median } from '../bench/report.ts';
import type { RunResult } from './double-run.ts';
import { type Expression, motionOf } from './face-signals.ts';
import type { Performance, PersonMoment } from './performances.ts';
import { deviation, lagOf, pearson } from './series.ts';
import { complexionGain, lightDifference } from './similarity.ts';
import { noiseRatio, rms } from './steadiness.ts';

/** Gate ids of expression transfer, the signal each reads off the picture, the rig's own value, and how much that must vary in a clip to be judged by it. */
export const SIGNALS = [
  { id: 'corr_mouth_open', of: 'mouthOpen', rig: (m) => m.rig.jaw, least: 0.05 },
  { id: 'corr_blink', of: 'blink', rig: (m) => (m.rig.blinkLeft + m.rig.blinkRight) / 2, least: 0.08 },
  { id: 'corr_smile', of: 'smile', rig: (m) => m.rig.smile, least: 0.06 },
  { id: 'corr_brow', of: 'brow', rig: (m) => m.rig.brows, least: 0.08 },
  { id: 'corr_gaze_x', of: 'gazeX', rig: (m) => m.gazeDeg[0], least: 2 },
] as const satisfies readonly Signal[];

interface Signal {
  id: string;
  of: keyof Expression;
  rig: (moment: PersonMoment) => number;
  least: number;
}

export type SignalId = (typeof SIGNALS)[number]['id'];

/** One signal's correlation with the rig, in the program, and for comparison in the plate and in the truth themselves: more than these the measure cannot show. */
export interface Transfer {
  program: number;
  plate: number;
  truth: number;
  /** Of the program's signal with the plate's: what can be said without a rig. */
  with_plate: number;
}

export interface Summary {
  frames: number;
  replaced_pct: number;
  psnr_db: number;
  ssim: number;
  light_de2000: number;
  /** The same once one gain per channel is taken out of the whole clip: how light moves, whatever the complexion. */
  light_levelled_de2000: number;
  /** That gain, linear R, G, B: far from 1 the truth's complexion is not the performer's, and likeness to it says little. */
  complexion_gain: readonly number[];
  transfer: Record<SignalId, Transfer>;
  flicker_still: number;
  flicker_moving: number;
  /** The same against the truth instead of the plate, and of coarse patches. */
  flicker: Record<string, number>;
  lag_frames: number;
  /** Of truth against plate: what the measure reads where there is no lag. */
  lag_truth: number;
  kept_pct: number;
  troubles: string[];
}

/** NaN stands for what a clip cannot show. */
export function summaryOf(result: RunResult, performance: Performance | null): Summary {
  const { landmarks, flicker, kept } = result;
  // All sides are judged by the same pictures: those in which the face is replaced and found again.
  const plateThen = landmarks.plate.map((points, i) => (landmarks.program[i] ? points : null));
  const complexion = complexionGain(result.light.flat());
  return {
    frames: result.frames,
    replaced_pct: (100 * result.replaced) / result.frames,
    psnr_db: median(result.psnr),
    ssim: median(result.ssim),
    light_de2000: median(result.light.map((samples) => lightDifference(samples))),
    light_levelled_de2000: median(result.light.map((samples) => lightDifference(samples, complexion))),
    complexion_gain: complexion,
    transfer: Object.fromEntries(SIGNALS.map((signal) => [signal.id, transfer(result, performance, signal)])) as Record<
      SignalId,
      Transfer
    >,
    flicker_still: noiseRatio(flicker.result.program.still, flicker.result.plate.still),
    flicker_moving: noiseRatio(flicker.result.program.moving, flicker.result.plate.moving),
    flicker: flickerDetails(result),
    lag_frames: lagOf(motionOf(plateThen), motionOf(landmarks.program)),
    lag_truth: lagOf(motionOf(landmarks.plate), motionOf(landmarks.truth)),
    kept_pct: (100 * kept.same) / kept.count,
    troubles: [...result.troubles],
  };
}

function transfer({ expressions }: RunResult, performance: Performance | null, signal: Signal): Transfer {
  const found = expressions.plate.map(
    (_, i) => expressions.program[i] !== null && expressions.program[i] !== undefined,
  );
  const read = (side: 'plate' | 'program' | 'truth'): number[] =>
    expressions[side].map((one, i) => (found[i] && one ? one[signal.of] : Number.NaN));
  const rig = found.map((_, i) => {
    const moment = performance?.frames[i]?.people[0];
    return moment ? signal.rig(moment) : Number.NaN;
  });
  const varies = deviation(rig.filter((_, i) => found[i])) >= signal.least;
  const judge = (side: 'plate' | 'program' | 'truth'): number => (varies ? pearson(read(side), rig) : Number.NaN);
  return {
    program: judge('program'),
    plate: judge('plate'),
    truth: judge('truth'),
    with_plate: pearson(read('program'), read('plate')),
  };
}

function flickerDetails({ flicker: { result } }: RunResult): Record<string, number> {
  const out: Record<string, number> = {};
  for (const state of ['still', 'moving'] as const) {
    out[`${state}_to_truth`] = noiseRatio(result.program[state], result.truth[state]);
    out[`${state}_coarse`] = noiseRatio(result.program[state], result.plate[state], 'coarse');
    for (const side of ['plate', 'program', 'truth'] as const)
      out[`${state}_rms_${side}`] = rms(result[side][state].fine);
  }
  return out;
}

/** Numbers rounded for the report, NaN as null. */
export function tidy(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.round(value * 1000) / 1000 : null;
  if (Array.isArray(value)) return value.map(tidy);
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, tidy(inner)]));
  return value;
}
