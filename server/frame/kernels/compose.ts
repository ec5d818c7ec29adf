// Composes a part of a face from two: what it promises stands in server/frame/kernels.ts.
import { plane0, plane1, plane2, plane3, texel } from './vectors';

/** Pixels of a step of the grid; its planes: from where of the one and of the other, x and y each, the other's share, and what is added to R, G, B. */
const STEP: i32 = 2;
const CHANNELS: i32 = 8;
/** Shares of the other up to which all is kept of a pixel that is to be kept, and from which nothing is. */
const ALL: f32 = 0.1;
const NONE: f32 = 0.3;
/** The same where the other holds it. */
const HELD_ALL: f32 = 0.5;
const HELD_NONE: f32 = 0.8;

export function compose(
  double: usize, performer: usize, width: i32, height: i32, change: usize, edge: f32, kept: usize, held: usize, scratch: usize,
  planes: usize, size: i32, left: i32, top: i32,
): void {
  const pixels = <usize>(width * height);
  const across = width / STEP, down = height / STEP;
  const grid: usize = <usize>(across * down) << 2;
  const line: usize = <usize>across << 2;
  const ours = scratch, theirs = ours + (pixels << 4), lines = theirs + (pixels << 4);
  interleave(double, kept, pixels, ours);
  interleave(performer, held, pixels, theirs);
  const zero = f32x4.splat(0), one = f32x4.splat(1), lanes = f32x4(0, 1, 2, 3);
  const fading: f32 = 1 / edge;
  for (let y = 0; y < height; y++) {
    const row = y >> 1, other = max(0, min(down - 1, row + (y & 1 ? 1 : -1)));
    const mine = f32x4.splat(0.75), beside = f32x4.splat(0.25);
    for (let c = 0; c < CHANNELS; c++) {
      const here = change + <usize>c * grid + <usize>row * line, there = change + <usize>c * grid + <usize>other * line;
      for (let i: usize = 0; i < line; i += 16) {
        v128.store(lines + <usize>c * line + i, f32x4.add(f32x4.mul(v128.load(here + i), mine), f32x4.mul(v128.load(there + i), beside)));
      }
    }
    const vertical = min<f32>(1, fading * (<f32>min(y, height - 1 - y) + 0.5));
    let to = planes + (<usize>((top + y) * size + left) << 2);
    let own = double + (<usize>(y * width) << 2);
    for (let x = 0; x < width; x += 4, to += 16, own += 16) {
      const px = f32x4.add(f32x4.splat(<f32>x), lanes), py = f32x4.splat(<f32>y);
      const cell = x >> 1;
      const share = f32x4.pmin(f32x4.pmax(zero, finer(lines + 4 * line, cell, across)), one);
      const first = <f32>x + 0.5, last = <f32>(width - x) - 0.5;
      const away = f32x4.min(f32x4(first, first + 1, first + 2, first + 3), f32x4(last, last - 1, last - 2, last - 3));
      const weight = f32x4.mul(f32x4.splat(vertical), f32x4.min(one, f32x4.mul(f32x4.splat(fading), away)));
      taken(ours, width, height, f32x4.add(px, finer(lines, cell, across)), f32x4.add(py, finer(lines + line, cell, across)));
      const r = red, g = green, b = blue, keeps = fourth;
      // Most pixels have nothing of the performer.
      fourth = zero;
      if (v128.any_true(f32x4.gt(share, zero))) taken(theirs, width, height, f32x4.add(px, finer(lines + 2 * line, cell, across)), f32x4.add(py, finer(lines + 3 * line, cell, across)));
      const free = f32x4.sub(one, f32x4.mul(keeps, f32x4.pmax(keeping(share, ALL, NONE), f32x4.mul(fourth, keeping(share, HELD_ALL, HELD_NONE)))));
      const plane = <usize>(size * size) << 2, mineToo = pixels << 2;
      put(to, own, r, red, share, finer(lines + 5 * line, cell, across), free, weight);
      put(to + plane, own + mineToo, g, green, share, finer(lines + 6 * line, cell, across), free, weight);
      put(to + 2 * plane, own + 2 * mineToo, b, blue, share, finer(lines + 7 * line, cell, across), free, weight);
    }
  }
}

/** What `taken` took, of four pixels. */
let red = f32x4.splat(0);
let green = f32x4.splat(0);
let blue = f32x4.splat(0);
let fourth = f32x4.splat(0);

/** How much is kept where so much is the other's. */
// @ts-ignore: decorator
@inline
function keeping(share: v128, all: f32, none: f32): v128 {
  const left = f32x4.mul(f32x4.sub(f32x4.splat(none), share), f32x4.splat(1 / (none - all)));
  return f32x4.pmin(f32x4.pmax(f32x4.splat(0), left), f32x4.splat(1));
}

/** Four pixels of an interleaved part, from places of their own; beyond its edges these are held. */
// @ts-ignore: decorator
@inline
function taken(part: usize, width: i32, height: i32, x: v128, y: v128): void {
  const zero = f32x4.splat(0);
  // No number is no place: it reads the edge. A pixel's right and lower neighbours must lie inside as well.
  const sx = f32x4.pmin(f32x4.pmax(zero, x), f32x4.splat(<f32>(width - 1) - 0.001));
  const sy = f32x4.pmin(f32x4.pmax(zero, y), f32x4.splat(<f32>(height - 1) - 0.001));
  const ix = i32x4.relaxed_trunc_f32x4_s(sx), iy = i32x4.relaxed_trunc_f32x4_s(sy);
  const fx = f32x4.sub(sx, f32x4.convert_i32x4_s(ix)), fy = f32x4.sub(sy, f32x4.convert_i32x4_s(iy));
  const places = i32x4.shl(i32x4.add(i32x4.mul(iy, i32x4.splat(width)), ix), 4);
  const row: usize = <usize>width << 4;
  const p = texel(part, row, places, fx, fy, 0), q = texel(part, row, places, fx, fy, 1);
  const r = texel(part, row, places, fx, fy, 2), s = texel(part, row, places, fx, fy, 3);
  red = plane0(p, q, r, s);
  green = plane1(p, q, r, s);
  blue = plane2(p, q, r, s);
  fourth = plane3(p, q, r, s);
}

// @ts-ignore: decorator
@inline
function put(to: usize, own: usize, ours: v128, theirs: v128, share: v128, tint: v128, free: v128, weight: v128): void {
  const changed = f32x4.add(f32x4.mul(share, f32x4.sub(theirs, ours)), tint);
  const made = f32x4.add(ours, f32x4.mul(free, changed));
  const was = v128.load(own);
  const laid = f32x4.add(was, f32x4.mul(weight, f32x4.sub(made, was)));
  v128.store(to, f32x4.pmin(f32x4.pmax(f32x4.splat(0), laid), f32x4.splat(1)));
}

/** Four pixels of a line of the grid. */
// @ts-ignore: decorator
@inline
function finer(line: usize, cell: i32, across: i32): v128 {
  const at = line + (<usize>cell << 2);
  const here = load<f32>(at), next = load<f32>(at, 4);
  const before = cell > 0 ? load<f32>(at - 4) : here, after = cell + 2 < across ? load<f32>(at, 8) : next;
  return f32x4.add(
    f32x4.mul(f32x4(here, here, next, next), f32x4.splat(0.75)),
    f32x4.mul(f32x4(before, next, here, after), f32x4.splat(0.25)),
  );
}

/** Three planes and one beside them (0: zeros) as pixels of four numbers. */
function interleave(planes: usize, beside: usize, pixels: usize, out: usize): void {
  const plane = pixels << 2;
  let to = out;
  for (let i: usize = 0; i < plane; i += 16, to += 64) {
    const at = planes + i;
    const r = v128.load(at), g = v128.load(at + plane), b = v128.load(at + 2 * plane);
    const more = beside ? v128.load(beside + i) : f32x4.splat(0);
    v128.store(to, plane0(r, g, b, more));
    v128.store(to, plane1(r, g, b, more), 16);
    v128.store(to, plane2(r, g, b, more), 32);
    v128.store(to, plane3(r, g, b, more), 48);
  }
}
