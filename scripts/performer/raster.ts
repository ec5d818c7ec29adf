/** Triangles by vertex number. */
export interface TriangleList {
  triangles: Uint32Array;
}

/** Vertices on the screen. */
export interface Projected {
  /** Sample coordinates, sample centres at +0.5. */
  x: Float32Array;
  y: Float32Array;
  /** Grows towards the viewer and is linear on the screen: 1/distance for a perspective view, depth for a parallel one. */
  near: Float32Array;
  perspective: boolean;
}

/** What is seen at each sample: part, triangle and the second and third barycentric weights on the surface. */
export interface GBuffer {
  width: number;
  height: number;
  near: Float32Array;
  /** part × 2²⁴ + triangle, or -1. */
  id: Int32Array;
  b1: Float32Array;
  b2: Float32Array;
}

export const PART_SHIFT = 24;
export const TRIANGLE_MASK = 0xffffff;

export function createGBuffer(width: number, height: number): GBuffer {
  const n = width * height;
  return {
    width,
    height,
    near: new Float32Array(n),
    id: new Int32Array(n),
    b1: new Float32Array(n),
    b2: new Float32Array(n),
  };
}

export function clearGBuffer(g: GBuffer): void {
  g.near.fill(-1e9);
  g.id.fill(-1);
}

/** Called for each covered sample with surface weights; `near` is the interpolated nearness. */
export type Visit = (sample: number, near: number, b1: number, b2: number, triangle: number) => void;

export type Cull = 'back' | 'none';

/**
 * Scan-converts triangles, sample centres, counter-clockwise (y up) is front. Weights are perspective-correct:
 * b' = b·w / Σ b·w with w = 1/distance (Heckbert & Moreton 1991). `order` lists triangles (by number), null for all in turn.
 */
export function scan(
  mesh: TriangleList,
  view: Projected,
  width: number,
  height: number,
  cull: Cull,
  order: Uint32Array | null,
  visit: Visit,
): void {
  const { x, y, near, perspective } = view;
  const tri = mesh.triangles;
  const count = order ? order.length : tri.length / 3;
  for (let n = 0; n < count; n++) {
    const t = order ? order[n]! : n;
    const a = tri[3 * t]!;
    const b = tri[3 * t + 1]!;
    const c = tri[3 * t + 2]!;
    const x0 = x[a]!;
    const y0 = y[a]!;
    const ux = x[b]! - x0;
    const uy = y[b]! - y0;
    const vx = x[c]! - x0;
    const vy = y[c]! - y0;
    const area = ux * vy - uy * vx;
    // Screen y points down, so a front face turns clockwise here: negative area.
    if (cull === 'back' ? area >= -1e-9 : Math.abs(area) < 1e-9) continue;
    const left = Math.max(0, Math.ceil(x0 + Math.min(0, ux, vx) - 0.5));
    const right = Math.min(width - 1, Math.floor(x0 + Math.max(0, ux, vx) - 0.5));
    const top = Math.max(0, Math.ceil(y0 + Math.min(0, uy, vy) - 0.5));
    const bottom = Math.min(height - 1, Math.floor(y0 + Math.max(0, uy, vy) - 0.5));
    if (left > right || top > bottom) continue;
    const inv = 1 / area;
    const n0 = near[a]!;
    const n1 = near[b]!;
    const n2 = near[c]!;
    const du = vy * inv;
    const dv = -uy * inv;
    for (let py = top; py <= bottom; py++) {
      const dy = py + 0.5 - y0;
      const dx = left + 0.5 - x0;
      let w1 = (dx * vy - vx * dy) * inv;
      let w2 = (ux * dy - dx * uy) * inv;
      for (let px = left; px <= right; px++, w1 += du, w2 += dv) {
        if (w1 < -1e-7 || w2 < -1e-7 || w1 + w2 > 1 + 1e-7) continue;
        const z = n0 + w1 * (n1 - n0) + w2 * (n2 - n0);
        if (perspective) visit(py * width + px, z, (w1 * n1) / z, (w2 * n2) / z, t);
        else visit(py * width + px, z, w1, w2, t);
      }
    }
  }
}

/** Draws an opaque part into the buffer; `keep` may reject samples (cut-outs). */
export function drawPart(
  g: GBuffer,
  part: number,
  mesh: TriangleList,
  view: Projected,
  cull: Cull,
  keep: ((b1: number, b2: number, triangle: number) => boolean) | null,
): void {
  const { near, id, b1, b2 } = g;
  const tag = part << PART_SHIFT;
  scan(mesh, view, g.width, g.height, cull, null, (k, z, w1, w2, t) => {
    if (z <= near[k]! || (keep && !keep(w1, w2, t))) return;
    near[k] = z;
    id[k] = tag | t;
    b1[k] = w1;
    b2[k] = w2;
  });
}

/** Triangle numbers from the farthest to the nearest, by mean nearness: the painter's order for blended layers. */
export function backToFront(mesh: TriangleList, view: Projected): Uint32Array {
  const tri = mesh.triangles;
  const count = tri.length / 3;
  const key = new Float32Array(count);
  for (let t = 0; t < count; t++)
    key[t] = view.near[tri[3 * t]!]! + view.near[tri[3 * t + 1]!]! + view.near[tri[3 * t + 2]!]!;
  return Uint32Array.from({ length: count }, (_, t) => t).sort((p, q) => key[p]! - key[q]!);
}
