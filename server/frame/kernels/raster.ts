// Rasterises a face mesh: what it promises stands in server/frame/kernels.ts.
// Triangles whose corners run clockwise on screen face the camera; the others are left out. Smaller z is nearer.

// A shared edge must not leave a crack when both neighbours round away from it.
const EDGE: f32 = -0.0001;
const FAR: f32 = 1e30;

@inline function least(a: f32, b: f32, c: f32): f32 { return min(a, min(b, c)); }
@inline function most(a: f32, b: f32, c: f32): f32 { return max(a, max(b, c)); }

export function raster(vertices: usize, triangles: usize, count: i32, size: i32, out: usize, depth: usize): void {
  const plane: usize = <usize>(size * size) << 2;
  memory.fill(out, 0, plane << 2);
  const far = f32x4.splat(FAR);
  for (let i: usize = 0; i < plane; i += 16) v128.store(depth + i, far);
  for (let t = 0; t < count; t++) {
    const corner = triangles + <usize>t * 12;
    const p = vertices + <usize>load<i32>(corner) * 20, q = vertices + <usize>load<i32>(corner, 4) * 20, r = vertices + <usize>load<i32>(corner, 8) * 20;
    const x0 = load<f32>(p), y0 = load<f32>(p, 4), z0 = load<f32>(p, 8);
    const x1 = load<f32>(q) - x0, y1 = load<f32>(q, 4) - y0, z1 = load<f32>(q, 8) - z0;
    const x2 = load<f32>(r) - x0, y2 = load<f32>(r, 4) - y0, z2 = load<f32>(r, 8) - z0;
    const area = x1 * y2 - x2 * y1;
    if (!(area > 1e-6)) continue;
    const nx = y1 * z2 - z1 * y2, ny = z1 * x2 - x1 * z2;
    const facing = area / Mathf.sqrt(nx * nx + ny * ny + area * area);
    const left = max(0, <i32>Mathf.ceil(least(x0, x0 + x1, x0 + x2))), right = min(size - 1, <i32>Mathf.floor(most(x0, x0 + x1, x0 + x2)));
    const top = max(0, <i32>Mathf.ceil(least(y0, y0 + y1, y0 + y2))), bottom = min(size - 1, <i32>Mathf.floor(most(y0, y0 + y1, y0 + y2)));
    const inverse: f32 = 1 / area;
    const u0 = load<f32>(p, 12), u1 = load<f32>(q, 12) - u0, u2 = load<f32>(r, 12) - u0;
    const v0 = load<f32>(p, 16), v1 = load<f32>(q, 16) - v0, v2 = load<f32>(r, 16) - v0;
    const w1dx = y2 * inverse, w2dx = -y1 * inverse;
    for (let y = top; y <= bottom; y++) {
      const py: f32 = <f32>y - y0;
      let at = (<usize>(y * size + left) << 2);
      const px: f32 = <f32>left - x0;
      let w1 = (px * y2 - x2 * py) * inverse, w2 = (x1 * py - px * y1) * inverse;
      for (let x = left; x <= right; x++, at += 4, w1 += w1dx, w2 += w2dx) {
        if (w1 < EDGE || w2 < EDGE || w1 + w2 > 1 - EDGE) continue;
        const z = z0 + w1 * z1 + w2 * z2;
        if (z >= load<f32>(depth + at)) continue;
        store<f32>(depth + at, z);
        store<f32>(out + at, u0 + w1 * u1 + w2 * u2);
        store<f32>(out + plane + at, v0 + w1 * v1 + w2 * v2);
        store<f32>(out + 2 * plane + at, 1);
        store<f32>(out + 3 * plane + at, facing);
      }
    }
  }
}
