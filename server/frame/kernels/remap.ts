// Moves parts of a planar square to other places: what it promises stands in server/frame/kernels.ts.

export function remap(source: usize, places: usize, size: i32, out: usize, x0: i32, y0: i32, x1: i32, y1: i32): void {
  const plane: usize = <usize>(size * size) << 2;
  const row: usize = <usize>size << 2;
  // A place's right and lower neighbours must lie inside as well.
  const last: f32 = <f32>(size - 1) - 0.001;
  for (let y = y0; y < y1; y++) {
    let at = <usize>(y * size + x0) << 2;
    for (let x = x0; x < x1; x++, at += 4) {
      if (load<f32>(places + 2 * plane + at) == 0) continue;
      // No number is no place: it reads the edge, as all that lies beyond.
      const px = load<f32>(places + at), py = load<f32>(places + plane + at);
      const u = px > 0 ? min(px, last) : 0, v = py > 0 ? min(py, last) : 0;
      const iu = <i32>u, iv = <i32>v;
      const fu = u - <f32>iu, fv = v - <f32>iv;
      let from = source + (<usize>(iv * size + iu) << 2);
      let to = out + at;
      for (let c = 0; c < 3; c++, from += plane, to += plane) {
        const a = load<f32>(from), b = load<f32>(from, 4), d = load<f32>(from + row), e = load<f32>(from + row, 4);
        const upper = a + fu * (b - a), lower = d + fu * (e - d);
        store<f32>(to, upper + fv * (lower - upper));
      }
    }
  }
}
