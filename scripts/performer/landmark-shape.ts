import type { FaceMesh } from '../models/face-mesh.ts';

/** For each landmark its counterpart on the other side of the face (itself on the midline). */
export function mirrorMap(mesh: FaceMesh): number[] {
  return mesh.positions.map(([x, y, z]) => {
    let best = 0;
    let least = Infinity;
    mesh.positions.forEach(([a, b, c], j) => {
      const d = (a + x) ** 2 + (b - y) ** 2 + (c - z) ** 2;
      if (d < least) {
        least = d;
        best = j;
      }
    });
    return best;
  });
}

/** Averages each point with its mirrored counterpart: the neutral double is symmetric in x. */
export function symmetrise(points: Float32Array, mirror: readonly number[]): Float32Array {
  return points.map((value, k) => {
    const c = k % 3;
    const other = points[3 * mirror[(k - c) / 3]! + c]!;
    return (value + (c === 0 ? -other : other)) / 2;
  });
}

/**
 * Fits the canonical face to the points: an affine image plus a displacement that is smooth over the mesh. Where the face
 * has features (eyes, brows, nose, lips) the points are trusted, on cheeks, forehead and outline the smoothness is:
 * there the landmark model follows the outline it sees, not the skin. Jacobi iterations of
 * d = (w·data + mean of the neighbours' d) / (w + 1).
 */
export function fitFace(points: Float32Array, mesh: FaceMesh): Float32Array {
  const base = affineImage(mesh.positions, points);
  const neighbours = neighbourhoods(mesh);
  const trust = trustIn(mesh);
  const data = points.map((v, k) => v - base[k]!);
  let d = data;
  for (let round = 0; round < 800; round++) {
    const before = d;
    d = before.map((_, k) => {
      const c = k % 3;
      const i = (k - c) / 3;
      const near = neighbours[i]!;
      let sum = 0;
      for (const j of near) sum += before[3 * j + c]!;
      return (trust[i]! * data[k]! + sum / near.length) / (trust[i]! + 1);
    });
  }
  return d.map((v, k) => v + base[k]!);
}

/** Centimetres around the canonical nose tip that count as nose. */
const NOSE_RADIUS = 2.6;
const NOSE_TIP = 4;

function trustIn(mesh: FaceMesh): Float32Array {
  const trust = new Float32Array(mesh.positions.length).fill(0.05);
  for (const i of mesh.oval) trust[i] = 0.008;
  const tip = mesh.positions[NOSE_TIP]!;
  mesh.positions.forEach((p, i) => {
    if (Math.hypot(p[0] - tip[0], p[1] - tip[1], p[2] - tip[2]) < NOSE_RADIUS) trust[i] = 0.5;
  });
  for (const i of [...mesh.leftBrow, ...mesh.rightBrow]) trust[i] = 1.5;
  for (const i of [...mesh.leftEye, ...mesh.rightEye, ...mesh.lips.outer, ...mesh.lips.inner]) trust[i] = 4;
  return trust;
}

function neighbourhoods(mesh: FaceMesh): number[][] {
  const sets = mesh.positions.map(() => new Set<number>());
  // Eyes and mouth are closed for this: a hole's rim would otherwise be drawn off to one side.
  const { leftEye, rightEye, mouth } = mesh.openings;
  for (const t of [...mesh.triangles, ...leftEye, ...rightEye, ...mouth])
    for (const a of t) for (const b of t) if (a !== b) sets[a]!.add(b);
  return sets.map((s, i) => (s.size > 0 ? [...s] : [i]));
}

/** The least-squares affine image of `from` on `to`. */
function affineImage(from: FaceMesh['positions'], to: Float32Array): Float32Array {
  const rows = from.map(([x, y, z]) => [x, y, z, 1]);
  const out = new Float32Array(to.length);
  for (let c = 0; c < 3; c++) {
    const m = solveNormal(
      rows,
      rows.map((_, i) => to[3 * i + c]!),
    );
    rows.forEach((r, i) => {
      out[3 * i + c] = r.reduce((s, v, k) => s + v * m[k]!, 0);
    });
  }
  return out;
}

/** Least squares by the normal equations, Gauss–Jordan with pivoting; four unknowns. */
function solveNormal(rows: readonly number[][], y: readonly number[]): number[] {
  const n = rows[0]!.length;
  const a = Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: n }, (_, j) => rows.reduce((s, r) => s + r[i]! * r[j]!, 0)),
    rows.reduce((s, r, k) => s + r[i]! * y[k]!, 0),
  ]);
  for (let i = 0; i < n; i++) {
    let p = i;
    for (let r = i + 1; r < n; r++) if (Math.abs(a[r]![i]!) > Math.abs(a[p]![i]!)) p = r;
    [a[i], a[p]] = [a[p]!, a[i]!];
    for (let r = 0; r < n; r++) {
      if (r === i) continue;
      const f = a[r]![i]! / a[i]![i]!;
      for (let k = i; k <= n; k++) a[r]![k] = a[r]![k]! - f * a[i]![k]!;
    }
  }
  return a.map((r, i) => r[n]! / r[i]!);
}

/** Signed doubled area of a triangle in a flat layout; with v downwards, front triangles of the face mesh share one sign. */
export function signedArea(
  uv: readonly (readonly [number, number])[],
  [a, b, c]: readonly [number, number, number],
): number {
  const [p, q, r] = [uv[a]!, uv[b]!, uv[c]!];
  return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
}

/**
 * Unfolds a flat layout: while a triangle is turned over or thinner than `least`, its corners move towards the mean of
 * their neighbours. Points of the outline stay. Returns how many triangles are still folded.
 */
export function unfold(uv: [number, number][], mesh: FaceMesh, least: number, rounds: number): number {
  const neighbours = neighbourhoods(mesh);
  const fixed = new Set(mesh.oval);
  const sign = Math.sign(mesh.triangles.reduce((s, t) => s + signedArea(uv, t), 0));
  let bad = 0;
  for (let round = 0; round < rounds; round++) {
    const move = new Set<number>();
    bad = 0;
    for (const t of mesh.triangles)
      if (sign * signedArea(uv, t) < least) {
        bad++;
        for (const i of t) if (!fixed.has(i)) move.add(i);
      }
    if (bad === 0) break;
    // What does not come loose on its own takes a wider patch along: in the end Tutte's embedding, which cannot fold.
    for (let ring = 0; ring < Math.floor(round / 40); ring++)
      for (const i of [...move]) for (const j of neighbours[i]!) if (!fixed.has(j)) move.add(j);
    const next = new Map<number, [number, number]>();
    for (const i of move) {
      const near = neighbours[i]!;
      const mean = (c: 0 | 1) => near.reduce((s, j) => s + uv[j]![c], 0) / near.length;
      next.set(i, [0.7 * uv[i]![0] + 0.3 * mean(0), 0.7 * uv[i]![1] + 0.3 * mean(1)]);
    }
    for (const [i, p] of next) uv[i] = p;
  }
  return bad;
}
