import { expect, test } from 'vitest';
import { faceInfoOf } from '../../server/engine/face-info.ts';
import type { ShownFace } from '../../server/engine/face-stage.ts';
import { faceInfo } from '../../server/wire/messages.ts';

const shown = (box: ShownFace['track']['box']): ShownFace => ({
  track: {
    ...{ id: 3, state: 'new', box, landmarks: null, yawDeg: 0, pitchDeg: 0, rollDeg: 0 },
    ...{ confidence: 0, ageFrames: 1, lostFrames: 0 },
  },
  treatment: { kind: 'cover', why: 'new face' },
  casting: null,
  neck: null,
});
const PICTURE = { width: 640, height: 480 };

test('the part of a face that lies in the picture is told as shares of it', () => {
  expect(faceInfoOf(shown({ x: -64, y: 240, w: 128, h: 480 }), PICTURE)).toEqual({
    ...{ track: 3, shown: 'covered', why: 'new face', casting: null },
    neck: null,
    box: { x: 0, y: 0.5, w: 0.1, h: 0.5 },
  });
});

test('whatever the place, it is one that can be told: an engine must not fall over what its detector says', () => {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -50, 0, 320];
  for (const x of odd)
    for (const w of odd)
      for (const picture of [PICTURE, { width: 0, height: 0 }])
        expect(faceInfo.safeParse(faceInfoOf(shown({ x, y: x, w, h: w }), picture)).success).toBe(true);
});

test('how a face sits with its neck is told with one decimal', () => {
  const face = { ...shown({ x: 0, y: 0, w: 64, h: 64 }), neck: { program: 3.46, plate: 2.04 } };
  expect(faceInfoOf(face, PICTURE).neck).toEqual({ program: 3.5, plate: 2 });
});
