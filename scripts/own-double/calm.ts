import { LEVEL, type Map3, smooth } from './even.ts';

/** Bands of unevenness, σ as a share of the texture's side, each without the broader one, and how much of each in brightness and hue is the face's own. */
const BANDS = [
  { sigma: 0.03, brightness: 0.55, hue: 0.25 },
  { sigma: 0.012, brightness: 0.8, hue: 0.5 },
] as const;
/** A patch of skin that differs by more than this, in logs, is a mark, no stain of light. */
const MARK = 0.3;

/**
 * Takes stains off bare skin: gloss in the folds and shade beside the nose are in all of the footage, above all on dark skin, whose own colour
 * is faint beside what it mirrors, and on a paler wearer they would stand out by as much as that is paler. What is left over an average face's pattern is
 * kept in part, less of its hue than of its brightness. Lips, brows, lids and marks stay.
 * @param bare 0–1 of each texel: skin without features.
 */
export function calmSkin(map: Map3, pattern: Map3['planes'], bare: Float32Array): void {
  const { side, planes, known } = map;
  const seen = (i: number, c: number): boolean => known[i]! > 0 && planes[c]![i]! > 0 && pattern[c]![i]! > 0;
  for (const band of BANDS) {
    const off = planes.map((plane, c) =>
      plane.map((value, i) => (seen(i, c) ? Math.log(value / pattern[c]![i]! / LEVEL) : 0)),
    );
    const weight = bare.map((share, i) => (seen(i, 1) ? share / (1 + (off[1]![i]! / MARK) ** 4) : 0));
    const found = off.map((values) => {
      const coarse = smooth(values, weight, side, 2.5 * band.sigma * side);
      return smooth(values, weight, side, band.sigma * side).map((value, i) => value - coarse[i]!);
    });
    const green = found[1]!;
    for (const [c, plane] of planes.entries())
      for (let i = 0; i < plane.length; i++) {
        if (bare[i]! < 0.01) continue;
        const hue = found[c]![i]! - green[i]!;
        plane[i]! *= Math.exp(-bare[i]! * ((1 - band.brightness) * green[i]! + (1 - band.hue) * hue));
      }
  }
}
