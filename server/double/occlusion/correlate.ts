/** Standard deviation that is only rounding. */
const FLAT = 1e-3;

/** Coordinates of points on the canonical head, and values of them. */
export interface Plane {
  x: Float32Array;
  y: Float32Array;
}

/**
 * Correlation of two values over the first `count` of some points, −1 to 1, after the mean of each and its slopes over x and y are taken out (least
 * squares): light that comes from another side leaves it as it is. NaN where the first hardly varies, or the second not at all.
 * @param least standard deviation of `a` that is something.
 */
export function correlation(
  points: Int32Array,
  count: number,
  a: Float32Array,
  b: Float32Array,
  on: Plane,
  least: number,
): number {
  // Sums in one go: this is asked hundreds of times a face. Values lie near 0 to 1, so that nothing is lost by taking means out afterwards.
  let [sx, sy, sa, sb, xx, xy, yy] = [0, 0, 0, 0, 0, 0, 0];
  let [ax, ay, bx, by, aa, bb, ab] = [0, 0, 0, 0, 0, 0, 0];
  for (let k = 0; k < count; k++) {
    const i = points[k]!;
    const x = on.x[i]!;
    const y = on.y[i]!;
    const u = a[i]!;
    const v = b[i]!;
    sx += x;
    sy += y;
    sa += u;
    sb += v;
    xx += x * x;
    xy += x * y;
    yy += y * y;
    ax += u * x;
    ay += u * y;
    bx += v * x;
    by += v * y;
    aa += u * u;
    bb += v * v;
    ab += u * v;
  }
  const n = Math.max(1, count);
  xx -= (sx * sx) / n;
  xy -= (sx * sy) / n;
  yy -= (sy * sy) / n;
  ax -= (sa * sx) / n;
  ay -= (sa * sy) / n;
  bx -= (sb * sx) / n;
  by -= (sb * sy) / n;
  // What lies along x, then along what of y is not along x: together a plane.
  const along = 1 / Math.max(xx, 1e-9);
  const across = 1 / Math.max(yy - xy * xy * along, 1e-9);
  const [ua, ub] = [ay - xy * along * ax, by - xy * along * bx];
  const left = aa - (sa * sa) / n - ax * ax * along - ua * ua * across;
  const right = bb - (sb * sb) / n - bx * bx * along - ub * ub * across;
  const both = ab - (sa * sb) / n - ax * bx * along - ua * ub * across;
  return left < n * least * least || right < n * FLAT * FLAT ? Number.NaN : both / Math.sqrt(left * right);
}

/**
 * The line b = gain · a + offset that brings the mean and the spread of a to those of b over the first `count` of some points; null where a hardly
 * varies. (A regression would make the gain too small where they are not alike, and a memory that is read through it would grow.)
 */
export function line(
  points: Int32Array,
  count: number,
  a: Float32Array,
  b: Float32Array,
): readonly [gain: number, offset: number] | null {
  const [deviationA, meanA] = spread(points, count, a);
  const [deviationB, meanB] = spread(points, count, b);
  if (count < 20 || count * deviationA ** 2 < 1e-9) return null;
  const gain = deviationB / deviationA;
  return [gain, meanB - gain * meanA];
}

/** Deviation and mean of values at the first `count` of some points. */
export function spread(
  points: Int32Array,
  count: number,
  values: Float32Array,
): readonly [deviation: number, mean: number] {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += values[points[k]!]!;
  const mean = sum / Math.max(1, count);
  let squares = 0;
  for (let k = 0; k < count; k++) squares += (values[points[k]!]! - mean) ** 2;
  return [Math.sqrt(squares / Math.max(1, count)), mean];
}
