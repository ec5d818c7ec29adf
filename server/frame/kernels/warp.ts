// Cuts a square out of an 8-bit 4:2:0 picture as planar float32 RGB (server/frame/kernels.ts, Kernels.warp).
// Four output pixels at a time: positions and colour in float32 lanes, samples fetched as byte pairs.

/** Between two values, `low` where there is no number. pmin and pmax are one instruction each; min and max mind NaN and −0, and are several. */
// @ts-ignore: decorator
@inline
function clamp(v: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(low, v), high);
}

/** Bilinear samples of one plane of `stride` bytes a row: `at` are offsets from its beginning, fx and fy how far beyond them the places lie. */
// @ts-ignore: decorator
@inline
function sample(plane: usize, stride: i32, at: v128, fx: v128, fy: v128): v128 {
  const p0 = plane + <usize>i32x4.extract_lane(at, 0);
  const p1 = plane + <usize>i32x4.extract_lane(at, 1);
  const p2 = plane + <usize>i32x4.extract_lane(at, 2);
  const p3 = plane + <usize>i32x4.extract_lane(at, 3);
  const zero = i32x4.splat(0);
  // One 16-bit load brings a pixel and its right neighbour.
  const top = v128.load16_lane(p3, v128.load16_lane(p2, v128.load16_lane(p1, v128.load16_lane(p0, zero, 0), 2), 4), 6);
  const s = <usize>stride;
  const low = v128.load16_lane(
    p3 + s, v128.load16_lane(p2 + s, v128.load16_lane(p1 + s, v128.load16_lane(p0 + s, zero, 0), 2), 4), 6);
  const byte = i32x4.splat(0xff);
  const a = f32x4.convert_i32x4_s(v128.and(top, byte));
  const b = f32x4.convert_i32x4_s(i32x4.shr_u(top, 8));
  const c = f32x4.convert_i32x4_s(v128.and(low, byte));
  const d = f32x4.convert_i32x4_s(i32x4.shr_u(low, 8));
  const upper = f32x4.add(a, f32x4.mul(fx, f32x4.sub(b, a)));
  const lower = f32x4.add(c, f32x4.mul(fx, f32x4.sub(d, c)));
  return f32x4.add(upper, f32x4.mul(fy, f32x4.sub(lower, upper)));
}

/** Largest position whose right neighbour still lies in the plane. The margin survives float32 up to 8192. */
// @ts-ignore: decorator
@inline
function last(size: i32): v128 {
  return f32x4.splat(max<f32>(<f32>(size - 1) - 0.001, 0));
}

/**
 * out = rgb(0–255)·mul + add, planar R, G, B, size² float32 each; outside the picture `add`.
 * YUV → RGB after ITU-R BT.601/709/2020 with the given luma weights; chroma sited between the luma pixels.
 * size: a multiple of 4. The picture is at least 2×2.
 */
export function warp(
  picture: usize, width: i32, height: i32,
  a: f32, b: f32, c: f32, d: f32, e: f32, f: f32,
  size: i32, out: usize, mul: f32, add: f32, kr: f32, kb: f32, full: i32,
): void {
  warpPart(picture, width, height, a, b, c, d, e, f, size, out, mul, add, kr, kb, full, 0, 0, size, size);
}

export function warpPart(
  picture: usize, width: i32, height: i32,
  a: f32, b: f32, c: f32, d: f32, e: f32, f: f32,
  size: i32, out: usize, mul: f32, add: f32, kr: f32, kb: f32, full: i32,
  x0: i32, y0: i32, x1: i32, y1: i32,
): void {
  const cw = (width + 1) >> 1;
  const ch = (height + 1) >> 1;
  const uPlane = picture + <usize>(width * height);
  const vPlane = uPlane + <usize>(cw * ch);
  const plane: usize = (<usize>(size * size)) << 2;
  const kg: f32 = 1 - kr - kb;
  const yGain = f32x4.splat(full ? 1 : <f32>(255.0 / 219.0));
  const yZero = f32x4.splat(full ? 0 : 16);
  const chroma: f32 = full ? 1 : <f32>(255.0 / 224.0);
  const rv = f32x4.splat(2 * (1 - kr) * chroma);
  const bu = f32x4.splat(2 * (1 - kb) * chroma);
  const gu = f32x4.splat((2 * (1 - kb) * kb * chroma) / kg);
  const gv = f32x4.splat((2 * (1 - kr) * kr * chroma) / kg);

  const zero = f32x4.splat(0);
  const half = f32x4.splat(0.5);
  const quarter = f32x4.splat(0.25);
  const white = f32x4.splat(255);
  const middle = f32x4.splat(128);
  const xLast = last(width);
  const yLast = last(height);
  const uLast = last(cw);
  const vLast = last(ch);
  const edge = f32x4.splat(-0.5);
  const right = f32x4.splat(<f32>width - 0.5);
  const bottom = f32x4.splat(<f32>height - 0.5);
  const gain = f32x4.splat(mul);
  const bias = f32x4.splat(add);
  const lanes = f32x4(0, 1, 2, 3);
  const stride = i32x4.splat(width), chromaStride = i32x4.splat(cw);

  for (let y = y0; y < y1; y++) {
    const row = <f32>y;
    const rowX = f32x4.splat(b * row + c);
    const rowY = f32x4.splat(e * row + f);
    for (let x = x0; x < x1; x += 4) {
      const step = f32x4.add(f32x4.splat(<f32>x), lanes);
      const px = f32x4.add(f32x4.mul(f32x4.splat(a), step), rowX);
      const py = f32x4.add(f32x4.mul(f32x4.splat(d), step), rowY);
      const inside = v128.and(
        v128.and(f32x4.ge(px, edge), f32x4.le(px, right)),
        v128.and(f32x4.ge(py, edge), f32x4.le(py, bottom)),
      );
      const at = out + ((<usize>(y * size + x)) << 2);
      if (!v128.any_true(inside)) {
        v128.store(at, bias);
        v128.store(at + plane, bias);
        v128.store(at + 2 * plane, bias);
        continue;
      }
      const sx = clamp(px, zero, xLast);
      const sy = clamp(py, zero, yLast);
      const cx = clamp(f32x4.sub(f32x4.mul(sx, half), quarter), zero, uLast);
      const cy = clamp(f32x4.sub(f32x4.mul(sy, half), quarter), zero, vLast);
      // All of them lie inside their planes: there is no overflow for the conversion to mind.
      const ix = i32x4.relaxed_trunc_f32x4_s(sx), iy = i32x4.relaxed_trunc_f32x4_s(sy);
      const fx = f32x4.sub(sx, f32x4.convert_i32x4_s(ix)), fy = f32x4.sub(sy, f32x4.convert_i32x4_s(iy));
      const jx = i32x4.relaxed_trunc_f32x4_s(cx), jy = i32x4.relaxed_trunc_f32x4_s(cy);
      const gx = f32x4.sub(cx, f32x4.convert_i32x4_s(jx)), gy = f32x4.sub(cy, f32x4.convert_i32x4_s(jy));
      const beside = i32x4.add(i32x4.mul(jy, chromaStride), jx);
      const luma = f32x4.mul(f32x4.sub(sample(picture, width, i32x4.add(i32x4.mul(iy, stride), ix), fx, fy), yZero), yGain);
      const u = f32x4.sub(sample(uPlane, cw, beside, gx, gy), middle);
      const v = f32x4.sub(sample(vPlane, cw, beside, gx, gy), middle);
      const red = clamp(f32x4.add(luma, f32x4.mul(v, rv)), zero, white);
      const green = clamp(f32x4.sub(luma, f32x4.add(f32x4.mul(u, gu), f32x4.mul(v, gv))), zero, white);
      const blue = clamp(f32x4.add(luma, f32x4.mul(u, bu)), zero, white);
      v128.store(at, f32x4.add(f32x4.mul(v128.and(red, inside), gain), bias));
      v128.store(at + plane, f32x4.add(f32x4.mul(v128.and(green, inside), gain), bias));
      v128.store(at + 2 * plane, f32x4.add(f32x4.mul(v128.and(blue, inside), gain), bias));
    }
  }
}
