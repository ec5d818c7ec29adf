import type { RigidFace } from './mesh.ts';

export interface Pose {
  /** > 0 turns to the performer's left. Degrees. */
  yawDeg: number;
  /** > 0 looks up. Degrees. */
  pitchDeg: number;
  /** > 0 clockwise on screen. Degrees. */
  rollDeg: number;
  /** Pixels per centimetre of the canonical face. */
  scale: number;
  /** Weighted RMS distance between the landmarks and the turned canonical face, as a share of the face's own spread (no unit). */
  residual: number;
}

/**
 * The head's pose: the similarity that best carries the canonical face's rigid points onto the landmarks, in closed form
 * (Horn 1987, unit quaternions). The landmarks' z is used: the model scales it like x (weak perspective).
 * @param points 478 × (x, y, z), frame pixels, y down, z smaller is nearer.
 */
export function poseOf(points: Float32Array, face: RigidFace): Pose {
  const { indices, positions, weights } = face;
  const n = indices.length;
  const from = [0, 0, 0];
  const to = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const w = weights[i] ?? 0;
    const at = (indices[i] ?? 0) * 3;
    for (let k = 0; k < 3; k++) {
      from[k] = (from[k] ?? 0) + w * (positions[3 * i + k] ?? 0);
      to[k] = (to[k] ?? 0) + w * (k === 0 ? 1 : -1) * (points[at + k] ?? 0);
    }
  }
  // Correlation of the two centred point sets, and their spreads.
  const m = new Float64Array(9);
  let spreadFrom = 0;
  let spreadTo = 0;
  for (let i = 0; i < n; i++) {
    const w = weights[i] ?? 0;
    const at = (indices[i] ?? 0) * 3;
    for (let k = 0; k < 3; k++) {
      const a = (positions[3 * i + k] ?? 0) - (from[k] ?? 0);
      spreadFrom += w * a * a;
      const own = (k === 0 ? 1 : -1) * (points[at + k] ?? 0) - (to[k] ?? 0);
      spreadTo += w * own * own;
      for (let l = 0; l < 3; l++) {
        const b = (l === 0 ? 1 : -1) * (points[at + l] ?? 0) - (to[l] ?? 0);
        m[3 * k + l] = (m[3 * k + l] ?? 0) + w * a * b;
      }
    }
  }
  const { rotation, trace } = bestRotation(m);
  const scale = spreadFrom > 0 ? trace / spreadFrom : 0;
  const left = spreadTo - (spreadFrom > 0 ? (trace * trace) / spreadFrom : 0);
  return { ...angles(rotation), scale, residual: spreadTo > 0 ? Math.sqrt(Math.max(left, 0) / spreadTo) : 1 };
}

/** The rotation R (row-major 3×3) that maximises Σ (R·a)·b, for m = Σ a bᵀ, and that maximum. */
function bestRotation(m: Float64Array): { rotation: Float64Array; trace: number } {
  const [xx = 0, xy = 0, xz = 0, yx = 0, yy = 0, yz = 0, zx = 0, zy = 0, zz = 0] = m;
  const q = largestEigenvector([
    [xx + yy + zz, yz - zy, zx - xz, xy - yx],
    [yz - zy, xx - yy - zz, xy + yx, zx + xz],
    [zx - xz, xy + yx, yy - xx - zz, yz + zy],
    [xy - yx, zx + xz, yz + zy, zz - xx - yy],
  ]);
  const [w, x, y, z] = q;
  const rotation = Float64Array.of(
    w * w + x * x - y * y - z * z,
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    w * w - x * x + y * y - z * z,
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    w * w - x * x - y * y + z * z,
  );
  let trace = 0;
  for (let k = 0; k < 3; k++) for (let l = 0; l < 3; l++) trace += (rotation[3 * l + k] ?? 0) * (m[3 * k + l] ?? 0);
  return { rotation, trace };
}

type Four = [number, number, number, number];

/** Jacobi's method on a symmetric 4×4 matrix: the unit eigenvector of the largest eigenvalue. */
function largestEigenvector(matrix: [Four, Four, Four, Four]): Four {
  const a = matrix.flat();
  const v = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  const get = (of: number[], r: number, c: number): number => of[4 * r + c] ?? 0;
  for (let sweep = 0; sweep < 12; sweep++) {
    let off = 0;
    for (let p = 0; p < 3; p++) {
      for (let q = p + 1; q < 4; q++) {
        const apq = get(a, p, q);
        off += apq * apq;
        if (apq === 0) continue;
        const theta = (get(a, q, q) - get(a, p, p)) / (2 * apq);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        rotate(a, v, p, q, c, t * c);
      }
    }
    if (off < 1e-18 * (1 + Math.abs(get(a, 0, 0)) ** 2)) break;
  }
  let best = 0;
  for (let k = 1; k < 4; k++) if (get(a, k, k) > get(a, best, best)) best = k;
  return [get(v, 0, best), get(v, 1, best), get(v, 2, best), get(v, 3, best)];
}

/** One Jacobi rotation in the plane (p, q), on both sides of `a` and on the right of `v`. */
function rotate(a: number[], v: number[], p: number, q: number, c: number, s: number): void {
  for (let k = 0; k < 4; k++) {
    const kp = a[4 * k + p] ?? 0;
    const kq = a[4 * k + q] ?? 0;
    a[4 * k + p] = c * kp - s * kq;
    a[4 * k + q] = s * kp + c * kq;
  }
  for (let k = 0; k < 4; k++) {
    const pk = a[4 * p + k] ?? 0;
    const qk = a[4 * q + k] ?? 0;
    a[4 * p + k] = c * pk - s * qk;
    a[4 * q + k] = s * pk + c * qk;
    const vp = v[4 * k + p] ?? 0;
    const vq = v[4 * k + q] ?? 0;
    v[4 * k + p] = c * vp - s * vq;
    v[4 * k + q] = s * vp + c * vq;
  }
}

const DEGREES = 180 / Math.PI;

/** R = roll · yaw · pitch: the head nods, turns, then leans in the picture's plane, so that a lean does not pass for a turn. */
function angles(r: Float64Array): { yawDeg: number; pitchDeg: number; rollDeg: number } {
  const [xx = 1, , , yx = 0, , , zx = 0, zy = 0, zz = 1] = r;
  return {
    yawDeg: Math.atan2(-zx, Math.hypot(zy, zz)) * DEGREES,
    pitchDeg: Math.atan2(-zy, zz) * DEGREES,
    rollDeg: Math.atan2(-yx, xx) * DEGREES,
  };
}
