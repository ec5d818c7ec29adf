import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { canonicalPoints, fitPose, type RigidPoint } from '../../server/double/pose.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { type Expression, expressionOf, LEFT_EYE, RIGHT_EYE } from './face-signals.ts';

/** The signals that are read with weights; lips and gaze are read as expressionOf reads them: weights did no better where people perform. */
export const RULED = ['blink', 'smile', 'brow'] as const satisfies readonly (keyof Expression)[];
export type Ruled = (typeof RULED)[number];

const rulerSchema = z.strictObject({
  format: z.literal(1),
  /** Which script made it of what. */
  made: z.string(),
  /** One weight for each number of `featuresOf`; a signal that is not here is read as expressionOf reads it. */
  weights: z.partialRecord(z.enum(RULED), z.array(z.number())),
});

export type RulerFile = z.infer<typeof rulerSchema>;

const mesh = readFaceMesh();
/** x to image right, y down, z away from the camera, as the landmarks are. */
const CANONICAL = Float32Array.from(mesh.positions.flatMap(([x, y, z]) => [x, -y, -z]));
const RIGID: readonly RigidPoint[] = mesh.rigid;
/** Where cheeks, jaw, nose and forehead show what mouth and brows do. */
const AROUND = [
  [50, 205, 187, 207, 216, 206, 203, 36, 142, 117, 118, 212, 57, 202],
  [280, 425, 411, 427, 436, 426, 423, 266, 371, 346, 347, 432, 287, 422],
  [199, 200, 152, 18, 83, 313, 1, 2, 4, 168, 6, 8, 9, 151, 108, 337, 69, 299, 98, 327, 164],
].flat();
/** Landmarks of lips, lids, brows, irises and what moves with them. */
const POINTS = [
  ...new Set(
    [
      ...[mesh.lips.outer, mesh.lips.inner, mesh.leftEye, mesh.rightEye, mesh.leftBrow, mesh.rightBrow],
      ...[mesh.leftIris, mesh.rightIris, AROUND],
    ].flat(),
  ),
].sort((a, b) => a - b);

/**
 * What the weights are for: the points' places on the head turned straight (x, y, z by turns, canonical units, about centimetres), the
 * openings of the lids over the eyes' widths, the brows' heights over the eye corners on screen (canonical units; the model's depth
 * there is a guess), and how the head is turned (radians and their products).
 * @param points 478 × (x, y, z), pixels.
 */
export function featuresOf(points: Float32Array): Float64Array {
  const pose = fitPose(CANONICAL, points, RIGID);
  const straight = canonicalPoints(points, pose);
  const at = (point: number, axis: number): number => straight[3 * point + axis]!;
  const apart = (a: number, b: number): number => Math.hypot(...[0, 1, 2].map((axis) => at(a, axis) - at(b, axis)));
  const [r, scale] = [pose.rotation, pose.scale];
  const roll = Math.atan2(r[3]!, r[0]!);
  const height = (point: number): number =>
    (points[3 * point + 1]! * Math.cos(roll) - points[3 * point]! * Math.sin(roll)) / scale;
  const sides = [
    { eye: RIGHT_EYE, brow: mesh.rightBrow },
    { eye: LEFT_EYE, brow: mesh.leftBrow },
  ];
  const openings = sides.map(
    ({ eye: { lids, outer, inner } }) =>
      lids.reduce((sum, [top, bottom]) => sum + apart(top, bottom), 0) / lids.length / apart(outer, inner),
  );
  const brows = sides.flatMap(({ eye: { outer, inner }, brow }) =>
    brow.map((point) => height(point) - (height(outer) + height(inner)) / 2),
  );
  const yaw = Math.atan2(r[2]!, Math.hypot(r[5]!, r[8]!));
  const pitch = Math.atan2(r[5]!, r[8]!);
  const places = POINTS.flatMap((point) => [0, 1, 2].map((axis) => at(point, axis)));
  return Float64Array.of(...places, ...openings, ...brows, yaw, pitch, yaw * yaw, pitch * pitch, yaw * pitch);
}

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/**
 * Reads an expression in the rig's own units, but for an offset that each person has of their own: weighted sums of features,
 * by ridge regression (Hoerl and Kennedy, Technometrics 1970) on rendered people of the training seeds. The same for every
 * face: neither the doubles nor the performances that are measured were among them.
 * server/docs/decisions/expression-ruler.md says what was compared; scripts/training/build-ruler.ts makes the file.
 * @throws Error when the file's weights are not for these features.
 */
export function createRuler({ weights }: RulerFile): (points: Float32Array) => Expression {
  const wanted = featuresOf(new Float32Array(3 * 478)).length;
  const all = Object.entries(weights);
  if (all.some(([, own]) => own.length !== wanted))
    throw new Error(
      'The expression ruler has weights for other features: make it again with scripts/training/build-ruler.ts.',
    );
  return (points) => {
    const features = featuresOf(points);
    return { ...expressionOf(points), ...Object.fromEntries(all.map(([signal, own]) => [signal, dot(own, features)])) };
  };
}

/** The ruler of `npm run eval -- double`. */
export const openRuler = (): ((points: Float32Array) => Expression) =>
  createRuler(rulerSchema.parse(JSON.parse(readFileSync(new URL('./expression-ruler.json', import.meta.url), 'utf8'))));
