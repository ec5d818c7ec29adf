import sharp from 'sharp';
import type { Iris } from '../../server/double/irises.ts';
import type { FaceMesh } from '../models/face-mesh.ts';
import { HEADROOM } from './maps.ts';

type Point = readonly [number, number];

/** Corners and lids of both eyes (MediaPipe face mesh). */
const EYES = [
  { outer: 33, inner: 133, upper: 159, lower: 145, contour: 'rightEye' },
  { outer: 263, inner: 362, upper: 386, lower: 374, contour: 'leftEye' },
] as const;
/** Steps from the middle of the pupil, of which the iris takes EDGE. */
const STEPS = 18;
const EDGE = 13;
/**
 * Radius of people's irises, canonical units (about centimetres): they hardly differ (11.7 mm across, Rüfer et al. 2005). In a texture, rolled off a
 * cylinder, eyes that bulge are a little wider, which tells the colours and not the size: by it, irises came out an eighth too large.
 */
const RADIUS = 0.585;
/** Where a texture's iris may end, canonical units. */
const SMALLEST = 0.48;
const LARGEST = 0.95;
const FINE = 0.02;

/**
 * Reads an iris off the eyes in a texture: where the pupil is, where iris meets white, and the colours on the way, medians over all
 * directions that are not the lids'.
 * @param shape the double's neutral head, 468 × 3, canonical units.
 */
export async function measureIris(
  png: Buffer,
  mesh: FaceMesh,
  uv: readonly Point[],
  shape: readonly number[],
): Promise<Iris> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const pixel = (x: number, y: number): number[] => {
    const at = 3 * (Math.round(y) * info.width + Math.round(x));
    return [data[at]! / 255, data[at + 1]! / 255, data[at + 2]! / 255];
  };
  const samples: { away: number; colour: number[] }[] = [];
  for (const eye of EYES) {
    const at = (point: number): Point => [uv[point]![0] * info.width - 0.5, uv[point]![1] * info.height - 0.5];
    const length = (p: number, q: number, axis: 0 | 1): number =>
      Math.abs(shape[3 * p + axis]! - shape[3 * q + axis]!) || 1;
    const [outer, inner, upper, lower] = [at(eye.outer), at(eye.inner), at(eye.upper), at(eye.lower)];
    // The texture is rolled off a cylinder: pixels a unit differ along and across.
    const along = Math.abs(outer[0] - inner[0]) / length(eye.outer, eye.inner, 0);
    const across = Math.abs(upper[1] - lower[1]) / length(eye.upper, eye.lower, 1);
    const contour = mesh[eye.contour].map(at);
    const inside: Point[] = [];
    const [left, right] = [Math.min(outer[0], inner[0]), Math.max(outer[0], inner[0])];
    for (let y = Math.ceil(upper[1]) + 2; y < lower[1] - 1; y++)
      for (let x = Math.ceil(left); x < right; x++) if (within(contour, [x, y])) inside.push([x, y]);
    const pupil = darkest(inside, pixel, [left, right]);
    for (const [x, y] of inside)
      samples.push({ away: Math.hypot((x - pupil[0]) / along, (y - pupil[1]) / across), colour: pixel(x, y) });
  }
  const radius = edgeOf(samples);
  const profile: number[] = [];
  for (let step = 0; step <= STEPS; step++) {
    const from = (radius * step) / EDGE;
    const near = samples.filter(({ away }) => Math.abs(away - from) < radius / EDGE);
    for (let k = 0; k < 3; k++) profile.push(HEADROOM * middle(near.map(({ colour }) => colour[k]!)));
  }
  return { radius: (RADIUS * STEPS) / EDGE, profile };
}

/** Middle of the darkest pixels near the eye's middle: lashes are dark too. */
function darkest(
  inside: readonly Point[],
  pixel: (x: number, y: number) => number[],
  [left, right]: readonly [number, number],
): Point {
  const central = inside.filter(([x]) => Math.abs(x - (left + right) / 2) < (right - left) / 5);
  const lit = central.map(([x, y]) => ({ x, y, luma: pixel(x, y)[1]! })).sort((p, q) => p.luma - q.luma);
  const dark = lit.slice(0, Math.max(1, Math.round(lit.length * 0.06)));
  return [middle(dark.map(({ x }) => x)), middle(dark.map(({ y }) => y))];
}

/** Where on the way out colour gives way to white, which is lighter and grey: the steepest change of both together. */
function edgeOf(samples: readonly { away: number; colour: number[] }[]): number {
  const whiteness = (from: number, to: number): number => {
    const near = samples.filter(({ away }) => away >= from && away < to);
    return middle(
      near.map(({ colour }) => {
        const [most, least] = [Math.max(...colour), Math.min(...colour)];
        return most - 3 * (most - least);
      }),
    );
  };
  let [best, steepest] = [0.6, 0];
  for (let r = SMALLEST; r < LARGEST; r += FINE) {
    const rise = whiteness(r, r + 3 * FINE) - whiteness(r - 3 * FINE, r);
    if (rise > steepest) [best, steepest] = [r, rise];
  }
  return best;
}

const middle = (values: number[]): number => {
  const sorted = values.toSorted((p, q) => p - q);
  return sorted[sorted.length >> 1] ?? 0;
};

function within(polygon: readonly Point[], [x, y]: Point): boolean {
  let inside = false;
  polygon.forEach(([x1, y1], i) => {
    const [x0, y0] = polygon[(i + polygon.length - 1) % polygon.length]!;
    if (y1 > y !== y0 > y && x < x1 + ((y - y1) * (x0 - x1)) / (y0 - y1)) inside = !inside;
  });
  return inside;
}
