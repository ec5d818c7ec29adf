// Rasterises a face mesh: what it promises stands in server/frame/kernels.ts.
// Triangles whose corners run clockwise on screen face the camera; the others are left out. Smaller z is nearer.

// A shared edge must not leave a crack when both neighbours round away from it.
const EDGE: f32 = -0.0001;
const FAR: f32 = 1e30;

export function raster(vertices: usize, triangles: usize, count: i32, size: i32, out: usize, depth: usize): void {
  const plane: usize = <usize>(size * size) << 2;
  memory.fill(out, 0, plane << 2);
  const far = f32x4.splat(FAR);
  for (let i: usize = 0; i < plane; i += 16) v128.store(depth + i, far);
  const zero = f32x4.splat(0), before = f32x4.splat(-1), last = f32x4.splat(<f32>(size - 1)), limit = f32x4.splat(<f32>size);
  const lanes = f32x4(0, 1, 2, 3), edge = f32x4.splat(EDGE), far1 = f32x4.splat(1 - EDGE), one = f32x4.splat(1);
  for (let t = 0; t < count; t++) {
    const corner = triangles + <usize>t * 12;
    const p = vertices + <usize>load<i32>(corner) * 20, q = vertices + <usize>load<i32>(corner, 4) * 20, r = vertices + <usize>load<i32>(corner, 8) * 20;
    const p4 = v128.load(p), q4 = v128.load(q), r4 = v128.load(r);
    const qFrom = f32x4.sub(q4, p4), rFrom = f32x4.sub(r4, p4);
    const x0 = f32x4.extract_lane(p4, 0), y0 = f32x4.extract_lane(p4, 1), z0 = f32x4.extract_lane(p4, 2);
    const x1 = f32x4.extract_lane(qFrom, 0), y1 = f32x4.extract_lane(qFrom, 1), z1 = f32x4.extract_lane(qFrom, 2);
    const x2 = f32x4.extract_lane(rFrom, 0), y2 = f32x4.extract_lane(rFrom, 1), z2 = f32x4.extract_lane(rFrom, 2);
    const area = x1 * y2 - x2 * y1;
    if (!(area > 1e-6)) continue;
    // The pixels around it, x and y at once; what lies far outside, or nowhere, comes to lie at an edge.
    const low = f32x4.pmin(limit, f32x4.pmax(zero, f32x4.ceil(f32x4.pmin(p4, f32x4.pmin(q4, r4)))));
    const high = f32x4.pmin(last, f32x4.pmax(before, f32x4.floor(f32x4.pmax(p4, f32x4.pmax(q4, r4)))));
    const begin = i32x4.relaxed_trunc_f32x4_s(low), end = i32x4.relaxed_trunc_f32x4_s(high);
    const left = i32x4.extract_lane(begin, 0), top = i32x4.extract_lane(begin, 1);
    const right = i32x4.extract_lane(end, 0), bottom = i32x4.extract_lane(end, 1);
    if (left > right || top > bottom) continue;
    const nx = y1 * z2 - z1 * y2, ny = z1 * x2 - x1 * z2;
    const facing = area / Mathf.sqrt(nx * nx + ny * ny + area * area);
    const inverse: f32 = 1 / area;
    const u0 = load<f32>(p, 12), u1 = load<f32>(q, 12) - u0, u2 = load<f32>(r, 12) - u0;
    const v0 = load<f32>(p, 16), v1 = load<f32>(q, 16) - v0, v2 = load<f32>(r, 16) - v0;
    // Four pixels at a time from a multiple of four: a row holds so many, and nothing beyond it is touched.
    const first = left & ~3;
    const ax = f32x4.splat(y2 * inverse), bx = f32x4.splat(-y1 * inverse);
    const zFirst = f32x4.splat(z0), zA = f32x4.splat(z1), zB = f32x4.splat(z2), facing4 = f32x4.splat(facing);
    const uFirst = f32x4.splat(u0), uA = f32x4.splat(u1), uB = f32x4.splat(u2), vFirst = f32x4.splat(v0), vA = f32x4.splat(v1), vB = f32x4.splat(v2);
    for (let y = top; y <= bottom; y++) {
      const py: f32 = <f32>y - y0;
      const aRow = f32x4.splat(x2 * py * inverse), bRow = f32x4.splat(x1 * py * inverse);
      for (let x = first; x <= right; x += 4) {
        const at = <usize>(y * size + x) << 2;
        const px = f32x4.add(f32x4.splat(<f32>x - x0), lanes);
        const w1 = f32x4.sub(f32x4.mul(px, ax), aRow), w2 = f32x4.add(f32x4.mul(px, bx), bRow);
        const inside = v128.and(v128.and(f32x4.ge(w1, edge), f32x4.ge(w2, edge)), f32x4.le(f32x4.add(w1, w2), far1));
        if (!v128.any_true(inside)) continue;
        const z = f32x4.add(f32x4.add(zFirst, f32x4.mul(w1, zA)), f32x4.mul(w2, zB));
        const behind = v128.load(depth + at);
        const seen = v128.and(inside, f32x4.lt(z, behind));
        if (!v128.any_true(seen)) continue;
        const to = out + at;
        const u = f32x4.add(f32x4.add(uFirst, f32x4.mul(w1, uA)), f32x4.mul(w2, uB));
        const v = f32x4.add(f32x4.add(vFirst, f32x4.mul(w1, vA)), f32x4.mul(w2, vB));
        v128.store(depth + at, v128.bitselect(z, behind, seen));
        v128.store(to, v128.bitselect(u, v128.load(to), seen));
        v128.store(to + plane, v128.bitselect(v, v128.load(to + plane), seen));
        v128.store(to + 2 * plane, v128.bitselect(one, v128.load(to + 2 * plane), seen));
        v128.store(to + 3 * plane, v128.bitselect(facing4, v128.load(to + 3 * plane), seen));
      }
    }
  }
}
