import { SIZE } from '../../server/double/surface.ts';
import type { Pair } from '../performer/pair.ts';
import { cutFloats, lookedAt } from './crop.ts';
import { GIVEN, type Seen } from './seer.ts';

/** Side of the pictures that faces are recorded from. */
export const PICTURE = 384;
export const PLANE = SIZE * SIZE;
/** Where in a sample the plate's R, G, B begin. */
export const CROP = 3;
/** Where in a sample the truth's R, G, B begin; then alpha wanted, and where people look. */
export const TRUTH = GIVEN;
/** SIZE² bytes each; scripts/training/data.py reads them. */
export const PLANES = GIVEN + 5;

/** What a network is given of a face, and what it is to make of it: PLANES of bytes. */
export function sampleOf(pair: Pick<Pair, 'truth' | 'face' | 'kept'>, seen: Seen): Uint8Array {
  const { toCrop, landmarks, given } = seen;
  const sample = new Uint8Array(PLANES * PLANE);
  for (let i = 0; i < GIVEN * PLANE; i++) sample[i] = Math.round(255 * Math.min(1, Math.max(0, given[i]!)));
  const values = new Float32Array(4 * PICTURE * PICTURE);
  for (let i = 0; i < PICTURE * PICTURE; i++) {
    for (let c = 0; c < 3; c++) values[4 * i + c] = pair.truth[3 * i + c]! / 255;
    values[4 * i + 3] = pair.face[i]! * (1 - pair.kept[i]!);
  }
  const from = TRUTH * PLANE;
  cutFloats({ width: PICTURE, height: PICTURE, channels: 4, values }, toCrop, SIZE, sample.subarray(from));
  lookedAt(landmarks, toCrop, SIZE, sample.subarray(from + 4 * PLANE));
  return sample;
}
