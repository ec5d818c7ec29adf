import { SIZE } from '../../server/double/surface.ts';
import type { FaceMesh } from '../models/face-mesh.ts';
import { signedDistance } from '../performer/unwrap.ts';
import { PLANE, type Sight } from './observe.ts';

/** Irises in white light, encoded 0–1: dark brown, brown, hazel, green, blue, grey. */
const COLOURS = [
  [0.2, 0.13, 0.1],
  [0.36, 0.25, 0.18],
  [0.45, 0.38, 0.24],
  [0.42, 0.48, 0.36],
  [0.42, 0.5, 0.58],
  [0.5, 0.53, 0.55],
] as const;
/** Encoded brightness of the white of an eye in that light. */
const WHITE = 0.7;
/** Brighter than the iris by this is a light mirrored in it. */
const MIRRORED = 2.2;

/**
 * The crop as if it showed somebody with other eyes: both irises take one colour, lit as the eyes are, and keep pupil and glints.
 * @param next random numbers, 0–1. @returns R, G, B planes of SIZE² bytes.
 */
export function otherEyes(sight: Sight, mesh: FaceMesh, next: () => number): Uint8Array {
  const crop = sight.crop.slice();
  const colour = COLOURS[Math.floor(next() * COLOURS.length)]!;
  const level = 0.7 + 0.6 * next();
  for (const { rim, iris } of [
    { rim: mesh.leftEye, iris: mesh.leftIris },
    { rim: mesh.rightEye, iris: mesh.rightIris },
  ])
    recolour(crop, sight.cropPoints, rim, iris, colour, level);
  return crop;
}

function recolour(
  crop: Uint8Array,
  points: Float32Array,
  rim: readonly number[],
  iris: readonly number[],
  colour: readonly number[],
  level: number,
): void {
  const at = (point: number): readonly [number, number] => [points[2 * point]!, points[2 * point + 1]!];
  const outline = rim.map(at);
  const [cx, cy] = at(iris[0]!);
  const radius = iris.slice(1).reduce((sum, point) => sum + Math.hypot(at(point)[0] - cx, at(point)[1] - cy), 0) / 4;
  const reach = 2.5 * radius;
  const pixels: { i: number; share: number; light: number }[] = [];
  const lights: number[] = [];
  for (let y = Math.max(0, Math.floor(cy - reach)); y <= Math.min(SIZE - 1, cy + reach); y++)
    for (let x = Math.max(0, Math.floor(cx - reach)); x <= Math.min(SIZE - 1, cx + reach); x++) {
      const inside = Math.min(1, Math.max(0, signedDistance(outline, x, y) + 0.5));
      if (inside === 0) continue;
      const i = y * SIZE + x;
      const light = (0.25 * crop[i]! + 0.6 * crop[PLANE + i]! + 0.15 * crop[2 * PLANE + i]!) / 255;
      lights.push(light);
      const share = inside * Math.min(1, Math.max(0, (1.15 - Math.hypot(x - cx, y - cy) / radius) / 0.2));
      if (share > 0) pixels.push({ i, share, light });
    }
  if (pixels.length < 8) return;
  const usual = quantileOf(
    pixels.map(({ light }) => light),
    0.5,
  );
  const exposure = (level * quantileOf(lights, 0.9)) / WHITE;
  for (const { i, share, light } of pixels) {
    const ratio = light / Math.max(0.02, usual);
    if (ratio > MIRRORED) continue;
    for (let c = 0; c < 3; c++) {
      const wanted = 255 * Math.min(1, colour[c]! * exposure * Math.max(0.35, ratio));
      crop[c * PLANE + i] = Math.round(crop[c * PLANE + i]! + share * (wanted - crop[c * PLANE + i]!));
    }
  }
}

const quantileOf = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? 0;
