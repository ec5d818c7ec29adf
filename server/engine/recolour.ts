import type { Colour, Picture } from '../frame/frame.ts';
import { type Kernels, matrixOf } from '../frame/kernels.ts';
import type { PictureSink } from './encoders.ts';
import type { Pictures } from './pictures.ts';

/** BT.601, what VP8 means: its bitstream has a word for no other matrix (RFC 6386 §9.2), and browsers show it so, in limited range. */
const [KR, KB] = [0.299, 0.114];
const KG = 1 - KR - KB;

/** Whether a picture is in BT.601 and limited range already. */
export const isVp8Colour = ({ matrix, range }: Colour): boolean => matrix === 'bt601' && range !== 'full';

/** Q15 of a share below 1 (1 itself is one step less). */
const q15 = (share: number): number => Math.min(32767, Math.round(share * 32768));

/**
 * The kernel's coefficients for a picture of a matrix (luma weights kr, kb) and range. With Y, U, V normal (0–1, ±½):
 * R = Y + (2−2kr)V, B = Y + (2−2kb)U, G = (Y − kr·R − kb·B)/kg, and the target's luma is 0.299R + 0.587G + 0.114B.
 */
export function coefficients(
  kr: number,
  kb: number,
  full: 0 | 1,
): [number, number, number, number, number, number, number, number] {
  const kg = 1 - kr - kb;
  const [red, blue] = [2 - 2 * kr, 2 - 2 * kb];
  const shareU = KB * blue - (KG * kb * blue) / kg;
  const shareV = KR * red - (KG * kr * red) / kg;
  const [redBack, blueBack] = [2 - 2 * KR, 2 - 2 * KB];
  // Samples in: luma 219 steps or 255, chroma 224 or 255; out: 219 and 224.
  const [lumaIn, chromaIn] = full ? [255, 255] : [219, 224];
  const luma = 219 / chromaIn;
  const chroma = 224 / chromaIn;
  return [
    full ? 0 : 16,
    q15(219 / lumaIn),
    q15(luma * shareU),
    q15(luma * shareV),
    q15((chroma * (blue - shareU)) / blueBack),
    q15((chroma * -shareV) / blueBack),
    q15((chroma * -shareU) / redBack),
    q15((chroma * (red - shareV)) / redBack),
  ];
}

/** The picture as VP8 shows it right: a new one, to be given back. */
export function forVp8(picture: Picture, unknownMatrix: string, pictures: Pictures, kernels: Kernels): Picture {
  const { width, height, colour, id } = picture;
  const matrix = colour.matrix === 'unknown' ? unknownMatrix : colour.matrix;
  const [kr, kb, full] = matrixOf({ matrix, range: colour.range });
  const converted = pictures.take(width, height, { ...colour, matrix: 'bt601', range: 'limited' }, id);
  kernels.recolour(picture.at, width, height, converted.at, ...coefficients(kr, kb, full));
  return converted;
}

/** An encoder whose pictures are brought to VP8's colour first. */
export function withVp8Colour(
  encoder: PictureSink,
  { unknownMatrix, pictures, kernels }: { unknownMatrix: string; pictures: Pictures; kernels: Kernels },
): PictureSink {
  return {
    requestKey: () => encoder.requestKey(),
    close: () => encoder.close(),
    encode: async (picture) => {
      if (isVp8Colour(picture.colour)) return encoder.encode(picture);
      const converted = forVp8(picture, unknownMatrix, pictures, kernels);
      try {
        return await encoder.encode(converted);
      } finally {
        pictures.give(converted);
      }
    },
  };
}
