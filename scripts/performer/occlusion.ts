import { scan, type TriangleList } from './raster.ts';
import { cross, normalize, type Vec3 } from './vec.ts';

/** A parallel depth map: how far towards a direction the surface reaches. */
export interface DepthMap {
  size: number;
  depth: Float32Array;
  right: Vec3;
  up: Vec3;
  toward: Vec3;
  centre: Vec3;
  /** Map pixels a decimetre. */
  scale: number;
}

/** Renders the depth of the meshes as seen from `toward`, around `centre`, covering `span` decimetres. */
export function renderDepth(
  meshes: readonly TriangleList[],
  points: Float32Array,
  toward: Vec3,
  centre: Vec3,
  span: number,
  size: number,
): DepthMap {
  const k = normalize(toward);
  const right = normalize(cross(Math.abs(k[1]) > 0.95 ? [0, 0, 1] : [0, 1, 0], k));
  const up = cross(k, right);
  const scale = size / span;
  const n = points.length / 3;
  const view = { x: new Float32Array(n), y: new Float32Array(n), near: new Float32Array(n), perspective: false };
  const map: DepthMap = { size, depth: new Float32Array(size * size).fill(-1e9), right, up, toward: k, centre, scale };
  for (let i = 0; i < n; i++) {
    const dx = points[3 * i]! - centre[0];
    const dy = points[3 * i + 1]! - centre[1];
    const dz = points[3 * i + 2]! - centre[2];
    view.x[i] = size / 2 + scale * (dx * right[0] + dy * right[1] + dz * right[2]);
    view.y[i] = size / 2 - scale * (dx * up[0] + dy * up[1] + dz * up[2]);
    view.near[i] = dx * k[0] + dy * k[1] + dz * k[2];
  }
  const depth = map.depth;
  for (const mesh of meshes)
    scan(mesh, view, size, size, 'none', null, (p, z) => {
      if (z > depth[p]!) depth[p] = z;
    });
  return map;
}

/** Share of light from the map's direction that reaches a point, 0–1: percentage-closer filtering over (2·radius+1)² texels. */
export function lightAt(map: DepthMap, x: number, y: number, z: number, bias: number, radius: number): number {
  const { size, depth, right, up, toward, centre, scale } = map;
  const dx = x - centre[0];
  const dy = y - centre[1];
  const dz = z - centre[2];
  const fx = size / 2 + scale * (dx * right[0] + dy * right[1] + dz * right[2]) - 0.5;
  const fy = size / 2 - scale * (dx * up[0] + dy * up[1] + dz * up[2]) - 0.5;
  const d = dx * toward[0] + dy * toward[1] + dz * toward[2] + bias;
  const ix = Math.floor(fx);
  const iy = Math.floor(fy);
  if (ix < radius || iy < radius || ix >= size - radius - 1 || iy >= size - radius - 1) return 1;
  const gx = fx - ix;
  const gy = fy - iy;
  let lit = 0;
  for (let j = -radius; j <= radius + 1; j++) {
    const wy = j === -radius ? 1 - gy : j === radius + 1 ? gy : 1;
    const row = (iy + j) * size + ix;
    for (let i = -radius; i <= radius + 1; i++) {
      if (d < depth[row + i]!) continue;
      lit += wy * (i === -radius ? 1 - gx : i === radius + 1 ? gx : 1);
    }
  }
  const side = 2 * radius + 1;
  return lit / (side * side);
}

/**
 * Ambient occlusion a vertex: the cosine-weighted share of `directions` directions over the sphere (Fibonacci lattice)
 * from which the vertex is seen. 1 = open.
 */
export function ambientOcclusion(
  meshes: readonly TriangleList[],
  points: Float32Array,
  normals: Float32Array,
  centre: Vec3,
  span: number,
  directions = 96,
): Float32Array {
  const n = points.length / 3;
  const seen = new Float32Array(n);
  const total = new Float32Array(n);
  for (let d = 0; d < directions; d++) {
    const y = 1 - (2 * (d + 0.5)) / directions;
    const r = Math.sqrt(1 - y * y);
    const a = d * 2.399963229728653;
    const toward: Vec3 = [r * Math.cos(a), y, r * Math.sin(a)];
    const map = renderDepth(meshes, points, toward, centre, span, 288);
    for (let i = 0; i < n; i++) {
      const cos = normals[3 * i]! * toward[0] + normals[3 * i + 1]! * toward[1] + normals[3 * i + 2]! * toward[2];
      if (cos <= 0.02) continue;
      total[i] = total[i]! + cos;
      seen[i] = seen[i]! + cos * lightAt(map, points[3 * i]!, points[3 * i + 1]!, points[3 * i + 2]!, 0.05, 0);
    }
  }
  return seen.map((s, i) => (total[i]! > 0 ? s / total[i]! : 1));
}
