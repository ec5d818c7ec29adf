import { describe, expect, test } from 'vitest';
import { readFaceMesh } from '../../scripts/models/read-face-mesh.ts';
import { keepBrowsDark } from '../../scripts/own-double/brows.ts';
import { calmSkin } from '../../scripts/own-double/calm.ts';
import { LEVEL, type Map3 } from '../../scripts/own-double/even.ts';

const SIDE = 128;
const mesh = readFaceMesh();
const { uv } = mesh;
const plain = (): Map3 => ({
  side: SIDE,
  planes: [0, 1, 2].map(() => new Float32Array(SIDE * SIDE).fill(LEVEL)) as Map3['planes'],
  known: new Float32Array(SIDE * SIDE).fill(1),
});
/** Texel in the middle of some landmarks. */
const middleOf = (points: readonly number[]): number => {
  const mean = (axis: 0 | 1): number => points.reduce((sum, i) => sum + uv[i]![axis], 0) / points.length;
  return Math.floor(mean(1) * SIDE) * SIDE + Math.floor(mean(0) * SIDE);
};
const around = (at: number, reach: number, put: (i: number) => void): void => {
  for (let y = -reach; y <= reach; y++) for (let x = -reach; x <= reach; x++) put(at + y * SIDE + x);
};

describe('a texture that others wear', () => {
  /** Black brows over dark skin: relative to it they are light, and blue. */
  const browed = (): { map: Map3; at: number } => {
    const map = plain();
    for (const point of [...mesh.leftBrow, ...mesh.rightBrow])
      around(middleOf([point]), 4, (i) => {
        for (const [c, share] of [0.3, 0.45, 0.6].entries()) map.planes[c]![i] = share * LEVEL;
      });
    return { map, at: middleOf(mesh.leftBrow) };
  };
  const over = (skin: readonly number[], map: Map3, at: number): number[] =>
    [0, 1, 2].map((c) => (map.planes[c]![at]! / LEVEL) * skin[c]!);

  test('black brows of dark skin stay black on pale skin, not blue', () => {
    const { map, at } = browed();
    keepBrowsDark(map, [0.35, 0.24, 0.18], { mesh, uv });
    const worn = over([0.78, 0.6, 0.49], map, at);
    // As dark as they were in the footage: 0.3 · 0.35, and grey.
    for (const value of worn) expect(Math.abs(value - 0.107)).toBeLessThan(0.03);
    expect(Math.max(...worn) - Math.min(...worn)).toBeLessThan(0.02);
    expect(map.planes[0][middleOf([9])]).toBeCloseTo(LEVEL);
  });

  test('brows of pale skin, and fair ones, are left as they are', () => {
    const { map, at } = browed();
    const before = over([1, 1, 1], map, at);
    keepBrowsDark(map, [0.8, 0.62, 0.5], { mesh, uv });
    expect(over([1, 1, 1], map, at)).toEqual(before);
    const fair = plain();
    keepBrowsDark(fair, [0.35, 0.24, 0.18], { mesh, uv });
    expect(fair).toEqual(plain());
  });

  test('a grey stain on bare skin fades, more in hue than in brightness; a mark, and what is not bare, stays', () => {
    const map = plain();
    const stain = (at: number, factors: readonly number[]): void =>
      around(at, 3, (i) => {
        for (const [c, factor] of factors.entries()) map.planes[c]![i] = factor * LEVEL;
      });
    const [cheek, lip, mole] = [middleOf([205]), middleOf([425]), middleOf([9])];
    stain(cheek, [0.96, 1.05, 1.15]);
    stain(lip, [0.96, 1.05, 1.15]);
    around(mole, 1, (i) => {
      for (let c = 0; c < 3; c++) map.planes[c]![i] = 0.3 * LEVEL;
    });
    const bare = new Float32Array(SIDE * SIDE).fill(1);
    around(lip, 6, (i) => {
      bare[i] = 0;
    });
    const pattern = [0, 1, 2].map(() => new Float32Array(SIDE * SIDE).fill(1)) as Map3['planes'];
    calmSkin(map, pattern, bare);
    const hue = (i: number): number => Math.log(map.planes[2][i]! / map.planes[0][i]!);
    expect(hue(cheek)).toBeLessThan(0.65 * Math.log(1.15 / 0.96));
    expect(map.planes[1][cheek]! / LEVEL).toBeGreaterThan(1.015);
    expect(map.planes[1][cheek]! / LEVEL).toBeLessThan(1.045);
    expect(hue(lip)).toBeCloseTo(Math.log(1.15 / 0.96), 3);
    expect(map.planes[1][mole]! / LEVEL).toBeLessThan(0.33);
  });
});
