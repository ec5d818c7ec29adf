/** Measures of two series over time. Samples that are not numbers (a frame in which nothing was found) are left out. */

/** Pearson's correlation over the places where both are numbers; NaN with fewer than `least` of them or where one never changes. */
export function pearson(a: readonly number[], b: readonly number[], least = 8): number {
  const [x, y]: [number[], number[]] = [[], []];
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (!Number.isFinite(a[i]) || !Number.isFinite(b[i])) continue;
    x.push(a[i]!);
    y.push(b[i]!);
  }
  if (x.length < least) return Number.NaN;
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    xy += (x[i]! - mx) * (y[i]! - my);
    xx += (x[i]! - mx) ** 2;
    yy += (y[i]! - my) ** 2;
  }
  return xx < 1e-12 * x.length || yy < 1e-12 * x.length ? Number.NaN : xy / Math.sqrt(xx * yy);
}

/** Standard deviation of the numbers in a series; NaN when there are none. */
export function deviation(values: readonly number[]): number {
  const good = values.filter(Number.isFinite);
  const mean = good.reduce((sum, value) => sum + value, 0) / good.length;
  return Math.sqrt(good.reduce((sum, value) => sum + (value - mean) ** 2, 0) / good.length);
}

/** Change from each sample to the next; not a number where either is not. */
export const steps = (values: readonly number[]): number[] =>
  values.slice(1).map((value, i) => value - (values[i] ?? Number.NaN));

/**
 * How many samples `late` comes after `early`: where the mean of the channels' normalised cross-correlations of their steps
 * is largest, between samples by the parabola through the peak and its neighbours. NaN when no channel moves or the
 * channels hardly resemble each other at any lag.
 * @param early, late: channels × samples.
 */
export function lagOf(early: readonly number[][], late: readonly number[][], most = 6): number {
  const at = (lag: number): number => {
    const each = early.map((channel, k) => shifted(steps(channel), steps(late[k] ?? []), lag)).filter(Number.isFinite);
    return each.length ? each.reduce((sum, value) => sum + value, 0) / each.length : Number.NaN;
  };
  const scores = Array.from({ length: 2 * most + 1 }, (_, i) => at(i - most));
  let best = -1;
  for (const [i, score] of scores.entries()) {
    if (Number.isFinite(score) && (best < 0 || score > scores[best]!)) best = i;
  }
  if (best < 0 || scores[best]! < 0.2) return Number.NaN;
  const [a, b, c] = [scores[best - 1], scores[best]!, scores[best + 1]];
  if (a === undefined || c === undefined || !Number.isFinite(a) || !Number.isFinite(c)) return best - most;
  const bend = a - 2 * b + c;
  return best - most + (bend < 0 ? (a - c) / (2 * bend) : 0);
}

const shifted = (early: readonly number[], late: readonly number[], lag: number): number =>
  lag >= 0 ? pearson(early.slice(0, early.length - lag), late.slice(lag)) : shifted(late, early, -lag);

/**
 * A series smoothed without delay: at each sample the value there of the parabola fitted to the samples within `reach`
 * (Savitzky, Golay 1964), fewer at the ends. `vectors`: samples × components; null samples stay null and end a window.
 */
export function smoothed(vectors: readonly (Float32Array | null)[], reach: number): (Float32Array | null)[] {
  return vectors.map((vector, t) => {
    if (!vector) return null;
    let half = 0;
    while (half < reach && vectors[t - half - 1] && vectors[t + half + 1]) half++;
    const out = new Float32Array(vector.length);
    const weights = parabolaWeights(half);
    for (let k = -half; k <= half; k++) {
      const from = vectors[t + k]!;
      const w = weights[k + half]!;
      for (let i = 0; i < out.length; i++) out[i]! += w * from[i]!;
    }
    return out;
  });
}

/** Weights of 2·half + 1 samples that give a least-squares parabola's value in the middle. */
function parabolaWeights(half: number): number[] {
  if (half < 2) return Array.from({ length: 2 * half + 1 }, (_, i) => (i === half ? 1 : 0));
  const m = 3 * half * half + 3 * half - 1;
  const scale = (2 * half - 1) * (2 * half + 1) * (2 * half + 3);
  return Array.from({ length: 2 * half + 1 }, (_, i) => (3 * (m - 5 * (i - half) ** 2)) / scale);
}
