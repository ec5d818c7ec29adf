import type { FaceMesh } from '../models/face-mesh.ts';
import type { HeadView } from './head-view.ts';
import { type LandmarkSite, landmarkOn } from './landmark-sites.ts';
import type { PairMoment } from './moments.ts';
import type { Performer } from './performer.ts';
import type { Pose } from './pose.ts';

/** 478 landmarks in picture pixels, x and y by turns: the face mesh's 468 and the ten of the irises. */
export type Points2d = Float32Array;

/** Radius of the iris, decimetres (11.7 mm across in the adult eye). */
const IRIS = 0.0585;

export function landmarksOf(
  performer: Performer,
  v: HeadView,
  moment: PairMoment,
  sites: readonly LandmarkSite[],
  mesh: FaceMesh,
): Points2d {
  const out = new Float32Array(2 * 478);
  const { camera } = moment;
  const focal = heightOf(v) / camera.opening;
  const put = (i: number, p: ArrayLike<number>) => {
    const near = 1 / (camera.position[2] - p[2]!);
    out[2 * i] = (v.gbuffer.width / 2 + focal * (p[0]! - camera.position[0]) * near) / 2;
    out[2 * i + 1] = (v.gbuffer.height / 2 - focal * (p[1]! - camera.position[1]) * near) / 2;
  };
  for (let i = 0; i < sites.length; i++) put(i, landmarkOn(sites, i, v.points));
  [mesh.leftIris, mesh.rightIris].forEach((points, side) => {
    const around = irisPoints(performer, moment.pose, side as 0 | 1);
    points.forEach((i, k) => {
      put(i, around.subarray(3 * k, 3 * k + 3));
    });
  });
  return out;
}

const heightOf = (v: HeadView): number => v.gbuffer.height;

/** The iris' centre and its outer, upper, inner and lower rim, posed. */
function irisPoints(performer: Performer, pose: Pose, side: 0 | 1): Float32Array {
  const { head } = performer;
  const [yaw, pitch] = pose.gaze;
  const eye = head.eyes[side];
  const middle = [0, (head.eyes[0][1] + head.eyes[1][1]) / 2, (head.eyes[0][2] + head.eyes[1][2]) / 2];
  const forward = [Math.sin(yaw) * Math.cos(pitch), Math.sin(pitch), Math.cos(yaw) * Math.cos(pitch)];
  const right = [Math.cos(yaw), 0, -Math.sin(yaw)];
  const up = [-Math.sin(yaw) * Math.sin(pitch), Math.cos(pitch), -Math.cos(yaw) * Math.sin(pitch)];
  const depth = eyeRadius(performer) * 0.96;
  const rims = [
    [0, 0],
    [1, 0],
    [0, 1],
    [-1, 0],
    [0, -1],
  ] as const;
  const out = Float32Array.from(
    rims.flatMap(([u, w]) =>
      [0, 1, 2].map((k) => eye[k]! - middle[k]! + depth * forward[k]! + IRIS * (u * right[k]! + w * up[k]!)),
    ),
  );
  performer.poser.rigid(out, pose);
  return out;
}

const radii = new WeakMap<Performer, number>();

function eyeRadius(performer: Performer): number {
  const known = radii.get(performer);
  if (known) return known;
  const { head } = performer;
  const part = head.parts.find((p) => p.name === 'eyes');
  let most = 0.1;
  if (part)
    for (let i = part.first; i < part.first + part.count; i++) {
      const eye = head.eyes[head.rest[3 * i]! > 0 ? 0 : 1];
      most = Math.max(most, head.rest[3 * i + 2]! - eye[2]);
    }
  radii.set(performer, most);
  return most;
}

export function boxOf(points: Points2d): [number, number, number, number] {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < 2 * 468; i += 2) {
    left = Math.min(left, points[i]!);
    right = Math.max(right, points[i]!);
    top = Math.min(top, points[i + 1]!);
    bottom = Math.max(bottom, points[i + 1]!);
  }
  return [left, top, right - left, bottom - top];
}
