/** Small dense linear algebra on row-major matrices as arrays of rows. */

export type Matrix = Float64Array[];

export const zeros = (n: number): Matrix => Array.from({ length: n }, () => new Float64Array(n));

/** Adds scale · v vᵀ. */
export function addOuter(m: Matrix, v: Float64Array, scale: number): void {
  m.forEach((row, i) => {
    const a = scale * v[i]!;
    for (let j = 0; j < row.length; j++) row[j]! += a * v[j]!;
  });
}

/** Lower L with L Lᵀ = m, for a positive definite m. */
export function cholesky(m: Matrix): Matrix {
  const n = m.length;
  const l = zeros(n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = m[i]![j]!;
      for (let k = 0; k < j; k++) sum -= l[i]![k]! * l[j]![k]!;
      if (i === j && sum <= 0) throw new Error('The matrix is not positive definite: there are too few sightings.');
      l[i]![j] = i === j ? Math.sqrt(sum) : sum / l[j]![j]!;
    }
  return l;
}

/** x with L x = b. */
export function forward(l: Matrix, b: Float64Array): Float64Array {
  const x = new Float64Array(b.length);
  for (let i = 0; i < b.length; i++) {
    let sum = b[i]!;
    for (let k = 0; k < i; k++) sum -= l[i]![k]! * x[k]!;
    x[i] = sum / l[i]![i]!;
  }
  return x;
}

/** x with Lᵀ x = b. */
export function backward(l: Matrix, b: Float64Array): Float64Array {
  const x = new Float64Array(b.length);
  for (let i = b.length - 1; i >= 0; i--) {
    let sum = b[i]!;
    for (let k = i + 1; k < b.length; k++) sum -= l[k]![i]! * x[k]!;
    x[i] = sum / l[i]![i]!;
  }
  return x;
}

/** Eigenvalues, largest first, and unit eigenvectors of a symmetric matrix: Jacobi's cyclic method. */
export function eigen(symmetric: Matrix): { value: number; vector: Float64Array }[] {
  const n = symmetric.length;
  const a = symmetric.map((row) => row.slice());
  const v = zeros(n);
  for (let i = 0; i < n; i++) v[i]![i] = 1;
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += turn(a, v, p, q);
    if (off < 1e-18) break;
  }
  return v.map((vector, i) => ({ value: a[i]![i]!, vector })).sort((x, y) => y.value - x.value);
}

/** One rotation that clears a[p][q]; rows of `v` become the eigenvectors. */
function turn(a: Matrix, v: Matrix, p: number, q: number): number {
  const apq = a[p]![q]!;
  if (Math.abs(apq) < 1e-15) return 0;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (const row of a) {
    const [x, y] = [row[p]!, row[q]!];
    row[p] = c * x - s * y;
    row[q] = s * x + c * y;
  }
  for (const m of [a, v]) {
    const [rp, rq] = [m[p]!, m[q]!];
    for (let k = 0; k < rp.length; k++) {
      const [x, y] = [rp[k]!, rq[k]!];
      rp[k] = c * x - s * y;
      rq[k] = s * x + c * y;
    }
  }
  return apq * apq;
}
