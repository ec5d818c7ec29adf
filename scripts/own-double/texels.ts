import { canonicalOf } from '../double/face-mesh.ts';
import { drawTriangle, normalMap } from '../double/maps.ts';
import type { FaceMesh } from '../models/face-mesh.ts';

type Point = readonly [number, number];

/** Every texel of a texture that lies on the face, or within a fifth of a triangle of it. */
export interface Texels {
  side: number;
  /** Place in the texture. */
  at: Int32Array;
  /** Three landmarks a texel, and their shares. */
  corners: Int16Array;
  shares: Float32Array;
  /** Which way the canonical head faces there: x, y, z a texel, camera axes. */
  normals: Float32Array;
  /** Where it lies on the canonical head, camera axes, canonical units. */
  places: Float32Array;
}

export function texelsOf(mesh: FaceMesh, uv: readonly Point[], side: number): Texels {
  const corners = new Int16Array(3 * side * side).fill(-1);
  const shares = new Float32Array(3 * side * side);
  // First what lies inside a triangle, then the rims.
  for (const beyond of [0, 0.2])
    for (const [a, b, c] of mesh.triangles)
      drawTriangle(
        [uv[a]!, uv[b]!, uv[c]!],
        side,
        (at, wa, wb, wc) => {
          if (corners[3 * at]! >= 0) return;
          corners.set([a, b, c], 3 * at);
          shares.set([wa, wb, wc], 3 * at);
        },
        beyond,
      );
  const at = Int32Array.from(Array.from({ length: side * side }, (_, i) => i).filter((i) => corners[3 * i]! >= 0));
  const canonical = canonicalOf(mesh);
  const map = normalMap(mesh, uv, canonical, side);
  const pick = <T extends Int16Array | Float32Array>(from: T, to: T): T => {
    for (const [k, i] of at.entries()) to.set(from.subarray(3 * i, 3 * i + 3), 3 * k);
    return to;
  };
  const chosen = {
    corners: pick(corners, new Int16Array(3 * at.length)),
    shares: pick(shares, new Float32Array(3 * at.length)),
  };
  const normals = new Float32Array(3 * at.length);
  const places = new Float32Array(3 * at.length);
  at.forEach((i, k) => {
    for (let axis = 0; axis < 3; axis++) {
      normals[3 * k + axis] = map[axis * side * side + i]!;
      places[3 * k + axis] = between(chosen, k, canonical, 3, axis);
    }
  });
  return { side, at, ...chosen, normals, places };
}

/** A value of the landmarks (`stride` numbers each) at the k-th texel. */
export function between(
  { corners, shares }: Pick<Texels, 'corners' | 'shares'>,
  k: number,
  values: ArrayLike<number>,
  stride: number,
  axis: number,
): number {
  let sum = 0;
  for (let j = 3 * k; j < 3 * k + 3; j++) sum += shares[j]! * values[stride * corners[j]! + axis]!;
  return sum;
}
