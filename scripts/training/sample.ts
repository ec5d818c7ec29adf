import { type Affine, SIZE } from '../../server/double/surface.ts';
import type { Pair } from '../performer/pair.ts';
import { byteOf, cutFloats, lookedAt } from './crop.ts';
import { GIVEN, type Seen } from './seer.ts';

/** Side of the pictures that faces are recorded from. */
export const PICTURE = 384;
export const PLANE = SIZE * SIZE;
/** Where in a sample the plate's R, G, B begin. */
export const CROP = 3;
/** Where in a sample what is wanted begins: truth R, G, B, and alpha; then where people look. */
export const TRUTH = GIVEN;
export const WANTED = 4;
/** SIZE² bytes each; scripts/training/data.py reads them. */
export const PLANES = GIVEN + WANTED + 1;

/** What a network is given of a face, and what it is to make of it: PLANES of bytes. */
export function sampleOf(pair: Pick<Pair, 'truth' | 'face' | 'kept'>, seen: Seen): Uint8Array {
  const { toCrop, landmarks, given } = seen;
  const sample = new Uint8Array(PLANES * PLANE);
  for (let i = 0; i < GIVEN * PLANE; i++) sample[i] = byteOf(given[i]!);
  const wanted = pair.face.map((face, i) => face * (1 - pair.kept[i]!));
  cutWanted(pair.truth, wanted, toCrop, sample.subarray(TRUTH * PLANE));
  lookedAt(landmarks, toCrop, SIZE, sample.subarray((TRUTH + WANTED) * PLANE));
  return sample;
}

/** Cuts out what is wanted of a face. @param truth packed R, G, B, 0–255. @param alpha 0–1. @param out WANTED planes. */
export function cutWanted(truth: Float32Array, alpha: Float32Array, toCrop: Affine, out: Uint8Array): void {
  const values = new Float32Array(WANTED * PICTURE * PICTURE);
  for (let i = 0; i < PICTURE * PICTURE; i++) {
    for (let c = 0; c < 3; c++) values[WANTED * i + c] = truth[3 * i + c]! / 255;
    values[WANTED * i + 3] = alpha[i]!;
  }
  cutFloats({ width: PICTURE, height: PICTURE, channels: WANTED, values }, toCrop, SIZE, out);
}
