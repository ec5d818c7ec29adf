import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readHead } from '../../server/engine/casting/head.ts';
import { RestingFaces } from '../../server/engine/resting-faces.ts';
import { LANDMARKS, type Track } from '../../server/face/types.ts';

const HEAD = readHead(fileURLToPath(new URL('../../models', import.meta.url)));
const NOSE_TIP = 1;
const CHIN = 152;

/** A head 20 pixels a centimetre, its nose tip moved to its left and its chin dropped, both in centimetres. */
function performer({ nose = 0.4, chin = 0, yawDeg = 0 } = {}): Track {
  const points = new Float32Array(3 * LANDMARKS);
  points.set(HEAD.canonical);
  points[3 * NOSE_TIP] = points[3 * NOSE_TIP]! + nose;
  for (const point of [14, CHIN]) points[3 * point + 1] = points[3 * point + 1]! + chin;
  for (let k = 0; k < points.length; k++) points[k] = 20 * points[k]! + 300;
  return {
    id: 7,
    state: 'known',
    box: { x: 200, y: 200, w: 200, h: 200 },
    landmarks: { points, presence: 1, crop: { cx: 300, cy: 300, size: 300, rot: 0 } },
    yawDeg,
    pitchDeg: 0,
    rollDeg: 0,
    confidence: 1,
    ageFrames: 9,
    lostFrames: 0,
  };
}
const noseOf = (faces: RestingFaces): number => faces.of(7)![3 * NOSE_TIP]! - HEAD.canonical[3 * NOSE_TIP]!;

test('a face begins as an average head and becomes the performer’s own, without a step', () => {
  const faces = new RestingFaces(HEAD);
  expect(faces.of(7)).toBeNull();
  const seen: number[] = [];
  for (let frame = 0; frame < 120; frame++) {
    faces.see([performer()]);
    seen.push(noseOf(faces));
  }
  // The rigid fit gives a little of the nose's way to the head.
  const whole = seen.at(-1)!;
  expect(whole).toBeGreaterThan(0.25);
  expect(whole).toBeLessThan(0.41);
  expect(seen[0]).toBeLessThan(0.1 * whole);
  expect(seen[30]).toBeGreaterThan(0.6 * whole);
  for (let i = 1; i < seen.length; i++) expect(seen[i]! - seen[i - 1]!).toBeLessThan(0.08 * whole);
});

test('speech and turned heads hardly count, a track that ended counts no more', () => {
  const faces = new RestingFaces(HEAD);
  faces.see(Array.from({ length: 60 }, () => performer()));
  const chin = (): number => faces.of(7)![3 * CHIN + 1]! - HEAD.canonical[3 * CHIN + 1]!;
  faces.see(Array.from({ length: 60 }, () => performer({ chin: 2 })));
  expect(chin()).toBeLessThan(0.2);
  const before = noseOf(faces);
  faces.see([performer({ nose: -3, yawDeg: 40 })]);
  expect(noseOf(faces)).toBe(before);
  faces.forget(7);
  expect(faces.of(7)).toBeNull();
});
