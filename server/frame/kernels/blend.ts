// Composites a replaced face into a 4:2:0 picture; what it promises stands in server/frame/kernels.ts.
// The face is converted to premultiplied Y, U, V and alpha once, at the crop's size, and then sampled per picture sample:
// interpolating premultiplied colour keeps the transparent surround from darkening the mask's edge. Converted pixels lie interleaved, so that
// one sample takes four loads.
import { plane0, plane1, plane2, plane3, texel } from './vectors';

// The converted pixels that are not transparent: beyond them the picture stays as it is.
let left: i32 = 0, top: i32 = 0, right: i32 = -1, bottom: i32 = -1;

/** Four pixels' planes as their vectors. */
@inline function interleave(to: usize, y: v128, u: v128, v: v128, a: v128): void {
  v128.store(to, plane0(y, u, v, a));
  v128.store(to, plane1(y, u, v, a), 16);
  v128.store(to, plane2(y, u, v, a), 32);
  v128.store(to, plane3(y, u, v, a), 48);
}

/** Takes four pixels into the part that is seen. */
@inline function note(x: i32, y: i32): void {
  left = min(left, x); right = max(right, x + 3);
  top = min(top, y); bottom = y;
}

function noneSeen(size: i32): void {
  left = size; top = size; right = -1; bottom = -1;
}

/** No number becomes 0. */
@inline function clamp01(v: v128): v128 { return f32x4.pmin(f32x4.pmax(f32x4.splat(0), v), f32x4.splat(1)); }

/** RGBA planes (straight, 0–1) of size² pixels → premultiplied Y′CbCr codes (0–255) and alpha. */
function premultiply(rgba: usize, out: usize, size: i32, kr: f32, kb: f32, full: i32): void {
  const plane: usize = <usize>(size * size) << 2;
  noneSeen(size);
  const kg: f32 = 1 - kr - kb;
  const ySpan: f32 = full ? 255 : 219, cSpan: f32 = full ? 255 : 224, yBase = f32x4.splat(full ? 0 : 16), cBase = f32x4.splat(128);
  const yr = f32x4.splat(ySpan * kr), yg = f32x4.splat(ySpan * kg), yb = f32x4.splat(ySpan * kb);
  const ub: f32 = cSpan * 0.5 / (1 - kb), vr: f32 = cSpan * 0.5 / (1 - kr);
  const uR = f32x4.splat(-ub * kr), uG = f32x4.splat(-ub * kg), uB = f32x4.splat(cSpan * 0.5);
  const vR = f32x4.splat(cSpan * 0.5), vG = f32x4.splat(-vr * kg), vB = f32x4.splat(-vr * kb);
  for (let y = 0, i: usize = 0; y < size; y++) for (let x = 0; x < size; x += 4, i += 16) {
    const a = clamp01(v128.load(rgba + 3 * plane + i));
    if (!v128.any_true(f32x4.gt(a, f32x4.splat(0)))) {
      const none = f32x4.splat(0), to = out + (i << 2);
      v128.store(to, none); v128.store(to, none, 16); v128.store(to, none, 32); v128.store(to, none, 48);
      continue;
    }
    note(x, y);
    const r = clamp01(v128.load(rgba + i)), g = clamp01(v128.load(rgba + plane + i)), b = clamp01(v128.load(rgba + 2 * plane + i));
    const luma = f32x4.add(yBase, f32x4.add(f32x4.mul(r, yr), f32x4.add(f32x4.mul(g, yg), f32x4.mul(b, yb))));
    const u = f32x4.add(cBase, f32x4.add(f32x4.mul(r, uR), f32x4.add(f32x4.mul(g, uG), f32x4.mul(b, uB))));
    const v = f32x4.add(cBase, f32x4.add(f32x4.mul(r, vR), f32x4.add(f32x4.mul(g, vG), f32x4.mul(b, vB))));
    interleave(out + (i << 2), f32x4.mul(luma, a), f32x4.mul(u, a), f32x4.mul(v, a), a);
  }
}

/** Differences of R, G, B (−1 to 1) and where they hold (0–1) → differences of Y′CbCr codes; where they hold stays as it is. */
function differences(rgba: usize, out: usize, size: i32, kr: f32, kb: f32, full: i32): void {
  const plane: usize = <usize>(size * size) << 2;
  noneSeen(size);
  const kg: f32 = 1 - kr - kb;
  const ySpan: f32 = full ? 255 : 219, cSpan: f32 = full ? 255 : 224;
  const yr = f32x4.splat(ySpan * kr), yg = f32x4.splat(ySpan * kg), yb = f32x4.splat(ySpan * kb), span = f32x4.splat(ySpan);
  const u4 = f32x4.splat(cSpan * 0.5 / (1 - kb) / ySpan), v4 = f32x4.splat(cSpan * 0.5 / (1 - kr) / ySpan);
  for (let y = 0, i: usize = 0; y < size; y++) for (let x = 0; x < size; x += 4, i += 16) {
    const r = v128.load(rgba + i), g = v128.load(rgba + plane + i), b = v128.load(rgba + 2 * plane + i);
    const luma = f32x4.add(f32x4.mul(r, yr), f32x4.add(f32x4.mul(g, yg), f32x4.mul(b, yb)));
    const u = f32x4.mul(f32x4.sub(f32x4.mul(b, span), luma), u4), v = f32x4.mul(f32x4.sub(f32x4.mul(r, span), luma), v4);
    const a = clamp01(v128.load(rgba + 3 * plane + i));
    if (v128.any_true(f32x4.gt(a, f32x4.splat(0)))) note(x, y);
    interleave(out + (i << 2), luma, u, v, a);
  }
}

/** Halves the pixels by 2×2 averaging, in place: every one is written at or before the place it was read from. */
function halve(pixels: usize, size: i32): void {
  const half = size >> 1, row: usize = <usize>size << 4, quarter = f32x4.splat(0.25);
  for (let y = 0, to = pixels; y < half; y++) {
    let from = pixels + <usize>(2 * y) * row;
    for (let x = 0; x < half; x++, from += 32, to += 16) {
      const upper = f32x4.add(v128.load(from), v128.load(from, 16)), lower = f32x4.add(v128.load(from + row), v128.load(from + row, 16));
      v128.store(to, f32x4.mul(f32x4.add(upper, lower), quarter));
    }
  }
  left >>= 1; top >>= 1; right >>= 1; bottom >>= 1;
}

/** value + (1 − alpha)·what is there, rounded; only the first `lanes` samples are written. Where alpha is 0 this is what is there. */
@inline function put(p: usize, value: v128, alpha: v128, lanes: i32): void {
  const there = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(p))));
  const mixed = f32x4.add(value, f32x4.mul(f32x4.sub(f32x4.splat(1), alpha), there));
  const whole = i32x4.relaxed_trunc_f32x4_s(f32x4.add(mixed, f32x4.splat(0.5)));
  const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(whole, whole), i16x8.splat(0));
  if (lanes >= 4) store<i32>(p, i32x4.extract_lane(bytes, 0));
  else {
    let word = i32x4.extract_lane(bytes, 0);
    for (let i = 0; i < lanes; i++) { store<u8>(p + i, <u8>word); word >>= 8; }
  }
}

/** Blends luma (no `second`) or both chroma planes. Sample (x, y) of the plane lies at frame position (x·step + shift, y·step + shift). */
function blendPlanes(
  first: usize, second: usize, stride: i32, x0: i32, y0: i32, x1: i32, y1: i32, step: f32, shift: f32,
  a: f32, b: f32, c: f32, d: f32, e: f32, f: f32, pixels: usize, size: i32, cover: f32,
): void {
  const row: usize = <usize>size << 4;
  const zero = f32x4.splat(0), most = f32x4.splat(<f32>(size - 1) - 0.001), lane = f32x4(0, 1, 2, 3), cover4 = f32x4.splat(cover);
  const a4 = f32x4.splat(a), d4 = f32x4.splat(d), step4 = f32x4.splat(step), shift4 = f32x4.splat(shift);
  // A sample between a pixel that is seen and one that is not is seen, too; what lies outside the square is not.
  const xLeast = f32x4.splat(<f32>max(0, left - 1)), xMost = f32x4.splat(<f32>min(size - 1, right + 1));
  const yLeast = f32x4.splat(<f32>max(0, top - 1)), yMost = f32x4.splat(<f32>min(size - 1, bottom + 1));
  for (let y = y0; y < y1; y++) {
    const yy: f32 = <f32>y * step + shift;
    const bx = f32x4.splat(b * yy + c), by = f32x4.splat(e * yy + f);
    for (let x = x0; x < x1; x += 4) {
      const xx = f32x4.add(f32x4.mul(f32x4.add(f32x4.splat(<f32>x), lane), step4), shift4);
      const px = f32x4.add(f32x4.mul(a4, xx), bx), py = f32x4.add(f32x4.mul(d4, xx), by);
      const inside = v128.and(v128.and(f32x4.ge(px, xLeast), f32x4.le(px, xMost)), v128.and(f32x4.ge(py, yLeast), f32x4.le(py, yMost)));
      if (!v128.any_true(inside)) continue;
      const sx = f32x4.pmin(f32x4.pmax(zero, px), most), sy = f32x4.pmin(f32x4.pmax(zero, py), most);
      const ix = i32x4.relaxed_trunc_f32x4_s(sx), iy = i32x4.relaxed_trunc_f32x4_s(sy);
      const fx = f32x4.sub(sx, f32x4.convert_i32x4_s(ix)), fy = f32x4.sub(sy, f32x4.convert_i32x4_s(iy));
      const places = i32x4.shl(i32x4.add(i32x4.mul(iy, i32x4.splat(size)), ix), 4);
      const p = texel(pixels, row, places, fx, fy, 0), q = texel(pixels, row, places, fx, fy, 1);
      const r = texel(pixels, row, places, fx, fy, 2), s = texel(pixels, row, places, fx, fy, 3);
      const alpha = v128.and(plane3(p, q, r, s), inside);
      if (!v128.any_true(f32x4.gt(alpha, zero))) continue;
      const at = <usize>(y * stride + x), lanes = x1 - x, hidden = f32x4.mul(alpha, cover4);
      put(first + at, v128.and(second ? plane1(p, q, r, s) : plane0(p, q, r, s), inside), hidden, lanes);
      if (second) put(second + at, v128.and(plane2(p, q, r, s), inside), hidden, lanes);
    }
  }
}

export function blend(
  picture: usize, width: i32, height: i32, x0: i32, y0: i32, x1: i32, y1: i32,
  a: f32, b: f32, c: f32, d: f32, e: f32, f: f32, rgba: usize, size: i32, scratch: usize, kr: f32, kb: f32, full: i32,
): void {
  premultiply(rgba, scratch, size, kr, kb, full);
  lay(picture, width, height, x0, y0, x1, y1, a, b, c, d, e, f, size, scratch, 1);
}

export function change(
  picture: usize, width: i32, height: i32, x0: i32, y0: i32, x1: i32, y1: i32,
  a: f32, b: f32, c: f32, d: f32, e: f32, f: f32, rgba: usize, size: i32, scratch: usize, kr: f32, kb: f32, full: i32,
): void {
  differences(rgba, scratch, size, kr, kb, full);
  lay(picture, width, height, x0, y0, x1, y1, a, b, c, d, e, f, size, scratch, 0);
}

/** Lays converted planes into a picture; cover: 1 hides what is there by their alpha, 0 adds to it. */
function lay(
  picture: usize, width: i32, height: i32, x0: i32, y0: i32, x1: i32, y1: i32,
  a: f32, b: f32, c: f32, d: f32, e: f32, f: f32, size: i32, scratch: usize, cover: f32,
): void {
  // Crop pixels per frame pixel. Above 1.5 every other crop pixel would be skipped: average them first, as a mip level does.
  let scale: f32 = Mathf.sqrt(Mathf.abs(a * e - b * d));
  let level = size;
  while (scale > 1.5 && level > 16) {
    halve(scratch, level);
    level >>= 1; scale *= 0.5;
    a *= 0.5; b *= 0.5; c = (c - 0.5) * 0.5; d *= 0.5; e *= 0.5; f = (f - 0.5) * 0.5;
  }
  blendPlanes(picture, 0, width, x0, y0, min(x1, width), min(y1, height), 1, 0, a, b, c, d, e, f, scratch, level, cover);
  if (scale > 0.75 && level > 16) {
    halve(scratch, level);
    level >>= 1;
    a *= 0.5; b *= 0.5; c = (c - 0.5) * 0.5; d *= 0.5; e *= 0.5; f = (f - 0.5) * 0.5;
  }
  const cw = (width + 1) >> 1, ch = (height + 1) >> 1;
  const u = picture + <usize>(width * height), v = u + <usize>(cw * ch);
  blendPlanes(u, v, cw, x0 >> 1, y0 >> 1, min((x1 + 1) >> 1, cw), min((y1 + 1) >> 1, ch), 2, 0.5, a, b, c, d, e, f, scratch, level, cover);
}
