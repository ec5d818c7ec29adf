import { type Gate, gate } from '../bench/report.ts';
import type { AgeSummary } from './double-age.ts';
import { SIGNALS, type Summary } from './double-summary.ts';
import { isSwept, type Performance } from './performances.ts';
import type { CrossingSummary } from './wrong-person.ts';

/** One double in one clip; without a performance the clip is a camera's, and has no truth. */
export interface Measured {
  double: string;
  clip: string;
  performance: Performance | null;
  summary: Summary;
}

export interface Times {
  double: string;
  frameMs: number;
  doubleMs: number;
}

export interface AllMeasured {
  doubles: Measured[];
  /** One that `doubles train` made, in the performances that have a truth for it. */
  trained: Measured[];
  crossings: CrossingSummary[];
  ages: AgeSummary[];
  /** Largest difference with the dial at 0, code values; one a clip. */
  zero: number[];
  /** One a double, or why there are none. */
  times: Times[] | string;
}

const LEAST = { corr_mouth_open: 0.9, corr_blink: 0.8, corr_smile: 0.7, corr_brow: 0.5, corr_gaze_x: 0.7 } as const;
const NO_TRUTH = 'no performance has a truth for this double: render some and name their folder with --performances';
const NO_FACE = 'no face was replaced';
const NOT_TRAINED =
  'no double made by `doubles train` was named with --trained, or no performance has a truth for it and for the others';

/** The gates of the digital double and the age dial, each over all clips; where doubles differ the worse one counts. */
export function gatesOf({ doubles, trained, crossings, ages: bothEnds, zero, times }: AllMeasured): Gate[] {
  const ages = bothEnds.filter(({ end }) => end === 'younger');
  const judge = (
    id: string,
    op: '<=' | '>=',
    limit: number,
    of: (summary: Summary) => number,
    why: string,
    which: (one: Measured) => boolean = () => true,
  ): Gate => worst(id, op, limit, doubles.filter(which), of, why);
  const occluded = ({ performance }: Measured): boolean => (performance?.occluders.length ?? 0) > 0;
  const sweep = ({ performance }: Measured): boolean => performance !== null && isSwept(performance);
  // Nobody wears a wrong double where nobody wears any.
  const crossed = crossings.filter(({ own_pct, wrong }) => wrong > 0 || own_pct.some((share) => share > 0));
  const timed = typeof times === 'string' ? [] : times;
  const untimed = typeof times === 'string' ? times : 'nothing was timed';
  const noYoung = 'no performance has truth-young.mkv';
  return [
    judge('psnr_db', '>=', 26, (s) => s.psnr_db, NO_TRUTH),
    judge('ssim', '>=', 0.9, (s) => s.ssim, NO_TRUTH),
    ...SIGNALS.map(({ id }) =>
      judge(
        id,
        '>=',
        LEAST[id],
        (s) => s.transfer[id].program,
        'no rendered performance moves this, or no face was replaced there',
      ),
    ),
    judge('flicker_still', '<=', 1.15, (s) => s.flicker_still, 'no clip holds still with its face replaced'),
    judge('flicker_moving', '<=', 1.15, (s) => s.flicker_moving, 'no clip moves with its face replaced'),
    judge('lag_frames', '<=', 1, (s) => s.lag_frames, NO_FACE),
    judge('occluder_kept_pct', '>=', 95, (s) => s.kept_pct, 'nothing passes before a replaced face', occluded),
    judge(
      'light_de2000',
      '<=',
      4,
      (s) => s.light_de2000,
      NO_TRUTH,
      (one) => !sweep(one),
    ),
    judge('light_sweep_de2000', '<=', 6, (s) => s.light_de2000, 'no performance has a light that sweeps', sweep),
    gate(
      'wrong_person_frames',
      '==',
      0,
      crossed.length ? [crossed.reduce((sum, { wrong }) => sum + wrong, 0)] : [],
      'no performance shows two people, or nobody in it ever wore their double',
    ),
    overClips(
      'age_gain_pct',
      '>=',
      25,
      ages.map((age) => age.gain_pct),
      noYoung,
    ),
    overClips(
      'age_identity_shift_pct',
      '<=',
      1,
      ages.map((age) => age.shift_pct),
      noYoung,
    ),
    // Code values: 1/255 of the range each.
    gate('age_zero_error', '<=', 1, zero.length ? [Math.max(...zero)] : [], 'no face was treated'),
    overClips('train_gap_db', '<=', 2, trainGaps(doubles, trained), NOT_TRAINED),
    gate('frame_ms_p50', '<=', 16, timed.length ? [Math.max(...timed.map((time) => time.frameMs))] : [], untimed),
    gate('double_ms_p50', '<=', 12, timed.length ? [Math.max(...timed.map((time) => time.doubleMs))] : [], untimed),
  ];
}

/** In each performance the mean PSNR of the bundled doubles less that of the one made from footage. */
export function trainGaps(bundled: readonly Measured[], trained: readonly Measured[]): number[] {
  return trained.flatMap(({ clip, summary }) => {
    const others = bundled
      .filter((one) => one.clip === clip)
      .map((one) => one.summary.psnr_db)
      .filter(Number.isFinite);
    const mean = others.reduce((sum, value) => sum + value, 0) / others.length;
    return others.length > 0 && Number.isFinite(summary.psnr_db) ? [mean - summary.psnr_db] : [];
  });
}

/** A gate whose value is the median over clips of the double that does worse; its spread is that of all clips. */
function worst(
  id: string,
  op: '<=' | '>=',
  limit: number,
  measured: readonly Measured[],
  of: (summary: Summary) => number,
  why: string,
): Gate {
  const values = measured.map((one) => of(one.summary)).filter(Number.isFinite);
  const names = [...new Set(measured.map(({ double }) => double))];
  const each = names
    .map((name) => middle(measured.filter(({ double }) => double === name).map((one) => of(one.summary))))
    .filter(Number.isFinite);
  const all = gate(id, op, limit, values, why);
  if (each.length === 0) return all;
  const { ok, value } = gate(id, op, limit, [op === '<=' ? Math.max(...each) : Math.min(...each)]);
  return { ...all, ok, value };
}

/** A gate whose value is the median over clips. */
function overClips(id: string, op: '<=' | '>=', limit: number, values: readonly number[], why: string): Gate {
  const all = gate(id, op, limit, values, why);
  if (all.value === null) return all;
  const { ok, value } = gate(id, op, limit, [middle(values)]);
  return { ...all, ok, value };
}

/** The median; of an even number the mean of the two in the middle, so that of two clips neither counts alone. */
function middle(values: readonly number[]): number {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
