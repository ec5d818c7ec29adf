import { random } from './vec.ts';

const SIDE = 64;

/** Tileable smooth value noise in a 64³ lattice, mean 0, about −1…1. */
export interface Noise {
  at(x: number, y: number, z: number): number;
  /** Gradient of the noise (per lattice cell) into out[0..2]. */
  gradient(x: number, y: number, z: number, out: Float32Array): void;
  /** Round spots, one at a random place of each cell: 1 − distance to the nearest, times a random size; ≤ 1. */
  spots(x: number, y: number, z: number): number;
}

/** One lattice cell is one unit of x, y, z. */
export function createNoise(seed: number): Noise {
  const known = made.get(seed);
  if (known) return known;
  if (made.size >= KEPT) made.clear();
  const noise = fillNoise(seed);
  made.set(seed, noise);
  return noise;
}

/** Lattices take a megabyte and 5 ms each and are asked for every frame. */
const KEPT = 12;
const made = new Map<number, Noise>();

function fillNoise(seed: number): Noise {
  const next = random(seed);
  const raw = Float32Array.from({ length: SIDE ** 3 }, () => 2 * next() - 1);
  const cell = (x: number, y: number, z: number): number => (((z & 63) * SIDE + (y & 63)) * SIDE + (x & 63)) | 0;
  // Written out flat: this runs a dozen times for every pixel of skin.
  const at = (x: number, y: number, z: number): number => {
    const ix = Math.floor(x);
    const iy = Math.floor(y);
    const iz = Math.floor(z);
    let fx = x - ix;
    let fy = y - iy;
    let fz = z - iz;
    fx = fx * fx * (3 - 2 * fx);
    fy = fy * fy * (3 - 2 * fy);
    fz = fz * fz * (3 - 2 * fz);
    const x0 = ix & 63;
    const x1 = (ix + 1) & 63;
    const y0 = (iy & 63) * SIDE;
    const y1 = ((iy + 1) & 63) * SIDE;
    const z0 = (iz & 63) * SIDE * SIDE;
    const z1 = ((iz + 1) & 63) * SIDE * SIDE;
    let p = raw[z0 + y0 + x0]!;
    let q = raw[z0 + y1 + x0]!;
    p += fx * (raw[z0 + y0 + x1]! - p);
    q += fx * (raw[z0 + y1 + x1]! - q);
    const low = p + fy * (q - p);
    p = raw[z1 + y0 + x0]!;
    q = raw[z1 + y1 + x0]!;
    p += fx * (raw[z1 + y0 + x1]! - p);
    q += fx * (raw[z1 + y1 + x1]! - q);
    return low + fz * (p + fy * (q - p) - low);
  };
  const spots = (x: number, y: number, z: number): number => {
    const ix = Math.floor(x);
    const iy = Math.floor(y);
    const iz = Math.floor(z);
    let best = -1;
    for (let k = -1; k <= 1; k++)
      for (let j = -1; j <= 1; j++)
        for (let i = -1; i <= 1; i++) {
          const c = cell(ix + i, iy + j, iz + k);
          const dx = ix + i + 0.5 + 0.4 * raw[c]! - x;
          const dy = iy + j + 0.5 + 0.4 * raw[(c + 71) % raw.length]! - y;
          const dz = iz + k + 0.5 + 0.4 * raw[(c + 149) % raw.length]! - z;
          const size = 0.55 + 0.45 * raw[(c + 211) % raw.length]!;
          best = Math.max(best, size - Math.sqrt(dx * dx + dy * dy + dz * dz));
        }
    return best;
  };
  const h = 0.35;
  return {
    at,
    spots,
    gradient(x, y, z, out) {
      const centre = at(x, y, z);
      out[0] = (at(x + h, y, z) - centre) / h;
      out[1] = (at(x, y + h, z) - centre) / h;
      out[2] = (at(x, y, z + h) - centre) / h;
    },
  };
}
