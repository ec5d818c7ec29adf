import { addPoint, addRow, type Row, type Stencil, stencilFromRows } from './sparse.ts';

/** Quads (or triangles) by corner: point and texture index. */
export interface Polygon {
  points: readonly number[];
  uvs: readonly number[];
}

export interface Subdivided {
  /** New points as weighted sums of the old ones. */
  stencil: Stencil;
  faces: Polygon[];
  uvs: Float32Array;
}

interface Topology {
  used: number[];
  edges: Array<[number, number]>;
  edgeFaces: number[][];
  faceEdges: number[][];
  pointFaces: Map<number, number[]>;
  pointEdges: Map<number, number[]>;
}

function readTopology(faces: readonly Polygon[]): Topology {
  const edgeOf = new Map<number, number>();
  const t: Topology = {
    used: [],
    edges: [],
    edgeFaces: [],
    faceEdges: [],
    pointFaces: new Map(),
    pointEdges: new Map(),
  };
  const push = (map: Map<number, number[]>, key: number, value: number) => {
    const list = map.get(key);
    if (list) list.push(value);
    else map.set(key, [value]);
  };
  faces.forEach((face, f) => {
    const n = face.points.length;
    const own: number[] = [];
    face.points.forEach((a, k) => {
      const b = face.points[(k + 1) % n]!;
      const key = Math.min(a, b) * 4_194_304 + Math.max(a, b);
      let e = edgeOf.get(key);
      if (e === undefined) {
        e = t.edges.length;
        edgeOf.set(key, e);
        t.edges.push([a, b]);
        t.edgeFaces.push([]);
        push(t.pointEdges, a, e);
        push(t.pointEdges, b, e);
      }
      t.edgeFaces[e]!.push(f);
      own.push(e);
      push(t.pointFaces, a, f);
    });
    t.faceEdges.push(own);
  });
  t.used = [...t.pointFaces.keys()].sort((a, b) => a - b);
  return t;
}

/** Catmull–Clark point rule; on a border the cubic B-spline rule. */
function pointRow(p: number, t: Topology, faceRows: readonly Row[]): Row {
  const row: Row = new Map();
  const around = t.pointEdges.get(p) ?? [];
  const border = around.filter((e) => t.edgeFaces[e]!.length === 1);
  if (border.length === 2) {
    addPoint(row, p, 0.75);
    for (const e of border) addPoint(row, t.edges[e]![0] === p ? t.edges[e]![1] : t.edges[e]![0], 0.125);
    return row;
  }
  if (border.length > 0) {
    addPoint(row, p, 1);
    return row;
  }
  const n = around.length;
  const faces = t.pointFaces.get(p) ?? [];
  for (const f of faces) addRow(row, faceRows[f]!, 1 / n / faces.length);
  for (const e of around) {
    addPoint(row, t.edges[e]![0], 1 / n / n);
    addPoint(row, t.edges[e]![1], 1 / n / n);
  }
  addPoint(row, p, (n - 3) / n);
  return row;
}

/**
 * One step of Catmull–Clark subdivision (Catmull & Clark 1978) as a stencil over the source points.
 * Texture coordinates are split linearly. Result points: old points, then edge points, then face points.
 */
export function subdivide(faces: readonly Polygon[], uvs: Float32Array): Subdivided {
  const t = readTopology(faces);
  const faceRows = faces.map((face) => {
    const row: Row = new Map();
    for (const p of face.points) addPoint(row, p, 1 / face.points.length);
    return row;
  });
  const edgeRows = t.edges.map(([a, b], e) => {
    const row: Row = new Map();
    const sides = t.edgeFaces[e]!;
    const inner = sides.length === 2;
    addPoint(row, a, inner ? 0.25 : 0.5);
    addPoint(row, b, inner ? 0.25 : 0.5);
    if (inner) for (const f of sides) addRow(row, faceRows[f]!, 0.25);
    return row;
  });
  const rows = [...t.used.map((p) => pointRow(p, t, faceRows)), ...edgeRows, ...faceRows];
  const at = new Map(t.used.map((p, i) => [p, i]));
  const split = splitUvs(faces, uvs);
  const edgeAt = t.used.length;
  const faceAt = edgeAt + t.edges.length;
  const result: Polygon[] = [];
  faces.forEach((face, f) => {
    const n = face.points.length;
    for (let k = 0; k < n; k++) {
      const before = (k + n - 1) % n;
      result.push({
        points: [at.get(face.points[k]!)!, edgeAt + t.faceEdges[f]![k]!, faceAt + f, edgeAt + t.faceEdges[f]![before]!],
        uvs: split.corners[f]![k]!,
      });
    }
  });
  return { stencil: stencilFromRows(rows), faces: result, uvs: split.uvs };
}

function splitUvs(faces: readonly Polygon[], uvs: Float32Array): { uvs: Float32Array; corners: number[][][] } {
  const out: number[] = [];
  const known = new Map<string, number>();
  const add = (u: number, v: number): number => {
    const key = `${u.toFixed(6)},${v.toFixed(6)}`;
    let i = known.get(key);
    if (i === undefined) {
      i = out.length / 2;
      known.set(key, i);
      out.push(u, v);
    }
    return i;
  };
  const corners = faces.map((face) => {
    const u = face.uvs.map((t) => uvs[2 * t]!);
    const v = face.uvs.map((t) => uvs[2 * t + 1]!);
    const n = u.length;
    const mean = (a: number[]) => a.reduce((x, y) => x + y, 0) / n;
    const centre = add(mean(u), mean(v));
    const own = u.map((_, k) => add(u[k]!, v[k]!));
    const mid = u.map((_, k) => add((u[k]! + u[(k + 1) % n]!) / 2, (v[k]! + v[(k + 1) % n]!) / 2));
    return u.map((_, k) => [own[k]!, mid[k]!, centre, mid[(k + n - 1) % n]!]);
  });
  return { uvs: Float32Array.from(out), corners };
}
