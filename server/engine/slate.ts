/**
 * The slate: what viewers see while an engine is lost. Drawn and encoded when the picture's size is known, kept by the front.
 * Neutral grey with the words in a 5×7 dot font, so that no font library is needed.
 */
import type { VideoCodec } from '../frame/coded.ts';
import { type FrameId, type Picture, UNKNOWN_COLOUR } from '../frame/frame.ts';
import { Encoder } from './encoder.ts';
import type { Pictures } from './pictures.ts';

const WORDS = ['ENGINE LOST', 'PICTURE RETURNS IN A MOMENT'] as const;
const GREY = 62;
const INK = 180;
const NEUTRAL = 128;
const GLYPH_WIDTH = 5;
const GLYPH_HEIGHT = 7;
/** The widest line takes this share of the picture's width. */
const LINE_SHARE = 0.6;

/** Rows of five bits, top to bottom. */
const GLYPHS: Readonly<Record<string, readonly number[]>> = {
  A: [14, 17, 17, 31, 17, 17, 17],
  C: [14, 17, 16, 16, 16, 17, 14],
  E: [31, 16, 16, 30, 16, 16, 31],
  G: [14, 17, 16, 23, 17, 17, 15],
  I: [14, 4, 4, 4, 4, 4, 14],
  L: [16, 16, 16, 16, 16, 16, 31],
  M: [17, 27, 21, 21, 17, 17, 17],
  N: [17, 25, 21, 19, 17, 17, 17],
  O: [14, 17, 17, 17, 17, 17, 14],
  P: [30, 17, 17, 30, 16, 16, 16],
  R: [30, 17, 17, 30, 20, 18, 17],
  S: [15, 16, 16, 14, 1, 1, 30],
  T: [31, 4, 4, 4, 4, 4, 4],
  U: [17, 17, 17, 17, 17, 17, 14],
};

/** Draws the slate into a picture. */
export function drawSlate(picture: Picture): void {
  const [luma, u, v] = picture.planes;
  luma.fill(GREY);
  u.fill(NEUTRAL);
  v.fill(NEUTRAL);
  const longest = Math.max(...WORDS.map((line) => line.length));
  const dot = Math.max(1, Math.floor((picture.width * LINE_SHARE) / (longest * (GLYPH_WIDTH + 1))));
  const lineHeight = dot * (GLYPH_HEIGHT + 5);
  const top = Math.max(0, Math.floor((picture.height - lineHeight * WORDS.length) / 2));
  for (const [index, line] of WORDS.entries()) {
    const left = Math.floor((picture.width - line.length * dot * (GLYPH_WIDTH + 1)) / 2);
    for (const [place, letter] of [...line].entries()) {
      drawGlyph(picture, GLYPHS[letter], left + place * dot * (GLYPH_WIDTH + 1), top + index * lineHeight, dot);
    }
  }
}

function drawGlyph(
  { planes, width, height }: Picture,
  rows: readonly number[] | undefined,
  left: number,
  top: number,
  dot: number,
): void {
  for (const [row, bits] of (rows ?? []).entries()) {
    for (let column = 0; column < GLYPH_WIDTH; column++) {
      if (!(bits & (1 << (GLYPH_WIDTH - 1 - column)))) continue;
      const [x, y] = [left + column * dot, top + row * dot];
      if (x < 0 || x + dot > width) continue;
      for (let line = y; line < Math.min(y + dot, height); line++)
        planes[0].fill(INK, line * width + x, line * width + x + dot);
    }
  }
}

/** The slate as one key frame. */
export async function codedSlate(
  pictures: Pictures,
  width: number,
  height: number,
  codec: VideoCodec,
): Promise<Uint8Array> {
  const id: FrameId = { feed: '', rtpTs: 0, captureUs: 0 };
  const picture = pictures.take(width, height, UNKNOWN_COLOUR, id);
  const encoder = new Encoder({ codec, bitrate: 2_000_000, threads: 1 });
  try {
    drawSlate(picture);
    return (await encoder.encode(picture)).bytes;
  } finally {
    encoder.close();
    pictures.give(picture);
  }
}
