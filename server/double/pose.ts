/** How a head stands in the picture: landmark ≈ scale · rotation · canonical + translation. */
export interface HeadPose {
  /** Frame pixels per canonical unit (about a centimetre). */
  scale: number;
  /** Row-major 3×3, canonical head (x to image right, y down, z away from the camera) → camera. */
  rotation: Float32Array;
  /** Frame pixels. */
  translation: readonly [x: number, y: number, z: number];
}

/** Points that do not move with the expression, and how far each is to be trusted. */
export interface RigidPoint {
  point: number;
  weight: number;
}

/**
 * Weighted similarity fit of the canonical head to landmarks (Umeyama, "Least-squares estimation of transformation
 * parameters between two point patterns", 1991). Fitting in three dimensions on rigid points keeps the scale from pumping
 * when the head turns or the mouth opens.
 * @param canonical n × 3, canonical units.
 * @param points n × 3, frame pixels, z in the same unit.
 */
export function fitPose(canonical: Float32Array, points: Float32Array, rigid: readonly RigidPoint[]): HeadPose {
  const from = weightedMean(canonical, rigid);
  const to = weightedMean(points, rigid);
  const covariance = new Float64Array(9);
  let spread = 0;
  for (const { point, weight } of rigid) {
    for (let row = 0; row < 3; row++) {
      const target = points[3 * point + row]! - to[row]!;
      const source = canonical[3 * point + row]! - from[row]!;
      spread += weight * source * source;
      for (let column = 0; column < 3; column++) {
        covariance[3 * row + column]! += weight * target * (canonical[3 * point + column]! - from[column]!);
      }
    }
  }
  const rotation = nearestRotation(covariance);
  let trace = 0;
  for (let i = 0; i < 9; i++) trace += rotation[i]! * covariance[i]!;
  const scale = trace / spread;
  const moved = rotate(rotation, from[0], from[1], from[2]);
  return {
    scale,
    rotation,
    translation: [to[0] - scale * moved[0], to[1] - scale * moved[1], to[2] - scale * moved[2]],
  };
}

/** Landmarks in the canonical head's own axes and units: where they would be were the head turned straight. n × 3. */
export function canonicalPoints(points: Float32Array, { scale, rotation: r, translation }: HeadPose): Float32Array {
  const out = new Float32Array(points.length);
  const [tx, ty, tz] = translation;
  for (let i = 0; i < points.length; i += 3) {
    const x = (points[i]! - tx) / scale;
    const y = (points[i + 1]! - ty) / scale;
    const z = (points[i + 2]! - tz) / scale;
    out[i] = r[0]! * x + r[3]! * y + r[6]! * z;
    out[i + 1] = r[1]! * x + r[4]! * y + r[7]! * z;
    out[i + 2] = r[2]! * x + r[5]! * y + r[8]! * z;
  }
  return out;
}

/** rotation · (x, y, z). */
export function rotate(r: Float32Array, x: number, y: number, z: number): [number, number, number] {
  return [r[0]! * x + r[1]! * y + r[2]! * z, r[3]! * x + r[4]! * y + r[5]! * z, r[6]! * x + r[7]! * y + r[8]! * z];
}

function weightedMean(points: Float32Array, rigid: readonly RigidPoint[]): [number, number, number] {
  const sum: [number, number, number] = [0, 0, 0];
  let total = 0;
  for (const { point, weight } of rigid) {
    total += weight;
    for (let axis = 0; axis < 3; axis++) sum[axis]! += weight * points[3 * point + axis]!;
  }
  return [sum[0] / total, sum[1] / total, sum[2] / total];
}

/** The rotation nearest to a matrix: Newton's iteration for the polar factor (Higham 1986), X ← (X + X⁻ᵀ) / 2. */
function nearestRotation(matrix: Float64Array): Float32Array {
  const x = matrix.slice();
  const inverse = new Float64Array(9);
  for (let i = 0; i < 30; i++) {
    if (!inverseTranspose(x, inverse)) return Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
    // Scaling by the norms makes the first steps short whatever the matrix's size.
    const gamma = Math.sqrt(norm(inverse) / norm(x));
    let moved = 0;
    for (let k = 0; k < 9; k++) {
      const next = (gamma * x[k]! + inverse[k]! / gamma) / 2;
      moved += (next - x[k]!) ** 2;
      x[k] = next;
    }
    if (Math.sqrt(moved) < 1e-9) break;
  }
  return Float32Array.from(x);
}

function norm(m: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < 9; k++) sum += m[k]! * m[k]!;
  return Math.sqrt(sum);
}

/** False where the matrix is flat or mirrors: no head stands like that. */
function inverseTranspose(m: Float64Array, out: Float64Array): boolean {
  for (let k = 0; k < 9; k++) {
    const [row, column] = [Math.floor(k / 3), k % 3];
    const [r1, r2] = [3 * ((row + 1) % 3), 3 * ((row + 2) % 3)];
    const [c1, c2] = [(column + 1) % 3, (column + 2) % 3];
    out[k] = m[r1 + c1]! * m[r2 + c2]! - m[r1 + c2]! * m[r2 + c1]!;
  }
  const determinant = m[0]! * out[0]! + m[1]! * out[1]! + m[2]! * out[2]!;
  if (!(determinant > 1e-12)) return false;
  for (let k = 0; k < 9; k++) out[k]! /= determinant;
  return true;
}
