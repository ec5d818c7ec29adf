import type { OnnxGraph } from '../models/onnx-graph.ts';
import type { Maths } from './graph-maths.ts';
import type { AgeWeights } from './weights.ts';

const SIZE = 256;
const HALF = SIZE / 2;
const TYPE_FLOAT = 1;
const TYPE_INT32 = 6;

const REGIONS = ['skin', 'folds', 'lips', 'brows', 'beard', 'sag', 'normalX', 'normalY'] as const;
const FINE = ['slopeX', 'slopeY', 'depth', 'texture'] as const;
const SIGNED: readonly string[] = ['sag', 'normalX', 'normalY', 'slopeX', 'slopeY', 'texture'];

/** 1×1×128×128 each. */
export type RegionMaps = Record<(typeof REGIONS)[number], string>;
/** Sum of the maps of lines, each by its strength (1×1 each): 1×1×256×256. */
export type DrawLines = (strengths: Record<(typeof FINE)[number], string>) => string;

/** Reads the maps where the mesh lies. Skin, lips and brows are 0 outside it and where it turns away. */
export function readMaps(
  g: OnnxGraph,
  m: Maths,
  surface: string,
  weights: AgeWeights,
): { region: RegionMaps; lines: DrawLines } {
  const every = g.ints([2, 2]);
  const halfSurface = g.add('Slice', [surface, g.ints([0, 0]), g.ints([SIZE, SIZE]), g.ints([2, 3]), every]);
  const region = readRegions(g, m, halfSurface, weights);
  const facing = m.clip(m.mul(m.channels(halfSurface, 3, 1), m.scalar(2)), 0, 1);
  const there = m.mul(facing, m.channels(halfSurface, 2, 1));
  for (const name of ['skin', 'lips', 'brows'] as const)
    region[name] = gaussian(g, m.mul(region[name], there), 0.8, HALF);
  return { region, lines: (strengths) => readLines(g, m, surface, weights, strengths) };
}

function readRegions(g: OnnxGraph, m: Maths, surface: string, weights: AgeWeights): RegionMaps {
  const { side } = weights;
  const count = REGIONS.length;
  const texels = new Uint8Array(count * side * side);
  const codes = REGIONS.map(codeOf);
  for (const [k, name] of REGIONS.entries()) {
    const [scale, shift] = codes[k]!;
    for (let i = 0; i < side * side; i++) texels[i * count + k] = Math.round(weights[name][i]! * scale + shift);
  }
  const table = g.add('Cast', [g.bytes(texels, [side * side, count])], { to: TYPE_FLOAT });
  const rows = g.add('Gather', [table, texelAt(g, m, surface, HALF, side)], { axis: 0 });
  // A product turns rows into planes and bytes into values at once: several times faster than a transposition.
  const scales = codes.flatMap(([scale], k) => codes.map((_, j) => (j === k ? 1 / scale : 0)));
  const shifts = codes.map(([scale, shift]) => -shift / scale);
  const values = g.add('Gemm', [g.floats(scales, [count, count]), rows, g.floats(shifts, [count, 1])], { transB: 1 });
  const planes = m.reshaped(values, [1, count, HALF, HALF]);
  return Object.fromEntries(REGIONS.map((name, k) => [name, m.channels(planes, k, 1)])) as RegionMaps;
}

/** The maps of lines are summed in texture space, so that one plane is read and not four. */
function readLines(
  g: OnnxGraph,
  m: Maths,
  surface: string,
  weights: AgeWeights,
  strengths: Record<(typeof FINE)[number], string>,
): string {
  const texels = weights.fineSide ** 2;
  const bytes = new Uint8Array(FINE.length * texels);
  for (const [k, name] of FINE.entries()) {
    const [scale, shift] = codeOf(name);
    for (let i = 0; i < texels; i++) bytes[k * texels + i] = Math.round(weights[name][i]! * scale + shift);
  }
  const table = g.add('Cast', [g.bytes(bytes, [FINE.length, texels])], { to: TYPE_FLOAT });
  const scaled = FINE.map((name) => m.mul(strengths[name], m.scalar(1 / codeOf(name)[0])));
  const shifts = FINE.map((name, k) => m.mul(scaled[k]!, m.scalar(-codeOf(name)[1])));
  const sum = g.add('MatMul', [g.add('Concat', scaled, { axis: 1 }), table]);
  const read = g.add('Gather', [sum, texelAt(g, m, surface, SIZE, weights.fineSide)], { axis: 1 });
  return m.add(m.reshaped(read, [1, 1, SIZE, SIZE]), m.sum(shifts[0]!, ...shifts.slice(1)));
}

/** Number of the texel nearest to each pixel's u, v: the maps are smoother than their texels. */
function texelAt(g: OnnxGraph, m: Maths, surface: string, size: number, side: number): string {
  const place = (k: number): string =>
    g.add('Floor', [
      m.clip(m.add(m.mul(m.channels(surface, k, 1), m.scalar(side / 2)), m.scalar(side / 2)), 0, side - 1),
    ]);
  const index = g.add('Cast', [m.add(m.mul(place(1), m.scalar(side)), place(0))], { to: TYPE_INT32 });
  return m.reshaped(index, [size * size]);
}

/** How a map's value is kept in a byte: times scale plus shift. */
const codeOf = (name: string): readonly [scale: number, shift: number] =>
  SIGNED.includes(name) ? [127, 128] : [255, 0];

/** Gaussian blur of a side² plane as two products with a banded matrix, zeros outside: faster than pooling, and rounder. */
export function gaussian(g: OnnxGraph, value: string, sigma: number, side: number): string {
  const matrix = new Float32Array(side * side);
  const reach = Math.ceil(3 * sigma);
  const bell = Array.from({ length: reach + 1 }, (_, k) => Math.exp(-(k * k) / (2 * sigma * sigma)));
  const total = bell.reduce((sum, v) => sum + 2 * v, -1);
  for (let y = 0; y < side; y++)
    for (let x = Math.max(0, y - reach); x <= Math.min(side - 1, y + reach); x++)
      matrix[y * side + x] = bell[Math.abs(x - y)]! / total;
  const band = g.floats(matrix, [side, side]);
  return g.add('MatMul', [g.add('MatMul', [band, value]), band]);
}
