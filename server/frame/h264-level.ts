/** What a video stream asks of a decoder. Bits and frames a second. */
export interface StreamShape {
  width: number;
  height: number;
  fps: number;
  bitrate: number;
}

/**
 * ITU-T H.264 table A-1: level_idc, macroblocks a second, macroblocks a frame, kilobits a second (baseline and main; the bits of NAL
 * units are 1.2 times those of the video layer, which is left as a margin). Level 1b is left out: its level_idc is 1.1's.
 */
const LEVELS: readonly [idc: number, perSecond: number, perFrame: number, kbps: number][] = [
  [10, 1_485, 99, 64],
  [11, 3_000, 396, 192],
  [12, 6_000, 396, 384],
  [13, 11_880, 396, 768],
  [20, 11_880, 396, 2_000],
  [21, 19_800, 792, 4_000],
  [22, 20_250, 1_620, 4_000],
  [30, 40_500, 1_620, 10_000],
  [31, 108_000, 3_600, 14_000],
  [32, 216_000, 5_120, 20_000],
  [40, 245_760, 8_192, 20_000],
  [41, 245_760, 8_192, 50_000],
  [42, 522_240, 8_704, 50_000],
  [50, 589_824, 22_080, 135_000],
  [51, 983_040, 36_864, 240_000],
  [52, 2_073_600, 36_864, 240_000],
];

/** Rates that cameras mean: 29.97 and a measured 31 are 30. */
const RATES = [30, 60, 120] as const;

/** The lowest level (level_idc: 31 is 3.1) that such a stream keeps; the highest there is where none holds it. */
export function levelOf({ width, height, fps, bitrate }: StreamShape): number {
  const macroblocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  const rate = RATES.find((nominal) => fps <= nominal * 1.1) ?? 120;
  const found = LEVELS.find(
    ([, perSecond, perFrame, kbps]) =>
      macroblocks <= perFrame && macroblocks * rate <= perSecond && bitrate <= kbps * 1000,
  );
  return (found ?? LEVELS.at(-1))?.[0] ?? 52;
}

/** The way a person writes a level: 3.1. */
export const levelWords = (idc: number): string => (idc / 10).toFixed(1);
