import sharp from 'sharp';
import type { Picture } from '../../server/frame/frame.ts';
import { type Area, rgbOf, whole } from './rgb.ts';

const TILE = 360;
const GROUPS_A_ROW = 2;
const MAX_GROUPS = 8;

/** Collects plate | program (| truth) of moments of one clip and draws them side by side: the whole picture above, the face below. */
export class ContactSheet {
  #groups: Buffer[][] = [];
  #offered = 0;
  #stride = 1;

  /** Every call of one sheet with as many pictures. */
  async add(pictures: readonly Picture[], face: Area): Promise<void> {
    if (this.#offered++ % this.#stride !== 0) return;
    if (this.#groups.length === MAX_GROUPS) {
      // A long clip: keep every second moment and go on half as often, so that the sheet spans the whole clip.
      this.#groups = this.#groups.filter((_, k) => k % 2 === 0);
      this.#stride *= 2;
    }
    const tiles = pictures.flatMap((picture) => [
      tile(picture, [0, 0, picture.width, picture.height]),
      tile(picture, face),
    ]);
    this.#groups.push(await Promise.all(tiles));
  }

  async write(file: string): Promise<void> {
    if (this.#groups.length === 0) return;
    const across = (this.#groups[0]!.length / 2) * TILE;
    const rows = Math.ceil(this.#groups.length / GROUPS_A_ROW);
    const placed = this.#groups.flatMap((tiles, k) => {
      const [left, top] = [(k % GROUPS_A_ROW) * across, Math.floor(k / GROUPS_A_ROW) * 2 * TILE];
      return tiles.map((input, i) => ({ input, left: left + (i >> 1) * TILE, top: top + (i & 1) * TILE }));
    });
    const columns = Math.min(GROUPS_A_ROW, this.#groups.length);
    await sharp({ create: { width: columns * across, height: rows * 2 * TILE, channels: 3, background: '#222' } })
      .composite(placed)
      .png()
      .toFile(file);
  }
}

async function tile(picture: Picture, area: Area): Promise<Buffer> {
  const [, , width, height] = whole(area);
  return sharp(rgbOf(picture, whole(area)), { raw: { width, height, channels: 3 } })
    .resize(TILE, TILE, { fit: 'contain', background: '#222' })
    .png()
    .toBuffer();
}
