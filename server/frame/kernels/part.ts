// Parts of planes, taken between their pixels: what it promises stands in server/frame/kernels.ts.

/** A plane's value at a byte address and its three neighbours, bilinear. */
// @ts-ignore: decorator
@inline
function one(at: usize, line: usize, fx: f32, fy: f32): f32 {
  const a = load<f32>(at), c = load<f32>(at + line);
  const upper = a + fx * (load<f32>(at, 4) - a), lower = c + fx * (load<f32>(at + line, 4) - c);
  return upper + fy * (lower - upper);
}

export function part(
  planes: usize, size: i32, count: i32, left: f32, top: f32, step: i32, width: i32, height: i32, out: usize,
): void {
  const line: usize = <usize>size << 2;
  // A pixel to the right and below is read too.
  const x0 = max<f32>(0, min<f32>(<f32>(size - (width - 1) * step) - 2, left)), y0 = max<f32>(0, min<f32>(<f32>(size - (height - 1) * step) - 2, top));
  const fx = x0 - floor(x0), fy = y0 - floor(y0);
  const across = f32x4.splat(fx), down = f32x4.splat(fy);
  let to = out;
  for (let c = 0; c < count; c++) {
    for (let y = 0; y < height; y++) {
      let at = planes + (<usize>((c * size + <i32>y0 + y * step) * size + <i32>x0) << 2);
      if (step == 1) {
        for (let x = 0; x < width; x += 4, at += 16, to += 16) {
          const a = v128.load(at), d = v128.load(at + line);
          const upper = f32x4.add(a, f32x4.mul(across, f32x4.sub(v128.load(at, 4), a)));
          const lower = f32x4.add(d, f32x4.mul(across, f32x4.sub(v128.load(at + line, 4), d)));
          v128.store(to, f32x4.add(upper, f32x4.mul(down, f32x4.sub(lower, upper))));
        }
      } else {
        for (let x = 0; x < width; x++, at += <usize>step << 2, to += 4) store<f32>(to, one(at, line, fx, fy));
      }
    }
  }
}
