import { beforeAll, describe, expect, test } from 'vitest';
import { canonicalOf, drawnMesh } from '../../scripts/double/face-mesh.ts';
import { guideMap } from '../../scripts/double/maps.ts';
import { readFaceMesh } from '../../scripts/models/read-face-mesh.ts';
import { type Light, LightMeter, METER_SIZE } from '../../server/double/light.ts';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';

const SIZE = 256;
const PIXELS = SIZE * SIZE;
const METER_PIXELS = METER_SIZE * METER_SIZE;
const FRONTAL = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
const SKIN = [0.7, 0.55, 0.45] as const;
const GUIDE = 64;

let guide: Uint8Array;
let surface: Float32Array;

/** A canonical head drawn frontally in the crop, and a guide of even skin. */
beforeAll(async () => {
  const mesh = readFaceMesh();
  const canonical = canonicalOf(mesh);
  const texture = new Float32Array(4 * GUIDE * GUIDE);
  for (const [c, value] of SKIN.entries()) texture.fill(value, c * GUIDE * GUIDE, (c + 1) * GUIDE * GUIDE);
  guide = await guideMap(mesh, mesh.uv, canonical, texture, GUIDE, GUIDE);
  const drawn = drawnMesh(mesh, mesh.uv);
  const arena = new Arena(8);
  const vertices = arena.allocate(drawn.vertices.length * 20);
  const values = arena.floats(vertices, drawn.vertices.length * 5);
  drawn.vertices.forEach((point, i) => {
    const [x, y, z] = [0, 1, 2].map((k) => canonical[3 * point + k]!) as [number, number, number];
    values.set([127.5 + 11 * x, 127.5 + 11 * y, 11 * z, 2 * drawn.uv[i]![0] - 1, 2 * drawn.uv[i]![1] - 1], 5 * i);
  });
  const triangles = arena.allocate(drawn.triangles.length * 12);
  arena.ints(triangles, drawn.triangles.length * 3).set(drawn.triangles.flat());
  const [out, depth] = [arena.allocate(4 * PIXELS * 4), arena.allocate(PIXELS * 4)];
  loadKernels(arena).raster(vertices, triangles, drawn.triangles.length, SIZE, out, depth);
  surface = arena.floats(out, 4 * PIXELS).slice();
});

/** A plate whose skin is lit by `gain(x, y, channel)`, x and y −1 to 1 across the crop. */
function plate(gain: (x: number, y: number, channel: number) => number): Float32Array {
  const made = new Float32Array(3 * METER_PIXELS);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < METER_PIXELS; i++) {
      const [x, y] = [(i % METER_SIZE) / 31.5 - 1, Math.floor(i / METER_SIZE) / 31.5 - 1];
      made[c * METER_PIXELS + i] = SKIN[c]! * gain(x, y, c);
    }
  }
  return made;
}

/** What the network would multiply an even frontal patch at (x, y) with; the normal is taken as frontal plus x and y slopes. */
function applied(
  { terms, gain }: Light,
  channel: number,
  [nx, ny, nz]: readonly [number, number, number],
  x: number,
  y: number,
): number {
  const basis = [1, nx, ny, nz, nx * ny, nx * nz, ny * nz, nx * nx - ny * ny, 3 * nz * nz - 1];
  const lit = basis.reduce((sum, value, k) => sum + value * terms[9 * channel + k]!, 0);
  const node = (v: number): number => Math.min(7, Math.max(0, Math.floor(((v + 1) / 2) * 8)));
  return lit * gain[channel * 64 + node(y) * 8 + node(x)]!;
}

const CHEEK = [0, 0, -1] as const;

describe('LightMeter', () => {
  test('even coloured light comes out as that gain, in every channel', () => {
    const light = new LightMeter({ size: GUIDE, texels: guide }).measure(
      1,
      0,
      plate((_x, _y, c) => [0.5, 0.8, 1.2][c]!),
      surface,
      FRONTAL,
    );
    for (const [c, gain] of [0.5, 0.8, 1.2].entries()) expect(applied(light, c, CHEEK, 0, 0)).toBeCloseTo(gain, 1);
  });

  test('light from one side makes that side brighter', () => {
    const light = new LightMeter({ size: GUIDE, texels: guide }).measure(
      1,
      0,
      plate((x) => 0.7 + 0.4 * x),
      surface,
      FRONTAL,
    );
    const [left, right] = [
      applied(light, 1, [-0.7, 0, -0.7], -0.45, 0.1),
      applied(light, 1, [0.7, 0, -0.7], 0.45, 0.1),
    ];
    expect(left).toBeLessThan(0.65);
    expect(right).toBeGreaterThan(0.75);
  });

  test('a dark lock of hair over a fifth of the face hardly moves the rest', () => {
    const hair = plate((x) => (x < -0.35 ? 0.1 : 0.8));
    const light = new LightMeter({ size: GUIDE, texels: guide }).measure(1, 0, hair, surface, FRONTAL);
    expect(applied(light, 1, CHEEK, 0.2, 0.2)).toBeGreaterThan(0.7);
    expect(applied(light, 1, CHEEK, 0.2, 0.2)).toBeLessThan(0.9);
  });

  test('noise in the plate does not flicker; a lamp that is switched on is followed within a tenth of a second', () => {
    const meter = new LightMeter({ size: GUIDE, texels: guide });
    const levels: number[] = [];
    for (let k = 0; k < 30; k++) {
      const noisy = plate((x, y) => 0.6 * (1 + 0.08 * Math.sin(997 * x + 613 * y + 71 * k)));
      levels.push(applied(meter.measure(1, k * 33_333, noisy, surface, FRONTAL), 1, CHEEK, 0, 0));
    }
    const jumps = levels.slice(1).map((level, k) => Math.abs(level / levels[k]! - 1));
    expect(Math.max(...jumps)).toBeLessThan(0.01);
    let level = 0;
    for (let k = 30; k < 33; k++)
      level = applied(
        meter.measure(
          1,
          k * 33_333,
          plate(() => 1),
          surface,
          FRONTAL,
        ),
        1,
        CHEEK,
        0,
        0,
      );
    expect(level).toBeGreaterThan(0.93);
  });

  test('what is kept of one track is not used for another, nor after it was forgotten', () => {
    const meter = new LightMeter({ size: GUIDE, texels: guide });
    meter.measure(
      1,
      0,
      plate(() => 0.3),
      surface,
      FRONTAL,
    );
    const other = meter.measure(
      2,
      33_333,
      plate(() => 0.9),
      surface,
      FRONTAL,
    );
    expect(applied(other, 1, CHEEK, 0, 0)).toBeCloseTo(0.9, 1);
    meter.forget(1);
    expect(
      applied(
        meter.measure(
          1,
          66_666,
          plate(() => 0.8),
          surface,
          FRONTAL,
        ),
        1,
        CHEEK,
        0,
        0,
      ),
    ).toBeCloseTo(0.8, 1);
  });

  test('black and blown-out plates give finite light', () => {
    for (const level of [0, 5]) {
      const light = new LightMeter({ size: GUIDE, texels: guide }).measure(
        1,
        0,
        plate(() => level),
        surface,
        FRONTAL,
      );
      expect([...light.terms, ...light.gain].every(Number.isFinite)).toBe(true);
    }
  });
});
