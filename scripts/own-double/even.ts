import type { FaceMesh } from '../models/face-mesh.ts';
import { ovalMask } from '../performer/unwrap.ts';
import type { Blend } from './blend.ts';
import type { Texels } from './texels.ts';

/** Texels that were seen less than this share of the middle one take what their mirror image shows; below the second, nothing was seen. */
const HARDLY_SEEN = 0.06;
const NOT_SEEN = 0.015;
/** How much of the broad pattern in which a face differs from an average one is kept, in brightness and in hue: the rest may as well be light. */
const OWN_BRIGHTNESS = 0.6;
const OWN_HUE = 0.2;
/** σ of what counts as broad, shares of the texture's side. */
const BROAD = 0.075;
/** Near the outline hair and background are mixed in: so many texels of 512 are filled from inside. */
const RIM = 10;
/** Log of brightness below the broad one at which skin of the upper face is hair. */
const HAIR = -0.3;

/** Three planes of side² and how well each texel is known. */
export interface Map3 {
  side: number;
  planes: [Float32Array, Float32Array, Float32Array];
  known: Float32Array;
}

/**
 * From what was blended to a texture in even light: sides that differ broadly differ by light, so they meet in the middle; what was
 * hardly seen is taken from the other side; holes are filled from their rims.
 */
export function evenOut({ colour, weight }: Blend, pattern: Float32Array, texels: Texels, face: Outlined): Map3 {
  const { side, at } = texels;
  const map: Map3 = { side, planes: planes(side), known: new Float32Array(side * side) };
  const inside = ovalMask(face.uv, face.mesh, side, (2 * RIM * side) / 512);
  const usual = middle(weight);
  at.forEach((i, k) => {
    const known = Math.min(1, weight[k]! / usual);
    map.known[i] = known > NOT_SEEN && inside[i]! > 0.98 ? known : 0;
    for (let c = 0; c < 3; c++) map.planes[c]![i] = colour[3 * k + c]!;
  });
  borrow(map);
  const guess = planes(side);
  at.forEach((i, k) => {
    for (let c = 0; c < 3; c++) guess[c]![i] = pattern[3 * k + c]!;
  });
  forgetHair(map, levelBroadly(map, guess), guess, texels);
  fillHoles(map);
  return map;
}

/** A mesh and how it is laid out. */
export interface Outlined {
  mesh: FaceMesh;
  uv: readonly (readonly [number, number])[];
}

const planes = (side: number): Map3['planes'] => [0, 1, 2].map(() => new Float32Array(side * side)) as Map3['planes'];

function middle(values: Float32Array): number {
  const seen = values.filter((value) => value > 0).toSorted();
  return seen[seen.length >> 1] || 1;
}

/** Texels hardly seen take their mirror image's colour, by degrees. */
function borrow({ side, planes: own, known }: Map3): void {
  const before = own.map((plane) => plane.slice());
  const was = known.slice();
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const i = y * side + x;
      const j = y * side + side - 1 - x;
      const lack = Math.max(0, 1 - was[i]! / HARDLY_SEEN);
      const share = (lack * was[j]!) / (was[i]! + lack * was[j]! || 1);
      if (share === 0) continue;
      for (let c = 0; c < 3; c++) own[c]![i]! += share * (before[c]![j]! - own[c]![i]!);
      known[i] = Math.max(was[i]!, lack * was[j]!);
    }
}

/** Takes out what is broad in the planes and not the face's own. Answers the brightness that is broad now, in logs over the pattern's. */
function levelBroadly(map: Map3, pattern: Map3['planes']): Float32Array {
  const { side } = map;
  const broad = map.planes.map((plane, c) => broadOf(map, plane, pattern[c]!));
  const [, green] = broad;
  const mirrored = (i: number): number => i - (i % side) + side - 1 - (i % side);
  const wanted = broad.map((values) =>
    values.map((_, i) => {
      const both = (from: Float32Array): number => (from[i]! + from[mirrored(i)]!) / 2;
      return OWN_BRIGHTNESS * both(green!) + OWN_HUE * (both(values) - both(green!));
    }),
  );
  map.planes.forEach((plane, c) => {
    for (let i = 0; i < plane.length; i++) plane[i]! *= Math.exp(wanted[c]![i]! - broad[c]![i]!);
  });
  return wanted[1]!;
}

/** The broad part of what a plane has over the pattern, in logs, its mean taken out. */
function broadOf({ side, known }: Map3, plane: Float32Array, pattern: Float32Array): Float32Array {
  const off = new Float32Array(side * side);
  const weight = new Float32Array(side * side);
  for (let i = 0; i < off.length; i++) {
    if (!(known[i]! > 0.02) || !(plane[i]! > 0) || !(pattern[i]! > 0)) continue;
    const away = Math.log(plane[i]! / pattern[i]! / LEVEL);
    // Away from the average by more than this is hair, lips or brows: no light.
    weight[i] = known[i]! / (1 + (away / 0.5) ** 4);
    off[i] = away;
  }
  const total = weight.reduce((sum, value) => sum + value, 0) || 1;
  const mean = off.reduce((sum, value, i) => sum + value * weight[i]!, 0) / total;
  return smooth(off, weight, side, BROAD * side).map((value) => value - mean);
}

/** Hair that hangs over forehead and temples belongs to whoever wears it, not to the face: filled from the skin beside it. */
function forgetHair(map: Map3, broad: Float32Array, pattern: Map3['planes'], { at, places }: Texels): void {
  at.forEach((i, k) => {
    const [x, y] = [places[3 * k]!, places[3 * k + 1]!];
    // Above the brows, or beside the eyes.
    if (!(y < -6.2 || (Math.abs(x) > 5.4 && y < -0.5)) || !(map.planes[1][i]! > 0)) return;
    const away = Math.log(map.planes[1][i]! / pattern[1][i]! / LEVEL) - broad[i]!;
    if (away < HAIR) map.known[i] = 0;
  });
}

/** Encoded brightness of plain skin in the guide that footage is unrolled with. */
export const LEVEL = 0.55;

/** Normalised convolution with three box blurs, about a Gaussian. */
export function smooth(values: Float32Array, weight: Float32Array, side: number, sigma: number): Float32Array {
  const reach = Math.max(1, Math.round(sigma));
  let top: Float32Array = values.map((value, i) => value * weight[i]!);
  let bottom: Float32Array = weight;
  for (let pass = 0; pass < 3; pass++) [top, bottom] = [boxBlur(top, side, reach), boxBlur(bottom, side, reach)];
  return top.map((value, i) => value / Math.max(1e-6, bottom[i]!));
}

function boxBlur(values: Float32Array, side: number, reach: number): Float32Array {
  let from: Float32Array = values;
  for (const [step, line] of [
    [1, side],
    [side, 1],
  ] as const) {
    const to = new Float32Array(values.length);
    for (let row = 0; row < side; row++) {
      let sum = 0;
      const at = (k: number): number => row * line + k * step;
      for (let k = 0; k <= reach && k < side; k++) sum += from[at(k)]!;
      for (let k = 0; k < side; k++) {
        to[at(k)] = sum / (2 * reach + 1);
        if (k + reach + 1 < side) sum += from[at(k + reach + 1)]!;
        if (k - reach >= 0) sum -= from[at(k - reach)]!;
      }
    }
    from = to;
  }
  return from;
}

/** Pull and push (Gortler et al., "The Lumigraph", 1996): what is not known comes from ever coarser means of what is. */
export function fillHoles({ side, planes: own, known }: Map3): void {
  if (side < 2) return;
  const half = side >> 1;
  const small: Map3 = { side: half, planes: planes(half), known: new Float32Array(half * half) };
  for (let y = 0; y < half; y++)
    for (let x = 0; x < half; x++) {
      let total = 0;
      for (const [v, u] of QUAD) {
        const i = (2 * y + v) * side + 2 * x + u;
        const w = Math.min(1, 12 * known[i]!);
        total += w;
        for (let c = 0; c < 3; c++) small.planes[c]![y * half + x]! += w * own[c]![i]!;
      }
      small.known[y * half + x] = Math.min(1, total);
      if (total > 0) for (let c = 0; c < 3; c++) small.planes[c]![y * half + x]! /= total;
    }
  fillHoles(small);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const i = y * side + x;
      const trust = Math.min(1, 12 * known[i]!);
      if (trust >= 1) continue;
      for (let c = 0; c < 3; c++) {
        const filled = between(small.planes[c]!, half, (x - 0.5) / 2, (y - 0.5) / 2);
        own[c]![i] = trust * own[c]![i]! + (1 - trust) * filled;
      }
      known[i] = Math.max(known[i]!, 1 / 12);
    }
}

const QUAD = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const;

function between(plane: Float32Array, side: number, x: number, y: number): number {
  const inside = (value: number): number => Math.min(side - 1, Math.max(0, value));
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const at = (v: number, u: number): number => plane[inside(v) * side + inside(u)]!;
  const [fx, fy] = [x - x0, y - y0];
  return (
    (at(y0, x0) * (1 - fx) + at(y0, x0 + 1) * fx) * (1 - fy) +
    (at(y0 + 1, x0) * (1 - fx) + at(y0 + 1, x0 + 1) * fx) * fy
  );
}
