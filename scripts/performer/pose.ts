import { eyeMiddle, type Head } from './head.ts';
import { type Mat3, rotation, smoothstep, type Vec3 } from './vec.ts';

/** Where the performer's head and body are. Angles in radians, lengths in decimetres. */
export interface Pose {
  yaw: number;
  pitch: number;
  roll: number;
  /** Eyes relative to the head: yaw > 0 to the performer's left, pitch > 0 up. */
  gaze: readonly [yaw: number, pitch: number];
  /** The whole body: towards the camera, to the performer's left, up. */
  lean: number;
  shift: number;
  rise: number;
  /** Turn and tilt of the shoulders. */
  torsoYaw: number;
  torsoRoll: number;
}

export const NEUTRAL_POSE: Pose = {
  yaw: 0,
  pitch: 0,
  roll: 0,
  gaze: [0, 0],
  lean: 0,
  shift: 0,
  rise: 0,
  torsoYaw: 0,
  torsoRoll: 0,
};

/** Share of a head turn that the neck's lower joint takes. */
const NECK_SHARE = 0.4;

export interface Poser {
  /** Turns deformed vertices (base coordinates) into posed ones, decimetres from the middle of the neutral eyes. */
  apply(points: Float32Array, pose: Pose): void;
  /** Eye centres under a pose. */
  eyes(pose: Pose): readonly [Vec3, Vec3];
  /** Moves points that are fixed to the skull, decimetres from the middle of the neutral eyes, in place. */
  rigid(points: Float32Array, pose: Pose): void;
}

/** How far a vertex follows the head (1) or the chest (0), for the neck's two joints. */
function followWeights(head: Head): { upper: Float32Array; lower: Float32Array } {
  const upper = new Float32Array(head.vertexCount).fill(1);
  const lower = new Float32Array(head.vertexCount).fill(1);
  const [, jy, jz] = head.joints.neck;
  const body = head.parts.filter((p) => p.name === 'skin' || p.name === 'garment');
  for (const part of body)
    for (let i = part.first; i < part.first + part.count; i++) {
      const t = head.rest[3 * i + 1]! - jy + 0.55 * (head.rest[3 * i + 2]! - jz);
      upper[i] = smoothstep(0.15, 0.85, t);
      lower[i] = smoothstep(-0.45, 0.35, t) * smoothstep(1.6, 0.9, Math.abs(head.rest[3 * i]!));
    }
  return { upper, lower };
}

function turn(p: [number, number, number], pivot: Vec3, m: Mat3, w: number): void {
  const x = p[0] - pivot[0];
  const y = p[1] - pivot[1];
  const z = p[2] - pivot[2];
  p[0] += w * (m[0] * x + m[1] * y + m[2] * z - x);
  p[1] += w * (m[3] * x + m[4] * y + m[5] * z - y);
  p[2] += w * (m[6] * x + m[7] * y + m[8] * z - z);
}

export function createPoser(head: Head): Poser {
  const { upper, lower } = followWeights(head);
  const origin = eyeMiddle(head);
  const waist: Vec3 = [0, origin[1] - 7, 0];
  const matrices = (pose: Pose) => {
    const bow = pose.lean / 9;
    // Who leans in keeps looking ahead: the neck takes the bow back.
    const pitch = pose.pitch + 0.85 * bow;
    return {
      upper: rotation(pose.yaw * (1 - NECK_SHARE), pitch * (1 - NECK_SHARE), pose.roll * (1 - NECK_SHARE)),
      lower: rotation(pose.yaw * NECK_SHARE, pitch * NECK_SHARE, pose.roll * NECK_SHARE),
      torso: rotation(pose.torsoYaw, -bow, pose.torsoRoll),
    };
  };
  const place = (
    p: [number, number, number],
    pose: Pose,
    m: ReturnType<typeof matrices>,
    wu: number,
    wl: number,
  ): void => {
    turn(p, head.joints.head, m.upper, wu);
    turn(p, head.joints.neck, m.lower, wl);
    turn(p, waist, m.torso, 1);
    p[0] += pose.shift - origin[0];
    p[1] += pose.rise - origin[1];
    p[2] += 0.3 * pose.lean - origin[2];
  };
  return {
    apply(points, pose) {
      const m = matrices(pose);
      rotateEyes(head, points, pose.gaze);
      const p: [number, number, number] = [0, 0, 0];
      for (let i = 0; i < head.vertexCount; i++) {
        for (let k = 0; k < 3; k++) p[k] = points[3 * i + k]!;
        place(p, pose, m, upper[i]!, lower[i]!);
        for (let k = 0; k < 3; k++) points[3 * i + k] = p[k]!;
      }
    },
    eyes(pose) {
      const m = matrices(pose);
      const at = (eye: Vec3): Vec3 => {
        const p: [number, number, number] = [eye[0], eye[1], eye[2]];
        place(p, pose, m, 1, 1);
        return p;
      };
      return [at(head.eyes[0]), at(head.eyes[1])];
    },
    rigid(points, pose) {
      const m = matrices(pose);
      const p: [number, number, number] = [0, 0, 0];
      for (let i = 0; i < points.length; i += 3) {
        for (let k = 0; k < 3; k++) p[k] = points[i + k]! + origin[k]!;
        place(p, pose, m, 1, 1);
        for (let k = 0; k < 3; k++) points[i + k] = p[k]!;
      }
    },
  };
}

function rotateEyes(head: Head, points: Float32Array, gaze: readonly [number, number]): void {
  const part = head.parts.find((p) => p.name === 'eyes')!;
  const m = rotation(gaze[0], gaze[1], 0);
  const p: [number, number, number] = [0, 0, 0];
  for (let i = part.first; i < part.first + part.count; i++) {
    for (let k = 0; k < 3; k++) p[k] = points[3 * i + k]!;
    turn(p, head.eyes[head.rest[3 * i]! > 0 ? 0 : 1], m, 1);
    for (let k = 0; k < 3; k++) points[3 * i + k] = p[k]!;
  }
}
