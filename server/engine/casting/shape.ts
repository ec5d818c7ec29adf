import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const fileSchema = z.looseObject({
  points: z.array(z.int().min(0).max(467)).min(8),
  /** One row a direction, 3 numbers a point. */
  basis: z.array(z.array(z.number())),
  between: z.array(z.number().nonnegative()),
});

/**
 * How face shapes are compared: directions in which persons differ much and one person's face, whatever it does, little (linear
 * discriminants, measured by scripts/identity/build-shape.ts; server/docs/decisions/identity.md).
 */
export interface ShapeModel {
  /** Landmarks that are looked at. */
  points: readonly number[];
  /** Rows × 3 points; scaled so that one person's spread along each row is 1. */
  basis: readonly Float32Array[];
  /** Variance between persons along each row, where one person's is 1. */
  between: readonly number[];
}

/** @throws Error with a sentence when the file is missing or damaged. */
export function readShapeModel(modelsDir: string): ShapeModel {
  const file = join(modelsDir, 'perception', 'face-shape.json');
  try {
    const { points, basis, between } = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    if (basis.length !== between.length || basis.some((row) => row.length !== 3 * points.length))
      throw new Error('size');
    return { points, between, basis: basis.map((row) => Float32Array.from(row)) };
  } catch {
    throw new Error(`The face shapes ${file} are missing or damaged: restore them, for example with \`git checkout\`.`);
  }
}

/** A face's coordinates along the model's directions. @param points 478 × 3 on the head (head.ts). */
export function shapeOf({ points: chosen, basis }: ShapeModel, points: ArrayLike<number>): Float64Array {
  const shape = new Float64Array(basis.length);
  basis.forEach((row, i) => {
    let sum = 0;
    chosen.forEach((point, k) => {
      for (let axis = 0; axis < 3; axis++) sum += (row[3 * k + axis] ?? 0) * (points[3 * point + axis] ?? 0);
    });
    shape[i] = sum;
  });
  return shape;
}

/**
 * Log-likelihood ratio, nats: one person's face seen twice against the faces of two persons. Both sightings vary by 1 along each
 * direction and persons by `between` (two-covariance model: Brümmer & de Villiers, "The speaker partitioning problem", 2010,
 * with the person's mean integrated out, on the difference alone).
 */
export function likeness({ between }: ShapeModel, a: Float64Array, b: Float64Array): number {
  let ratio = 0;
  between.forEach((variance, i) => {
    const square = ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
    ratio += Math.log1p(variance) / 2 - (square / 4) * (variance / (1 + variance));
  });
  return ratio;
}
