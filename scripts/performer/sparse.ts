/** Row-compressed sparse matrix: every row is a weighted sum of source points. */
export interface Stencil {
  rows: number;
  /** rows + 1 offsets into index and weight. */
  start: Uint32Array;
  index: Uint32Array;
  weight: Float32Array;
}

/** A row under construction: source point → weight. */
type Row = Map<number, number>;

/** Collects rows and freezes them into a stencil. */
export function stencilFromRows(rows: readonly Row[]): Stencil {
  const start = new Uint32Array(rows.length + 1);
  rows.forEach((row, i) => {
    start[i + 1] = start[i]! + row.size;
  });
  const total = start[rows.length]!;
  const index = new Uint32Array(total);
  const weight = new Float32Array(total);
  let k = 0;
  for (const row of rows)
    for (const [i, w] of row) {
      index[k] = i;
      weight[k++] = w;
    }
  return { rows: rows.length, start, index, weight };
}

/** out[3·(at+row)…] = Σ weight · source, xyz triples. */
export function applyStencil(s: Stencil, source: Float32Array, out: Float32Array, at: number): void {
  const { rows, start, index, weight } = s;
  for (let r = 0; r < rows; r++) {
    let x = 0;
    let y = 0;
    let z = 0;
    for (let k = start[r]!, end = start[r + 1]!; k < end; k++) {
      const i = 3 * index[k]!;
      const w = weight[k]!;
      x += w * source[i]!;
      y += w * source[i + 1]!;
      z += w * source[i + 2]!;
    }
    const o = 3 * (at + r);
    out[o] = x;
    out[o + 1] = y;
    out[o + 2] = z;
  }
}

/** row += scale · other. */
export function addRow(row: Row, other: Row, scale: number): void {
  for (const [i, w] of other) row.set(i, (row.get(i) ?? 0) + w * scale);
}

/** row += weight · point. */
export function addPoint(row: Row, point: number, weight: number): void {
  row.set(point, (row.get(point) ?? 0) + weight);
}

export type { Row };
