import type { Target } from './obj.ts';

/** points += weight · target. */
export function addTarget(points: Float32Array, target: Target, weight: number): void {
  const { index, delta } = target;
  for (let i = 0; i < index.length; i++) {
    const p = 3 * index[i]!;
    points[p] = points[p]! + weight * delta[3 * i]!;
    points[p + 1] = points[p + 1]! + weight * delta[3 * i + 1]!;
    points[p + 2] = points[p + 2]! + weight * delta[3 * i + 2]!;
  }
}

/** Target name → weight. A missing name means 0. */
export type Weights = Readonly<Record<string, number>>;

/** Mean of a list of points of `points`. */
export function centre(points: Float32Array, list: Iterable<number>): [number, number, number] {
  let n = 0;
  const sum: [number, number, number] = [0, 0, 0];
  for (const i of list) {
    sum[0] += points[3 * i]!;
    sum[1] += points[3 * i + 1]!;
    sum[2] += points[3 * i + 2]!;
    n++;
  }
  return [sum[0] / n, sum[1] / n, sum[2] / n];
}

/** Area-weighted vertex normals of a triangle list, added into `normals` (not normalised, not cleared). */
export function addNormals(points: Float32Array, triangles: Uint32Array, normals: Float32Array): void {
  for (let t = 0; t < triangles.length; t += 3) {
    const a = 3 * triangles[t]!;
    const b = 3 * triangles[t + 1]!;
    const c = 3 * triangles[t + 2]!;
    const ux = points[b]! - points[a]!;
    const uy = points[b + 1]! - points[a + 1]!;
    const uz = points[b + 2]! - points[a + 2]!;
    const vx = points[c]! - points[a]!;
    const vy = points[c + 1]! - points[a + 1]!;
    const vz = points[c + 2]! - points[a + 2]!;
    const nx = uy * vz - uz * vy;
    const ny = uz * vx - ux * vz;
    const nz = ux * vy - uy * vx;
    for (const k of [a, b, c]) {
      normals[k] = normals[k]! + nx;
      normals[k + 1] = normals[k + 1]! + ny;
      normals[k + 2] = normals[k + 2]! + nz;
    }
  }
}

/** Scales normals to length 1 in place. */
export function unitNormals(n: Float32Array): void {
  for (let i = 0; i < n.length; i += 3) {
    const l = 1 / (Math.sqrt(n[i]! * n[i]! + n[i + 1]! * n[i + 1]! + n[i + 2]! * n[i + 2]!) || 1);
    n[i] = n[i]! * l;
    n[i + 1] = n[i + 1]! * l;
    n[i + 2] = n[i + 2]! * l;
  }
}
