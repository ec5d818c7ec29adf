import type { Moment } from './frame.ts';
import { type LightPlan, planLighting, randomPlan } from './lights.ts';
import { NEUTRAL_POSE, type Pose } from './pose.ts';
import { expressionUnits, type Face, NEUTRAL_FACE } from './rig.ts';
import type { Camera } from './scene.ts';
import { clamp, mix } from './vec.ts';

type Next = () => number;

/** One picture of a performance with everything that it is made of. */
export interface PairMoment extends Moment {
  /** The rig behind `expression`. */
  face: Face;
  light: LightPlan;
  /** Which background stands behind, any whole number. */
  backdrop: number;
}

export interface MomentOptions {
  /** Height of the picture in pixels: face sizes are counted in it. */
  height: number;
  /** Face height in pixels from brow ridge to chin; default 60–700, at most the picture. */
  faceSize: readonly [least: number, most: number];
  /** Largest angles in degrees: default 50, 25, 20. */
  yaw: number;
  pitch: number;
  roll: number;
}

const DEG = Math.PI / 180;
/** Brow ridge to chin, decimetres. */
export const FACE_HEIGHT = 1.6;

/** One independent frame: expression, gaze, pose, size and light drawn anew. */
export function randomMoment(next: Next, options: Partial<MomentOptions> & Pick<MomentOptions, 'height'>): PairMoment {
  const { height, faceSize = [60, 700], yaw = 50, pitch = 25, roll = 20 } = options;
  const gaze = randomGaze(next);
  const face = randomFace(next);
  const pose: Pose = {
    ...NEUTRAL_POSE,
    yaw: symmetric(next, yaw) * DEG,
    pitch: symmetric(next, pitch) * DEG,
    roll: symmetric(next, roll) * DEG,
    gaze,
    torsoYaw: symmetric(next, 8) * DEG,
  };
  const size = clamp(Math.exp(mix(Math.log(faceSize[0]), Math.log(faceSize[1]), next())), 20, 1.1 * height);
  const light = randomPlan(next);
  return {
    expression: expressionUnits(face, gaze[1]),
    pose,
    camera: cameraOn(pose, size / height, next),
    lighting: planLighting(light),
    face,
    light,
    backdrop: Math.floor(next() * 1e6),
  };
}

/** Mostly moderate, the ends well covered. */
function symmetric(next: Next, most: number): number {
  const flat = 2 * next() - 1;
  return most * (next() < 0.5 ? flat : flat * next());
}

/** A camera whose picture holds the face at `share` of its height, off the middle by a little. */
export function cameraOn(pose: Pose, share: number, next: Next): Camera {
  const distance = mix(6, 26, next() ** 1.5);
  const opening = FACE_HEIGHT / share / distance;
  const room = Math.max(0, FACE_HEIGHT / share - 2.1);
  const [x, y] = faceMiddle(pose);
  return {
    position: [x + 0.35 * room * (next() - 0.5), y + 0.35 * room * (next() - 0.5), distance],
    opening,
  };
}

/** A camera straight before the neutral face, which fills `share` of the picture's height. */
export function cameraFor(share: number, distance: number): Camera {
  return { position: [0, -0.42, distance], opening: FACE_HEIGHT / share / distance };
}

/** About where the middle of the face is when the head swings about the neck, decimetres. */
export function faceMiddle(pose: Pose): [x: number, y: number] {
  const yaw = pose.yaw + pose.torsoYaw;
  return [
    0.95 * Math.sin(yaw) + 1.1 * Math.sin(pose.roll) + pose.shift,
    -0.42 + 0.95 * Math.sin(pose.pitch) + pose.rise,
  ];
}

function randomGaze(next: Next): [yaw: number, pitch: number] {
  const strong = next() < 0.65 ? 1 : 0.25;
  return [symmetric(next, 36) * DEG * strong, (symmetric(next, 22) - 3) * DEG * strong];
}

/** Lids and mouth are drawn on their own, so that every combination comes up; shut eyes and open mouths come often. */
export function randomFace(next: Next): Face {
  const face: Face = { ...NEUTRAL_FACE, ...randomMouth(next), ...randomLids(next) };
  const brows = next();
  if (brows < 0.3) face.brows = mix(0.2, 1, next());
  else if (brows < 0.6) face.brows = -mix(0.2, 1, next());
  if (next() < 0.3) face.worry = next();
  return face;
}

function randomMouth(next: Next): Partial<Face> {
  const kind = next();
  if (kind < 0.15) return { smile: next() < 0.5 ? 0.2 * next() : 0 };
  if (kind < 0.35) return { jaw: mix(0.5, 1, next()), wide: 0.6 * next(), smile: next() < 0.4 ? next() : 0 };
  if (kind < 0.55) return { smile: mix(0.3, 1, next()), teeth: next() < 0.7 ? next() : 0, jaw: 0.4 * next() ** 2 };
  if (kind < 0.68) return { pucker: mix(0.3, 1, next()), jaw: 0.7 * next() ** 2 };
  if (kind < 0.78) return { wide: mix(0.3, 1, next()), jaw: 0.6 * next() };
  if (kind < 0.86) return { press: mix(0.3, 1, next()) };
  return { jaw: next() ** 1.5, pucker: 0.5 * next(), wide: 0.4 * next(), teeth: 0.6 * next() };
}

function randomLids(next: Next): Partial<Face> {
  const kind = next();
  if (kind < 0.2) return { blinkLeft: 1, blinkRight: 1 };
  if (kind < 0.36) {
    const shut = next();
    return { blinkLeft: shut, blinkRight: shut };
  }
  if (kind < 0.46) {
    const shut = mix(0.3, 1, next());
    return next() < 0.5 ? { blinkLeft: shut } : { blinkRight: shut };
  }
  return { squint: next() < 0.25 ? next() : 0 };
}
