// Moves and tints a drawn face: what it promises stands in server/frame/kernels.ts.
import { four, fromBeside } from './paint';
import { plane0, plane1, plane2, texel } from './vectors';

/** Pixels of a step of the grid. */
const STEP: i32 = 4;
const CHANNELS: i32 = 5;

export function move(colour: usize, size: i32, change: usize, left: i32, top: i32, width: i32, height: i32, scratch: usize, out: usize): void {
  const plane: usize = <usize>(size * size) << 2;
  const across = width / STEP, down = height / STEP;
  const grid: usize = <usize>(across * down) << 2;
  const line: usize = <usize>across << 2;
  const pixels: usize = <usize>size << 4;
  const zero = f32x4.splat(0), one = f32x4.splat(1), step = f32x4.splat(<f32>STEP);
  const lanes = f32x4(0, 1, 2, 3);
  // A pixel's right and lower neighbours must lie inside as well.
  const x0 = f32x4.splat(<f32>left), x1 = f32x4.splat(<f32>(left + width - 1) - 0.001);
  const y0 = f32x4.splat(<f32>top), y1 = f32x4.splat(<f32>(top + height - 1) - 0.001);
  for (let y = 0; y < height; y++) {
    const row = y >> 2, other = max(0, min(down - 1, row + ((y & 3) < 2 ? -1 : 1)));
    const beside = f32x4.splat(fromBeside(y)), mine = f32x4.splat(1 - fromBeside(y));
    for (let c = 0; c < CHANNELS; c++) {
      const here = change + <usize>c * grid + <usize>row * line, there = change + <usize>c * grid + <usize>other * line;
      for (let i: usize = 0; i < line; i += 16) {
        v128.store(scratch + <usize>c * line + i, f32x4.add(f32x4.mul(v128.load(here + i), mine), f32x4.mul(v128.load(there + i), beside)));
      }
    }
    const py = f32x4.splat(<f32>(top + y));
    for (let x = 0; x < width; x += 4) {
      const fx = finer(scratch, x >> 2, across), fy = finer(scratch + line, x >> 2, across);
      const px = f32x4.add(f32x4.splat(<f32>(left + x)), lanes);
      // No number is no place: it reads the edge.
      const sx = f32x4.pmin(f32x4.pmax(x0, f32x4.add(px, f32x4.mul(fx, step))), x1);
      const sy = f32x4.pmin(f32x4.pmax(y0, f32x4.add(py, f32x4.mul(fy, step))), y1);
      const ix = i32x4.relaxed_trunc_f32x4_s(sx), iy = i32x4.relaxed_trunc_f32x4_s(sy);
      const gx = f32x4.sub(sx, f32x4.convert_i32x4_s(ix)), gy = f32x4.sub(sy, f32x4.convert_i32x4_s(iy));
      const places = i32x4.shl(i32x4.add(i32x4.mul(iy, i32x4.splat(size)), ix), 4);
      const p = texel(colour, pixels, places, gx, gy, 0), q = texel(colour, pixels, places, gx, gy, 1);
      const r = texel(colour, pixels, places, gx, gy, 2), s = texel(colour, pixels, places, gx, gy, 3);
      const to = out + (<usize>((top + y) * size + left + x) << 2);
      const red = f32x4.add(plane0(p, q, r, s), finer(scratch + 2 * line, x >> 2, across));
      const green = f32x4.add(plane1(p, q, r, s), finer(scratch + 3 * line, x >> 2, across));
      const blue = f32x4.add(plane2(p, q, r, s), finer(scratch + 4 * line, x >> 2, across));
      v128.store(to, f32x4.pmin(f32x4.pmax(zero, red), one));
      v128.store(to + plane, f32x4.pmin(f32x4.pmax(zero, green), one));
      v128.store(to + 2 * plane, f32x4.pmin(f32x4.pmax(zero, blue), one));
    }
  }
}

/** Four pixels of a line of the grid. */
// @ts-ignore: decorator
@inline
function finer(line: usize, cell: i32, across: i32): v128 {
  const at = line + (<usize>cell << 2);
  const here = load<f32>(at);
  return four(cell > 0 ? load<f32>(at - 4) : here, here, cell + 1 < across ? load<f32>(at + 4) : here);
}
