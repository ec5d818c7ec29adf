import type { Replacer } from '../../server/double/replacer.ts';
import { FaceStage } from '../../server/engine/face-stage.ts';
import { median } from '../bench/report.ts';
import { landmarkErrorPct } from './clip-run.ts';
import type { RunResult } from './double-run.ts';
import type { EngineParts } from './engine.ts';
import { noiseRatio } from './steadiness.ts';
import { readVideo } from './video.ts';

export interface AgeSummary {
  look: string;
  /** Which end of the dial; only the younger one has a truth. */
  end: 'younger' | 'older';
  clip: string;
  frames: number;
  changed_pct: number;
  /** By how much of itself the distance to the young truth falls, %. */
  gain_pct: number;
  /** The same without the broad part of the difference (complexion, exposure). */
  detail_gain_pct: number;
  /** Mean movement of the landmarks, % of the distance between the eyes. */
  shift_pct: number;
  /** The same from plate to the young truth, whose geometry is the plate's: what the landmark model takes for movement. NaN without truth. */
  shift_truth_pct: number;
  /** Noise over time of the program over the plate's, as for doubles. */
  flicker_still: number;
  flicker_moving: number;
}

/** What an age treatment did to one old performance, whose young truth has the same geometry. */
export function ageSummary(
  { distance, detail, landmarks, frames, replaced, flicker: { result: noise } }: RunResult,
  which: Pick<AgeSummary, 'look' | 'end' | 'clip'>,
): AgeSummary {
  const shifts = (side: 'program' | 'truth'): number[] =>
    landmarks.plate.flatMap((before, i) => {
      const after = landmarks[side][i];
      return before && after ? [landmarkErrorPct(before, after)] : [];
    });
  return {
    ...which,
    frames,
    changed_pct: (100 * replaced) / frames,
    gain_pct: 100 * (1 - median(distance.program) / median(distance.plate)),
    detail_gain_pct: 100 * (1 - median(detail.program) / median(detail.plate)),
    shift_pct: median(shifts('program')),
    shift_truth_pct: median(shifts('truth')),
    flicker_still: noiseRatio(noise.program.still, noise.plate.still),
    flicker_moving: noiseRatio(noise.program.moving, noise.plate.moving),
  };
}

/** Largest difference of any sample of any plane between plate and program with the dial at 0, code values; NaN when no face was treated. */
export async function zeroError(
  engine: EngineParts,
  replacer: Replacer,
  file: string,
  maxFrames: number,
): Promise<number> {
  const stage = new FaceStage({ ...engine, perceiver: await engine.perceiver(), occlusion: await engine.occlusion() });
  stage.use(replacer);
  let most = Number.NaN;
  let frames = 0;
  try {
    for await (const program of readVideo(file, engine.pictures)) {
      const plate = engine.pictures.copy(program);
      const { faces } = await stage.process(program, 'look', { age: 0 });
      const treated =
        faces.length > 0 && faces.every(({ treatment }) => ['change', 'replace'].includes(treatment.kind));
      if (treated) {
        for (const plane of [0, 1, 2] as const)
          for (const [i, value] of plate.planes[plane].entries())
            most = Math.max(Number.isNaN(most) ? 0 : most, Math.abs(value - program.planes[plane][i]!));
      }
      engine.pictures.give(plate);
      engine.pictures.give(program);
      if (++frames >= maxFrames) break;
    }
  } finally {
    stage.close();
  }
  return most;
}
