// Quarter turns of 8-bit 4:2:0 pictures (server/frame/kernels.ts): phones send their sensor's picture and say how it is to be held.

const BLOCK: i32 = 8;

/** Writes eight rows of a transposed block: row c of the output is byte c of r0 … r7. `step` is the way to the next output row. */
@inline function transpose(
  r0: v128, r1: v128, r2: v128, r3: v128, r4: v128, r5: v128, r6: v128, r7: v128, to: usize, step: isize,
): void {
  const a = i8x16.shuffle(r0, r1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const b = i8x16.shuffle(r2, r3, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const c = i8x16.shuffle(r4, r5, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const d = i8x16.shuffle(r6, r7, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const e = i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  const f = i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  const g = i16x8.shuffle(c, d, 0, 8, 1, 9, 2, 10, 3, 11);
  const h = i16x8.shuffle(c, d, 4, 12, 5, 13, 6, 14, 7, 15);
  const s = i32x4.shuffle(e, g, 0, 4, 1, 5);
  const t = i32x4.shuffle(e, g, 2, 6, 3, 7);
  const u = i32x4.shuffle(f, h, 0, 4, 1, 5);
  const v = i32x4.shuffle(f, h, 2, 6, 3, 7);
  v128.store64_lane(to, s, 0);
  v128.store64_lane(to + step, s, 1);
  v128.store64_lane(to + 2 * step, t, 0);
  v128.store64_lane(to + 3 * step, t, 1);
  v128.store64_lane(to + 4 * step, u, 0);
  v128.store64_lane(to + 5 * step, u, 1);
  v128.store64_lane(to + 6 * step, v, 0);
  v128.store64_lane(to + 7 * step, v, 1);
}

/** A quarter turn: clockwise where `clockwise`, else the other way. The result is height × width. */
function quarterPlane(from: usize, width: i32, height: i32, to: usize, clockwise: bool): void {
  // Input row y becomes a column of the output: the last one first where the turn is clockwise.
  const wide = width - (width % BLOCK);
  const high = height - (height % BLOCK);
  const stride = <isize>width;
  const step: isize = clockwise ? <isize>height : -(<isize>height);
  for (let y = 0; y < high; y += BLOCK) {
    const column = clockwise ? height - BLOCK - y : y;
    const first = from + <usize>((clockwise ? y + BLOCK - 1 : y) * width);
    const next: isize = clockwise ? -stride : stride;
    for (let x = 0; x < wide; x += BLOCK) {
      const at = first + <usize>x;
      const row = clockwise ? x : width - 1 - x;
      transpose(
        v128.load64_zero(at), v128.load64_zero(at + next),
        v128.load64_zero(at + 2 * next), v128.load64_zero(at + 3 * next),
        v128.load64_zero(at + 4 * next), v128.load64_zero(at + 5 * next),
        v128.load64_zero(at + 6 * next), v128.load64_zero(at + 7 * next),
        to + <usize>(row * height + column), step,
      );
    }
  }
  for (let y = 0; y < height; y++) {
    const column = clockwise ? height - 1 - y : y;
    for (let x = y < high ? wide : 0; x < width; x++) {
      const row = clockwise ? x : width - 1 - x;
      store<u8>(to + <usize>(row * height + column), load<u8>(from + <usize>(y * width + x)));
    }
  }
}

/** Half a turn: all samples of a plane in the opposite order. */
function halfTurnPlane(from: usize, samples: i32, to: usize): void {
  const end = to + <usize>samples;
  let i = 0;
  for (; i + 16 <= samples; i += 16) {
    const bytes = v128.load(from + <usize>i);
    v128.store(
      end - <usize>(i + 16),
      i8x16.shuffle(bytes, bytes, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
    );
  }
  for (; i < samples; i++) store<u8>(end - <usize>(i + 1), load<u8>(from + <usize>i));
}

@inline function turnPlane(from: usize, width: i32, height: i32, quarters: i32, to: usize): void {
  if (quarters == 2) halfTurnPlane(from, width * height, to);
  else quarterPlane(from, width, height, to, quarters == 1);
}

/** Turns a picture by 1, 2 or 3 quarters clockwise. In and out must not overlap. */
export function turn(picture: usize, width: i32, height: i32, quarters: i32, out: usize): void {
  const cw = (width + 1) >> 1;
  const ch = (height + 1) >> 1;
  const luma = <usize>(width * height);
  const chroma = <usize>(cw * ch);
  turnPlane(picture, width, height, quarters, out);
  turnPlane(picture + luma, cw, ch, quarters, out + luma);
  turnPlane(picture + luma + chroma, cw, ch, quarters, out + luma + chroma);
}
