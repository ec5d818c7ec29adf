import sharp from 'sharp';
import { canonicalOf } from '../double/face-mesh.ts';
import { drawTriangle } from '../double/maps.ts';
import type { FaceMesh } from '../models/face-mesh.ts';
import { createNoise } from '../performer/noise.ts';
import { ageLines, heights, type Point } from './lines.ts';

/** Where on the face the age dial works and what it draws there, in texture space. */
export interface AgeWeights {
  /** Side of the maps of regions. */
  side: number;
  /** Skin: 0 on eyes, brows, lips, nostrils and at the face's edge, 0–1. */
  skin: Float32Array;
  /** Where folds and bags form: below the eyes, beside the nose and the mouth, the forehead, the outer corners of the eyes, 0–1. */
  folds: Float32Array;
  lips: Float32Array;
  brows: Float32Array;
  /** Where a beard grows, 0–1. */
  beard: Float32Array;
  /** What sagging does to the light on the face, −1 darker … 1 lighter: bags, hollow cheeks and temples, jowls. */
  sag: Float32Array;
  /** Normals of the canonical face in camera axes, −1–1: how the light is read. */
  normalX: Float32Array;
  normalY: Float32Array;
  /** Side of the maps of lines. */
  fineSide: number;
  /** Slope of the drawn lines to the right and down, −1–1. */
  slopeX: Float32Array;
  slopeY: Float32Array;
  /** How deep in a drawn line, 0–1. */
  depth: Float32Array;
  /** Skin's leather and blotches, −1–1. */
  texture: Float32Array;
}

/** Landmark indices (468-point face mesh) of the regions; outlines are their convex hulls. */
const UNDER_EYE = [226, 31, 228, 229, 230, 231, 232, 233, 244, 112, 26, 22, 23, 24, 110, 25];
const UNDER_EYE_OTHER = [446, 261, 448, 449, 450, 451, 452, 453, 464, 341, 256, 252, 253, 254, 339, 255];
const NASOLABIAL = [129, 203, 206, 216, 212, 57, 186, 92, 165, 98, 49];
const NASOLABIAL_OTHER = [358, 423, 426, 436, 432, 287, 410, 322, 391, 327, 279];
const FOREHEAD = [10, 338, 297, 332, 284, 298, 293, 334, 296, 336, 9, 107, 66, 105, 63, 68, 54, 103, 67, 109];
const CROWS_FEET = [33, 130, 247, 113, 156, 143, 34, 127, 116, 111, 35, 226];
const CROWS_FEET_OTHER = [263, 359, 467, 342, 383, 372, 264, 356, 345, 340, 265, 446];
const MARIONETTE = [57, 61, 43, 106, 204, 211, 202, 212];
const MARIONETTE_OTHER = [287, 291, 273, 335, 424, 431, 422, 432];
const NOSTRILS = [98, 97, 2, 326, 327, 279, 278, 294, 19, 1, 4, 44, 64, 48, 49];

const cross = (o: Point, a: Point, b: Point): number => (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);

/** Andrew's monotone chain. */
function convexHull(points: readonly Point[]): Point[] {
  const sorted = points.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (list: readonly Point[]): Point[] => {
    const hull: Point[] = [];
    for (const point of list) {
      while (hull.length > 1 && cross(hull.at(-2) as Point, hull.at(-1) as Point, point) <= 0) hull.pop();
      hull.push(point);
    }
    return hull.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.toReversed())];
}

/** A soft-edged region: its hull scaled about its middle, blurred by `sigma` (share of the texture's side). */
async function region(outline: readonly Point[], scale: number, sigma: number, side: number): Promise<Float32Array> {
  const hull = convexHull(outline);
  const [cx, cy] = [0, 1].map((axis) => hull.reduce((sum, point) => sum + point[axis as 0 | 1], 0) / hull.length) as [
    number,
    number,
  ];
  const corners = hull.map(([x, y]) => `${(cx + (x - cx) * scale) * side},${(cy + (y - cy) * scale) * side}`).join(' ');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}"><rect width="100%" height="100%"/><polygon points="${corners}" fill="white"/></svg>`;
  const { data, info } = await sharp(Buffer.from(svg))
    .blur(Math.max(0.3, sigma * side))
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return Float32Array.from({ length: side * side }, (_, i) => (data[i * info.channels] ?? 0) / 255);
}

/** Cheeks below the bone, upper lip, chin and jaw: a beard's places. */
const BEARD = [58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 436, 426, 2, 206, 216];
type Blob = readonly [points: readonly number[], scale: number, sigma: number, weight: number];
/** Light and dark of sagging: what bulges under light from above is lighter on top and darker below. */
const SAG: readonly Blob[] = [
  [[22, 23, 24, 230, 231, 232, 26], 1, 0.008, 0.35],
  [[252, 253, 254, 450, 451, 452, 256], 1, 0.008, 0.35],
  [[232, 231, 230, 229, 119, 120, 121, 128], 0.95, 0.011, -0.85],
  [[452, 451, 450, 449, 348, 349, 350, 357], 0.95, 0.011, -0.85],
  [[205, 207, 187, 147, 123], 0.9, 0.03, -0.75],
  [[425, 427, 411, 376, 352], 0.9, 0.03, -0.75],
  [[203, 206, 216, 207, 205, 36], 0.8, 0.014, 0.45],
  [[423, 426, 436, 427, 425, 266], 0.8, 0.014, 0.45],
  [[92, 165, 186, 57, 216], 0.8, 0.012, -0.55],
  [[322, 391, 410, 287, 436], 0.8, 0.012, -0.55],
  [[57, 43, 204, 202, 212], 0.8, 0.012, -0.55],
  [[287, 273, 424, 422, 432], 0.8, 0.012, -0.55],
  [[214, 192, 135, 210], 0.8, 0.018, 0.3],
  [[434, 416, 364, 430], 0.8, 0.018, 0.3],
  [[71, 139, 156, 70], 0.9, 0.03, -0.6],
  [[301, 368, 383, 300], 0.9, 0.03, -0.6],
  [[113, 225, 224, 223, 53, 46], 0.9, 0.012, -0.3],
  [[342, 445, 444, 443, 283, 276], 0.9, 0.012, -0.3],
];
/** Crop pixels across the whole texture, about: what a slope is counted in. */
const CROP_PER_SIDE = 200;
const FINE = 1.5;

export async function ageWeights(mesh: FaceMesh, side: number): Promise<AgeWeights> {
  const draw = (points: readonly number[], scale: number, sigma: number): Promise<Float32Array> =>
    region(
      points.map((point) => mesh.uv[point] as Point),
      scale,
      sigma,
      side,
    );
  const drawn = (blobs: readonly Blob[]): Promise<(readonly [Float32Array, number])[]> =>
    Promise.all(
      blobs.map(async ([points, scale, sigma, weight]) => [await draw(points, scale, sigma), weight] as const),
    );
  const oval = await draw(mesh.oval, 0.97, 0.02);
  const guards = await drawn([
    [mesh.leftEye, 1.25, 0.008, 1.3],
    [mesh.rightEye, 1.25, 0.008, 1.3],
    [mesh.lips.outer, 1.1, 0.01, 1.3],
    [mesh.leftBrow, 1.3, 0.01, 1.2],
    [mesh.rightBrow, 1.3, 0.01, 1.2],
    [NOSTRILS, 1, 0.01, 0.6],
  ]);
  const folds = await drawn([
    [UNDER_EYE, 1.05, 0.018, 1],
    [UNDER_EYE_OTHER, 1.05, 0.018, 1],
    [NASOLABIAL, 1, 0.018, 1],
    [NASOLABIAL_OTHER, 1, 0.018, 1],
    [MARIONETTE, 1, 0.015, 0.9],
    [MARIONETTE_OTHER, 1, 0.015, 0.9],
    [CROWS_FEET, 1, 0.015, 0.9],
    [CROWS_FEET_OTHER, 1, 0.015, 0.9],
    [FOREHEAD, 1, 0.02, 0.9],
  ]);
  const brows = await drawn([
    [mesh.leftBrow, 1.1, 0.008, 1],
    [mesh.rightBrow, 1.1, 0.008, 1],
  ]);
  const sags = await drawn(SAG);
  const [lips, inner, beard] = [
    await draw(mesh.lips.outer, 0.96, 0.008),
    await draw(mesh.lips.inner, 1.1, 0.006),
    await draw(BEARD, 1, 0.025),
  ];
  const sum = (list: readonly (readonly [Float32Array, number])[], i: number): number =>
    list.reduce((total, [map, weight]) => total + weight * (map[i] ?? 0), 0);
  const at = (value: (i: number) => number): Float32Array =>
    Float32Array.from({ length: side * side }, (_, i) => value(i));
  const skin = at((i) => (oval[i] ?? 0) * (1 - Math.min(1, sum(guards, i))));
  return {
    side,
    skin,
    folds: at((i) => 0.12 + 0.88 * Math.min(1, sum(folds, i))),
    lips: at((i) => (lips[i] ?? 0) * (1 - (inner[i] ?? 0))),
    brows: at((i) => Math.min(1, sum(brows, i))),
    beard,
    sag: at((i) => Math.max(-1, Math.min(1, sum(sags, i)))),
    ...normals(mesh, side),
    ...fineMaps(mesh, side * FINE),
  };
}

/** Vertex normals of the canonical face, drawn in texture space. */
function normals(mesh: FaceMesh, side: number): Pick<AgeWeights, 'normalX' | 'normalY'> {
  const points = canonicalOf(mesh);
  const sums = new Float64Array(points.length);
  const corner = (i: number, axis: number): number => points[3 * i + axis]!;
  for (const [a, b, c] of mesh.triangles) {
    const [p, q] = [b, c].map((i) => [0, 1, 2].map((axis) => corner(i, axis) - corner(a, axis))) as [
      number[],
      number[],
    ];
    const cross = [0, 1, 2].map((k) => p[(k + 1) % 3]! * q[(k + 2) % 3]! - p[(k + 2) % 3]! * q[(k + 1) % 3]!);
    // Towards the camera (z away from it), whichever way the list is wound.
    const sign = cross[2]! > 0 ? -1 : 1;
    for (const i of [a, b, c]) for (let k = 0; k < 3; k++) sums[3 * i + k]! += sign * cross[k]!;
  }
  const [normalX, normalY] = [new Float32Array(side * side), new Float32Array(side * side)];
  for (const triangle of mesh.triangles) {
    const corners = triangle.map((i) => mesh.uv[i]!) as readonly Point[] as [Point, Point, Point];
    const put = (at: number, wa: number, wb: number, wc: number): void => {
      const n = [0, 1].map((k) => {
        const [p, q, r] = triangle.map(
          (i) => sums[3 * i + k]! / Math.hypot(sums[3 * i]!, sums[3 * i + 1]!, sums[3 * i + 2]!),
        );
        return p! * wa + q! * wb + r! * wc;
      });
      normalX[at] = n[0]!;
      normalY[at] = n[1]!;
    };
    drawTriangle(corners, side, put, 0.02);
  }
  return { normalX, normalY };
}

function fineMaps(
  mesh: FaceMesh,
  side: number,
): Pick<AgeWeights, 'fineSide' | 'slopeX' | 'slopeY' | 'depth' | 'texture'> {
  const height = heights(ageLines(mesh), side);
  const step = side / CROP_PER_SIDE;
  const at = (x: number, y: number): number =>
    height[Math.min(side - 1, Math.max(0, y)) * side + Math.min(side - 1, Math.max(0, x))]!;
  const slope = (dx: number, dy: number): Float32Array =>
    Float32Array.from({ length: side * side }, (_, i) => {
      const [x, y] = [i % side, Math.floor(i / side)];
      return Math.max(-1, Math.min(1, ((at(x + dx, y + dy) - at(x - dx, y - dy)) / 2) * step));
    });
  return {
    fineSide: side,
    slopeX: slope(1, 0),
    slopeY: slope(0, 1),
    depth: height.map((h) => Math.min(1, Math.max(0, -h))),
    texture: leather(side),
  };
}

/** Skin's own relief grown coarse: crossed furrows a few crop pixels apart, and soft blotches. */
function leather(side: number): Float32Array {
  const [noise, other] = [createNoise(71), createNoise(72)];
  return Float32Array.from({ length: side * side }, (_, i) => {
    const [u, v] = [(i % side) / side, Math.floor(i / side) / side];
    const [wu, wv] = [u + 0.012 * noise.at(14 * u, 14 * v, 1), v + 0.012 * noise.at(14 * u, 14 * v, 9)];
    const furrow = (x: number, y: number): number => 1 - 2.6 * Math.abs(noise.at(x, y, 3.5));
    const crossed = Math.max(furrow(46 * (wu + wv), 20 * (wu - wv)), furrow(20 * (wu + wv), 46 * (wu - wv)));
    const patches = 0.5 + 0.5 * other.at(9 * u, 9 * v, 5);
    const blotch = other.at(24 * u, 24 * v, 2);
    return Math.max(
      -1,
      Math.min(1, -0.75 * Math.max(0, crossed) * patches + 0.3 * other.at(70 * u, 70 * v, 7) + 0.25 * blotch + 0.2),
    );
  });
}
