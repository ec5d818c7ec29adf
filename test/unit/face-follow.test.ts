import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { assign, meetings } from '../../server/face/assign.ts';
import { Follow } from '../../server/face/follow.ts';
import { readRigidFace } from '../../server/face/mesh.ts';
import type { Reading } from '../../server/face/reading.ts';
import { type Detection, LANDMARKS } from '../../server/face/types.ts';

const rigid = readRigidFace(fileURLToPath(new URL('../../models/perception', import.meta.url)));
const FRAME_US = 33_333;

/** What the detector says of an 80-pixel face whose middle is at (x, 200). */
function detection(x: number, score = 0.9): Detection {
  const keypoints = Float32Array.of(x - 18, 185, x + 18, 185, x, 202, x, 228, x - 40, 190, x + 40, 190);
  return { box: { x: x - 40, y: 160, w: 80, h: 80 }, score, keypoints };
}

/** Landmarks that agree with it. */
function reading(x: number): Reading {
  const points = new Float32Array(LANDMARKS * 3);
  for (let i = 0; i < LANDMARKS; i++) {
    const angle = i * 2.399963;
    const radius = 38 * Math.sqrt((i + 0.5) / LANDMARKS);
    points.set([x + radius * Math.cos(angle), 200 + radius * Math.sin(angle), 0], i * 3);
  }
  const put = (index: number, dx: number, y: number) => points.set([x + dx, y, 0], index * 3);
  put(33, -26, 185);
  put(133, -10, 185);
  put(362, 10, 185);
  put(263, 26, 185);
  put(1, 0, 202);
  put(13, 0, 226);
  put(14, 0, 230);
  put(10, 0, 155);
  put(152, 0, 245);
  put(234, -40, 195);
  put(454, 40, 195);
  const pose = { yawDeg: 1, pitchDeg: 2, rollDeg: 3, scale: 5, residual: 0.07 };
  const box = { x: x - 44, y: 145, w: 88, h: 105 };
  return { landmarks: { points, presence: 0.99, crop: { cx: x, cy: 200, size: 120, rot: 0 } }, pose, box };
}

/** A face that has been known for a while; returns it and a function that steps a picture on. */
function knownFace(x: number, id = 1): { face: Follow; step: () => void } {
  let now = 0;
  const face = new Follow(id, detection(x), rigid, now);
  const step = (): void => {
    now += FRAME_US;
    face.step(now);
  };
  face.observe(reading(x), false);
  face.credit(detection(x), 0.07);
  for (let i = 0; i < 10; i++) {
    step();
    face.observe(reading(x), false);
    face.credit(detection(x), 0.07);
  }
  return { face, step };
}

describe('a followed face', () => {
  test('is new in its first picture and known in its second', () => {
    const face = new Follow(1, detection(300), rigid, 0);
    face.observe(reading(300), false);
    face.credit(detection(300), 0.07);
    expect(face.snapshot()).toMatchObject({ id: 1, state: 'new', ageFrames: 0, lostFrames: 0, yawDeg: 1 });
    face.step(FRAME_US);
    face.observe(reading(300), false);
    face.credit(detection(300), 0.07);
    expect(face.snapshot()).toMatchObject({ state: 'known', ageFrames: 1 });
  });

  test('never becomes known on weak detections, nor on middling ones of a shape that is no face', () => {
    for (const [score, residual] of [
      [0.5, 0.07],
      [0.7, 0.16],
    ] as const) {
      const face = new Follow(1, detection(300), rigid, 0);
      for (let i = 1; i < 60; i++) {
        face.step(i * FRAME_US);
        face.observe(reading(300), false);
        face.credit(detection(300, score), residual);
        expect(face.state).toBe('new');
      }
    }
  });

  test('is covered where it was when it is lost, moves on and grows, and ends after a second', () => {
    const { face, step } = knownFace(300);
    const width = face.box.w;
    let frames = 0;
    while (!face.ended(640, 480)) {
      step();
      face.miss(null);
      frames++;
      expect(face.snapshot()).toMatchObject({ state: 'lost', landmarks: null, lostFrames: frames, confidence: 0 });
    }
    expect(frames).toBeGreaterThanOrEqual(30);
    expect(frames).toBeLessThanOrEqual(32);
    expect(face.box.w).toBeGreaterThan(width * 1.4);
  });

  test('stays covered when the picture comes back from a stall without it', () => {
    const { face } = knownFace(300);
    face.step(20e6);
    face.miss(null);
    expect(face.ended(640, 480)).toBe(false);
    expect(face.state).toBe('lost');
  });

  test('ends at once when it walked out of the picture', () => {
    const { face, step } = knownFace(620);
    for (let x = 626; x < 640; x += 6) {
      step();
      face.observe(reading(x), false);
      face.credit(detection(x), 0.07);
    }
    let frames = 0;
    for (; !face.ended(640, 480); frames++) {
      step();
      face.miss(null);
    }
    expect(frames).toBeLessThan(5);
  });

  test('is ambiguous when it is found again, then known, under its own id', () => {
    const { face, step } = knownFace(300);
    for (let i = 0; i < 5; i++) {
      step();
      face.miss(null);
    }
    step();
    face.observe(reading(310), true);
    face.credit(detection(310), 0.07);
    expect(face.state).toBe('ambiguous');
    step();
    face.observe(reading(310), false);
    face.credit(detection(310), 0.07);
    expect(face.snapshot()).toMatchObject({ id: 1, state: 'known' });
  });

  test('is covered when only the landmarks believe in it any more', () => {
    const { face, step } = knownFace(300);
    const states: string[] = [];
    for (let i = 0; i < 30; i++) {
      step();
      face.observe(reading(300), false);
      face.credit(null, null);
      states.push(face.state);
    }
    expect(states[10]).toBe('known');
    expect(states[25]).toBe('ambiguous');
  });
});

describe('who is who', () => {
  const all = (): boolean => true;

  test('detections go to the nearest face, strangers stay over', () => {
    const [a, b] = [knownFace(100, 1).face, knownFace(300, 2).face];
    const [near, far, new1] = [detection(305), detection(92), detection(500)];
    const { matched, unmatched } = assign([a, b], [near, far, new1], all);
    expect(matched.get(a)).toBe(far);
    expect(matched.get(b)).toBe(near);
    expect(unmatched).toEqual([new1]);
  });

  test('a face that was not found may have jumped further than one that was', () => {
    const { face } = knownFace(300);
    const jumped = detection(390);
    expect(assign([face], [jumped], all).matched.size).toBe(0);
    expect(assign([face], [jumped], () => false).matched.get(face)).toBe(jumped);
    expect(assign([face], [detection(520)], () => false).matched.size).toBe(0);
  });

  test('faces of very different size are not the same', () => {
    const { face } = knownFace(300);
    const small = detection(300);
    const tiny = { ...small, box: { x: 290, y: 190, w: 20, h: 20 } };
    expect(assign([face], [tiny], () => false).matched.size).toBe(0);
  });

  test('faces that cross are told, and two meshes on one face', () => {
    const [a, b, c] = [knownFace(100, 1).face, knownFace(140, 2).face, knownFace(300, 3).face];
    expect(meetings([a, b, c])).toEqual([{ a, b, same: false }]);
    const d = knownFace(105, 4).face;
    expect(meetings([a, d])).toEqual([{ a, b: d, same: true }]);
  });

  test('a crossing leaves doubt for the next picture, too', () => {
    const { face, step } = knownFace(300);
    face.doubt();
    expect(face.state).toBe('ambiguous');
    step();
    face.observe(reading(300), false);
    face.credit(detection(300), 0.07);
    expect(face.state).toBe('ambiguous');
    step();
    face.observe(reading(300), false);
    face.credit(detection(300), 0.07);
    expect(face.state).toBe('known');
  });
});
