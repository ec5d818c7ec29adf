import { describe, expect, test } from 'vitest';
import { Pictures } from '../../server/engine/pictures.ts';
import { forVp8, isVp8Colour } from '../../server/engine/recolour.ts';
import { Arena } from '../../server/frame/arena.ts';
import { type Colour, UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { loadKernels } from '../../server/frame/kernels.ts';

const arena = new Arena(64);
const kernels = loadKernels(arena);
const pictures = new Pictures(arena);
const WEIGHTS = { bt709: [0.2126, 0.0722], bt601: [0.299, 0.114], bt2020: [0.2627, 0.0593] } as const;
type Matrix = keyof typeof WEIGHTS;

/** R'G'B' (0–1) to Y'CbCr code values (ITU-R BT.709 §3.4 and its sisters), not rounded. */
function coded([r, g, b]: readonly number[], matrix: Matrix, full: boolean): number[] {
  const [kr, kb] = WEIGHTS[matrix];
  const [red = 0, green = 0, blue = 0] = [r, g, b];
  const y = kr * red + (1 - kr - kb) * green + kb * blue;
  const u = (blue - y) / (2 - 2 * kb);
  const v = (red - y) / (2 - 2 * kr);
  return full ? [255 * y, 255 * u + 128, 255 * v + 128] : [219 * y + 16, 224 * u + 128, 224 * v + 128];
}

const COLOURS = [
  [0, 0, 0],
  [1, 1, 1],
  [0.75, 0.75, 0],
  [0, 0.75, 0.75],
  [0, 0.75, 0],
  [0.75, 0, 0.75],
  [0.75, 0, 0],
  [0, 0, 0.75],
  [0.8, 0.55, 0.45],
];

describe('VP8’s colour', () => {
  test.each([
    ['bt709', 'limited', 64, 36],
    ['bt709', 'full', 50, 22],
    ['bt2020', 'limited', 34, 18],
    ['bt601', 'full', 16, 16],
  ] as const)('a %s picture in %s range keeps its colours, %i×%i', (matrix, range, width, height) => {
    for (const rgb of COLOURS) {
      const colour: Colour = { ...UNKNOWN_COLOUR, matrix, range };
      const picture = pictures.take(width, height, colour, { feed: '', rtpTs: 7, captureUs: 0 });
      for (const [plane, value] of coded(rgb, matrix, range === 'full').entries())
        picture.planes[plane as 0 | 1 | 2].fill(Math.round(value));
      const converted = forVp8(picture, 'bt709', pictures, kernels);
      const wanted = coded(rgb, 'bt601', false);
      for (const [plane, samples] of converted.planes.entries()) {
        // Half a step from the rounding before, half after, and what chroma's rounding adds to luma.
        for (const sample of samples) expect(Math.abs(sample - (wanted[plane] as number))).toBeLessThan(1.6);
      }
      expect(converted.colour).toMatchObject({ matrix: 'bt601', range: 'limited' });
      expect(converted.id.rtpTs).toBe(7);
      pictures.give(converted);
      pictures.give(picture);
    }
  });

  test('a picture that has it is left as it is; one that does not say is taken for what the feed is set to', () => {
    expect(isVp8Colour({ ...UNKNOWN_COLOUR, matrix: 'bt601' })).toBe(true);
    expect(isVp8Colour({ ...UNKNOWN_COLOUR, matrix: 'bt601', range: 'full' })).toBe(false);
    expect(isVp8Colour(UNKNOWN_COLOUR)).toBe(false);
    const picture = pictures.take(16, 16, UNKNOWN_COLOUR, { feed: '', rtpTs: 0, captureUs: 0 });
    picture.planes[1].fill(200);
    const [hd, sd] = ['bt709', 'bt601'].map((matrix) => forVp8(picture, matrix, pictures, kernels));
    expect(sd?.planes[1][0]).toBe(200);
    expect(hd?.planes[1][0]).not.toBe(200);
  });
});
