import type { Follow } from './follow.ts';
import { middleOf } from './reading.ts';
import type { Detection } from './types.ts';

/** A detection belongs to a followed face within this share of its width … */
const REACH = 0.5;
/** … to one that was not found in this picture, or not for a while, within more: it may have moved fast, or unseen. */
const FAR_REACH = 1.6;
/** … and when neither is this much larger than the other. */
const SIZE_RATIO = 2.2;

export interface Assignment {
  /** The detection of each followed face that has one. */
  matched: Map<Follow, Detection>;
  unmatched: Detection[];
}

/** Pairs detections with faces, nearest first; a face whose landmarks hold goes before one that was not found. */
export function assign(
  faces: readonly Follow[],
  detections: readonly Detection[],
  found: (face: Follow) => boolean,
): Assignment {
  const pairs: { face: Follow; detection: Detection; cost: number }[] = [];
  for (const face of faces) {
    for (const detection of detections) {
      const cost = distance(face, detection);
      const near = cost <= REACH;
      if (near || (!found(face) && cost <= FAR_REACH))
        pairs.push({ face, detection, cost: found(face) ? cost : cost + 1 });
    }
  }
  pairs.sort((a, b) => a.cost - b.cost || a.face.id - b.face.id);
  const matched = new Map<Follow, Detection>();
  const taken = new Set<Detection>();
  for (const { face, detection } of pairs) {
    if (matched.has(face) || taken.has(detection)) continue;
    matched.set(face, detection);
    taken.add(detection);
  }
  return { matched, unmatched: detections.filter((one) => !taken.has(one)) };
}

/** Whether a detection lies so far from the face it was given to that only there being no other face speaks for it. */
export const isFar = (face: Follow, detection: Detection): boolean => distance(face, detection) > REACH;

/** Between the middles, in widths of the larger box; infinite when the sizes do not go together. */
function distance(face: Follow, detection: Detection): number {
  const middle = middleOf(detection.keypoints);
  // A face's whole box is a little wider than the detector's.
  const own = face.box.w / 1.12;
  const ratio = Math.max(own, detection.box.w) / Math.max(Math.min(own, detection.box.w), 1);
  if (ratio > SIZE_RATIO) return Number.POSITIVE_INFINITY;
  return Math.hypot(middle.x - face.middle.x, middle.y - face.middle.y) / Math.max(own, detection.box.w);
}

/** Nearer than this (in mean widths) two faces cross: landmarks may jump from one to the other. */
const CROSSING = 0.6;
/** Nearer than this two meshes lie on one face. */
const SAME = 0.25;

export interface Meeting {
  a: Follow;
  b: Follow;
  same: boolean;
}

/** Pairs of faces that cross, or that turned out to be one. Lost faces count only where they vanished in a crossing. */
export function meetings(faces: readonly Follow[]): Meeting[] {
  const there = faces.filter((one) => one.landmarks || one.lostCrossing);
  const met: Meeting[] = [];
  there.forEach((a, i) => {
    for (const b of there.slice(i + 1)) {
      const width = (a.box.w + b.box.w) / 2;
      const apart = Math.hypot(a.middle.x - b.middle.x, a.middle.y - b.middle.y) / Math.max(width, 1);
      if (apart > CROSSING) continue;
      met.push({ a, b, same: apart < SAME && a.landmarks !== null && b.landmarks !== null });
    }
  });
  return met;
}
