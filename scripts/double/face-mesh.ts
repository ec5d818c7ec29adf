import type { FaceMesh } from '../models/face-mesh.ts';

/** The canonical head in camera axes: x to image right, y down, z away from the camera. */
export const canonicalOf = (mesh: FaceMesh): number[] => mesh.positions.flatMap(([x, y, z]) => [x, -y, -z]);

/** What is drawn: every landmark once, and the rims of the openings a second time without a place in the texture. */
export interface DrawnMesh {
  vertices: number[];
  uv: [number, number][];
  triangles: [number, number, number][];
}

/** Outside the texture: sampling clamps to its corner, which the build makes transparent. */
export const OPENING_UV = -0.5;

export function drawnMesh(mesh: FaceMesh, uv: readonly (readonly [number, number])[]): DrawnMesh {
  const drawn: DrawnMesh = {
    vertices: uv.map((_, index) => index),
    uv: uv.map(([u, v]) => [u, v]),
    triangles: mesh.triangles.map((triangle) => [...triangle]),
  };
  // One winding for the whole surface; the model's own list is consistent, but counts with y up.
  const signed = drawn.triangles.reduce((sum, triangle) => sum + area(mesh, triangle), 0);
  if (signed < 0) for (const triangle of drawn.triangles) triangle.reverse();
  for (const rim of [mesh.leftEye, mesh.rightEye, mesh.lips.inner]) {
    const copies = rim.map((point) => {
      drawn.uv.push([OPENING_UV, OPENING_UV]);
      return drawn.vertices.push(point) - 1;
    });
    drawn.triangles.push(...closeRim(copies, area(mesh, rim) > 0));
  }
  return drawn;
}

/** Closes a rim from corner to corner with a strip between its lower and its upper side. */
function closeRim(rim: number[], clockwise: boolean): [number, number, number][] {
  const triangles: [number, number, number][] = [];
  const half = rim.length / 2;
  const lower = (k: number): number => rim[k]!;
  const upper = (k: number): number => rim[(rim.length - k) % rim.length]!;
  for (let k = 0; k < half; k++) {
    if (k > 0) triangles.push([lower(k), lower(k + 1), upper(k)]);
    if (k < half - 1) triangles.push([upper(k), lower(k + 1), upper(k + 1)]);
  }
  if (!clockwise) for (const triangle of triangles) triangle.reverse();
  return triangles;
}

/** Signed area of a polygon of the canonical head on screen (y down): positive when it runs clockwise. */
function area(mesh: FaceMesh, corners: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k < corners.length; k++) {
    const [x0, y0] = mesh.positions[corners[k]!]!;
    const [x1, y1] = mesh.positions[corners[(k + 1) % corners.length]!]!;
    sum += x1 * y0 - x0 * y1;
  }
  return sum / 2;
}
