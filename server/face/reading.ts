import { boxOfLandmarks, eyeAngle, turnedBounds } from './crop.ts';
import { POINT, type RigidFace } from './mesh.ts';
import { type Pose, poseOf } from './pose.ts';
import type { Box, Detection, Landmarks } from './types.ts';

/** The landmark model's own probability below this is no face. */
const PRESENCE = 0.5;
/**
 * How far the rigid points may lie from the turned canonical face's (share of their spread). Measured: real faces 0.05–0.10 (hands before
 * the mouth, yaw to 30°), a skull printed on a jumper 0.14–0.19. Following goes on up to the first; to become known takes the second.
 */
const SHAPE_RESIDUAL = 0.22;
export const FACE_RESIDUAL = 0.135;
/** The eyes are level in the crop, within this (radians): else the mesh has turned over. */
const TILT = 1.0;
/** Mesh size against crop size: the model was trained on crops that it fills to two thirds. */
const FILL = [0.38, 1.0] as const;

/** Landmarks that passed, with what follows from them. */
export interface Reading {
  landmarks: Landmarks;
  pose: Pose;
  box: Box;
}

/** Accepts a reading of the landmark model only if it looks like a face in this picture; `previousWidth`: the same face's box a picture ago. */
export function accept(
  landmarks: Landmarks,
  face: RigidFace,
  picture: { width: number; height: number },
  previousWidth: number | null,
): Reading | null {
  const { points, presence, crop } = landmarks;
  // Not a number passes most comparisons, and would stay in every filter behind this.
  if (!(presence >= PRESENCE) || !allFinite(points)) return null;
  const bounds = turnedBounds(points, crop.rot, null);
  const fill = Math.max(bounds.w, bounds.h) / crop.size;
  if (!(fill >= FILL[0] && fill <= FILL[1])) return null;
  const inside = bounds.cx >= 0 && bounds.cy >= 0 && bounds.cx < picture.width && bounds.cy < picture.height;
  if (!inside) return null;
  const tilt = eyeAngle(points) - crop.rot;
  if (Math.cos(tilt) < Math.cos(TILT)) return null;
  const pose = poseOf(points, face);
  if (!(pose.residual <= SHAPE_RESIDUAL)) return null;
  const box = boxOfLandmarks(points);
  if (previousWidth !== null && (box.w > previousWidth * 1.5 || box.w < previousWidth * 0.6)) return null;
  return { landmarks, pose, box };
}

/** Whether all are numbers; a sum of so few float32 cannot overflow. */
export function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? Number.NaN;
  return Number.isFinite(sum);
}

/** The detector's keypoints 0–3 as the landmarks place them: right eye, left eye, nose tip, mouth; 4 × (x, y). */
export function keypointsOf(points: Float32Array): Float32Array {
  const out = new Float32Array(8);
  const pairs = [
    [POINT.rightEyeOuter, POINT.rightEyeInner],
    [POINT.leftEyeInner, POINT.leftEyeOuter],
    [POINT.noseTip, POINT.noseTip],
    [POINT.upperLip, POINT.lowerLip],
  ] as const;
  pairs.forEach(([a, b], k) => {
    out[2 * k] = ((points[3 * a] ?? 0) + (points[3 * b] ?? 0)) / 2;
    out[2 * k + 1] = ((points[3 * a + 1] ?? 0) + (points[3 * b + 1] ?? 0)) / 2;
  });
  return out;
}

/** How far the landmarks lie from the detector's eyes, nose and mouth: mean distance as a share of the detected box's width. */
export function disagreement(detection: Detection, points: Float32Array): number {
  const own = keypointsOf(points);
  let sum = 0;
  for (let k = 0; k < 4; k++) {
    sum += Math.hypot(
      (own[2 * k] ?? 0) - (detection.keypoints[2 * k] ?? 0),
      (own[2 * k + 1] ?? 0) - (detection.keypoints[2 * k + 1] ?? 0),
    );
  }
  return sum / 4 / Math.max(detection.box.w, 1);
}

/** Middle of eyes, nose and mouth. */
export function middleOf(keypoints: Float32Array): { x: number; y: number } {
  let x = 0;
  let y = 0;
  for (let k = 0; k < 4; k++) {
    x += (keypoints[2 * k] ?? 0) / 4;
    y += (keypoints[2 * k + 1] ?? 0) / 4;
  }
  return { x, y };
}
