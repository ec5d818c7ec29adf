import type { Rgb } from './identity.ts';
import { cross, normalize, type Vec3 } from './vec.ts';

/** A closed mesh of plain things; counter-clockwise (seen from outside) is front. */
export interface Solid {
  points: Float32Array;
  /** Unit normals. */
  normals: Float32Array;
  triangles: Uint32Array;
  /** Linear albedo a vertex. */
  colours: Float32Array;
}

/** Builds a grid of rings × segments that closes around; `at` gives place and normal. */
function grid(
  rings: number,
  segments: number,
  wrapRings: boolean,
  colour: Rgb,
  at: (ring: number, segment: number) => { p: Vec3; n: Vec3 },
): Solid {
  const points: number[] = [];
  const normals: number[] = [];
  const triangles: number[] = [];
  for (let r = 0; r < rings; r++)
    for (let s = 0; s < segments; s++) {
      const { p, n } = at(r, s);
      points.push(...p);
      normals.push(...n);
    }
  const last = wrapRings ? rings : rings - 1;
  for (let r = 0; r < last; r++)
    for (let s = 0; s < segments; s++) {
      const a = r * segments + s;
      const b = r * segments + ((s + 1) % segments);
      const c = ((r + 1) % rings) * segments + s;
      const d = ((r + 1) % rings) * segments + ((s + 1) % segments);
      triangles.push(a, b, c, b, d, c);
    }
  return {
    points: Float32Array.from(points),
    normals: Float32Array.from(normals),
    triangles: Uint32Array.from(triangles),
    colours: Float32Array.from({ length: points.length }, (_, i) => colour[i % 3]!),
  };
}

/** Axes across a direction. */
function frameOf(axis: Vec3): [right: Vec3, up: Vec3] {
  const right = normalize(cross(Math.abs(axis[1]) > 0.9 ? [1, 0, 0] : [0, 1, 0], axis));
  return [right, cross(axis, right)];
}

const SEGMENTS = 16;

/** A rod with round ends, radius r at a and q at b. */
export function capsule(a: Vec3, b: Vec3, r: number, q: number, colour: Rgb): Solid {
  const axis = normalize([b[0] - a[0], b[1] - a[1], b[2] - a[2]]);
  const [right, up] = frameOf(axis);
  const rings = 12;
  return grid(rings, SEGMENTS, false, colour, (ring, s) => {
    const low = ring < rings / 2;
    const t = (low ? ring : ring - 1) / (rings - 2);
    const lift = -Math.cos(Math.PI * t);
    const wide = Math.sin(Math.PI * t);
    const angle = (2 * Math.PI * s) / SEGMENTS;
    const n: Vec3 = [0, 1, 2].map(
      (k) => axis[k]! * lift + wide * (Math.cos(angle) * right[k]! + Math.sin(angle) * up[k]!),
    ) as unknown as Vec3;
    const [from, radius] = low ? [a, r] : [b, q];
    return { p: [from[0] + radius * n[0], from[1] + radius * n[1], from[2] + radius * n[2]], n };
  });
}

export function ellipsoid(centre: Vec3, radii: Vec3, colour: Rgb): Solid {
  const rings = 14;
  return grid(rings, SEGMENTS, false, colour, (ring, s) => {
    const t = (Math.PI * ring) / (rings - 1);
    const angle = (2 * Math.PI * s) / SEGMENTS;
    const u: Vec3 = [Math.sin(t) * Math.sin(angle), -Math.cos(t), Math.sin(t) * Math.cos(angle)];
    return {
      p: [centre[0] + radii[0] * u[0], centre[1] + radii[1] * u[1], centre[2] + radii[2] * u[2]],
      n: normalize([u[0] / radii[0], u[1] / radii[1], u[2] / radii[2]]),
    };
  });
}

/** A straight rod with flat ends. */
export function rod(a: Vec3, b: Vec3, radius: number, colour: Rgb): Solid {
  const axis = normalize([b[0] - a[0], b[1] - a[1], b[2] - a[2]]);
  const [right, up] = frameOf(axis);
  const turns = 24;
  // Rings: middle and rim of the one end, the wall's two ends, rim and middle of the other.
  const rings = [
    { at: a, r: 0, lift: -1 },
    { at: a, r: radius, lift: -1 },
    { at: a, r: radius, lift: 0 },
    { at: b, r: radius, lift: 0 },
    { at: b, r: radius, lift: 1 },
    { at: b, r: 0, lift: 1 },
  ];
  return grid(rings.length, turns, false, colour, (ring, s) => {
    const { at, r, lift } = rings[ring]!;
    const angle = (2 * Math.PI * s) / turns;
    const across = [0, 1, 2].map((k) => Math.cos(angle) * right[k]! + Math.sin(angle) * up[k]!);
    return {
      p: [at[0] + r * across[0]!, at[1] + r * across[1]!, at[2] + r * across[2]!],
      n: lift === 0 ? (across as unknown as Vec3) : [axis[0] * lift, axis[1] * lift, axis[2] * lift],
    };
  });
}

/** A ring in the picture's plane, elliptical, of a round wire. */
export function torus(centre: Vec3, radii: readonly [wide: number, high: number], wire: number, colour: Rgb): Solid {
  const rings = 36;
  return grid(rings, 8, true, colour, (ring, s) => {
    const a = (2 * Math.PI * ring) / rings;
    const b = (2 * Math.PI * s) / 8;
    const out = normalize([Math.cos(a) / radii[0], Math.sin(a) / radii[1], 0]);
    const n: Vec3 = [out[0] * Math.cos(b), out[1] * Math.cos(b), -Math.sin(b)];
    return {
      p: [
        centre[0] + radii[0] * Math.cos(a) + wire * n[0],
        centre[1] + radii[1] * Math.sin(a) + wire * n[1],
        centre[2] + wire * n[2],
      ],
      n,
    };
  });
}

export function box(centre: Vec3, half: Vec3, colour: Rgb): Solid {
  const faces: Solid[] = [];
  for (const k of [0, 1, 2])
    for (const sign of [-1, 1]) {
      const n: [number, number, number] = [0, 0, 0];
      n[k] = sign;
      const [i, j] = [(k + 1) % 3, (k + 2) % 3];
      const points = [-1, 1].flatMap((u) =>
        [-1, 1].flatMap((v) => {
          const p: [number, number, number] = [centre[0], centre[1], centre[2]];
          p[k] = p[k]! + sign * half[k]!;
          p[i] = p[i]! + u * half[i]!;
          p[j] = p[j]! + v * half[j]!;
          return p;
        }),
      );
      faces.push({
        points: Float32Array.from(points),
        normals: Float32Array.from([0, 1, 2, 3].flatMap(() => n)),
        triangles: Uint32Array.from(sign > 0 ? [0, 2, 1, 1, 2, 3] : [0, 1, 2, 1, 3, 2]),
        colours: Float32Array.from([0, 1, 2, 3].flatMap(() => colour)),
      });
    }
  return joinSolids(faces);
}

export function joinSolids(list: readonly Solid[]): Solid {
  const joined = (key: 'points' | 'normals' | 'colours') => {
    const out = new Float32Array(list.reduce((n, s) => n + s[key].length, 0));
    let at = 0;
    for (const s of list) {
      out.set(s[key], at);
      at += s[key].length;
    }
    return out;
  };
  let first = 0;
  const triangles = list.map((s) => {
    const moved = s.triangles.map((i) => i + first);
    first += s.points.length / 3;
    return moved;
  });
  return {
    points: joined('points'),
    normals: joined('normals'),
    colours: joined('colours'),
    triangles: Uint32Array.from(triangles.flatMap((t) => [...t])),
  };
}
