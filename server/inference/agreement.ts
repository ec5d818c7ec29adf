/** A square with a face: planar R, G, B, 0 to 1. */
export interface FaceSquare {
  size: number;
  planes: Float32Array;
}

/** What two runs of one network gave, by output. */
export type Outputs = Readonly<Record<string, Float32Array>>;

/** Half precision may be off by this share of an output's range on average, and by FAR in one value of a thousand. */
const NEAR = 0.005;
const FAR = 0.05;
/** An output that varies by less than this share of what full precision's does is said to be black. */
const FLAT = 0.1;

/** Whether half precision gives what full precision gives. @returns null where it does, otherwise why not. */
export function disagreement(full: Outputs, half: Outputs): string | null {
  for (const [name, wanted] of Object.entries(full)) {
    const made = half[name];
    if (made?.length !== wanted.length) return `its output ${name} is missing`;
    if (!wanted.every(Number.isFinite)) return `full precision itself gives no numbers in ${name}`;
    if (!made.every(Number.isFinite)) return `it gives no numbers (NaN or infinity) in ${name}`;
    const [spread, flat] = [deviation(wanted), deviation(made)];
    if (spread > 1e-6 && flat < FLAT * spread)
      return `its output ${name} is black: it varies by ${share(flat / spread)} of full precision's`;
    const range = Math.max(1e-6, extent(wanted));
    const apart = Float32Array.from(wanted, (value, k) => Math.abs(value - (made[k] ?? 0)) / range).sort();
    const mean = apart.reduce((sum, value) => sum + value, 0) / Math.max(1, apart.length);
    const far = apart[Math.max(0, Math.ceil(apart.length * 0.999) - 1)] ?? 0;
    if (mean > NEAR || far > FAR)
      return `its output ${name} drifts: ${share(mean)} of its range on average, ${share(far)} at the far end`;
  }
  return null;
}

const share = (value: number): string => `${(100 * value).toFixed(1)} %`;

const extent = (values: Float32Array): number => {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return values.length === 0 ? 0 : high - low;
};

function deviation(values: Float32Array): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/**
 * Fills a tensor with one of the probes by which precisions are compared: noise, a slope, waves, and what is dark with one bright spot.
 * All within 0 to 1, as pictures are, and the same at every call.
 */
export function fillProbe(data: Float32Array, probe: number): void {
  let state = 12_345 + probe;
  for (let k = 0; k < data.length; k++) {
    const at = k / Math.max(1, data.length - 1);
    if (probe === 0) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[k] = state / 2 ** 32;
    } else if (probe === 1) data[k] = at;
    else if (probe === 2) data[k] = 0.5 + 0.5 * Math.sin(at * 400);
    else data[k] = Math.abs(at - 0.5) < 0.02 ? 1 : 0.02;
  }
}
export const PROBES = 4;

/**
 * Fills what takes a picture, 1×N×H×W with three planes or more or 1×H×W×3, with a face; what else a network takes gets the slope. Noise and waves
 * find what overflows; a network may still be wrong on skin alone.
 */
export function fillFace({ dims, data }: { dims: readonly number[]; data: Float32Array }, face: FaceSquare): void {
  fillProbe(data, 1);
  const [batch, one = 0, two = 0, three = 0] = dims;
  const planar = one >= 3 && two > 3 && three > 3;
  if (dims.length !== 4 || batch !== 1 || !(planar || three === 3)) return;
  const [height, width] = planar ? [two, three] : [one, two];
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * face.size) / height) * face.size;
    for (let x = 0; x < width; x++) {
      const from = row + Math.floor(((x + 0.5) * face.size) / width);
      for (let channel = 0; channel < 3; channel++) {
        const to = planar ? (channel * height + y) * width + x : (y * width + x) * 3 + channel;
        data[to] = face.planes[channel * face.size * face.size + from] ?? 0;
      }
    }
  }
}
