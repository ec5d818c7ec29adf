/** FFmpeg's colour constants (ITU-T H.273 numbers) and ours. */
import * as av from 'node-av';
import type { Colour } from '../frame/frame.ts';

const MATRIX: readonly [number, Colour['matrix']][] = [
  [av.AVCOL_SPC_BT709, 'bt709'],
  [av.AVCOL_SPC_SMPTE170M, 'bt601'],
  [av.AVCOL_SPC_BT470BG, 'bt601'],
  [av.AVCOL_SPC_BT2020_NCL, 'bt2020'],
  [av.AVCOL_SPC_UNSPECIFIED, 'unknown'],
];
const PRIMARIES: readonly [number, Colour['primaries']][] = [
  [av.AVCOL_PRI_BT709, 'bt709'],
  [av.AVCOL_PRI_SMPTE170M, 'bt601'],
  [av.AVCOL_PRI_BT470BG, 'bt601'],
  [av.AVCOL_PRI_BT2020, 'bt2020'],
  [av.AVCOL_PRI_UNSPECIFIED, 'unknown'],
];
const TRANSFER: readonly [number, Colour['transfer']][] = [
  [av.AVCOL_TRC_BT709, 'bt709'],
  [av.AVCOL_TRC_SMPTE170M, 'bt601'],
  [av.AVCOL_TRC_IEC61966_2_1, 'srgb'],
  [av.AVCOL_TRC_SMPTE2084, 'pq'],
  [av.AVCOL_TRC_ARIB_STD_B67, 'hlg'],
  [av.AVCOL_TRC_UNSPECIFIED, 'unknown'],
];

const toWord = <W>(table: readonly [number, W][], value: number, unknown: W): W =>
  table.find(([number]) => number === value)?.[1] ?? unknown;
const toNumber = <W>(table: readonly [number, W][], word: W): number | undefined =>
  table.find(([, entry]) => entry === word)?.[0];

/** What a decoded frame says of its colour. */
export function colourOf(frame: av.Frame): Colour {
  const range = frame.colorRange;
  return {
    matrix: toWord(MATRIX, frame.colorSpace, 'unknown'),
    primaries: toWord(PRIMARIES, frame.colorPrimaries, 'unknown'),
    transfer: toWord(TRANSFER, frame.colorTrc, 'unknown'),
    range:
      range === av.AVCOL_RANGE_JPEG || frame.format === av.AV_PIX_FMT_YUVJ420P
        ? 'full'
        : range === av.AVCOL_RANGE_MPEG
          ? 'limited'
          : 'unknown',
  };
}

/** Puts a colour description into an encoder (H.264: into its VUI). What is unknown stays unsaid. */
export function tagEncoder(context: av.CodecContext, colour: Colour): void {
  context.colorSpace = (toNumber(MATRIX, colour.matrix) ?? av.AVCOL_SPC_UNSPECIFIED) as av.AVColorSpace;
  context.colorPrimaries = (toNumber(PRIMARIES, colour.primaries) ?? av.AVCOL_PRI_UNSPECIFIED) as av.AVColorPrimaries;
  context.colorTrc = (toNumber(TRANSFER, colour.transfer) ??
    av.AVCOL_TRC_UNSPECIFIED) as av.AVColorTransferCharacteristic;
  context.colorRange =
    colour.range === 'full'
      ? av.AVCOL_RANGE_JPEG
      : colour.range === 'limited'
        ? av.AVCOL_RANGE_MPEG
        : av.AVCOL_RANGE_UNSPECIFIED;
}

export const sameColour = (a: Colour, b: Colour): boolean =>
  a.matrix === b.matrix && a.primaries === b.primaries && a.transfer === b.transfer && a.range === b.range;
