import type { FaceMesh } from '../models/face-mesh.ts';
import type { Projection } from './frame.ts';

/**
 * The double's texture layout: the face rolled off a cylinder around the head's upright axis.
 * u runs with the angle around the axis, v down the height; both 0–1 from the texture's upper left corner.
 */
export interface Cylinder {
  /** Depth of the axis behind the eyes, decimetres (negative). */
  axisZ: number;
  /** Half the angle that the texture spans, radians. */
  halfAngle: number;
  top: number;
  bottom: number;
}

/** A cylinder that holds all landmarks with a margin. */
export function cylinderAround(points: Float32Array, axisZ: number, margin: number): Cylinder {
  let halfAngle = 0;
  let top = -Infinity;
  let bottom = Infinity;
  for (let i = 0; i < points.length; i += 3) {
    halfAngle = Math.max(halfAngle, Math.abs(Math.atan2(points[i]!, points[i + 2]! - axisZ)));
    top = Math.max(top, points[i + 1]!);
    bottom = Math.min(bottom, points[i + 1]!);
  }
  const pad = margin * (top - bottom);
  return { axisZ, halfAngle: halfAngle * (1 + 2 * margin), top: top + pad, bottom: bottom - pad };
}

export function toUv(c: Cylinder, x: number, y: number, z: number): [u: number, v: number] {
  return [0.5 + Math.atan2(x, z - c.axisZ) / (2 * c.halfAngle), (c.top - y) / (c.top - c.bottom)];
}

/** Renders along the cylinder's rays instead of through a camera: the outermost surface wins. */
export function unwrapProjection(c: Cylinder): Projection {
  return (points, view, width, height) => {
    for (let i = 0; i < view.x.length; i++) {
      const x = points[3 * i]!;
      const z = points[3 * i + 2]!;
      const [u, v] = toUv(c, x, points[3 * i + 1]!, z);
      view.x[i] = u * width;
      view.y[i] = v * height;
      view.near[i] = Math.hypot(x, z - c.axisZ);
    }
  };
}

/** Coverage of the face oval, 0–1 a pixel, with an edge `soft` pixels wide that lies inside the outline. */
export function ovalMask(
  uv: readonly (readonly [number, number])[],
  mesh: FaceMesh,
  size: number,
  soft: number,
): Float32Array {
  const outline = mesh.oval.map((i) => [uv[i]![0] * size, uv[i]![1] * size] as const);
  const mask = new Float32Array(size * size);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const d = signedDistance(outline, x + 0.5, y + 0.5);
      mask[y * size + x] = Math.min(1, Math.max(0, 0.5 + d / soft));
    }
  return mask;
}

/** Distance to a closed outline, > 0 inside (even–odd). */
export function signedDistance(outline: readonly (readonly [number, number])[], x: number, y: number): number {
  let inside = false;
  let least = Infinity;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [ax, ay] = outline[i]!;
    const [bx, by] = outline[j]!;
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    const t = Math.min(
      1,
      Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2 + 1e-12)),
    );
    least = Math.min(least, Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)));
  }
  return inside ? least : -least;
}
