import sharp from 'sharp';
import { chromaSize, type Picture } from '../../server/frame/frame.ts';
import { matrixOf } from '../../server/frame/kernels.ts';

/** Left, top, width, height in frame pixels; may reach beyond the frame. */
type Area = readonly [x: number, y: number, w: number, h: number];

const TILE = 360;
const PAIRS_A_ROW = 2;
const MAX_PAIRS = 8;

/** Collects plate|program pairs of one clip and draws them side by side: the whole picture above, the face below. */
export class ContactSheet {
  #pairs: Buffer[][] = [];
  #offered = 0;
  #stride = 1;

  async add(plate: Picture, program: Picture, face: Area): Promise<void> {
    if (this.#offered++ % this.#stride !== 0) return;
    if (this.#pairs.length === MAX_PAIRS) {
      // A long clip: keep every second pair and go on half as often, so that the sheet spans the whole clip.
      this.#pairs = this.#pairs.filter((_, k) => k % 2 === 0);
      this.#stride *= 2;
    }
    const whole = [0, 0, plate.width, plate.height] as const;
    const tiles = [plate, program].flatMap((picture) => [tile(picture, whole), tile(picture, face)]);
    this.#pairs.push(await Promise.all(tiles));
  }

  async write(file: string): Promise<void> {
    if (this.#pairs.length === 0) return;
    const rows = Math.ceil(this.#pairs.length / PAIRS_A_ROW);
    const placed = this.#pairs.flatMap((tiles, k) => {
      const [left, top] = [(k % PAIRS_A_ROW) * 2 * TILE, Math.floor(k / PAIRS_A_ROW) * 2 * TILE];
      return tiles.map((input, i) => ({ input, left: left + (i >> 1) * TILE, top: top + (i & 1) * TILE }));
    });
    const columns = Math.min(PAIRS_A_ROW, this.#pairs.length);
    await sharp({ create: { width: columns * 2 * TILE, height: rows * 2 * TILE, channels: 3, background: '#222' } })
      .composite(placed)
      .png()
      .toFile(file);
  }
}

async function tile(picture: Picture, [x, y, w, h]: Area): Promise<Buffer> {
  const [width, height] = [Math.round(w), Math.round(h)];
  return sharp(rgbOf(picture, Math.round(x), Math.round(y), width, height), { raw: { width, height, channels: 3 } })
    .resize(TILE, TILE, { fit: 'contain', background: '#222' })
    .png()
    .toBuffer();
}

/** A part of a picture as packed RGB; beyond its edge the edge goes on. */
function rgbOf({ planes, width, height, colour }: Picture, x0: number, y0: number, w: number, h: number): Buffer {
  const [kr, kb, full] = matrixOf(colour);
  const [scaleY, base, scaleC] = full ? [1, 0, 1] : [255 / 219, 16, 255 / 224];
  const out = Buffer.alloc(3 * w * h);
  const byte = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));
  for (let v = 0, at = 0; v < h; v++) {
    for (let u = 0; u < w; u++, at += 3) {
      const [x, y] = [Math.min(width - 1, Math.max(0, x0 + u)), Math.min(height - 1, Math.max(0, y0 + v))];
      const luma = (planes[0][y * width + x]! - base) * scaleY;
      const chroma = (y >> 1) * chromaSize(width) + (x >> 1);
      const red = 2 * (1 - kr) * (planes[2][chroma]! - 128) * scaleC;
      const blue = 2 * (1 - kb) * (planes[1][chroma]! - 128) * scaleC;
      out[at] = byte(luma + red);
      out[at + 1] = byte(luma - (kr * red + kb * blue) / (1 - kr - kb));
      out[at + 2] = byte(luma + blue);
    }
  }
  return out;
}
