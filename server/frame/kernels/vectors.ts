// What the kernels share: vectors of four values or of one pixel's channels.

/** Of four vectors: the one at `at`, its right neighbour, and those a row below. */
// @ts-ignore: decorator
@inline
export function between(at: usize, row: usize, fx: v128, fy: v128): v128 {
  const a = v128.load(at), b = v128.load(at, 16), c = v128.load(at + row), d = v128.load(at + row, 16);
  const upper = f32x4.add(a, f32x4.mul(fx, f32x4.sub(b, a)));
  const lower = f32x4.add(c, f32x4.mul(fx, f32x4.sub(d, c)));
  return f32x4.add(upper, f32x4.mul(fy, f32x4.sub(lower, upper)));
}

/** One lane of a vector in all four. */
// @ts-ignore: decorator
@inline
export function lane(v: v128, k: i32): v128 {
  return k == 0 ? v128.shuffle<f32>(v, v, 0, 0, 0, 0) : k == 1 ? v128.shuffle<f32>(v, v, 1, 1, 1, 1)
    : k == 2 ? v128.shuffle<f32>(v, v, 2, 2, 2, 2) : v128.shuffle<f32>(v, v, 3, 3, 3, 3);
}

/** The k-th of four places in a map of vectors, bilinear: byte offsets, and how far beyond them it lies. */
// @ts-ignore: decorator
@inline
export function texel(map: usize, row: usize, places: v128, fx: v128, fy: v128, k: i32): v128 {
  const place = k == 0 ? i32x4.extract_lane(places, 0) : k == 1 ? i32x4.extract_lane(places, 1)
    : k == 2 ? i32x4.extract_lane(places, 2) : i32x4.extract_lane(places, 3);
  return between(map + <usize>place, row, lane(fx, k), lane(fy, k));
}

/** The first two numbers of two vectors by turns; the last two. */
// @ts-ignore: decorator
@inline
function lower(p: v128, q: v128): v128 { return v128.shuffle<f32>(p, q, 0, 4, 1, 5); }
// @ts-ignore: decorator
@inline
function upper(p: v128, q: v128): v128 { return v128.shuffle<f32>(p, q, 2, 6, 3, 7); }

/** Four pixels' vectors as planes: the first number of each, the second, and so on. */
// @ts-ignore: decorator
@inline
export function plane0(p: v128, q: v128, r: v128, s: v128): v128 {
  return v128.shuffle<f32>(lower(p, q), lower(r, s), 0, 1, 4, 5);
}
// @ts-ignore: decorator
@inline
export function plane1(p: v128, q: v128, r: v128, s: v128): v128 {
  return v128.shuffle<f32>(lower(p, q), lower(r, s), 2, 3, 6, 7);
}
// @ts-ignore: decorator
@inline
export function plane2(p: v128, q: v128, r: v128, s: v128): v128 {
  return v128.shuffle<f32>(upper(p, q), upper(r, s), 0, 1, 4, 5);
}
// @ts-ignore: decorator
@inline
export function plane3(p: v128, q: v128, r: v128, s: v128): v128 {
  return v128.shuffle<f32>(upper(p, q), upper(r, s), 2, 3, 6, 7);
}
