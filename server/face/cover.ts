import type { Arena } from '../frame/arena.ts';
import type { Picture } from '../frame/frame.ts';
import type { Kernels } from '../frame/kernels.ts';
import { eyeAngle, turnedBounds } from './crop.ts';
import { OVAL } from './mesh.ts';
import type { Box, Landmarks } from './types.ts';

const SCRATCH_BYTES = 65536;
/** A mesh ends at the hairline and before the ears; the cover reaches over both. */
const OVER_MESH = { width: 1.16, height: 1.24, up: 0.06 };
/** A box is less sure than a mesh. */
const OVER_BOX = 1.15;
/** Soft edge, share of the smaller radius; at least this many pixels. */
const FEATHER = 0.22;
const FEATHER_PIXELS = 4;

/** A rotated ellipse, frame pixels with centres at integers; rotation in radians, clockwise on screen. */
export interface Ellipse {
  cx: number;
  cy: number;
  rx: number;
  ry: number;
  rot: number;
}

/** What hides a face: forehead to chin and ear to ear, from its landmarks where they hold, else from its box. */
export function coverEllipse({ box, landmarks }: { box: Box; landmarks: Landmarks | null }): Ellipse {
  if (!landmarks) {
    return {
      cx: box.x + box.w / 2,
      cy: box.y + box.h / 2,
      rx: (box.w / 2) * OVER_BOX,
      ry: (box.h / 2) * OVER_BOX,
      rot: 0,
    };
  }
  const rot = eyeAngle(landmarks.points);
  const { cx, cy, w, h } = turnedBounds(landmarks.points, rot, OVAL);
  const up = h * OVER_MESH.up;
  return {
    cx: cx + up * Math.sin(rot),
    cy: cy - up * Math.cos(rot),
    rx: (w / 2) * OVER_MESH.width,
    ry: (h / 2) * OVER_MESH.height,
    rot,
  };
}

/**
 * Covers one face in place: coarse soft colour, about seven means along it, with a feathered edge. Beyond the feather nothing changes.
 * @param strength 1 hides the face; less is a veil over one that is replaced.
 */
export function coverFace(
  picture: Picture,
  face: { box: Box; landmarks: Landmarks | null },
  arena: Arena,
  kernels: Kernels,
  strength = 1,
): void {
  const ellipse = coverEllipse(face);
  // Nobody can say where this face is: hide everything rather than nothing.
  if (!Object.values(ellipse).every(Number.isFinite)) {
    coverAll(picture, arena, kernels);
    return;
  }
  const feather = Math.max(FEATHER * Math.min(ellipse.rx, ellipse.ry), FEATHER_PIXELS);
  paint(picture, ellipse, feather, strength, arena, kernels);
}

/** Covers the whole picture in place: what a feed shows until its first detection. */
export function coverAll(picture: Picture, arena: Arena, kernels: Kernels): void {
  const { width, height } = picture;
  // The ellipse through the corners holds the whole picture; a pixel more, for rounding.
  const ellipse = {
    cx: (width - 1) / 2,
    cy: (height - 1) / 2,
    rx: width * Math.SQRT1_2 + 1,
    ry: height * Math.SQRT1_2 + 1,
    rot: 0,
  };
  paint(picture, ellipse, 1, 1, arena, kernels);
}

function paint(
  picture: Picture,
  { cx, cy, rx, ry, rot }: Ellipse,
  feather: number,
  strength: number,
  arena: Arena,
  kernels: Kernels,
): void {
  const scratch = arena.allocate(SCRATCH_BYTES);
  try {
    kernels.cover(picture.at, picture.width, picture.height, cx, cy, rx, ry, rot, feather, strength, scratch);
  } finally {
    arena.release(scratch, SCRATCH_BYTES);
  }
}
