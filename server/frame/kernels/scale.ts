// Sizes of 8-bit 4:2:0 pictures: halving (for pyramids) and resampling to any size (server/frame/kernels.ts).

/** Widest picture, in or out. */
const MAX_WIDTH = 4096;
/** Input samples that can make up one output sample in a row: enough for a picture shrunk threefold. */
const TAPS = 4;
/** One vertically averaged row, float32, with room for a vector read past its end. */
const row: usize = memory.data((MAX_WIDTH + 8) << 2, 16);
/** For each output column, the byte offset in `row` where its taps begin, and their four weights. */
const starts: usize = memory.data((MAX_WIDTH + 4) << 2, 16);
const weights: usize = memory.data((MAX_WIDTH + 4) << 4, 16);

function halfPlane(from: usize, width: i32, height: i32, to: usize): void {
  const outWidth = (width + 1) >> 1;
  const outHeight = (height + 1) >> 1;
  for (let y = 0; y < outHeight; y++) {
    const top = from + <usize>(2 * y * width);
    // The last row or column of an odd size is averaged with itself.
    const low = 2 * y + 1 < height ? top + <usize>width : top;
    const out = to + <usize>(y * outWidth);
    let x = 0;
    for (; 2 * x + 16 <= width; x += 8) {
      const sum = i16x8.add(
        i16x8.extadd_pairwise_i8x16_u(v128.load(top + <usize>(2 * x))),
        i16x8.extadd_pairwise_i8x16_u(v128.load(low + <usize>(2 * x))),
      );
      const mean = i16x8.shr_u(i16x8.add(sum, i16x8.splat(2)), 2);
      v128.store64_lane(out + <usize>x, i8x16.narrow_i16x8_u(mean, mean), 0);
    }
    for (; x < outWidth; x++) {
      const l = <usize>(2 * x);
      const r = 2 * x + 1 < width ? l + 1 : l;
      const sum = <u32>load<u8>(top + l) + load<u8>(top + r) + load<u8>(low + l) + load<u8>(low + r);
      store<u8>(out + <usize>x, <u8>((sum + 2) >> 2));
    }
  }
}

/** Halves a picture by 2×2 averaging, rounding halves up; odd sizes round up. In and out must not overlap. */
export function half(picture: usize, width: i32, height: i32, out: usize): void {
  const cw = (width + 1) >> 1;
  const ch = (height + 1) >> 1;
  const ow = cw;
  const oh = ch;
  const ocw = (ow + 1) >> 1;
  const och = (oh + 1) >> 1;
  halfPlane(picture, width, height, out);
  const u = picture + <usize>(width * height);
  const uOut = out + <usize>(ow * oh);
  halfPlane(u, cw, ch, uOut);
  halfPlane(u + <usize>(cw * ch), cw, ch, uOut + <usize>(ocw * och));
}

/** Adds `weight` × a row of bytes to the averaged row (or sets it, for the first). */
function accumulate(from: usize, width: i32, weight: f32, first: bool): void {
  const w = f32x4.splat(weight);
  let x = 0;
  for (; x + 4 <= width; x += 4) {
    const bytes = v128.load32_zero(from + <usize>x);
    const wide = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
    const at = row + ((<usize>x) << 2);
    const add = f32x4.mul(f32x4.convert_i32x4_s(wide), w);
    v128.store(at, first ? add : f32x4.add(v128.load(at), add));
  }
  for (; x < width; x++) {
    const at = row + ((<usize>x) << 2);
    const add = <f32>load<u8>(from + <usize>x) * weight;
    store<f32>(at, first ? add : load<f32>(at) + add);
  }
}

/**
 * The filter along one axis, for output index `i`: a box as wide as an output pixel where the picture shrinks (its exact
 * area average), two-tap linear where it grows. `tap(k)` weighs input `start + k`.
 */
// @ts-ignore: decorator
@inline
function begin(i: i32, ratio: f32): f32 {
  return ratio > 1 ? <f32>i * ratio : (<f32>i + 0.5) * ratio - 0.5;
}

// @ts-ignore: decorator
@inline
function tap(position: i32, start: f32, ratio: f32): f32 {
  if (ratio > 1) {
    const from = max<f32>(<f32>position, start);
    const to = min<f32>(<f32>(position + 1), start + ratio);
    return max<f32>(to - from, 0) / ratio;
  }
  return max<f32>(1 - abs<f32>(<f32>position - start), 0);
}

/** Fills the tables for one row: which inputs make up each output, edges repeated. */
function prepareColumns(width: i32, outWidth: i32, ratio: f32): void {
  for (let x = 0; x < outWidth + 3; x++) {
    const begins = begin(min(x, outWidth - 1), ratio);
    const first = <i32>floor(begins);
    const base = min(max(first, 0), width - 1);
    const at = weights + ((<usize>x) << 4);
    v128.store(at, f32x4.splat(0));
    for (let p = first; p < first + TAPS; p++) {
      const slot = at + ((<usize>(min(max(p, 0), width - 1) - base)) << 2);
      store<f32>(slot, load<f32>(slot) + tap(p, begins, ratio));
    }
    store<i32>(starts + ((<usize>x) << 2), base << 2);
  }
}

// @ts-ignore: decorator
@inline
function tapped(x: i32): v128 {
  const from = row + <usize>load<i32>(starts + ((<usize>x) << 2));
  return f32x4.mul(v128.load(from), v128.load(weights + ((<usize>x) << 4)));
}

/** Four outputs at a time: their taps are weighed, then summed across lanes by transposing. */
function writeRow(out: usize, outWidth: i32): void {
  let x = 0;
  for (; x < outWidth; x += 4) {
    const a = tapped(x);
    const b = tapped(x + 1);
    const c = tapped(x + 2);
    const d = tapped(x + 3);
    const ab = f32x4.add(i32x4.shuffle(a, b, 0, 1, 4, 5), i32x4.shuffle(a, b, 2, 3, 6, 7));
    const cd = f32x4.add(i32x4.shuffle(c, d, 0, 1, 4, 5), i32x4.shuffle(c, d, 2, 3, 6, 7));
    const sum = f32x4.add(i32x4.shuffle(ab, cd, 0, 2, 4, 6), i32x4.shuffle(ab, cd, 1, 3, 5, 7));
    const whole = i32x4.trunc_sat_f32x4_s(f32x4.add(sum, f32x4.splat(0.5)));
    const words = i16x8.narrow_i32x4_s(whole, whole);
    const bytes = i8x16.narrow_i16x8_u(words, words);
    if (x + 4 <= outWidth) {
      v128.store32_lane(out + <usize>x, bytes, 0);
    } else {
      const four = <u32>i32x4.extract_lane(bytes, 0);
      for (let k = x; k < outWidth; k++) store<u8>(out + <usize>k, <u8>(four >> (<u32>(k - x) << 3)));
    }
  }
}

/** Rows of any ratio beyond the tables' taps: plain, slow. */
function writeRowFar(out: usize, outWidth: i32, width: i32, ratio: f32): void {
  for (let x = 0; x < outWidth; x++) {
    const begins = begin(x, ratio);
    const last = min(<i32>ceil(begins + ratio - 1), width - 1);
    let sum: f32 = 0;
    for (let c = <i32>floor(begins); c <= last; c++) sum += tap(c, begins, ratio) * load<f32>(row + ((<usize>c) << 2));
    store<u8>(out + <usize>x, <u8>min<f32>(sum + 0.5, 255));
  }
}

function scalePlane(from: usize, width: i32, height: i32, to: usize, outWidth: i32, outHeight: i32): void {
  const rx = <f32>width / <f32>outWidth;
  const ry = <f32>height / <f32>outHeight;
  const near = rx <= <f32>(TAPS - 1);
  if (near) prepareColumns(width, outWidth, rx);
  for (let y = 0; y < outHeight; y++) {
    const start = begin(y, ry);
    const firstRow = <i32>floor(start);
    const lastRow = <i32>ceil(ry > 1 ? start + ry - 1 : start);
    let first = true;
    for (let r = firstRow; r <= lastRow; r++) {
      const weight = tap(r, start, ry);
      if (weight <= 0.0001) continue;
      accumulate(from + <usize>(min(max(r, 0), height - 1) * width), width, weight, first);
      first = false;
    }
    for (let k = width; k < width + 4; k++) store<f32>(row + ((<usize>k) << 2), 0);
    const out = to + <usize>(y * outWidth);
    if (near) writeRow(out, outWidth);
    else writeRowFar(out, outWidth, width, rx);
  }
}

/**
 * Resamples a picture: exact area average where it shrinks, bilinear where it grows. Both at most 4096 wide; in and out must not overlap.
 * Fast down to a third of the width.
 */
export function scale(picture: usize, width: i32, height: i32, out: usize, outWidth: i32, outHeight: i32): void {
  if (((width + 1) >> 1) == outWidth && ((height + 1) >> 1) == outHeight) {
    half(picture, width, height, out);
    return;
  }
  const cw = (width + 1) >> 1;
  const ch = (height + 1) >> 1;
  const ocw = (outWidth + 1) >> 1;
  const och = (outHeight + 1) >> 1;
  scalePlane(picture, width, height, out, outWidth, outHeight);
  const u = picture + <usize>(width * height);
  const uOut = out + <usize>(outWidth * outHeight);
  scalePlane(u, cw, ch, uOut, ocw, och);
  scalePlane(u + <usize>(cw * ch), cw, ch, uOut + <usize>(ocw * och), ocw, och);
}
