import type { Session } from '../inference/session.ts';
import { overlap } from './crop.ts';
import type { Pyramid } from './pyramid.ts';
import type { Detection } from './types.ts';

/** Side of the network's input, and of its grid of answers. */
const INPUT = 192;
const GRID = 48;
const VALUES = 16;
/** Answers that overlap more than this are one face. */
const SAME_FACE = 0.3;

const NO_NUMBERS =
  'The face detector gave no numbers. If this stays, leave the provider that it runs on out of inference.providers.';

/** A square of the picture, frame pixels; it may reach beyond the picture. */
export interface Region {
  x: number;
  y: number;
  size: number;
}

/**
 * The full-range face detector (MediaPipe BlazeFace): 192² RGB in, a 48×48 grid of boxes with six keypoints out.
 * It sees a face of ≥ about 16 pixels of its input.
 */
export class Detector {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** The red plane of what it looked at last: its address in kernel memory, side² float32 of −1…1. */
  get lastSeen(): { at: number; side: number } {
    return { at: this.#session.inputs.input?.at ?? 0, side: INPUT };
  }

  /** Looks at a region of the pyramid's picture, which must not change before this returns (the promise need not have settled). */
  async look(pyramid: Pyramid, region: Region, threshold: number): Promise<Detection[]> {
    const { input } = this.#session.inputs;
    const { scores, regressors } = this.#session.outputs;
    if (!input || !scores || !regressors)
      throw new Error('The face detector model has other inputs or outputs than expected.');
    const k = region.size / INPUT;
    const shift = 0.5 * k - 0.5;
    pyramid.cut([k, 0, region.x + shift, 0, k, region.y + shift], INPUT, input.at, 2 / 255, -1);
    await this.#session.run();
    return decode(scores.data, regressors.data, region, threshold);
  }
}

/**
 * Reads the network's answers above `threshold` (a probability), frame pixels with centres at integers; unmerged.
 * @throws Error where they are no numbers: that is not a picture without faces.
 */
export function decode(scores: Float32Array, boxes: Float32Array, region: Region, threshold: number): Detection[] {
  const logit = Math.log(threshold / (1 - threshold));
  const found: Detection[] = [];
  for (let i = 0; i < GRID * GRID; i++) {
    const score = scores[i] ?? Number.NaN;
    if (score < logit) continue;
    const values = boxes.subarray(i * VALUES, (i + 1) * VALUES);
    if (Number.isNaN(score) || !values.every(Number.isFinite)) throw new Error(NO_NUMBERS);
    const detection = detectionAt(i, score, values, region);
    if (detection) found.push(detection);
  }
  return found;
}

/** The answer of cell `i` of the grid; null where its box is empty. */
function detectionAt(i: number, score: number, values: Float32Array, region: Region): Detection | null {
  const k = region.size / INPUT;
  const ax = (((i % GRID) + 0.5) * INPUT) / GRID;
  const ay = ((Math.floor(i / GRID) + 0.5) * INPUT) / GRID;
  const x = (v: number): number => region.x + (v + ax) * k - 0.5;
  const y = (v: number): number => region.y + (v + ay) * k - 0.5;
  const w = (values[2] ?? 0) * k;
  const h = (values[3] ?? 0) * k;
  if (!(w > 0 && h > 0)) return null;
  const keypoints = new Float32Array(12);
  for (let j = 0; j < 6; j++) {
    keypoints[2 * j] = x(values[4 + 2 * j] ?? 0);
    keypoints[2 * j + 1] = y(values[5 + 2 * j] ?? 0);
  }
  const box = { x: x(values[0] ?? 0) - w / 2, y: y(values[1] ?? 0) - h / 2, w, h };
  return { box, score: 1 / (1 + Math.exp(-score)), keypoints };
}

/** Merges answers about the same face by their score-weighted mean (BlazeFace, Bazarevsky et al. 2019); best first. */
export function merge(found: readonly Detection[]): Detection[] {
  const rest = [...found].sort((a, b) => b.score - a.score);
  const merged: Detection[] = [];
  while (rest.length > 0) {
    const top = rest[0];
    if (!top) break;
    const group: Detection[] = [];
    for (let i = rest.length - 1; i >= 0; i--) {
      const one = rest[i];
      if (one && (one === top || overlap(one.box, top.box) > SAME_FACE)) {
        group.push(one);
        rest.splice(i, 1);
      }
    }
    merged.push(meanOf(group, top.score));
  }
  return merged;
}

function meanOf(group: readonly Detection[], score: number): Detection {
  const total = group.reduce((sum, one) => sum + one.score, 0);
  const mean = (of: (one: Detection) => number): number =>
    group.reduce((sum, one) => sum + one.score * of(one), 0) / total;
  const keypoints = new Float32Array(12);
  for (let k = 0; k < 12; k++) keypoints[k] = mean((one) => one.keypoints[k] ?? 0);
  return {
    box: { x: mean((d) => d.box.x), y: mean((d) => d.box.y), w: mean((d) => d.box.w), h: mean((d) => d.box.h) },
    score,
    keypoints,
  };
}

/** The whole picture, letterboxed into a square. */
export function wholePicture(width: number, height: number): Region {
  const size = Math.max(width, height);
  return { x: (width - size) / 2, y: (height - size) / 2, size };
}

/** Longer sides up to this are seen well enough as a whole (a face of 55 pixels is found). */
const WHOLE_IS_ENOUGH = 800;

/** Overlapping squares over a large picture, in which smaller faces are found; none for a small picture. */
export function tilesOf(width: number, height: number): Region[] {
  const long = Math.max(width, height);
  if (long <= WHOLE_IS_ENOUGH) return [];
  const size = Math.min(width, height);
  const count = Math.max(2, Math.ceil((1.2 * long) / size));
  return Array.from({ length: count }, (_, i) => {
    const at = ((long - size) * i) / (count - 1);
    return width >= height ? { x: at, y: 0, size } : { x: 0, y: at, size };
  });
}
