import { describe, expect, it } from 'vitest';
import { copyUpright, type RawPicture, uprightSize } from '../../server/media/wrtc/upright.ts';

/** The sample of a plane at (x, y) of the picture as the camera sent it: every sample its own. */
const sample = (plane: number, x: number, y: number): number => (plane * 97 + y * 31 + x * 7) & 0xff;

function picture(width: number, height: number, rotation: number): RawPicture {
  const data: number[] = [];
  for (let plane = 0; plane < 3; plane++) {
    const [columns, rows] = plane === 0 ? [width, height] : [(width + 1) >> 1, (height + 1) >> 1];
    for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) data.push(sample(plane, x, y));
  }
  return { data: Uint8Array.from(data), width, height, rotation };
}

/** Where an upright sample lies in a picture of `columns` × `rows` that has to be turned clockwise by `rotation`. */
const SOURCE: Record<number, (x: number, y: number, columns: number, rows: number) => [number, number]> = {
  0: (x, y) => [x, y],
  90: (x, y, _columns, rows) => [y, rows - 1 - x],
  180: (x, y, columns, rows) => [columns - 1 - x, rows - 1 - y],
  270: (x, y, columns) => [columns - 1 - y, x],
};

function upright(raw: RawPicture): Uint8Array[] {
  const { width, height } = uprightSize(raw);
  const planes = [
    new Uint8Array(width * height),
    new Uint8Array((width * height) / 4),
    new Uint8Array((width * height) / 4),
  ];
  copyUpright(raw, planes);
  return planes;
}

describe.each([0, 90, 180, 270])('a picture to be turned by %i degrees', (rotation) => {
  it.each([
    [16, 16],
    [64, 36],
    [35, 21],
  ])('of %i × %i stands upright in all three planes, without an odd last row or column', (width, height) => {
    const raw = picture(width, height, rotation);
    const size = uprightSize(raw);
    const turned = rotation % 180 === 90;
    expect(size).toEqual(
      turned ? { width: height & ~1, height: width & ~1 } : { width: width & ~1, height: height & ~1 },
    );
    for (const [plane, samples] of upright(raw).entries()) {
      const [columns, rows] = plane === 0 ? [width, height] : [(width + 1) >> 1, (height + 1) >> 1];
      const across = plane === 0 ? size.width : size.width / 2;
      const expected = Array.from(samples, (_, i) => {
        const [x, y] = SOURCE[rotation]?.(i % across, Math.floor(i / across), columns, rows) ?? [0, 0];
        return sample(plane, x, y);
      });
      expect(Array.from(samples)).toEqual(expected);
    }
  });
});
