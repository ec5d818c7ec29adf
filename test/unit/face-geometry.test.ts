import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cropAffine, overlap } from '../../server/face/crop.ts';
import { decode, merge, tilesOf, wholePicture } from '../../server/face/detector.ts';
import { readRigidFace } from '../../server/face/mesh.ts';
import { poseOf } from '../../server/face/pose.ts';
import { type Detection, LANDMARKS } from '../../server/face/types.ts';

const rigid = readRigidFace(fileURLToPath(new URL('../../models/perception', import.meta.url)));

/** Landmarks of the canonical face, turned, in frame pixels; only the rigid points are filled. */
function turned(
  yawDeg: number,
  pitchDeg: number,
  rollDeg: number,
  scale: number,
  cx: number,
  cy: number,
): Float32Array {
  const [yaw, pitch, roll] = [yawDeg, pitchDeg, rollDeg].map((degrees) => (degrees * Math.PI) / 180) as [
    number,
    number,
    number,
  ];
  const points = new Float32Array(LANDMARKS * 3);
  rigid.indices.forEach((index, i) => {
    let [x = 0, y = 0, z = 0] = rigid.positions.subarray(3 * i, 3 * i + 3);
    // Nod up, then turn to the performer's left, then lean clockwise as the camera sees it.
    [y, z] = [y * Math.cos(pitch) + z * Math.sin(pitch), z * Math.cos(pitch) - y * Math.sin(pitch)];
    [x, z] = [x * Math.cos(yaw) + z * Math.sin(yaw), z * Math.cos(yaw) - x * Math.sin(yaw)];
    [x, y] = [x * Math.cos(roll) + y * Math.sin(roll), y * Math.cos(roll) - x * Math.sin(roll)];
    points.set([cx + scale * x, cy - scale * y, -scale * z], index * 3);
  });
  return points;
}

describe('head pose', () => {
  test('is read back from a turned canonical face, whatever its size and place', () => {
    const angle = (limit: number) => fc.double({ min: -limit, max: limit, noNaN: true });
    fc.assert(
      fc.property(
        angle(75),
        angle(50),
        angle(80),
        fc.double({ min: 0.5, max: 40, noNaN: true }),
        (yaw, pitch, roll, scale) => {
          const pose = poseOf(turned(yaw, pitch, roll, scale, 320, 240), rigid);
          expect(pose.yawDeg).toBeCloseTo(yaw, 1);
          expect(pose.pitchDeg).toBeCloseTo(pitch, 1);
          expect(pose.rollDeg).toBeCloseTo(roll, 1);
          expect(pose.scale / scale).toBeCloseTo(1, 3);
          expect(pose.residual).toBeLessThan(0.01);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('tells its signs: left on screen for the performer is right, up is up, clockwise is positive', () => {
    const nose = (points: Float32Array) => ({ x: points[3 * 4] ?? 0, y: points[3 * 4 + 1] ?? 0 });
    const straight = nose(turned(0, 0, 0, 10, 0, 0));
    expect(nose(turned(20, 0, 0, 10, 0, 0)).x).toBeGreaterThan(straight.x);
    expect(nose(turned(0, 20, 0, 10, 0, 0)).y).toBeLessThan(straight.y);
    expect(poseOf(turned(0, 0, 15, 10, 0, 0), rigid).rollDeg).toBeCloseTo(15, 1);
  });

  test('notices that points are no face', () => {
    const scattered = new Float32Array(LANDMARKS * 3).map((_, i) => Math.sin(i * 12.9898) * 100);
    expect(poseOf(scattered, rigid).residual).toBeGreaterThan(0.4);
    expect(poseOf(new Float32Array(LANDMARKS * 3), rigid).residual).toBe(1);
  });
});

test('a crop puts its own middle on its centre and its corners half a side away', () => {
  const [a, b, c, d, e, f] = cropAffine({ cx: 100, cy: 50, size: 80, rot: Math.PI / 2 }, 192);
  expect(a * 95.5 + b * 95.5 + c).toBeCloseTo(100, 6);
  expect(d * 95.5 + e * 95.5 + f).toBeCloseTo(50, 6);
  // A quarter turn clockwise: the crop's right is the frame's down.
  expect(d * (191.5 - 95.5) + 50).toBeCloseTo(90, 6);
  expect(Math.hypot(a, d)).toBeCloseTo(80 / 192, 6);
});

describe('detector', () => {
  test('decodes an answer from its grid cell', () => {
    const scores = new Float32Array(2304).fill(-20);
    const boxes = new Float32Array(2304 * 16);
    const cell = 10 * 48 + 20;
    scores[cell] = Math.log(0.9 / 0.1);
    boxes.set([2, -4, 30, 40, -6, 0, 6, 0], cell * 16);
    const [one, ...others] = decode(scores, boxes, { x: -50, y: 10, size: 384 }, 0.3);
    expect(others).toEqual([]);
    expect(one?.score).toBeCloseTo(0.9, 5);
    // Cell (20, 10) lies at (82, 42) of 192; the region is twice as large and begins at (−50, 10).
    expect(one?.box).toEqual({ x: -50 + 2 * 84 - 0.5 - 30, y: 10 + 2 * 38 - 0.5 - 40, w: 60, h: 80 });
    expect([...(one?.keypoints.subarray(0, 4) ?? [])]).toEqual([101.5, 93.5, 125.5, 93.5]);
  });

  test.each(['scores', 'boxes'] as const)(
    'no numbers among its %s are a failure, not a picture without faces',
    (which) => {
      const answers = { scores: new Float32Array(2304).fill(-20), boxes: new Float32Array(2304 * 16) };
      const looked = (): unknown => decode(answers.scores, answers.boxes, { x: 0, y: 0, size: 192 }, 0.3);
      answers.boxes[16 * 7] = Number.NaN;
      expect(looked()).toEqual([]);
      if (which === 'scores') answers.scores[9] = Number.NaN;
      else answers.scores[7] = 2;
      expect(looked).toThrow(/gave no numbers/);
    },
  );

  test('merges answers about one face and keeps two faces apart', () => {
    const at = (x: number, score: number): Detection => ({
      box: { x, y: 0, w: 100, h: 100 },
      score,
      keypoints: new Float32Array(12).fill(x),
    });
    const merged = merge([at(0, 0.6), at(12, 0.9), at(90, 0.8), at(6, 0.3)]);
    expect(merged.map((one) => one.score)).toEqual([0.9, 0.8]);
    expect(merged[0]?.box.x).toBeCloseTo((12 * 0.9 + 0 + 6 * 0.3) / 1.8, 5);
  });

  test.each([
    [1280, 720],
    [1920, 1080],
    [1080, 1920],
    [4096, 2160],
    [4096, 16],
  ])('tiles of %i×%i cover the picture and overlap', (w, h) => {
    const tiles = tilesOf(w, h);
    const long = Math.max(w, h);
    const start = (tile: { x: number; y: number }): number => (w >= h ? tile.x : tile.y);
    expect(start(tiles[0] ?? { x: 1, y: 1 })).toBe(0);
    tiles.slice(1).forEach((tile, i) => {
      const before = tiles[i];
      if (before) expect(start(tile)).toBeLessThan(start(before) + before.size);
    });
    const last = tiles.at(-1);
    expect(last ? start(last) + last.size : 0).toBeCloseTo(long, 6);
    expect(wholePicture(w, h).size).toBe(long);
  });

  test('small pictures need no tiles', () => {
    expect(tilesOf(640, 480)).toEqual([]);
    expect(tilesOf(16, 16)).toEqual([]);
  });
});

test('overlap is 1 for the same box, 0 apart, a third for half shared', () => {
  const box = { x: 0, y: 0, w: 10, h: 10 };
  expect(overlap(box, box)).toBe(1);
  expect(overlap(box, { ...box, x: 11 })).toBe(0);
  expect(overlap(box, { ...box, x: 5 })).toBeCloseTo(1 / 3, 6);
});
