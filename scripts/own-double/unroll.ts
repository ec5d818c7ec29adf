import { GAIN_GRID, LIGHT_TERMS, LightMeter, METER_SIZE } from '../../server/double/light.ts';
import { SIZE } from '../../server/double/surface.ts';
import type { Guide } from '../../server/double/template.ts';
import { type DrawnSight, PLANE, type Sight } from './observe.ts';
import { between, type Texels } from './texels.ts';

/** What a face turned this far away shows is smeared. */
const LEAST_FACING = 0.25;
/** A texel whose place the drawn mesh gives to another part of the face is hidden behind it: largest distance, −1 to 1 across the texture. */
const SAME_PLACE = 0.07;
/** Encoded colours beyond these are crushed or clipped. */
const [DARKEST, BRIGHTEST] = [0.02, 0.965];

/** One face rolled out into the texture's layout. */
export interface Unrolled {
  /** Encoded colour over the light that the server's meter reads, three numbers a texel. */
  colour: Float32Array;
  /** How well each texel is seen, 0–1. */
  weight: Float32Array;
}

/** The light on a sight as the server would read it, with nothing kept from another. */
function lightOn(guide: Guide, { crop }: Sight, { surface, rotation }: DrawnSight) {
  const plate = new Float32Array(3 * METER_SIZE * METER_SIZE);
  const step = SIZE / METER_SIZE;
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < METER_SIZE; y++)
      for (let x = 0; x < METER_SIZE; x++) {
        let sum = 0;
        for (let v = 0; v < step; v++)
          for (let u = 0; u < step; u++) sum += crop[c * PLANE + (y * step + v) * SIZE + x * step + u]!;
        plate[(c * METER_SIZE + y) * METER_SIZE + x] = sum / (255 * step * step);
      }
  return new LightMeter(guide).measure(0, 0, plate, surface, rotation);
}

export type Lit = ReturnType<typeof lightOn>;

/**
 * Rolls a sight out and takes its light away.
 * @param gained how much of what the normals do not explain is taken for light too, 0–1.
 */
export function unroll(
  sight: Sight,
  drawn: DrawnSight,
  texels: Texels,
  uv: ArrayLike<number>,
  guide: Guide,
  gained: number,
): Unrolled {
  const light = lightOn(guide, sight, drawn);
  const { surface, rotation, toCrop } = drawn;
  const { points } = sight.landmarks;
  const count = texels.at.length;
  const out: Unrolled = { colour: new Float32Array(3 * count), weight: new Float32Array(count) };
  const [a, b, c, d, e, f] = toCrop as [number, number, number, number, number, number];
  const shade = [0, 0, 0];
  for (let k = 0; k < count; k++) {
    const [px, py] = [between(texels, k, points, 3, 0), between(texels, k, points, 3, 1)];
    const [x, y] = [a * px + b * py + c, d * px + e * py + f];
    const facing = facingAt(surface, x, y, between(texels, k, uv, 2, 0), between(texels, k, uv, 2, 1));
    if (facing < LEAST_FACING) continue;
    shadeAt(light, rotation, texels.normals, k, x, y, gained, shade);
    let fit = 1;
    for (let channel = 0; channel < 3; channel++) {
      const value = bilinear(sight.crop, channel, x, y);
      if (value < DARKEST || value > BRIGHTEST) fit *= 0.15;
      out.colour[3 * k + channel] = value / shade[channel]!;
    }
    out.weight[k] = fit * (facing - LEAST_FACING) ** 1.5;
  }
  return out;
}

/** How squarely a texel is seen; 0 where it is not. @param u, v where it lies in the texture, 0–1. */
function facingAt(surface: Float32Array, x: number, y: number, u: number, v: number): number {
  const [column, row] = [Math.round(x), Math.round(y)];
  if (column < 1 || row < 1 || column >= SIZE - 1 || row >= SIZE - 1) return 0;
  const at = row * SIZE + column;
  if (surface[2 * PLANE + at]! < 0.5) return 0;
  const apart = Math.hypot(surface[at]! - (2 * u - 1), surface[PLANE + at]! - (2 * v - 1));
  return apart > SAME_PLACE ? 0 : surface[3 * PLANE + at]!;
}

function bilinear(crop: Uint8Array, channel: number, x: number, y: number): number {
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - x0, y - y0];
  const at = channel * PLANE + y0 * SIZE + x0;
  const top = crop[at]! * (1 - fx) + crop[at + 1]! * fx;
  const bottom = crop[at + SIZE]! * (1 - fx) + crop[at + SIZE + 1]! * fx;
  return (top * (1 - fy) + bottom * fy) / 255;
}

/** The light's second-order function of the normal, as the double's network computes it, times its coarse gain at the place. */
function shadeAt(
  { terms, gain }: Lit,
  r: Float32Array,
  normals: Float32Array,
  k: number,
  x: number,
  y: number,
  gained: number,
  out: number[],
): void {
  const [nx, ny, nz] = [normals[3 * k]!, normals[3 * k + 1]!, normals[3 * k + 2]!];
  const a = r[0]! * nx + r[1]! * ny + r[2]! * nz;
  const b = r[3]! * nx + r[4]! * ny + r[5]! * nz;
  const c = r[6]! * nx + r[7]! * ny + r[8]! * nz;
  for (let channel = 0; channel < 3; channel++) {
    const t = channel * LIGHT_TERMS;
    const lit =
      terms[t]! +
      terms[t + 1]! * a +
      terms[t + 2]! * b +
      terms[t + 3]! * c +
      terms[t + 4]! * a * b +
      terms[t + 5]! * a * c +
      terms[t + 6]! * b * c +
      terms[t + 7]! * (a * a - b * b) +
      terms[t + 8]! * (3 * c * c - 1);
    out[channel] = Math.max(0.02, lit) * (gained > 0 ? gainAt(gain, channel, x, y) ** gained : 1);
  }
}

function gainAt(gain: Float32Array, channel: number, x: number, y: number): number {
  const place = (value: number): number =>
    Math.min(GAIN_GRID - 1.001, Math.max(0, ((value + 0.5) * GAIN_GRID) / SIZE - 0.5));
  const [u, v] = [place(x), place(y)];
  const [u0, v0] = [Math.floor(u), Math.floor(v)];
  const at = (channel * GAIN_GRID + v0) * GAIN_GRID + u0;
  const top = gain[at]! + (gain[at + 1]! - gain[at]!) * (u - u0);
  const bottom = gain[at + GAIN_GRID]! + (gain[at + GAIN_GRID + 1]! - gain[at + GAIN_GRID]!) * (u - u0);
  return top + (bottom - top) * (v - v0);
}
