// Covers a face: its ellipse becomes a coarse mosaic, smoothed into soft colour, with a feathered edge (server/frame/kernels.ts).
//
// The mosaic has at most CELLS means along the longer axis, so of a face about 7 × 8 colours survive: hair against skin, light from one
// side, no feature. Between the means a quadratic B-spline interpolates: it averages neighbouring means once more (nothing of a single
// block can be read back exactly) and has no edges of its own, so it looks like frosted glass and not like a broken picture.
// The mosaic is anchored to the ellipse's centre: it moves with the face and does not crawl over it.

/** Means along the ellipse's longer diameter. */
const CELLS: f32 = 7;
/** Largest mosaic with its border: (CELLS · (1 + feather share) + 4)². */
const MAX_CELLS: i32 = 28;
/** Room for the column sums of a picture 12288 wide. */
const COLUMN_SUMS: usize = 12288 * 4;

/** Sums `rows` rows of bytes per column into `sums` (uint32). */
function addColumns(from: usize, stride: i32, width: i32, rows: i32, sums: usize): void {
  memory.fill(sums, 0, <usize>(width << 2));
  for (let y = 0; y < rows; y++) {
    const line = from + <usize>(y * stride);
    let x = 0;
    for (; x + 8 <= width; x += 8) {
      const wide = i16x8.extend_low_i8x16_u(v128.load64_zero(line + <usize>x));
      const at = sums + ((<usize>x) << 2);
      v128.store(at, i32x4.add(v128.load(at), i32x4.extend_low_i16x8_u(wide)));
      v128.store(at, i32x4.add(v128.load(at, 16), i32x4.extend_high_i16x8_u(wide)), 16);
    }
    for (; x < width; x++) {
      const at = sums + ((<usize>x) << 2);
      store<u32>(at, load<u32>(at) + load<u8>(line + <usize>x));
    }
  }
}

/** Edge of a cell in the plane: always at least one sample wide and inside. */
// @ts-ignore: decorator
@inline
function cellStart(origin: f32, cell: f32, index: i32, size: i32): i32 {
  return min(max(<i32>nearest(origin + cell * <f32>index), 0), size - 1);
}

/** Mean of each cell of the mosaic (columns × rows, float32), over a plane of `width` × `height`. */
function means(
  plane: usize, width: i32, height: i32, ox: f32, oy: f32, cell: f32, columns: i32, rows: i32, out: usize, sums: usize,
): void {
  const left = cellStart(ox, cell, 0, width);
  const right = min(max(<i32>nearest(ox + cell * <f32>columns), left + 1), width);
  for (let j = 0; j < rows; j++) {
    const top = cellStart(oy, cell, j, height);
    const bottom = min(max(<i32>nearest(oy + cell * <f32>(j + 1)), top + 1), height);
    addColumns(plane + <usize>(top * width + left), width, right - left, bottom - top, sums);
    for (let i = 0; i < columns; i++) {
      const x0 = cellStart(ox, cell, i, width);
      const x1 = min(max(<i32>nearest(ox + cell * <f32>(i + 1)), x0 + 1), width);
      let total: u32 = 0;
      for (let x = x0; x < x1; x++) total += load<u32>(sums + ((<usize>(x - left)) << 2));
      store<f32>(out + ((<usize>(j * columns + i)) << 2), <f32>total / <f32>((x1 - x0) * (bottom - top)));
    }
  }
}

/** One row of the mosaic's values at height `v` (in cells), into `line`. */
function splineRow(grid: usize, columns: i32, rows: i32, v: f32, line: usize): void {
  const at = v - 0.5;
  const j = min(max(<i32>floor(at + 0.5), 1), rows - 2);
  const t = min<f32>(max<f32>(at - <f32>j, -0.5), 0.5);
  const w0: f32 = 0.5 * (0.5 - t) * (0.5 - t);
  const w2: f32 = 0.5 * (0.5 + t) * (0.5 + t);
  const w1: f32 = 1 - w0 - w2;
  const base = grid + ((<usize>((j - 1) * columns)) << 2);
  const next = (<usize>columns) << 2;
  for (let i = 0; i < columns; i++) {
    const p = base + ((<usize>i) << 2);
    store<f32>(line + ((<usize>i) << 2), w0 * load<f32>(p) + w1 * load<f32>(p + next) + w2 * load<f32>(p + 2 * next));
  }
}

/**
 * Writes the mosaic's values for samples x0 … x1 of a row into `values` (float32, from index x0): inside a cell the spline is
 * one parabola, so four samples cost two multiplications. May write up to three values past x1.
 */
function expand(line: usize, columns: i32, ox: f32, cell: f32, x0: i32, x1: i32, values: usize): void {
  const inverse: f32 = 1 / cell;
  const lanes = f32x4(0, inverse, 2 * inverse, 3 * inverse);
  const step = f32x4.splat(4 * inverse);
  let x = x0;
  while (x < x1) {
    const u = (<f32>x + 0.5 - ox) * inverse;
    const i = min(max(<i32>floor(u), 1), columns - 2);
    // The last cell takes all that is left.
    const end = i == columns - 2 ? x1 : min(max(<i32>ceil(ox + cell * <f32>(i + 1) - 0.5), x + 1), x1);
    const p = line + ((<usize>i) << 2);
    const g0 = load<f32>(p - 4);
    const g1 = load<f32>(p);
    const g2 = load<f32>(p + 4);
    const c0 = f32x4.splat(0.75 * g1 + 0.125 * (g0 + g2));
    const c1 = f32x4.splat(0.5 * (g2 - g0));
    const c2 = f32x4.splat(0.5 * (g0 + g2) - g1);
    let t = f32x4.add(f32x4.splat(u - 0.5 - <f32>i), lanes);
    for (; x < end; x += 4) {
      v128.store(values + ((<usize>x) << 2), f32x4.add(c0, f32x4.mul(t, f32x4.add(c1, f32x4.mul(t, c2)))));
      t = f32x4.add(t, step);
    }
    x = end;
  }
}

/** Four float32 values to bytes, rounded; they land in the lowest lane. */
// @ts-ignore: decorator
@inline
function toBytes(v: v128): v128 {
  const whole = i32x4.trunc_sat_f32x4_s(f32x4.add(v, f32x4.splat(0.5)));
  const words = i16x8.narrow_i32x4_s(whole, whole);
  return i8x16.narrow_i16x8_u(words, words);
}

/** Blends the mosaic into one plane inside the feathered ellipse. cx…feather in samples of this plane, origin at sample centres. */
function paint(
  plane: usize, width: i32, height: i32, grid: usize, columns: i32, rows: i32, ox: f32, oy: f32, cell: f32,
  cx: f32, cy: f32, rx: f32, ry: f32, cos: f32, sin: f32, feather: f32, strength: f32, y0: i32, y1: i32, line: usize, values: usize,
): void {
  const most = f32x4.splat(strength);
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  const lanes = f32x4(0, 1, 2, 3);
  // Distance from the edge is about (√q − 1) · the smaller radius: exact on the short axis, longer on the long one.
  const slope = min<f32>(rx, ry) / feather;
  const reach: f32 = 1 + 1 / slope;
  const ax = cos / rx;
  const ay = -sin / ry;
  const square = ax * ax + ay * ay;
  for (let y = y0; y < y1; y++) {
    const dy = <f32>y - cy;
    const px = (dy * sin) / rx;
    const py = (dy * cos) / ry;
    // Along the row, q is a parabola: where it crosses the feather's end, and where the ellipse.
    const middle = -(ax * px + ay * py) / square;
    const least = px * px + py * py - square * middle * middle;
    const outer = (reach * reach - least) / square;
    if (outer <= 0) continue;
    const half = sqrt<f32>(outer);
    const x0 = max(<i32>floor(cx + middle - half), 0);
    const x1 = min(<i32>ceil(cx + middle + half) + 1, width);
    if (x0 >= x1) continue;
    const inner = least < 1 ? sqrt<f32>((1 - least) / square) : 0;
    const solid0 = <i32>ceil(cx + middle - inner) + 1;
    const solid1 = <i32>floor(cx + middle + inner) - 1;
    splineRow(grid, columns, rows, (<f32>y + 0.5 - oy) / cell, line);
    expand(line, columns, ox, cell, x0, x1, values);
    for (let x = x0; x < x1; x += 4) {
      const at = plane + <usize>(y * width + x);
      const value = v128.load(values + ((<usize>x) << 2));
      if (strength == 1 && x >= solid0 && x + 4 <= min(solid1, x1)) {
        v128.store32_lane(at, toBytes(value), 0);
        continue;
      }
      const dx = f32x4.sub(f32x4.add(f32x4.splat(<f32>x), lanes), f32x4.splat(cx));
      const ex = f32x4.add(f32x4.mul(dx, f32x4.splat(ax)), f32x4.splat(px));
      const ey = f32x4.add(f32x4.mul(dx, f32x4.splat(ay)), f32x4.splat(py));
      const q = f32x4.sqrt(f32x4.add(f32x4.mul(ex, ex), f32x4.mul(ey, ey)));
      const ramp = f32x4.sub(one, f32x4.mul(f32x4.sub(q, one), f32x4.splat(slope)));
      const linear = f32x4.min(f32x4.max(ramp, zero), one);
      if (!v128.any_true(linear)) continue;
      const alpha = f32x4.mul(most, f32x4.mul(f32x4.mul(linear, linear), f32x4.sub(f32x4.splat(3), f32x4.add(linear, linear))));
      if (x + 4 <= width) {
        const bytes = i16x8.extend_low_i8x16_u(v128.load32_zero(at));
        const old = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(bytes));
        v128.store32_lane(at, toBytes(f32x4.add(old, f32x4.mul(alpha, f32x4.sub(value, old)))), 0);
        continue;
      }
      let a = alpha;
      let v = value;
      for (let p = at; p < plane + <usize>((y + 1) * width); p++) {
        const old = <f32>load<u8>(p);
        store<u8>(p, <u8>(old + f32x4.extract_lane(a, 0) * (f32x4.extract_lane(v, 0) - old) + 0.5));
        a = i32x4.shuffle(a, a, 1, 2, 3, 3);
        v = i32x4.shuffle(v, v, 1, 2, 3, 3);
      }
    }
  }
}

/**
 * Covers the ellipse (centre cx, cy and radii rx, ry in luma pixels, rotated by `rot` radians clockwise on screen) and fades out over
 * `feather` pixels outside it; inside the ellipse nothing of the picture remains at strength 1, beyond the feather nothing changes.
 * The ellipse may lie partly or wholly outside the picture. scratch: ≥ 64 KiB.
 */
export function cover(
  picture: usize, width: i32, height: i32,
  cx: f32, cy: f32, rx: f32, ry: f32, rot: f32, feather: f32, strength: f32, scratch: usize,
): void {
  strength = min<f32>(max<f32>(strength, 0), 1);
  rx = max<f32>(rx, 1);
  ry = max<f32>(ry, 1);
  const soft = min<f32>(max<f32>(feather, 0.5), 0.75 * min<f32>(rx, ry) + 1);
  const cos = <f32>Math.cos(rot);
  const sin = <f32>Math.sin(rot);
  // The feather stretches along the long axis by the ratio of the radii.
  const stretch: f32 = 1 + soft / min<f32>(rx, ry);
  const reachX = stretch * sqrt<f32>(rx * cos * (rx * cos) + ry * sin * (ry * sin));
  const reachY = stretch * sqrt<f32>(rx * sin * (rx * sin) + ry * cos * (ry * cos));
  const grid = scratch + COLUMN_SUMS;
  const line = grid + <usize>(MAX_CELLS * MAX_CELLS * 4);
  const cw = (width + 1) >> 1;
  const ch = (height + 1) >> 1;
  const cell = max<f32>((2 * max<f32>(rx, ry)) / CELLS, 4);
  // An odd number of cells each way puts one cell's middle on the centre.
  const columns = min(2 * (<i32>ceil(reachX / cell) + 1) + 1, MAX_CELLS);
  const rows = min(2 * (<i32>ceil(reachY / cell) + 1) + 1, MAX_CELLS);
  let plane = picture;
  for (let p = 0; p < 3; p++) {
    const k: f32 = p == 0 ? 1 : 0.5;
    const w = p == 0 ? width : cw;
    const h = p == 0 ? height : ch;
    // Luma position x is chroma position (x + 0.5) / 2 − 0.5.
    const px = (cx + 0.5) * k - 0.5;
    const py = (cy + 0.5) * k - 0.5;
    const size = cell * k;
    const y0 = max(<i32>floor(py - reachY * k), 0);
    const y1 = min(<i32>ceil(py + reachY * k) + 1, h);
    if (y0 < y1 && px + reachX * k > 0 && px - reachX * k < <f32>w) {
      const ox = px + 0.5 - 0.5 * <f32>columns * size;
      const oy = py + 0.5 - 0.5 * <f32>rows * size;
      means(plane, w, h, ox, oy, size, columns, rows, grid, scratch);
      paint(plane, w, h, grid, columns, rows, ox, oy, size, px, py, rx * k, ry * k, cos, sin, soft * k, strength, y0, y1, line, scratch);
    }
    plane += <usize>(w * h);
  }
}
