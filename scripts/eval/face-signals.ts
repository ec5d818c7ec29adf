import { fileURLToPath } from 'node:url';
import { type RigidFace, readRigidFace } from '../../server/face/mesh.ts';
import { poseOf } from '../../server/face/pose.ts';

const PERCEPTION = fileURLToPath(new URL('../../models/perception/', import.meta.url));
let rigid: RigidFace | null = null;

/** What a face does, read off its landmarks (MediaPipe face mesh with irises; right and left are the performer's own). */
export interface Expression {
  /** Distance of the inner lips, in eye distances. */
  mouthOpen: number;
  /** Lid closure: minus the opening of the lids over the eye's width, mean of both eyes; larger is more shut. */
  blink: number;
  /** Height of the mouth's corners over the lips' middle on screen, centimetres of the canonical face. */
  smile: number;
  /** Height of the brows over the lower lids on screen, centimetres of the canonical face. */
  brow: number;
  /** Iris centre in the eye opening, shares of the eye's width; > 0 to the performer's left. Not a number while an eye is shut. */
  gazeX: number;
}

type Point = readonly [x: number, y: number, z: number];

export const RIGHT_EYE = {
  outer: 33,
  inner: 133,
  lids: [
    [160, 144],
    [159, 145],
    [158, 153],
  ],
  iris: 468,
} as const;
export const LEFT_EYE = {
  outer: 263,
  inner: 362,
  lids: [
    [387, 373],
    [386, 374],
    [385, 380],
  ],
  iris: 473,
} as const;
const BROWS = [52, 65, 66, 105, 107, 282, 295, 296, 334, 336];
const LOWER_LIDS = [145, 374];
const LIPS = [0, 13, 14];
const MOUTH_CORNERS = [61, 291];
/** Below this opening (over the eye's width) the iris is not to be seen, and the model guesses where it is. */
const SHUT = 0.12;

const minus = (a: Point, b: Point): Point => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const dot = (a: Point, b: Point): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const size = (a: Point): number => Math.hypot(...a);
const scaled = (a: Point, k: number): Point => [a[0] * k, a[1] * k, a[2] * k];
const unit = (a: Point): Point => scaled(a, 1 / (size(a) || 1));

/**
 * The signals of one face, so that a turned or tilted head is not read as an expression: distances with the model's depth,
 * or in axes that turn with the head.
 * @param points 478 × (x, y, z), pixels, z in the same unit, smaller is nearer.
 */
export function expressionOf(points: Float32Array): Expression {
  const at = (i: number): Point => [points[3 * i]!, points[3 * i + 1]!, points[3 * i + 2]!];
  const across = unit(
    [minus(at(263), at(33)), minus(at(362), at(133)), minus(at(454), at(234))].reduce((sum, v) => [
      sum[0] + v[0],
      sum[1] + v[1],
      sum[2] + v[2],
    ]),
  );
  const x = (a: number, b: number): number => dot(minus(at(b), at(a)), across);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const between = size(minus(scaled(plus(at(263), at(362)), 0.5), scaled(plus(at(33), at(133)), 0.5)));
  const openings = [RIGHT_EYE, LEFT_EYE].map(
    ({ outer, inner, lids }) =>
      mean(lids.map(([top, bottom]) => size(minus(at(top), at(bottom))))) / size(minus(at(outer), at(inner))),
  );
  const gaze = [RIGHT_EYE, LEFT_EYE].map(({ outer, inner, iris }) => {
    const width = x(Math.min(outer, inner), Math.max(outer, inner));
    return (x(outer, iris) + x(inner, iris)) / 2 / Math.abs(width);
  });
  return {
    mouthOpen: size(minus(at(13), at(14))) / between,
    blink: -mean(openings),
    ...heightsOnScreen(points),
    gazeX: Math.min(...openings) < SHUT ? Number.NaN : mean(gaze),
  };
}

/**
 * Heights on screen, along the face's upright and over the scale that the rigid points give: the model's depth at brows and
 * lips is a guess that follows the head's turn. Chosen on plates whose rig is known (brows: r 0.76 on the demo clip against
 * 0.46 with depth; smile: 0.94 and 0.75 on two rendered performances against 0.87 and 0.21 with the mouth's width in it, which
 * rounded and stretched lips change as well).
 */
function heightsOnScreen(points: Float32Array): Pick<Expression, 'brow' | 'smile'> {
  rigid ??= readRigidFace(PERCEPTION);
  const { rollDeg, scale } = poseOf(points, rigid);
  const roll = (rollDeg * Math.PI) / 180;
  const y = (i: number): number => points[3 * i + 1]! * Math.cos(roll) - points[3 * i]! * Math.sin(roll);
  const mean = (indices: readonly number[]): number => indices.reduce((sum, i) => sum + y(i), 0) / indices.length;
  return { brow: (mean(LOWER_LIDS) - mean(BROWS)) / scale, smile: (mean(LIPS) - mean(MOUTH_CORNERS)) / scale };
}

const plus = (a: Point, b: Point): Point => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

/** Points whose way through the picture tells of head and face alike: eye corners, nose, mouth, brows. */
const MARKS = [33, 133, 362, 263, 1, 168, 61, 291, 13, 14, 105, 334];

/** Channels for the lag: x and y of a few marks over all samples; not a number where there are no landmarks. */
export const motionOf = (landmarks: readonly (Float32Array | null)[]): number[][] =>
  MARKS.flatMap((mark) =>
    [0, 1].map((axis) => landmarks.map((points) => (points ? points[3 * mark + axis]! : Number.NaN))),
  );
