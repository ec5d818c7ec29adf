import sharp from 'sharp';
import type { FaceMesh } from '../models/face-mesh.ts';

/** Where on the face the age dial works, in texture space: planar 0–1, side² each. */
export interface AgeWeights {
  side: number;
  /** Skin: 0 on eyes, brows, lips, nostrils and at the face's edge. */
  skin: Float32Array;
  /** Where folds and bags form: below the eyes, beside the nose and the mouth, the forehead, the outer corners of the eyes. */
  folds: Float32Array;
}

/** Landmark indices (468-point face mesh) of the regions; outlines are their convex hulls. */
const UNDER_EYE = [226, 31, 228, 229, 230, 231, 232, 233, 244, 112, 26, 22, 23, 24, 110, 25];
const UNDER_EYE_OTHER = [446, 261, 448, 449, 450, 451, 452, 453, 464, 341, 256, 252, 253, 254, 339, 255];
const NASOLABIAL = [129, 203, 206, 216, 212, 57, 186, 92, 165, 98, 49];
const NASOLABIAL_OTHER = [358, 423, 426, 436, 432, 287, 410, 322, 391, 327, 279];
const FOREHEAD = [10, 338, 297, 332, 284, 298, 293, 334, 296, 336, 9, 107, 66, 105, 63, 68, 54, 103, 67, 109];
const CROWS_FEET = [33, 130, 247, 113, 156, 143, 34, 127, 116, 111, 35, 226];
const CROWS_FEET_OTHER = [263, 359, 467, 342, 383, 372, 264, 356, 345, 340, 265, 446];
const NOSTRILS = [98, 97, 2, 326, 327, 279, 278, 294, 19, 1, 4, 44, 64, 48, 49];

type Point = readonly [number, number];

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

export async function ageWeights(mesh: FaceMesh, side: number): Promise<AgeWeights> {
  const draw = (points: readonly number[], scale: number, sigma: number): Promise<Float32Array> =>
    region(
      points.map((point) => mesh.uv[point] as Point),
      scale,
      sigma,
      side,
    );
  const oval = await draw(mesh.oval, 0.97, 0.02);
  const guards: [Float32Array, number][] = [
    [await draw(mesh.leftEye, 1.25, 0.008), 1.3],
    [await draw(mesh.rightEye, 1.25, 0.008), 1.3],
    [await draw(mesh.lips.outer, 1.1, 0.01), 1.3],
    [await draw(mesh.leftBrow, 1.3, 0.01), 1.2],
    [await draw(mesh.rightBrow, 1.3, 0.01), 1.2],
    [await draw(NOSTRILS, 1, 0.01), 0.6],
  ];
  const folds: [Float32Array, number][] = [
    [await draw(UNDER_EYE, 1.05, 0.018), 1],
    [await draw(UNDER_EYE_OTHER, 1.05, 0.018), 1],
    [await draw(NASOLABIAL, 1, 0.018), 1],
    [await draw(NASOLABIAL_OTHER, 1, 0.018), 1],
    [await draw(CROWS_FEET, 1, 0.015), 0.8],
    [await draw(CROWS_FEET_OTHER, 1, 0.015), 0.8],
    [await draw(FOREHEAD, 1, 0.02), 0.6],
  ];
  const sum = (list: readonly [Float32Array, number][], i: number): number =>
    Math.min(
      1,
      list.reduce((total, [map, weight]) => total + weight * (map[i] ?? 0), 0),
    );
  const at = (value: (i: number) => number): Float32Array =>
    Float32Array.from({ length: side * side }, (_, i) => value(i));
  return {
    side,
    skin: at((i) => (oval[i] ?? 0) * (1 - sum(guards, i))),
    folds: at((i) => 0.12 + 0.88 * sum(folds, i)),
  };
}
