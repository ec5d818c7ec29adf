import { chromaSize } from '../../frame/frame.ts';

/** A picture as libwebrtc gives it: 4:2:0 planes one after the other, rows packed, chroma sizes rounded up. */
export interface RawPicture {
  data: Uint8Array;
  width: number;
  height: number;
  /** Degrees clockwise that bring it upright (3GPP TS 26.114 §7.4.5, video orientation): 0, 90, 180 or 270. */
  rotation: number;
}

/** Size of the upright picture, without an odd last row or column: 4:2:0 encoders take even sizes only. */
export function uprightSize({ width, height, rotation }: RawPicture): { width: number; height: number } {
  const turned = rotation === 90 || rotation === 270;
  return { width: (turned ? height : width) & ~1, height: (turned ? width : height) & ~1 };
}

/** Copies a picture upright into planes of `uprightSize`. */
export function copyUpright(from: RawPicture, planes: readonly Uint8Array[]): void {
  const size = uprightSize(from);
  let at = 0;
  for (const [index, to] of planes.entries()) {
    const scale = index === 0 ? (length: number) => length : chromaSize;
    const [columns, rows] = [scale(from.width), scale(from.height)];
    const plane = from.data.subarray(at, at + columns * rows);
    copyPlane(plane, columns, rows, from.rotation, to, scale(size.width), scale(size.height));
    at += columns * rows;
  }
}

function copyPlane(
  from: Uint8Array,
  columns: number,
  rows: number,
  rotation: number,
  to: Uint8Array,
  width: number,
  height: number,
): void {
  if (rotation === 0 && columns === width) {
    to.set(from.subarray(0, width * height));
    return;
  }
  // Where the upright picture's first sample lies in the source, and what one step right or down adds there.
  const [start, right, down] =
    rotation === 90
      ? [(rows - 1) * columns, -columns, 1]
      : rotation === 180
        ? [rows * columns - 1, -1, -columns]
        : rotation === 270
          ? [columns - 1, columns, -1]
          : [0, 1, columns];
  for (let y = 0; y < height; y++) {
    let source = start + y * down;
    const row = y * width;
    for (let x = 0; x < width; x++, source += right) to[row + x] = from[source] as number;
  }
}
