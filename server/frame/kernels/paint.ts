// Draws a textured face: what it promises stands in server/frame/kernels.ts.
// Between its steps colours lie interleaved, one pixel's R, G, B and opening in the four lanes of a vector.

import { doubled } from './cut';
import { between, lane, plane0, plane1, plane2, plane3, texel } from './vectors';

const GRID: i32 = 8;
/** Coverage is averaged over cells of so many pixels before it becomes the outline's ramp. */
const CELL: i32 = 4;
/** Crops of more pixels show the same face in more detail. */
const USUAL: i32 = 256;
/** Light that the second-order function puts below this is below it only because it is no more than second order. */
const FLOOR: f32 = 0.02;

// Where the parts of scratch begin, in bytes; `size` is the crop's side. kernels.ts says the sum.
// @ts-ignore: decorator
@inline function area(size: i32): usize { return <usize>(size * size) << 4; }
// @ts-ignore: decorator
@inline function shadesAt(scratch: usize, size: i32): usize { return scratch + 3 * area(size); }
// @ts-ignore: decorator
@inline function rimsAt(scratch: usize, size: i32): usize { return shadesAt(scratch, size) + (area(size) >> 2); }
// @ts-ignore: decorator
@inline function linesAt(scratch: usize, size: i32): usize { return rimsAt(scratch, size) + (area(size) >> 4); }

// What the face covers and what its softening reaches: the rest of the crop is the background as it was. Multiples of EDGE.
let x0: i32 = 0, y0: i32 = 0, x1: i32 = 0, y1: i32 = 0;
const EDGE: i32 = 8;

/** Softening reaches less far than this. */
const REACH: i32 = 8;

export function paint(
  surface: usize, size: i32, texture: usize, side: i32, normals: usize, normalSide: i32,
  rotation: usize, light: usize, gain: usize, softness: f32, behind: usize, scratch: usize, colour: usize, out: usize,
): void {
  const shades = shadesAt(scratch, size), rims = rimsAt(scratch, size), lines = linesAt(scratch, size);
  find(surface + (area(size) >> 1), size);
  shade(surface, size, normals, normalSide, rotation, light, gain, shades, lines);
  texels(surface, size, texture, side, shades, colour);
  const once = scratch, passed = scratch + area(size), twice = scratch + 2 * area(size);
  mean(colour, size, 2, passed, once, lines);
  if (softness > 1) mean(once, size, 3, passed, twice, lines);
  outline(surface + (area(size) >> 1), size, rims);
  finish(colour, once, softness > 1 ? twice : once, softness, size, rims, behind, out);
}

/** The rows and columns that hold coverage, and REACH around them. */
function find(coverage: usize, size: i32): void {
  x0 = size; y0 = size; x1 = 0; y1 = 0;
  for (let y = 0; y < size; y++) {
    const row = coverage + (<usize>(y * size) << 2);
    let first = 0, last = size - EDGE;
    while (first < size && !v128.any_true(v128.or(v128.load(row + (<usize>first << 2)), v128.load(row + (<usize>first << 2), 16)))) first += EDGE;
    if (first == size) continue;
    while (!v128.any_true(v128.or(v128.load(row + (<usize>last << 2)), v128.load(row + (<usize>last << 2), 16)))) last -= EDGE;
    x0 = min(x0, first); x1 = max(x1, last + EDGE);
    y0 = min(y0, y); y1 = y + 1;
  }
  if (x0 >= x1) {
    x0 = 0; y0 = 0; x1 = 0; y1 = 0;
    return;
  }
  x0 = max(0, x0 - REACH); x1 = min(size, x1 + REACH);
  y0 = max(0, (y0 & ~(EDGE - 1)) - REACH); y1 = min(size, ((y1 + EDGE - 1) & ~(EDGE - 1)) + REACH);
}

/** A texel map of `side`² vectors at (u, v), −1 to 1, bilinear, held at its edges. */
// @ts-ignore: decorator
@inline
function read(map: usize, side: i32, u: f32, v: f32): v128 {
  const last: f32 = <f32>(side - 1) - 0.001;
  // No number is no place: it reads the first texel.
  const across: f32 = u * <f32>side * 0.5 + (<f32>side * 0.5 - 0.5);
  const down: f32 = v * <f32>side * 0.5 + (<f32>side * 0.5 - 0.5);
  const x: f32 = across > 0 ? min(across, last) : 0;
  const y: f32 = down > 0 ? min(down, last) : 0;
  const ix = <i32>x, iy = <i32>y;
  const at = map + (<usize>(iy * side + ix) << 4);
  return between(at, <usize>side << 4, f32x4.splat(x - <f32>ix), f32x4.splat(y - <f32>iy));
}

/** Keys' cubic convolution kernel (1981, a = −0.5) at distance t ≥ 0. */
// @ts-ignore: decorator
@inline
function keys(t: f32): f32 {
  return t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

/** Four planes' values at one place as one vector, the fourth 1. */
// @ts-ignore: decorator
@inline
function gathered(from: usize, plane: usize): v128 {
  return f32x4(load<f32>(from), load<f32>(from + plane), load<f32>(from + 2 * plane), 1);
}

/** A coarse grid's place under pixel `i` of `count`: the first of the four samples that take part, and how far behind the second it lies. */
// @ts-ignore: decorator
@inline
function under(i: i32, count: i32): f32 {
  return ((<f32>i + 0.5) * <f32>GRID) / <f32>count - 0.5;
}

// @ts-ignore: decorator
@inline
function held(i: i32): usize {
  return <usize>max(0, min(GRID - 1, i));
}

/** Light and gain of every second pixel: they change slowly across a face. */
function shade(surface: usize, size: i32, normals: usize, side: i32, rotation: usize, light: usize, gain: usize, out: usize, lines: usize): void {
  const plane: usize = <usize>(size * size) << 2;
  const half = size >> 1;
  const r0 = load<f32>(rotation), r1 = load<f32>(rotation, 4), r2 = load<f32>(rotation, 8);
  const r3 = load<f32>(rotation, 12), r4 = load<f32>(rotation, 16), r5 = load<f32>(rotation, 20);
  const r6 = load<f32>(rotation, 24), r7 = load<f32>(rotation, 28), r8 = load<f32>(rotation, 32);
  const terms: usize = 9 << 2;
  const least = f32x4.splat(FLOOR), one = f32x4.splat(1);
  const weights = lines + (<usize>GRID << 4);
  for (let x = 0; x < half; x++) {
    const across = under(x, half), left = Mathf.floor(across);
    for (let j = -1; j <= 2; j++) store<f32>(weights + (<usize>(4 * x + j + 1) << 2), keys(Mathf.abs(across - left - <f32>j)));
  }
  for (let y = y0 >> 1; y < y1 >> 1; y++) {
    // The gain's eight columns at this row.
    const down = under(y, half);
    const top = <i32>Mathf.floor(down);
    for (let k = 0; k < GRID; k++) {
      let sum = f32x4.splat(0);
      for (let j = -1; j <= 2; j++) {
        const weight = keys(Mathf.abs(down - <f32>(top + j)));
        const from = gain + ((held(top + j) * GRID + k) << 2);
        sum = f32x4.add(sum, f32x4.mul(gathered(from, (GRID * GRID) << 2), f32x4.splat(weight)));
      }
      v128.store(lines + (<usize>k << 4), sum);
    }
    for (let x = x0 >> 1; x < x1 >> 1; x += 4) {
      const at = surface + (<usize>(2 * y * size + 2 * x) << 2);
      const u = along(everySecond(at), side), v = along(everySecond(at + plane), side);
      const ix = i32x4.relaxed_trunc_f32x4_s(u), iy = i32x4.relaxed_trunc_f32x4_s(v);
      const fx = f32x4.sub(u, f32x4.convert_i32x4_s(ix)), fy = f32x4.sub(v, f32x4.convert_i32x4_s(iy));
      const places = i32x4.shl(i32x4.add(i32x4.mul(iy, i32x4.splat(side)), ix), 4), row = <usize>side << 4;
      const p = texel(normals, row, places, fx, fy, 0), q = texel(normals, row, places, fx, fy, 1);
      const r = texel(normals, row, places, fx, fy, 2), s = texel(normals, row, places, fx, fy, 3);
      const nx = plane0(p, q, r, s), ny = plane1(p, q, r, s), nz = plane2(p, q, r, s);
      const px = turned(r0, r1, r2, nx, ny, nz), py = turned(r3, r4, r5, nx, ny, nz), pz = turned(r6, r7, r8, nx, ny, nz);
      const red = f32x4.pmax(least, lightOn(light, px, py, pz));
      const green = f32x4.pmax(least, lightOn(light + terms, px, py, pz));
      const blue = f32x4.pmax(least, lightOn(light + 2 * terms, px, py, pz));
      const to = out + (<usize>(y * half + x) << 4);
      shaded(to, plane0(red, green, blue, one), x, half, lines, weights);
      shaded(to + 16, plane1(red, green, blue, one), x + 1, half, lines, weights);
      shaded(to + 32, plane2(red, green, blue, one), x + 2, half, lines, weights);
      shaded(to + 48, plane3(red, green, blue, one), x + 3, half, lines, weights);
    }
  }
}

/** Of eight values every second one. */
// @ts-ignore: decorator
@inline
function everySecond(from: usize): v128 {
  return v128.shuffle<f32>(v128.load(from), v128.load(from, 16), 0, 2, 4, 6);
}

/** One axis of four turned normals. */
// @ts-ignore: decorator
@inline
function turned(a: f32, b: f32, c: f32, x: v128, y: v128, z: v128): v128 {
  return f32x4.add(f32x4.add(f32x4.mul(f32x4.splat(a), x), f32x4.mul(f32x4.splat(b), y)), f32x4.mul(f32x4.splat(c), z));
}

/** One channel's light on four normals, of nine terms (light.ts). */
// @ts-ignore: decorator
@inline
function lightOn(terms: usize, x: v128, y: v128, z: v128): v128 {
  const three = f32x4.splat(3), one = f32x4.splat(1);
  let lit = f32x4.add(v128.load32_splat(terms), f32x4.mul(v128.load32_splat(terms, 4), x));
  lit = f32x4.add(lit, f32x4.mul(v128.load32_splat(terms, 8), y));
  lit = f32x4.add(lit, f32x4.mul(v128.load32_splat(terms, 12), z));
  lit = f32x4.add(lit, f32x4.mul(v128.load32_splat(terms, 16), f32x4.mul(x, y)));
  lit = f32x4.add(lit, f32x4.mul(v128.load32_splat(terms, 20), f32x4.mul(x, z)));
  lit = f32x4.add(lit, f32x4.mul(v128.load32_splat(terms, 24), f32x4.mul(y, z)));
  lit = f32x4.add(lit, f32x4.mul(v128.load32_splat(terms, 28), f32x4.sub(f32x4.mul(x, x), f32x4.mul(y, y))));
  return f32x4.add(lit, f32x4.mul(v128.load32_splat(terms, 32), f32x4.sub(f32x4.mul(f32x4.mul(three, z), z), one)));
}

/** One pixel's light times the gain there. */
// @ts-ignore: decorator
@inline
function shaded(to: usize, lit: v128, x: i32, half: i32, lines: usize, weights: usize): void {
  const left = <i32>Mathf.floor(under(x, half));
  const weight = weights + (<usize>x << 4);
  let by = f32x4.mul(v128.load(lines + (held(left - 1) << 4)), v128.load32_splat(weight));
  by = f32x4.add(by, f32x4.mul(v128.load(lines + (held(left) << 4)), v128.load32_splat(weight, 4)));
  by = f32x4.add(by, f32x4.mul(v128.load(lines + (held(left + 1) << 4)), v128.load32_splat(weight, 8)));
  by = f32x4.add(by, f32x4.mul(v128.load(lines + (held(left + 2) << 4)), v128.load32_splat(weight, 12)));
  v128.store(to, f32x4.replace_lane(f32x4.mul(lit, by), 3, 1));
}

/** Where `read` reads along one side of a map for four values of −1 to 1. No number is no place: it reads the first texel. */
// @ts-ignore: decorator
@inline
function along(value: v128, side: i32): v128 {
  const size = f32x4.splat(<f32>side), shift = f32x4.splat(<f32>side * 0.5 - 0.5), last = f32x4.splat(<f32>(side - 1) - 0.001);
  const place = f32x4.add(f32x4.mul(f32x4.mul(value, size), f32x4.splat(0.5)), shift);
  return f32x4.pmin(f32x4.pmax(f32x4.splat(0), place), last);
}

/** The shading between two rows of its grid. */
// @ts-ignore: decorator
@inline
function shadeAt(here: usize, there: usize, column: i32): v128 {
  const at = <usize>column << 4;
  return f32x4.add(f32x4.mul(v128.load(here + at), f32x4.splat(0.75)), f32x4.mul(v128.load(there + at), f32x4.splat(0.25)));
}

/** Texture times shading, which is made twice as fine on the way, bilinear. */
function texels(surface: usize, size: i32, texture: usize, side: i32, shades: usize, out: usize): void {
  const plane: usize = <usize>(size * size) << 2;
  const half = size >> 1;
  const near = f32x4.splat(0.75), far = f32x4.splat(0.25), zero = f32x4.splat(0);
  const left = x0 >> 1, right = (x1 >> 1) - 1;
  const row4 = <usize>side << 4, across = i32x4.splat(side);
  // Beyond the outline lies what softening may reach: the texture's middle, the nose.
  const beside = read(texture, side, 0, 0);
  for (let y = y0; y < y1; y++) {
    const row = y >> 1, other = max(y0 >> 1, min((y1 >> 1) - 1, row + (y & 1 ? 1 : -1)));
    const here = shades + (<usize>(row * half) << 4), there = shades + (<usize>(other * half) << 4);
    let before = shadeAt(here, there, left), now = before;
    for (let x = x0; x < x1; x += 4) {
      const at = surface + (<usize>(y * size + x) << 2), to = out + (<usize>(y * size + x) << 4);
      const next = shadeAt(here, there, (x >> 1) + 1), after = shadeAt(here, there, min(right, (x >> 1) + 2));
      const p = f32x4.add(f32x4.mul(now, near), f32x4.mul(before, far)), q = f32x4.add(f32x4.mul(now, near), f32x4.mul(next, far));
      const r = f32x4.add(f32x4.mul(next, near), f32x4.mul(now, far)), s = f32x4.add(f32x4.mul(next, near), f32x4.mul(after, far));
      before = next;
      now = after;
      const covered = f32x4.ne(v128.load(at + 2 * plane), zero);
      if (!v128.any_true(covered)) {
        v128.store(to, f32x4.mul(beside, p));
        v128.store(to, f32x4.mul(beside, q), 16);
        v128.store(to, f32x4.mul(beside, r), 32);
        v128.store(to, f32x4.mul(beside, s), 48);
        continue;
      }
      const u = along(v128.load(at), side), v = along(v128.load(at + plane), side);
      const ix = i32x4.relaxed_trunc_f32x4_s(u), iy = i32x4.relaxed_trunc_f32x4_s(v);
      const fx = f32x4.sub(u, f32x4.convert_i32x4_s(ix)), fy = f32x4.sub(v, f32x4.convert_i32x4_s(iy));
      const places = i32x4.shl(i32x4.add(i32x4.mul(iy, across), ix), 4);
      v128.store(to, f32x4.mul(v128.bitselect(texel(texture, row4, places, fx, fy, 0), beside, lane(covered, 0)), p));
      v128.store(to, f32x4.mul(v128.bitselect(texel(texture, row4, places, fx, fy, 1), beside, lane(covered, 1)), q), 16);
      v128.store(to, f32x4.mul(v128.bitselect(texel(texture, row4, places, fx, fy, 2), beside, lane(covered, 2)), r), 32);
      v128.store(to, f32x4.mul(v128.bitselect(texel(texture, row4, places, fx, fy, 3), beside, lane(covered, 3)), s), 48);
    }
  }
}

/** Rows of means along x that are kept: those still to leave the means along y, of a reach of 3 at most. */
const KEPT: i32 = 8;

/** Means over (2·reach + 1)² vectors, of those that lie inside. `passed`: KEPT rows. */
function mean(from: usize, size: i32, reach: i32, passed: usize, out: usize, lines: usize): void {
  const row: usize = <usize>size << 4;
  const left = <usize>x0 << 4, right = <usize>x1 << 4;
  memory.fill(lines + left, 0, right - left);
  for (let y = y0 - reach; y < y1; y++) {
    const enters = y + reach < y1, leaves = y - reach > y0;
    const inRow = passed + <usize>((y + reach) & (KEPT - 1)) * row, outRow = passed + <usize>((y - reach - 1) & (KEPT - 1)) * row;
    if (enters) meanAlong(from + <usize>(y + reach) * row, reach, inRow, left, right);
    const rows: i32 = min(y1 - 1, y + reach) - max(y0, y - reach) + 1;
    const share = f32x4.splat(1 / <f32>rows);
    const to = out + <usize>max(y, y0) * row;
    for (let x = left; x < right; x += 16) {
      let sum = v128.load(lines + x);
      if (enters) sum = f32x4.add(sum, v128.load(inRow + x));
      if (leaves) sum = f32x4.sub(sum, v128.load(outRow + x));
      v128.store(lines + x, sum);
      // Before the first row this is written over again.
      v128.store(to + x, f32x4.mul(sum, share));
    }
  }
}

/** Means over 2·reach + 1 vectors of a row, of those that lie inside. */
function meanAlong(line: usize, reach: i32, to: usize, left: usize, right: usize): void {
  const step = <usize>reach << 4;
  const span: i32 = 2 * reach + 1;
  const full = f32x4.splat(1 / <f32>span);
  let sum = f32x4.splat(0);
  for (let x = left; x < left + step; x += 16) sum = f32x4.add(sum, v128.load(line + x));
  let x = left;
  let count: i32 = reach;
  for (; x <= left + step; x += 16) {
    sum = f32x4.add(sum, v128.load(line + x + step));
    v128.store(to + x, f32x4.mul(sum, f32x4.splat(1 / <f32>(++count))));
  }
  for (; x < right - step; x += 16) {
    sum = f32x4.add(sum, f32x4.sub(v128.load(line + x + step), v128.load(line + x - step - 16)));
    v128.store(to + x, f32x4.mul(sum, full));
  }
  for (; x < right; x += 16) {
    sum = f32x4.sub(sum, v128.load(line + x - step - 16));
    v128.store(to + x, f32x4.mul(sum, f32x4.splat(1 / <f32>(--count))));
  }
}

/** Half or less is 0: so nothing outside the mesh is ever touched. */
// @ts-ignore: decorator
@inline
function ramp(value: v128): v128 {
  return f32x4.max(f32x4.sub(f32x4.add(value, value), f32x4.splat(1)), f32x4.splat(0));
}

/** The outline's ramp on a grid of CELL pixels: means of cells, twice over 3×3 of them that lie inside. */
function outline(coverage: usize, size: i32, rims: usize): void {
  if (size <= USUAL) return outlineOf(coverage, size, CELL, rims);
  // As wide on the face as in the usual crop: cells of twice the pixels, made finer again.
  const cells = size / (2 * CELL), room: usize = <usize>(16 * cells * cells);
  outlineOf(coverage, size, 2 * CELL, rims + room);
  doubled(rims + room, 1, cells, cells, 1, rims);
}

function outlineOf(coverage: usize, size: i32, cell: i32, rims: usize): void {
  const cells = size / cell;
  const grid: usize = <usize>(cells * cells) << 2;
  for (let y = 0; y < cells; y++) {
    for (let x = 0; x < cells; x++) {
      let sum = f32x4.splat(0);
      for (let j = 0; j < cell; j++) {
        for (let i = 0; i < cell; i += 4) sum = f32x4.add(sum, v128.load(coverage + (<usize>((cell * y + j) * size + cell * x + i) << 2)));
      }
      const all = f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3);
      store<f32>(rims + (<usize>(y * cells + x) << 2), all / <f32>(cell * cell));
    }
  }
  around(rims, cells, rims + grid);
  around(rims + grid, cells, rims);
  for (let i: usize = 0; i < grid; i += 16) v128.store(rims + i, ramp(v128.load(rims + i)));
}

function around(from: usize, cells: i32, out: usize): void {
  for (let y = 0; y < cells; y++) {
    for (let x = 0; x < cells; x++) {
      let sum: f32 = 0;
      let count: f32 = 0;
      for (let v = max(0, y - 1); v <= min(cells - 1, y + 1); v++) {
        for (let u = max(0, x - 1); u <= min(cells - 1, x + 1); u++) {
          sum += load<f32>(from + (<usize>(v * cells + u) << 2));
          count += 1;
        }
      }
      store<f32>(out + (<usize>(y * cells + x) << 2), sum / count);
    }
  }
}

/** A grid's value at four neighbouring pixels, cells of four pixels, bilinear between their middles: of this cell, the one before and the next. */
// @ts-ignore: decorator
@inline
export function four(before: f32, here: f32, next: f32): v128 {
  const a = f32x4.mul(f32x4.splat(before), f32x4(0.375, 0.125, 0, 0));
  const b = f32x4.mul(f32x4.splat(here), f32x4(0.625, 0.875, 0.875, 0.625));
  return f32x4.add(f32x4.add(a, b), f32x4.mul(f32x4.splat(next), f32x4(0, 0, 0.125, 0.375)));
}

/** How much the neighbouring row of cells counts at pixel row `y`. */
// @ts-ignore: decorator
@inline
export function fromBeside(y: i32): f32 {
  const k = y & 3;
  return k == 0 || k == 3 ? 0.375 : 0.125;
}

// @ts-ignore: decorator
@inline
function towards(from: v128, to: v128, by: v128): v128 {
  return f32x4.mul(f32x4.sub(to, from), by);
}

/** Softens, lets the openings' background through, and leaves it both interleaved (R, G, B, 0) at `colour` and as planes at `out`. */
function finish(colour: usize, once: usize, twice: usize, softness: f32, size: i32, rims: usize, behind: usize, out: usize): void {
  const plane: usize = <usize>(size * size) << 2;
  const cells = size / CELL;
  const soft = f32x4.splat(max<f32>(0, min<f32>(1, softness))), softer = f32x4.splat(max<f32>(0, min<f32>(1, softness - 1)));
  const zero = f32x4.splat(0), one = f32x4.splat(1);
  for (let y = 0; y < size; y++) {
    const row = y >> 2, other = max(0, min(cells - 1, row + ((y & 3) < 2 ? -1 : 1)));
    const here = rims + (<usize>(row * cells) << 2), there = rims + (<usize>(other * cells) << 2);
    const beside = fromBeside(y);
    let last: f32 = 0, now: f32 = 0, next: f32 = 0;
    for (let x = 0; x < size; x += 4) {
      const cell = x >> 2;
      last = now;
      now = x == 0 ? rimOf(here, there, 0, beside) : next;
      if (x == 0) last = now;
      next = cell + 1 < cells ? rimOf(here, there, cell + 1, beside) : now;
      const at = <usize>(y * size + x) << 2;
      const from = at << 2;
      if (y < y0 || y >= y1 || x < x0 || x >= x1) {
        untouched(behind, at, plane, colour + from, out);
        continue;
      }
      const rim = four(last, now, next);
      const p = softened(colour + from, once + from, twice + from, soft, softer);
      const q = softened(colour + from + 16, once + from + 16, twice + from + 16, soft, softer);
      const r = softened(colour + from + 32, once + from + 32, twice + from + 32, soft, softer);
      const s = softened(colour + from + 48, once + from + 48, twice + from + 48, soft, softer);
      const a = v128.load(once + from), b = v128.load(once + from, 16), c = v128.load(once + from, 32), d = v128.load(once + from, 48);
      // Running sums may end a hair above 1.
      const alpha = f32x4.mul(f32x4.min(ramp(plane3(a, b, c, d)), one), rim);
      let red = v128.load(behind + at), green = v128.load(behind + plane + at), blue = v128.load(behind + 2 * plane + at);
      red = f32x4.add(red, towards(red, f32x4.pmin(f32x4.pmax(zero, plane0(p, q, r, s)), one), alpha));
      green = f32x4.add(green, towards(green, f32x4.pmin(f32x4.pmax(zero, plane1(p, q, r, s)), one), alpha));
      blue = f32x4.add(blue, towards(blue, f32x4.pmin(f32x4.pmax(zero, plane2(p, q, r, s)), one), alpha));
      v128.store(out + at, red);
      v128.store(out + plane + at, green);
      v128.store(out + 2 * plane + at, blue);
      v128.store(out + 3 * plane + at, rim);
      v128.store(out + 4 * plane + at, alpha);
      interleave(red, green, blue, colour + from);
    }
  }
}

// @ts-ignore: decorator
@inline
function interleave(red: v128, green: v128, blue: v128, to: usize): void {
  const zero = f32x4.splat(0);
  v128.store(to, plane0(red, green, blue, zero));
  v128.store(to, plane1(red, green, blue, zero), 16);
  v128.store(to, plane2(red, green, blue, zero), 32);
  v128.store(to, plane3(red, green, blue, zero), 48);
}

// @ts-ignore: decorator
@inline
function untouched(behind: usize, at: usize, plane: usize, colour: usize, out: usize): void {
  const red = v128.load(behind + at), green = v128.load(behind + plane + at), blue = v128.load(behind + 2 * plane + at);
  v128.store(out + at, red);
  v128.store(out + plane + at, green);
  v128.store(out + 2 * plane + at, blue);
  v128.store(out + 3 * plane + at, f32x4.splat(0));
  v128.store(out + 4 * plane + at, f32x4.splat(0));
  interleave(red, green, blue, colour);
}

// @ts-ignore: decorator
@inline
function rimOf(here: usize, there: usize, cell: i32, beside: f32): f32 {
  const at = <usize>cell << 2;
  return load<f32>(here + at) * (1 - beside) + load<f32>(there + at) * beside;
}

// @ts-ignore: decorator
@inline
function softened(colour: usize, once: usize, twice: usize, soft: v128, softer: v128): v128 {
  const sharp = v128.load(colour), mild = v128.load(once);
  return f32x4.add(f32x4.add(sharp, towards(sharp, mild, soft)), towards(mild, v128.load(twice), softer));
}
