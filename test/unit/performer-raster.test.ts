import { describe, expect, test } from 'vitest';
import { lightAt, renderDepth } from '../../scripts/performer/occlusion.ts';
import {
  clearGBuffer,
  createGBuffer,
  drawPart,
  type Projected,
  scan,
  TRIANGLE_MASK,
} from '../../scripts/performer/raster.ts';

const flat = (x: number[], y: number[], near: number[], perspective = false): Projected => ({
  x: Float32Array.from(x),
  y: Float32Array.from(y),
  near: Float32Array.from(near),
  perspective,
});

describe('scan', () => {
  test('two triangles that share an edge cover every sample of their quad exactly once', () => {
    // Counter-clockwise with y up is front; on the screen y runs down.
    const view = flat([1.3, 6.8, 6.8, 1.3], [6.6, 6.6, 1.2, 1.2], [1, 1, 1, 1]);
    const hits = new Uint8Array(64);
    scan({ triangles: Uint32Array.of(0, 1, 2, 0, 2, 3) }, view, 8, 8, 'back', null, (k) => {
      hits[k] = (hits[k] ?? 0) + 1;
    });
    for (let y = 0; y < 8; y++)
      for (let x = 0; x < 8; x++) {
        const inside = x + 0.5 > 1.3 && x + 0.5 < 6.8 && y + 0.5 > 1.2 && y + 0.5 < 6.6;
        expect(hits[8 * y + x], `${x},${y}`).toBe(inside ? 1 : 0);
      }
  });

  test('weights are perspective-correct: the middle of a receding edge on the screen lies near its front end', () => {
    // A strip from distance 1 (left) to distance 3 (right): 1/z at the screen's middle is 2/3, so z = 1.5, a quarter of the way.
    const view = flat([0, 8, 0], [8, 8, 0], [1, 1 / 3, 1], true);
    let along = Number.NaN;
    scan({ triangles: Uint32Array.of(0, 1, 2) }, view, 8, 8, 'back', null, (k, _near, b1) => {
      if (k === 8 * 7 + 3) along = b1;
    });
    const t = 3.5 / 8;
    const near = 1 + t * (1 / 3 - 1);
    expect(along).toBeCloseTo((t * (1 / 3)) / near, 5);
  });

  test('a triangle turned away is not drawn', () => {
    let count = 0;
    scan(
      { triangles: Uint32Array.of(0, 2, 1) },
      flat([0, 8, 0], [8, 8, 0], [1, 1, 1]),
      8,
      8,
      'back',
      null,
      () => count++,
    );
    expect(count).toBe(0);
  });
});

describe('drawPart', () => {
  test('the nearer triangle wins whatever the order, and a cut-out lets the farther one through', () => {
    const view = flat([0, 8, 0, 0, 8, 0], [8, 8, 0, 8, 8, 0], [1, 1, 1, 2, 2, 2]);
    const g = createGBuffer(8, 8);
    for (const triangles of [Uint32Array.of(0, 1, 2, 3, 4, 5), Uint32Array.of(3, 4, 5, 0, 1, 2)]) {
      clearGBuffer(g);
      drawPart(g, 0, { triangles }, view, 'back', null);
      const nearest = triangles[0] === 3 ? 0 : 1;
      expect((g.id[8 * 6 + 1] ?? -1) & TRIANGLE_MASK).toBe(nearest);
      clearGBuffer(g);
      drawPart(g, 0, { triangles }, view, 'back', (_b1, _b2, t) => t !== nearest);
      expect((g.id[8 * 6 + 1] ?? -1) & TRIANGLE_MASK).toBe(1 - nearest);
    }
  });
});

describe('depth map', () => {
  test('a point behind a wall is in shadow, one beside it is not', () => {
    const wall = Float32Array.of(-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0);
    const map = renderDepth([{ triangles: Uint32Array.of(0, 1, 2, 0, 2, 3) }], wall, [0, 0, 1], [0, 0, 0], 6, 96);
    expect(lightAt(map, 0, 0, -1, 0.01, 1)).toBe(0);
    expect(lightAt(map, 0, 0, 1, 0.01, 1)).toBe(1);
    expect(lightAt(map, 2, 0, -1, 0.01, 1)).toBe(1);
    const edge = lightAt(map, 1, 0, -1, 0.01, 2);
    expect(edge).toBeGreaterThan(0.2);
    expect(edge).toBeLessThan(0.8);
  });
});
