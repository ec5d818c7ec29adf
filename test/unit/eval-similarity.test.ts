import { describe, expect, test } from 'vitest';
import {
  complexionGain,
  halvedTo,
  lightDifference,
  lightSamples,
  type Masked,
  meanDifference,
  psnrDb,
  ssim,
} from '../../scripts/eval/similarity.ts';
import { linearOf } from '../../server/colour/difference.ts';

const SIDE = 48;
const everywhere: Masked = { width: SIDE, height: SIDE, mask: new Uint8Array(SIDE * SIDE).fill(1) };
const picture = (value: (x: number, y: number, channel: number) => number): Uint8Array =>
  Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) =>
    value(Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE), i % 3),
  );
const lightOf = (a: Uint8Array, b: Uint8Array, masked: Masked, sigma: number): number =>
  lightDifference(lightSamples(a, b, masked, sigma));
const encoded = (light: number): number => Math.round(255 * (1.055 * light ** (1 / 2.4) - 0.055));
const waves = picture((x, y, c) => 128 + 60 * Math.sin(x / 3 + c) * Math.cos(y / 4));
const left: Masked = { ...everywhere, mask: everywhere.mask.map((_, i) => (i % SIDE < SIDE / 2 ? 1 : 0)) };

describe('likeness to the truth', () => {
  test('equal pictures: PSNR at its cap, SSIM 1, no difference', () => {
    expect(psnrDb(waves, waves, everywhere)).toBe(60);
    expect(ssim(waves, waves, everywhere)).toBeCloseTo(1, 9);
    expect(meanDifference(waves, waves, everywhere)).toBe(0);
    expect(lightOf(waves, waves, everywhere, 3)).toBe(0);
  });

  test('an offset of 10 code values is 28.13 dB and a mean difference of 10', () => {
    const brighter = waves.map((value) => value + 10);
    expect(psnrDb(waves, brighter, everywhere)).toBeCloseTo(20 * Math.log10(255 / 10), 6);
    expect(meanDifference(waves, brighter, everywhere)).toBe(10);
  });

  test('flat pictures: SSIM is its luminance term alone', () => {
    const [a, b] = [100, 140];
    const c1 = (0.01 * 255) ** 2;
    const expected = (2 * a * b + c1) / (a * a + b * b + c1);
    expect(
      ssim(
        picture(() => a),
        picture(() => b),
        everywhere,
      ),
    ).toBeCloseTo(expected, 6);
  });

  test('a picture against its negative has an SSIM below 0', () => {
    expect(
      ssim(
        waves,
        waves.map((value) => 256 - value),
        everywhere,
      ),
    ).toBeLessThan(-0.5);
  });

  test('what is outside the mask counts nowhere, not even through a window at its edge', () => {
    const other = picture((x, y, c) => (x < SIDE / 2 ? waves[3 * (y * SIDE + x) + c]! : 255));
    expect(psnrDb(waves, other, left)).toBe(60);
    expect(ssim(waves, other, left)).toBeCloseTo(1, 9);
    expect(lightOf(waves, other, left, 4)).toBe(0);
    expect(psnrDb(waves, other, everywhere)).toBeLessThan(20);
    expect(psnrDb(waves, waves, { ...everywhere, mask: new Uint8Array(SIDE * SIDE) })).toBeNaN();
  });

  test('the difference of light is that of the colours, whatever fine pattern lies over them', () => {
    const pattern = picture((x, y) => 120 + ((x + y) % 2 ? 20 : -20));
    const shifted = picture((x, y) => 120 + ((x + y) % 2 ? -20 : 20));
    expect(lightOf(pattern, shifted, everywhere, 3)).toBeLessThan(0.5);
    const warm = picture((_, __, c) => [150, 120, 90][c]!);
    expect(
      lightOf(
        warm,
        picture(() => 120),
        everywhere,
        3,
      ),
    ).toBeGreaterThan(10);
  });

  test('a complexion is one gain per channel; light that falls otherwise is not taken out with it', () => {
    const lit = picture((x, _, c) => 60 + 2 * x + 5 * c);
    const darker = picture((x, _, c) => encoded(linearOf(60 + 2 * x + 5 * c) * [0.5, 0.4, 0.3][c]!));
    const samples = lightSamples(lit, darker, everywhere, 3);
    const gain = complexionGain(samples);
    for (const [c, k] of [0.5, 0.4, 0.3].entries()) expect(gain[c]).toBeCloseTo(k, 1);
    expect(lightDifference(samples)).toBeGreaterThan(15);
    expect(lightDifference(samples, gain)).toBeLessThan(1);
    const turned = lightSamples(lit, lit.toReversed(), everywhere, 3);
    expect(lightDifference(turned, complexionGain(turned))).toBeGreaterThan(5);
  });

  test('halving keeps colours and forgets half-masked pixels', () => {
    const odd: Masked = { ...left, mask: left.mask.map((inside, i) => (i % SIDE === SIDE / 2 ? 1 : inside)) };
    const { masked, scale, rgb } = halvedTo([picture(() => 77)], odd, SIDE / 2);
    expect([masked.width, scale, rgb[0]![0]]).toEqual([SIDE / 2, 2, 77]);
    expect(masked.mask.reduce((sum, value) => sum + value, 0)).toBe((SIDE / 2) * (SIDE / 4));
  });
});
