// Takes a part of planes out, as it is or as means of cells: what they promise stands in server/frame/kernels.ts.

export function cut(planes: usize, size: i32, count: i32, left: i32, top: i32, width: i32, height: i32, out: usize): void {
  const line: usize = <usize>width << 2;
  let to = out;
  for (let c = 0; c < count; c++) {
    for (let y = top; y < top + height; y++, to += line) memory.copy(to, planes + (<usize>((c * size + y) * size + left) << 2), line);
  }
}

/** Two rows' pairs of neighbours as means: of eight pixels a row, four. */
// @ts-ignore: decorator
@inline
function pairs(row: usize, below: usize): v128 {
  const a = f32x4.add(v128.load(row), v128.load(below)), b = f32x4.add(v128.load(row, 16), v128.load(below, 16));
  const even = v128.shuffle<f32>(a, b, 0, 2, 4, 6), odd = v128.shuffle<f32>(a, b, 1, 3, 5, 7);
  return f32x4.mul(f32x4.add(even, odd), f32x4.splat(0.25));
}

export function halved(planes: usize, size: i32, count: i32, left: i32, top: i32, width: i32, height: i32, out: usize): void {
  const line: usize = <usize>size << 2;
  let to = out;
  for (let c = 0; c < count; c++) {
    for (let y = 0; y < height; y++) {
      const row = planes + (<usize>((c * size + top + 2 * y) * size + left) << 2);
      for (let x = 0; x < width; x += 4, to += 16) v128.store(to, pairs(row + (<usize>x << 3), row + line + (<usize>x << 3)));
    }
  }
}

/** Planes at twice the size, bilinear between their pixels' middles, times `gain`. */
export function doubled(planes: usize, count: i32, width: i32, height: i32, gain: f32, out: usize): void {
  const line: usize = <usize>width << 2;
  let to = out;
  for (let c = 0; c < count; c++) {
    const plane = planes + <usize>(c * height) * line;
    for (let y = 0; y < 2 * height; y++) {
      const row = y >> 1, other = max(0, min(height - 1, row + (y & 1 ? 1 : -1)));
      const here = plane + <usize>row * line, there = plane + <usize>other * line;
      let before = middle(here, there);
      let now = before;
      for (let x = 0; x < width; x++, to += 8) {
        const next: f32 = x + 1 < width ? middle(here + (<usize>(x + 1) << 2), there + (<usize>(x + 1) << 2)) : now;
        store<f32>(to, gain * (0.75 * now + 0.25 * before));
        store<f32>(to, gain * (0.75 * now + 0.25 * next), 4);
        before = now;
        now = next;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function middle(here: usize, there: usize): f32 {
  return 0.75 * load<f32>(here) + 0.25 * load<f32>(there);
}

export function means(
  planes: usize, size: i32, count: i32, left: i32, top: i32, width: i32, height: i32, cell: i32, out: usize,
): void {
  const share: f32 = 1 / <f32>(cell * cell);
  let to = out;
  for (let c = 0; c < count; c++) {
    for (let y = top; y < top + height; y += cell) {
      for (let x = left; x < left + width; x += cell, to += 4) {
        let sum = f32x4.splat(0);
        for (let v = y; v < y + cell; v++) {
          const from = planes + (<usize>((c * size + v) * size + x) << 2);
          for (let u: usize = 0; u < <usize>cell << 2; u += 16) sum = f32x4.add(sum, v128.load(from + u));
        }
        const all = f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3);
        store<f32>(to, all * share);
      }
    }
  }
}
