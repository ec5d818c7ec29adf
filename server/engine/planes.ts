import { chromaSize } from '../frame/frame.ts';

/** Rows and row length, in samples, of the three planes of a 4:2:0 picture. */
const planeSizes = (width: number, height: number): readonly [columns: number, rows: number][] => [
  [width, height],
  [chromaSize(width), chromaSize(height)],
  [chromaSize(width), chromaSize(height)],
];

/** Copies padded planes (FFmpeg's, `stride` bytes a row) into packed ones. */
export function pack(
  from: readonly Uint8Array[],
  strides: readonly number[],
  to: readonly Uint8Array[],
  width: number,
  height: number,
): void {
  for (const [index, [columns, rows]] of planeSizes(width, height).entries()) {
    const [source, target, stride] = [from[index], to[index], strides[index]];
    if (!source || !target || !stride) throw new Error('A picture has fewer than three planes.');
    if (stride === columns) target.set(source.subarray(0, columns * rows));
    else for (let y = 0; y < rows; y++) target.set(source.subarray(y * stride, y * stride + columns), y * columns);
  }
}

/** The way back: packed planes into padded ones. */
export function unpack(
  from: readonly Uint8Array[],
  to: readonly Uint8Array[],
  strides: readonly number[],
  width: number,
  height: number,
): void {
  for (const [index, [columns, rows]] of planeSizes(width, height).entries()) {
    const [source, target, stride] = [from[index], to[index], strides[index]];
    if (!source || !target || !stride) throw new Error('A picture has fewer than three planes.');
    if (stride === columns) target.set(source);
    else for (let y = 0; y < rows; y++) target.set(source.subarray(y * columns, (y + 1) * columns), y * stride);
  }
}
