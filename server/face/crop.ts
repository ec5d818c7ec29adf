import { OVAL, POINT } from './mesh.ts';
import type { Box, Crop, Detection, Landmarks } from './types.ts';

/** A crop is this much larger than the face it is for (the landmark model was trained with it). */
const CROP_MARGIN = 1.5;

/** Crop pixel → frame pixel, both with centres at integers: x' = a·x + b·y + c, y' = d·x + e·y + f. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** The affine of a crop that is `pixels` wide. */
export function cropAffine(crop: Crop, pixels: number): Affine {
  const k = crop.size / pixels;
  const cos = Math.cos(crop.rot) * k;
  const sin = Math.sin(crop.rot) * k;
  const middle = (pixels - 1) / 2;
  return [cos, -sin, crop.cx - (cos - sin) * middle, sin, cos, crop.cy - (sin + cos) * middle];
}

/** The crop that the landmark model should look at for a detection: around its box, eyes level. */
export function cropOfDetection(detection: Detection): Crop {
  const { box, keypoints } = detection;
  return {
    cx: box.x + box.w / 2,
    cy: box.y + box.h / 2,
    size: Math.max(box.w, box.h) * CROP_MARGIN,
    rot: Math.atan2((keypoints[3] ?? 0) - (keypoints[1] ?? 0), (keypoints[2] ?? 0) - (keypoints[0] ?? 0)),
  };
}

/** The crop for the next picture: around these landmarks, eyes level. */
export function cropOfLandmarks(points: Float32Array): Crop {
  const rot = eyeAngle(points);
  const { cx, cy, w, h } = turnedBounds(points, rot, null);
  return { cx, cy, size: Math.max(w, h) * CROP_MARGIN, rot };
}

/** How far the face lies from the middle of the crop it was read in, as a share of the crop's side. */
export function offCentre({ points, crop }: Landmarks): number {
  const { cx, cy } = turnedBounds(points, crop.rot, null);
  return Math.hypot(cx - crop.cx, cy - crop.cy) / crop.size;
}

/** Direction from the right eye's outer corner to the left one's, radians clockwise on screen. */
export function eyeAngle(points: Float32Array): number {
  const r = POINT.rightEyeOuter * 3;
  const l = POINT.leftEyeOuter * 3;
  return Math.atan2((points[l + 1] ?? 0) - (points[r + 1] ?? 0), (points[l] ?? 0) - (points[r] ?? 0));
}

/** Centre and size of the tightest rectangle, turned by `rot`, around the points (all of the mesh, or those named). */
export function turnedBounds(
  points: Float32Array,
  rot: number,
  indices: readonly number[] | null,
): { cx: number; cy: number; w: number; h: number } {
  const cos = Math.cos(rot);
  const sin = Math.sin(rot);
  let x0 = Number.POSITIVE_INFINITY;
  let x1 = Number.NEGATIVE_INFINITY;
  let y0 = Number.POSITIVE_INFINITY;
  let y1 = Number.NEGATIVE_INFINITY;
  const count = indices ? indices.length : 468;
  for (let k = 0; k < count; k++) {
    const at = (indices ? (indices[k] ?? 0) : k) * 3;
    const px = points[at] ?? 0;
    const py = points[at + 1] ?? 0;
    const x = px * cos + py * sin;
    const y = py * cos - px * sin;
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  const mx = (x0 + x1) / 2;
  const my = (y0 + y1) / 2;
  return { cx: mx * cos - my * sin, cy: my * cos + mx * sin, w: x1 - x0, h: y1 - y0 };
}

/** The mesh ends at the hairline and before the ears: how much is added so that a box holds the whole face. */
const SIDE = 0.08;
const TOP = 0.14;
const BOTTOM = 0.05;

/** The upright box around a face's landmarks, forehead to chin and ear to ear. */
export function boxOfLandmarks(points: Float32Array): Box {
  const { cx, cy, w, h } = turnedBounds(points, 0, OVAL);
  return { x: cx - w * (0.5 + SIDE), y: cy - h * (0.5 + TOP), w: w * (1 + 2 * SIDE), h: h * (1 + TOP + BOTTOM) };
}

/** The whole face's box for a detection, whose own box reaches from the brows to the chin and cheek to cheek. */
export function boxOfDetection({ box }: Detection): Box {
  return { x: box.x - 0.06 * box.w, y: box.y - 0.32 * box.h, w: box.w * 1.12, h: box.h * 1.42 };
}

/** Grows a box about its centre. */
export function grown(box: Box, factor: number): Box {
  const w = box.w * factor;
  const h = box.h * factor;
  return { x: box.x + (box.w - w) / 2, y: box.y + (box.h - h) / 2, w, h };
}

/** Shared area over joint area, 0–1. */
export function overlap(a: Box, b: Box): number {
  const w = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x);
  const h = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y);
  if (w <= 0 || h <= 0) return 0;
  return (w * h) / (a.w * a.h + b.w * b.h - w * h);
}
