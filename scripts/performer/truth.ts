import type { FrameRenderer, Moment } from './frame.ts';
import { SUPERSAMPLE } from './frame.ts';
import type { Performer } from './performer.ts';

/** One labelled face, as in the clips' faces.json. */
export interface FaceLabel {
  /** x, y, width, height in pixels. */
  box: [number, number, number, number];
  score: number;
  /** > 0 to the performer's left. */
  yawDeg: number;
}

/** The face proper on the neutral head: brow ridge to chin, cheek to cheek; decimetres from the middle of the eyes. */
function isFace(x: number, y: number, z: number): boolean {
  return Math.abs(x) < 0.68 && y < 0.42 && y > -1.3 && z > -0.62 - 0.25 * y;
}

/** Skin vertices of the face, for ground-truth boxes. */
export function faceVertices(performer: Performer): Uint32Array {
  const part = performer.head.parts.find((p) => p.name === 'skin')!;
  const list: number[] = [];
  for (let i = part.first; i < part.first + part.count; i++)
    if (isFace(performer.rest[3 * i]!, performer.rest[3 * i + 1]!, performer.rest[3 * i + 2]!)) list.push(i);
  return Uint32Array.from(list);
}

/** The label of the picture just rendered. */
export function labelFace(renderer: FrameRenderer, vertices: Uint32Array, moment: Moment): FaceLabel {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const i of vertices) {
    const x = renderer.view.x[i]! / SUPERSAMPLE;
    const y = renderer.view.y[i]! / SUPERSAMPLE;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const round = (v: number) => Math.round(v * 10) / 10;
  const yaw = ((moment.pose.yaw + moment.pose.torsoYaw) * 180) / Math.PI;
  return { box: [round(left), round(top), round(right - left), round(bottom - top)], score: 1, yawDeg: round(yaw) };
}
