import { GUIDE_CHANNELS, type Guide } from './template.ts';

/** Coefficients of the light per colour channel: a second-order function of the surface normal. */
export const LIGHT_TERMS = 9;
/** Side of the grid that carries what the normal does not explain: shadows, coloured walls, a skin's own patches. */
export const GAIN_GRID = 8;
/** Side of the plate's crop that the meter reads. */
export const METER_SIZE = 64;
/** Samples across the crop: each is the mean of 2×2 pixels of the meter's crop. */
const SAMPLES = 32;

/** What the network is given: encoded colour = texture · light(normal) · gain(place). */
export interface Light {
  /** 3 × LIGHT_TERMS, channel by channel, camera axes. */
  terms: Float32Array;
  /** 3 × GAIN_GRID². */
  gain: Float32Array;
}

interface Kept extends Light {
  captureUs: number;
}

/** Samples of a face, at most. */
const MOST = SAMPLES * SAMPLES;

/** Fewer lit skin samples than this say nothing about the light. */
const ENOUGH_SAMPLES = 24;
/** After a gap like this the light may be another one. */
const FORGET_US = 500_000;
const SHAPE_TAU_US = 220_000;
const LEVEL_TAU_US = 90_000;

/**
 * Reads the light off the performer's skin and keeps it steady per track. All of it depends on pictures and their
 * timestamps only. The fit is made on encoded values (about a square root of light): a gain there is a gain in linear
 * light too, and errors weigh as they are seen.
 */
export class LightMeter {
  readonly #guide: Guide;
  readonly #kept = new Map<number, Kept>();
  // Of the samples that are lit skin, one after another: where each lies, its weight, 3 planes of ratios plate/albedo, and LIGHT_TERMS planes of
  // the basis. Reused every frame.
  #count = 0;
  readonly #place = new Int32Array(MOST);
  readonly #weight = new Float32Array(MOST);
  readonly #ratio = new Float32Array(3 * MOST);
  readonly #basis = new Float32Array(LIGHT_TERMS * MOST);
  /** What each sample weighs in a fit, and that times a plane of the basis. */
  readonly #share = new Float64Array(MOST);
  readonly #scaled = new Float64Array(MOST);

  constructor(guide: Guide) {
    this.#guide = guide;
  }

  /**
   * @param plate planar R, G, B, METER_SIZE² each, encoded 0–1, over the same crop as `surface`.
   * @param surface planar u, v, coverage, facing, `side`² each.
   * @param rotation canonical head → camera.
   */
  measure(
    trackId: number,
    captureUs: number,
    plate: Float32Array,
    surface: Float32Array,
    rotation: Float32Array,
  ): Light {
    const kept = this.#kept.get(trackId);
    const found = this.#sample(plate, surface, rotation);
    if (found < ENOUGH_SAMPLES) return kept ?? dimLight(plate);
    const terms = this.#fitTerms();
    const gain = this.#fitGain(terms);
    const elapsedUs = kept ? captureUs - kept.captureUs : 0;
    if (!kept || elapsedUs < 0 || elapsedUs > FORGET_US) {
      const fresh = { terms, gain, captureUs };
      this.#kept.set(trackId, fresh);
      return fresh;
    }
    settle(kept, terms, gain, elapsedUs);
    kept.captureUs = captureUs;
    return kept;
  }

  forget(trackId: number): void {
    this.#kept.delete(trackId);
  }

  #sample(plate: Float32Array, surface: Float32Array, rotation: Float32Array): number {
    const { size, texels } = this.#guide;
    const pixels = surface.length / 4;
    const side = Math.sqrt(pixels);
    const step = side / SAMPLES;
    const plane = METER_SIZE * METER_SIZE;
    let found = 0;
    for (let y = 0, i = 0; y < SAMPLES; y++) {
      for (let x = 0; x < SAMPLES; x++, i++) {
        const at = (y * step + step / 2) * side + x * step + step / 2;
        const facing = surface[3 * pixels + at]!;
        const u = surface[at]!;
        const v = surface[pixels + at]!;
        if (surface[2 * pixels + at]! < 0.5 || facing < 0.15 || Math.abs(u) > 1 || Math.abs(v) > 1) continue;
        const column = Math.min(size - 1, Math.floor(((u + 1) / 2) * size));
        const row = Math.min(size - 1, Math.floor(((v + 1) / 2) * size));
        const texel = (row * size + column) * GUIDE_CHANNELS;
        const skin = texels[texel]! / 255;
        if (skin < 0.3) continue;
        const from = 2 * y * METER_SIZE + 2 * x;
        for (let channel = 0; channel < 3; channel++) {
          const p = channel * plane + from;
          const mean = (plate[p]! + plate[p + 1]! + plate[p + METER_SIZE]! + plate[p + METER_SIZE + 1]!) / 4;
          this.#ratio[channel * MOST + found] =
            Math.max(mean, 0.004) / Math.max(texels[texel + 1 + channel]! / 255, 0.05);
        }
        this.#normalBasis(found, texels, texel + 4, rotation);
        this.#weight[found] = skin * Math.min(1, facing * 1.5);
        this.#place[found++] = i;
      }
    }
    this.#count = found;
    return found;
  }

  #normalBasis(sample: number, texels: Uint8Array, at: number, r: Float32Array): void {
    const x = texels[at]! / 127.5 - 1;
    const y = texels[at + 1]! / 127.5 - 1;
    const z = texels[at + 2]! / 127.5 - 1;
    const nx = r[0]! * x + r[1]! * y + r[2]! * z;
    const ny = r[3]! * x + r[4]! * y + r[5]! * z;
    const nz = r[6]! * x + r[7]! * y + r[8]! * z;
    const basis = this.#basis;
    basis[sample] = 1;
    basis[sample + MOST] = nx;
    basis[sample + 2 * MOST] = ny;
    basis[sample + 3 * MOST] = nz;
    basis[sample + 4 * MOST] = nx * ny;
    basis[sample + 5 * MOST] = nx * nz;
    basis[sample + 6 * MOST] = ny * nz;
    basis[sample + 7 * MOST] = nx * nx - ny * ny;
    basis[sample + 8 * MOST] = 3 * nz * nz - 1;
  }

  /** Iteratively reweighted least squares: hair, hands, highlights and stubble are outliers, not light. */
  #fitTerms(): Float32Array {
    const start = this.#medianRatio();
    let terms: Float32Array = new Float32Array(3 * LIGHT_TERMS);
    for (let channel = 0; channel < 3; channel++) terms[channel * LIGHT_TERMS] = start[channel]!;
    for (const width of [0.5, 0.25, 0.15]) terms = this.#solve(terms, width, start);
    return terms;
  }

  #medianRatio(): [number, number, number] {
    const values = new Float32Array(MOST);
    const median = (channel: number): number => {
      let count = 0;
      for (let i = 0; i < this.#count; i++) {
        if (this.#weight[i]! > 0.3) values[count++] = this.#ratio[channel * MOST + i]!;
      }
      return count > 0 ? nth(values, count, count >> 1) : 1;
    };
    return [median(0), median(1), median(2)];
  }

  #solve(previous: Float32Array, width: number, level: readonly number[]): Float32Array {
    const n = LIGHT_TERMS;
    const matrix = new Float64Array(n * n);
    const right = new Float64Array(3 * n);
    const [count, share, scaled] = [this.#count, this.#share, this.#scaled];
    let total = 0;
    for (let i = 0; i < count; i++) {
      const off = this.#luminanceError(previous, i) / width;
      const spread = 1 + off * off;
      share[i] = this.#weight[i]! / (spread * spread);
      total += share[i]!;
    }
    for (let row = 0; row < n; row++) {
      const own = row * MOST;
      for (let i = 0; i < count; i++) scaled[i] = share[i]! * this.#basis[own + i]!;
      this.#sums(scaled, this.#basis, row + 1, matrix, row * n, 1);
      this.#sums(scaled, this.#ratio, 3, right, row, n);
    }
    for (let channel = 0; channel < 3; channel++) {
      for (let k = 0; k < n; k++) right[channel * n + k]! /= level[channel]!;
    }
    // A face shows half of all directions: what it does not show stays near even light.
    for (let k = 1; k < n; k++) matrix[k * n + k]! += total * (k < 4 ? 0.01 : 0.03);
    matrix[0]! += 1e-6;
    const solved = solveSymmetric(matrix, right, n);
    for (let channel = 0; channel < 3; channel++) {
      for (let k = 0; k < n; k++) solved[channel * n + k]! *= level[channel]!;
    }
    return solved;
  }

  /** Σ scaled · plane over the samples, of each of the first planes; three sums at a time, that they stay in registers. */
  #sums(scaled: Float64Array, planes: Float32Array, many: number, to: Float64Array, at: number, step: number): void {
    for (let k = 0; k < many; k += 3) {
      const [first, second, third] = [k * MOST, Math.min(k + 1, many - 1) * MOST, Math.min(k + 2, many - 1) * MOST];
      let [a, b, c] = [0, 0, 0];
      for (let i = 0; i < this.#count; i++) {
        const value = scaled[i]!;
        a += value * planes[first + i]!;
        b += value * planes[second + i]!;
        c += value * planes[third + i]!;
      }
      to[at + k * step] = a;
      if (k + 1 < many) to[at + (k + 1) * step] = b;
      if (k + 2 < many) to[at + (k + 2) * step] = c;
    }
  }

  /** Log of green-weighted plate over fit at a sample. */
  #luminanceError(terms: Float32Array, sample: number): number {
    const [ratio, basis] = [this.#ratio, this.#basis];
    const seen = 0.2 * ratio[sample]! + 0.6 * ratio[MOST + sample]! + 0.2 * ratio[2 * MOST + sample]!;
    const fit =
      0.2 * Math.max(0.02, lit(terms, 0, basis, sample)) +
      0.6 * Math.max(0.02, lit(terms, 1, basis, sample)) +
      0.2 * Math.max(0.02, lit(terms, 2, basis, sample));
    return Math.log(seen / fit);
  }

  /** What the normals leave unexplained, as a coarse map of gains: a normalised convolution that falls back to 1 where no skin is seen. */
  #fitGain(terms: Float32Array): Float32Array {
    const sums = new Float32Array(4 * GAIN_GRID * SAMPLES);
    const unexplained = [0, 0, 0];
    for (let i = 0; i < this.#count; i++) {
      const y = Math.floor(this.#place[i]! / SAMPLES);
      const x = this.#place[i]! % SAMPLES;
      const off = this.#luminanceError(terms, i) / 0.3;
      const weight = this.#weight[i]! / (1 + off * off);
      for (let channel = 0; channel < 3; channel++) {
        const fit = Math.max(0.02, lit(terms, channel, this.#basis, i));
        unexplained[channel] = clamp(Math.log(this.#ratio[channel * MOST + i]! / fit), -0.6, 0.6);
      }
      for (let node = 0; node < GAIN_GRID; node++) {
        const share = weight * SPREAD[node * SAMPLES + x]!;
        const at = 4 * (y * GAIN_GRID + node);
        sums[at]! += share * unexplained[0]!;
        sums[at + 1]! += share * unexplained[1]!;
        sums[at + 2]! += share * unexplained[2]!;
        sums[at + 3]! += share;
      }
    }
    const gain = new Float32Array(3 * GAIN_GRID * GAIN_GRID);
    for (let row = 0; row < GAIN_GRID; row++) {
      for (let column = 0; column < GAIN_GRID; column++) {
        const sum = [0, 0, 0, 0];
        for (let y = 0; y < SAMPLES; y++) {
          const share = SPREAD[row * SAMPLES + y]!;
          for (let k = 0; k < 4; k++) sum[k]! += share * sums[4 * (y * GAIN_GRID + column) + k]!;
        }
        for (let channel = 0; channel < 3; channel++) {
          const log = sum[channel]! / (sum[3]! + 0.6);
          gain[(channel * GAIN_GRID + row) * GAIN_GRID + column] = Math.exp(log * RESIDUAL_STRENGTH);
        }
      }
    }
    return gain;
  }
}

/** At 1 every patch of the performer's own skin would be painted onto the double. */
const RESIDUAL_STRENGTH = 0.85;

/** Gaussian shares of each sample row or column in each node of the gain grid. */
const SPREAD = Float32Array.from({ length: GAIN_GRID * SAMPLES }, (_, k) => {
  const node = Math.floor(k / SAMPLES);
  const centre = ((node + 0.5) * SAMPLES) / GAIN_GRID - 0.5;
  const distance = ((k % SAMPLES) - centre) / 2.6;
  return Math.exp(-0.5 * distance * distance);
});

/** The value that would be n-th of the first `count` if they were sorted, which it does not do (Hoare's selection, 1961); it moves them about. */
function nth(values: Float32Array, count: number, n: number): number {
  let [from, to] = [0, count - 1];
  while (from < to) {
    const pivot = values[n]!;
    let [i, j] = [from, to];
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (pivot < values[j]!) j--;
      if (i > j) break;
      const swapped = values[i]!;
      values[i++] = values[j]!;
      values[j--] = swapped;
    }
    if (j < n) from = i;
    if (n < i) to = j;
  }
  return values[n]!;
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

function lit(terms: Float32Array, channel: number, basis: Float32Array, sample: number): number {
  let sum = 0;
  for (let k = 0; k < LIGHT_TERMS; k++) sum += terms[channel * LIGHT_TERMS + k]! * basis[k * MOST + sample]!;
  return sum;
}

/** No skin is seen and nothing is kept: the crop's own mean over an average skin, so that nothing flashes. */
function dimLight(plate: Float32Array): Light {
  const plane = METER_SIZE * METER_SIZE;
  const terms = new Float32Array(3 * LIGHT_TERMS);
  for (let channel = 0; channel < 3; channel++) {
    let sum = 0;
    for (let i = 0; i < plane; i++) sum += plate[channel * plane + i]!;
    terms[channel * LIGHT_TERMS] = sum / plane / 0.65;
  }
  return { terms, gain: new Float32Array(3 * GAIN_GRID * GAIN_GRID).fill(1) };
}

/**
 * Moves what is kept towards what was measured. The level follows fast, and at once when it really changes (a lamp, the
 * camera's exposure); the shape of the light follows slowly, because it is what flickers with landmark noise.
 */
function settle(kept: Light, terms: Float32Array, gain: Float32Array, elapsedUs: number): void {
  const shape = 1 - Math.exp(-elapsedUs / SHAPE_TAU_US);
  for (let channel = 0; channel < 3; channel++) {
    const at = channel * LIGHT_TERMS;
    const before = Math.max(1e-3, kept.terms[at]!);
    const now = Math.max(1e-3, terms[at]!);
    const change = Math.abs(Math.log(now / before));
    const level = before * (now / before) ** (1 - Math.exp((-elapsedUs / LEVEL_TAU_US) * (1 + 40 * change)));
    for (let k = 1; k < LIGHT_TERMS; k++) {
      const was = kept.terms[at + k]! / before;
      kept.terms[at + k] = level * (was + shape * (terms[at + k]! / now - was));
    }
    kept.terms[at] = level;
  }
  for (let i = 0; i < gain.length; i++) kept.gain[i]! += shape * (gain[i]! - kept.gain[i]!);
}

/** Cholesky with three right sides; `matrix` holds the lower triangle. */
function solveSymmetric(matrix: Float64Array, right: Float64Array, n: number): Float32Array {
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= matrix[i * n + k]! * matrix[j * n + k]!;
      matrix[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-9)) : sum / matrix[j * n + j]!;
    }
  }
  const solved = new Float32Array(right.length);
  for (let offset = 0; offset < right.length; offset += n) {
    const y = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let sum = right[offset + i]!;
      for (let k = 0; k < i; k++) sum -= matrix[i * n + k]! * y[k]!;
      y[i] = sum / matrix[i * n + i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = y[i]!;
      for (let k = i + 1; k < n; k++) sum -= matrix[k * n + i]! * solved[offset + k]!;
      solved[offset + i] = sum / matrix[i * n + i]!;
    }
  }
  return solved;
}
