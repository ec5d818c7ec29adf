import type { Rotation } from '../frame/coded.ts';
import type { Picture } from '../frame/frame.ts';

/**
 * What came of one frame: a picture, still to be turned by `rotation` degrees clockwise to stand upright; or `needKey`: nothing can be
 * decoded until the camera sends a key frame.
 */
export type Decoded = { picture: Picture; rotation?: Rotation } | { needKey: boolean; why: string };

const SMALLEST = 16;
const LARGEST = 4096;

export const tooLarge = (width: number, height: number): boolean => width > LARGEST || height > LARGEST;

/** Whether a feed takes pictures of this size. */
export const rightSize = (width: number, height: number): boolean =>
  width >= SMALLEST && height >= SMALLEST && !tooLarge(width, height);

export const wrongSize = (width: number, height: number): string =>
  `The camera sends ${width}×${height}: sizes from ${SMALLEST}×${SMALLEST} to ${LARGEST}×${LARGEST} are taken.`;
