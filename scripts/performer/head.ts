import type { Assets, ProxyKind, ProxyMesh } from './assets.ts';
import type { Identity } from './identity.ts';
import { identityWeights } from './identity.ts';
import { addNormals, addTarget, centre, type Weights } from './morph.ts';
import type { ObjMesh, Target } from './obj.ts';
import { addPoint, applyStencil, type Row, type Stencil, stencilFromRows } from './sparse.ts';
import { type Polygon, subdivide } from './subdivide.ts';
import { smoothstep, type Vec3 } from './vec.ts';

export type PartName = 'skin' | 'garment' | 'eyes' | 'teeth' | 'tongue' | 'lashes' | 'brows' | 'hair';

/** A piece of the head with one material. */
export interface Part {
  name: PartName;
  first: number;
  count: number;
  /** Triangles: vertex of the head. */
  triangles: Uint32Array;
  /** Triangles: index into uvs, corner by corner. */
  corners: Uint32Array;
  /** uv pairs, v upwards. */
  uvs: Float32Array;
}

export interface Head {
  identity: Identity;
  vertexCount: number;
  parts: Part[];
  /** Neutral face, arms lowered; decimetres, x to the performer's left, y up, z forward. */
  rest: Float32Array;
  eyes: readonly [left: Vec3, right: Vec3];
  joints: { neck: Vec3; head: Vec3 };
  /** Writes the vertices under an expression (unit names → 0–1) into `out`. */
  deform(expression: Weights, out: Float32Array): void;
}

interface PartSource {
  part: Part;
  stencil: Stencil;
  /** Added after the stencil, or null. */
  offset: Float32Array | null;
}

/** The garment hangs this far outside the skin, decimetres. */
const GARMENT_GAP = 0.055;
/** The lowest body face kept, decimetres of the base mesh. */
const BODY_FLOOR = 1.6;

/** Builds a head from the CC0 assets: base mesh morphed to the identity, subdivided skin, proxies fitted on it. */
export function buildHead(assets: Assets, identity: Identity): Head {
  const mesh = assets.base();
  const neutral = Float32Array.from(mesh.points);
  for (const [name, w] of Object.entries(identityWeights(identity))) addTarget(neutral, assets.target(name), w);
  lowerArms(neutral, groupPoints(mesh, 'joint-l-shoulder'), groupPoints(mesh, 'joint-r-shoulder'));
  const sources = collectParts(assets, mesh, neutral, identity);
  const vertexCount = sources.reduce((n, s) => n + s.part.count, 0);
  const units = loadUnits(assets);
  const base = new Float32Array(neutral.length);
  const deform = (expression: Weights, out: Float32Array): void => {
    base.set(neutral);
    for (const [name, w] of Object.entries(expression)) {
      const unit = units.get(name);
      if (!unit) throw new Error(`There is no expression unit called "${name}".`);
      if (w !== 0) addTarget(base, unit, w);
    }
    for (const s of sources) {
      applyStencil(s.stencil, base, out, s.part.first);
      if (s.offset)
        for (let i = 0, o = 3 * s.part.first; i < s.offset.length; i++) out[o + i] = out[o + i]! + s.offset[i]!;
    }
  };
  const rest = new Float32Array(3 * vertexCount);
  deform({}, rest);
  return {
    identity,
    vertexCount,
    parts: sources.map((s) => s.part),
    rest,
    eyes: [centre(neutral, groupPoints(mesh, 'joint-l-eye')), centre(neutral, groupPoints(mesh, 'joint-r-eye'))],
    joints: {
      neck: centre(neutral, groupPoints(mesh, 'joint-neck')),
      head: centre(neutral, groupPoints(mesh, 'joint-head')),
    },
    deform,
  };
}

/** The middle between the eyes of the neutral head: where the performer's coordinates begin. */
export function eyeMiddle(head: Head): Vec3 {
  const [l, r] = head.eyes;
  return [0, (l[1] + r[1]) / 2, (l[2] + r[2]) / 2];
}

function groupPoints(mesh: ObjMesh, group: string): Set<number> {
  return new Set(mesh.faces.filter((f) => f.group === group).flatMap((f) => f.points));
}

function loadUnits(assets: Assets): Map<string, Target> {
  const folder = 'expression/units/caucasian';
  return new Map(assets.targetNames(folder).map((name) => [name, assets.target(`${folder}/${name}`)]));
}

/** The base stands with its arms spread; turned down at the shoulders they fit a head-and-shoulders picture. */
function lowerArms(points: Float32Array, left: Set<number>, right: Set<number>): void {
  const pivots = [centre(points, left), centre(points, right)];
  for (let i = 0; i < points.length; i += 3) {
    const side = points[i]! > 0 ? 1 : -1;
    const pivot = pivots[side > 0 ? 0 : 1]!;
    const out = (points[i]! - pivot[0]) * side;
    const below = pivot[1] - points[i + 1]!;
    const w = smoothstep(-0.35, 0.75, out + 0.1 * below);
    const angle = -side * 0.5 * w;
    const x = points[i]! - pivot[0];
    const y = points[i + 1]! - pivot[1];
    points[i] = pivot[0] + Math.cos(angle) * x - Math.sin(angle) * y;
    points[i + 1] = pivot[1] + Math.sin(angle) * x + Math.cos(angle) * y;
  }
}

function collectParts(assets: Assets, mesh: ObjMesh, neutral: Float32Array, id: Identity): PartSource[] {
  const y = (p: number) => mesh.points[3 * p + 1]!;
  const body = mesh.faces.filter((f) => f.group === 'body' && f.points.every((p) => y(p) > BODY_FLOOR));
  const skin = subdivide(body, mesh.uvs);
  const sources: PartSource[] = [];
  let first = 0;
  const add = (
    name: PartName,
    stencil: Stencil,
    offset: Float32Array | null,
    faces: readonly Polygon[],
    uvs: Float32Array,
  ) => {
    const { triangles, corners } = triangulate(faces, first);
    sources.push({ part: { name, first, count: stencil.rows, triangles, corners, uvs }, stencil, offset });
    first += stencil.rows;
  };
  add('skin', skin.stencil, null, skin.faces, skin.uvs);
  const shell = garmentOffset(skin.stencil, triangulate(skin.faces, 0).triangles, neutral);
  add('garment', skin.stencil, shell, skin.faces, skin.uvs);
  const proxy = (name: PartName, kind: ProxyKind, file: string) => {
    const p = assets.proxy(kind, file);
    const fitted = fitProxy(p, neutral);
    add(name, fitted.stencil, fitted.offset, p.mesh.faces, p.mesh.uvs);
  };
  proxy('eyes', 'eyes', 'high-poly');
  proxy('teeth', 'teeth', id.teeth);
  proxy('tongue', 'tongue', 'tongue01');
  proxy('lashes', 'eyelashes', id.lashes.name);
  proxy('brows', 'eyebrows', 'eyebrow001');
  if (id.hair) proxy('hair', 'hair', id.hair.name);
  return sources;
}

function triangulate(faces: readonly Polygon[], first: number): { triangles: Uint32Array; corners: Uint32Array } {
  const triangles: number[] = [];
  const corners: number[] = [];
  for (const f of faces)
    for (let k = 2; k < f.points.length; k++)
      for (const j of [0, k - 1, k]) {
        triangles.push(first + f.points[j]!);
        corners.push(f.uvs[j]!);
      }
  return { triangles: Uint32Array.from(triangles), corners: Uint32Array.from(corners) };
}

/** Three weighted base points a vertex, and an offset scaled to the identity's own proportions. */
function fitProxy(p: ProxyMesh, neutral: Float32Array): { stencil: Stencil; offset: Float32Array } {
  const { refs, weights, offsets, scale } = p.binding;
  const rows: Row[] = [];
  for (let i = 0; i < refs.length; i += 3) {
    const row: Row = new Map();
    for (let k = 0; k < 3; k++) addPoint(row, refs[i + k]!, weights[i + k]!);
    rows.push(row);
  }
  const factors = (['x', 'y', 'z'] as const).map((axis, k) => {
    const s = scale[axis];
    return s ? Math.abs(neutral[3 * s.a + k]! - neutral[3 * s.b + k]!) / s.length : 1;
  });
  return { stencil: stencilFromRows(rows), offset: offsets.map((o, i) => o * factors[i % 3]!) };
}

function garmentOffset(stencil: Stencil, triangles: Uint32Array, neutral: Float32Array): Float32Array {
  const points = new Float32Array(3 * stencil.rows);
  applyStencil(stencil, neutral, points, 0);
  const normals = new Float32Array(points.length);
  addNormals(points, triangles, normals);
  for (let i = 0; i < normals.length; i += 3) {
    const l = Math.hypot(normals[i]!, normals[i + 1]!, normals[i + 2]!) || 1;
    for (let k = 0; k < 3; k++) normals[i + k] = (normals[i + k]! / l) * GARMENT_GAP;
  }
  return normals;
}
