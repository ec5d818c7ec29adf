/** Standard deviation that is only rounding. */
const FLAT = 1e-3;

/** Correlations are many and small: their values lie here. */
const SCRATCH = Array.from({ length: 4 }, () => new Float64Array(1024));

/** Coordinates of points on the canonical head, and values of them. */
export interface Plane {
  x: Float32Array;
  y: Float32Array;
}

/**
 * Correlation of two values over some points, −1 to 1, after the mean of each and its slopes over x and y are taken out (least squares):
 * light that comes from another side leaves it as it is. NaN where the first hardly varies, or the second not at all.
 * @param least standard deviation of `a` that is something.
 */
export function correlation(points: Int32Array, a: Float32Array, b: Float32Array, on: Plane, least: number): number {
  const [along, across] = [centred(points, on.x, SCRATCH[0]!), centred(points, on.y, SCRATCH[1]!)];
  const [left, right] = [centred(points, a, SCRATCH[2]!), centred(points, b, SCRATCH[3]!)];
  // The axes first: what is taken out along two orthogonal ones is a plane.
  project(across, along);
  for (const values of [left, right]) {
    project(values, along);
    project(values, across);
  }
  const [ab, aa, bb] = [product(left, right), product(left, left), product(right, right)];
  const plain = aa < points.length * least * least || bb < points.length * FLAT * FLAT;
  return plain ? Number.NaN : ab / Math.sqrt(aa * bb);
}

/**
 * The line b = gain · a + offset that brings the mean and the spread of a to those of b over some points; null where a hardly varies. (A
 * regression would make the gain too small where they are not alike, and a memory that is read through it would grow.)
 */
export function line(
  points: readonly number[],
  a: Float32Array,
  b: Float32Array,
): [gain: number, offset: number] | null {
  let [meanA, meanB] = [0, 0];
  for (const i of points) {
    meanA += a[i]! / points.length;
    meanB += b[i]! / points.length;
  }
  let [aa, bb] = [0, 0];
  for (const i of points) {
    aa += (a[i]! - meanA) ** 2;
    bb += (b[i]! - meanB) ** 2;
  }
  if (points.length < 20 || aa < 1e-9) return null;
  const gain = Math.sqrt(bb / aa);
  return [gain, meanB - gain * meanA];
}

function centred(points: Int32Array, from: Float32Array, scratch: Float64Array): Float64Array {
  const values = points.length <= scratch.length ? scratch.subarray(0, points.length) : new Float64Array(points.length);
  let sum = 0;
  for (let k = 0; k < values.length; k++) {
    values[k] = from[points[k]!]!;
    sum += values[k]!;
  }
  const mean = sum / values.length;
  for (let k = 0; k < values.length; k++) values[k]! -= mean;
  return values;
}

/** Takes from `values`, in place, what lies along `axis`. */
function project(values: Float64Array, axis: Float64Array): void {
  const k = product(values, axis) / Math.max(product(axis, axis), 1e-9);
  for (let i = 0; i < values.length; i++) values[i]! -= k * axis[i]!;
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
