/**
 * Least squares of several right-hand sides on rows that come one by one, held near zero where the rows say little (ridge regression, Hoerl and
 * Kennard 1970).
 */
export class Ridge {
  readonly #size: number;
  readonly #sides: number;
  readonly #gram: Float64Array;
  readonly #right: Float64Array;

  constructor(size: number, sides: number) {
    this.#size = size;
    this.#sides = sides;
    this.#gram = new Float64Array(size * size);
    this.#right = new Float64Array(sides * size);
  }

  /** @param row `size` numbers. @param wanted what `sides` sums of it should be. */
  add(row: Float32Array, wanted: ArrayLike<number>, weight: number): void {
    const n = this.#size;
    for (let i = 0; i < n; i++) {
      const value = weight * row[i]!;
      if (value === 0) continue;
      const at = i * n;
      for (let j = 0; j <= i; j++) this.#gram[at + j]! += value * row[j]!;
      for (let k = 0; k < this.#sides; k++) this.#right[k * n + i]! += value * wanted[k]!;
    }
  }

  /** `sides` × `size` factors. @param hold share of each number's own sum of squares, and of their mean, that holds its factor near zero. */
  solve(hold: number): Float64Array {
    const n = this.#size;
    const factor = this.#gram.slice();
    let mean = 0;
    for (let i = 0; i < n; i++) mean += factor[i * n + i]! / n;
    for (let i = 0; i < n; i++) factor[i * n + i]! += hold * (factor[i * n + i]! + mean) + 1e-12;
    cholesky(factor, n);
    const out = this.#right.slice();
    for (let k = 0; k < this.#sides; k++) substitute(factor, out.subarray(k * n, (k + 1) * n), n);
    return out;
  }
}

/** A symmetric positive matrix's lower triangle becomes its Cholesky factor, in place. */
function cholesky(a: Float64Array, n: number): void {
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!;
      a[i * n + j] = i === j ? Math.sqrt(Math.max(1e-18, sum)) : sum / a[j * n + j]!;
    }
  }
}

function substitute(l: Float64Array, x: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    let sum = x[i]!;
    for (let k = 0; k < i; k++) sum -= l[i * n + k]! * x[k]!;
    x[i] = sum / l[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i]!;
    for (let k = i + 1; k < n; k++) sum -= l[k * n + i]! * x[k]!;
    x[i] = sum / l[i * n + i]!;
  }
}
