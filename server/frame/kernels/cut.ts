// Takes a part of planes out, as it is or as means of cells: what they promise stands in server/frame/kernels.ts.

export function cut(planes: usize, size: i32, count: i32, left: i32, top: i32, width: i32, height: i32, out: usize): void {
  const line: usize = <usize>width << 2;
  let to = out;
  for (let c = 0; c < count; c++) {
    for (let y = top; y < top + height; y++, to += line) memory.copy(to, planes + (<usize>((c * size + y) * size + left) << 2), line);
  }
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
