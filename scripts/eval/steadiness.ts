import type { Picture } from '../../server/frame/frame.ts';
import { bilinear } from './measures.ts';
import { Unrolling } from './unroll.ts';

const SIDE = 96;
/** Coarse patches: what flickers as a whole. */
const BLOCK = 8;

let known: Unrolling | null = null;
function unrolling(): Unrolling {
  known ??= new Unrolling(SIDE);
  return known;
}

/** Luma of a face rolled out along landmarks, at the texels of the unrolling; not a number outside the picture or where it does not count. */
export function skinOf(
  { planes: [luma], width, height }: Picture,
  points: Float32Array,
  counts: (x: number, y: number) => boolean = () => true,
): Float32Array {
  const face = unrolling();
  return Float32Array.from(face.texels, (_, k) => {
    const [x, y] = face.place(k, points);
    if (!(x >= 0 && y >= 0 && x < width - 1 && y < height - 1) || !counts(x, y)) return Number.NaN;
    return bilinear(luma, width, x, y);
  });
}

/** Sums of squares of temporal noise, to be pooled over frames. */
export interface Noise {
  fine: { square: number; count: number };
  coarse: { square: number; count: number };
}

export const silence = (): Noise => ({ fine: { square: 0, count: 0 }, coarse: { square: 0, count: 0 } });

/**
 * Adds what three rolled-out faces in a row say about noise over time: the second difference x(t−1) − 2x(t) + x(t+1) is 0 for
 * whatever stays or changes evenly (light that rises, a shade that wanders on), and √6 times the deviation of noise that is
 * independent from picture to picture (its weights squared: 1 + 4 + 1), which it is divided by. Code values of luma. `fine`
 * texel by texel, `coarse` of the means of patches a twelfth of the face wide: sensor noise averages out there, pumping and swimming do not.
 */
export function addNoise(noise: Noise, before: Float32Array, now: Float32Array, after: Float32Array): void {
  const blocks = new Map<number, { sum: number; count: number }>();
  const { texels } = unrolling();
  for (let k = 0; k < now.length; k++) {
    const jump = before[k]! - 2 * now[k]! + after[k]!;
    if (!Number.isFinite(jump)) continue;
    noise.fine.square += (jump * jump) / 6;
    noise.fine.count++;
    const texel = texels[k]!;
    const place = Math.floor(texel / SIDE / BLOCK) * SIDE + Math.floor((texel % SIDE) / BLOCK);
    const block = blocks.get(place) ?? { sum: 0, count: 0 };
    block.sum += jump;
    block.count++;
    blocks.set(place, block);
  }
  for (const { sum, count } of blocks.values()) {
    if (count < (BLOCK * BLOCK) / 2) continue;
    noise.coarse.square += (sum / count) ** 2 / 6;
    noise.coarse.count++;
  }
}

/**
 * Deviation of rounding to whole code values, 1/√12, twice (the camera's and the program's own): a picture without any noise
 * would make any other flicker without end.
 */
const FLOOR = Math.sqrt(2 / 12);

export const rms = ({ square, count }: { square: number; count: number }): number => Math.sqrt(square / count);

/** Noise over noise, both with the rounding added; NaN where nothing was seen. */
export const noiseRatio = (program: Noise, reference: Noise, band: 'fine' | 'coarse' = 'fine'): number =>
  Math.hypot(rms(program[band]), FLOOR) / Math.hypot(rms(reference[band]), FLOOR);
