// From one Y'CbCr matrix and range to another, 8-bit 4:2:0 (server/frame/kernels.ts). Both are linear in R'G'B', so luma takes a share
// of chroma, and chroma only mixes with chroma. Coefficients are Q15; samples carry six fractional bits on the way.

const BITS: i32 = 6;
const HALF: i32 = 1 << (BITS - 1);

@inline function product(a: i32, q15: i32): i32 { return (a * q15 + 0x4000) >> 15; }
@inline function byte(value: i32): u8 { return <u8>min(255, max(0, value)); }
@inline function rounded(value: v128, offset: i32): v128 {
  return i16x8.add(i16x8.shr_s(i16x8.add(value, i16x8.splat(<i16>HALF)), BITS), i16x8.splat(<i16>offset));
}
/** Eight bytes, less an offset, with fractional bits. */
@inline function widened(bytes: v128, offset: i32): v128 {
  return i16x8.shl(i16x8.sub(bytes, i16x8.splat(<i16>offset)), BITS);
}
@inline function luma(samples: v128, black: i32, scale: v128, share: v128): v128 {
  return rounded(i16x8.add(i16x8.q15mulr_sat_s(widened(samples, black), scale), share), 16);
}

/** Writes a picture of the same size in limited range. In and out must not overlap. */
export function recolour(
  picture: usize, width: i32, height: i32, out: usize,
  black: i32, scale: i32, yu: i32, yv: i32, uu: i32, uv: i32, vu: i32, vv: i32,
): void {
  const cw = (width + 1) >> 1;
  const ch = (height + 1) >> 1;
  const area = <usize>(width * height);
  const chroma = <usize>(cw * ch);
  const scales = i16x8.splat(<i16>scale);
  const yus = i16x8.splat(<i16>yu), yvs = i16x8.splat(<i16>yv);
  const uus = i16x8.splat(<i16>uu), uvs = i16x8.splat(<i16>uv);
  const vus = i16x8.splat(<i16>vu), vvs = i16x8.splat(<i16>vv);
  for (let row = 0; row < ch; row++) {
    const at = area + <usize>(row * cw);
    const rows = 2 * row + 1 < height ? 2 : 1;
    let x = 0;
    for (; x + 8 <= cw && 2 * x + 16 <= width; x += 8) {
      const place = at + <usize>x;
      const u = widened(i16x8.extend_low_i8x16_u(v128.load64_zero(picture + place)), 128);
      const v = widened(i16x8.extend_low_i8x16_u(v128.load64_zero(picture + place + chroma)), 128);
      const nextU = rounded(i16x8.add(i16x8.q15mulr_sat_s(u, uus), i16x8.q15mulr_sat_s(v, uvs)), 128);
      const nextV = rounded(i16x8.add(i16x8.q15mulr_sat_s(u, vus), i16x8.q15mulr_sat_s(v, vvs)), 128);
      v128.store64_lane(out + place, i8x16.narrow_i16x8_u(nextU, nextU), 0);
      v128.store64_lane(out + place + chroma, i8x16.narrow_i16x8_u(nextV, nextV), 0);
      const share = i16x8.add(i16x8.q15mulr_sat_s(u, yus), i16x8.q15mulr_sat_s(v, yvs));
      const left = i16x8.shuffle(share, share, 0, 0, 1, 1, 2, 2, 3, 3);
      const right = i16x8.shuffle(share, share, 4, 4, 5, 5, 6, 6, 7, 7);
      for (let line = 0; line < rows; line++) {
        const y = <usize>((2 * row + line) * width + 2 * x);
        const samples = v128.load(picture + y);
        v128.store(out + y, i8x16.narrow_i16x8_u(
          luma(i16x8.extend_low_i8x16_u(samples), black, scales, left),
          luma(i16x8.extend_high_i8x16_u(samples), black, scales, right),
        ));
      }
    }
    for (; x < cw; x++) {
      const place = at + <usize>x;
      const u = (<i32>load<u8>(picture + place) - 128) << BITS;
      const v = (<i32>load<u8>(picture + place + chroma) - 128) << BITS;
      store<u8>(out + place, byte(((product(u, uu) + product(v, uv) + HALF) >> BITS) + 128));
      store<u8>(out + place + chroma, byte(((product(u, vu) + product(v, vv) + HALF) >> BITS) + 128));
      const share = product(u, yu) + product(v, yv);
      for (let line = 0; line < rows; line++) {
        for (let column = 2 * x; column < min(width, 2 * x + 2); column++) {
          const y = <usize>((2 * row + line) * width + column);
          const sample = (<i32>load<u8>(picture + y) - black) << BITS;
          store<u8>(out + y, byte(((product(sample, scale) + share + HALF) >> BITS) + 16));
        }
      }
    }
  }
}
