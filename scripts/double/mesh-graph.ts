import { OnnxGraph } from '../models/onnx-graph.ts';

export const SIZE = 256;
const HALF = SIZE / 2;
const GAIN_GRID = 8;
/** ONNX's number for the type of an index. */
const INT32 = 6;

/** Planar float maps in texture space. */
export interface TextureMaps {
  /** R, G, B (encoded, 0–1), alpha; side × side each. */
  texture: Float32Array;
  side: number;
  /** Unit normals x, y, z of the head looking at the camera; normalSide² each. */
  normals: Float32Array;
  normalSide: number;
  /** The same texture as fine as it was painted, for close-ups. */
  detail?: { texture: Float32Array; side: number };
}

/** What is drawn before anything is learned, names of values: planar, SIZE². */
export interface MeshLayers {
  /** The network's input of that name: u, v, coverage, facing. */
  surface: string;
  /** Encoded R, G, B, 0–1. */
  colour: string;
  /** 0 in the openings of eyes and mouth and beyond the outline. */
  alpha: string;
  /** 0 on the outline of the face, 1 inside, openings included. */
  rim: string;
}

/**
 * The inputs and layers of a textured double. Inputs: `surface` 1×4×256×256 (u, v, coverage, facing, from the raster kernel),
 * `rotation` 3×3 (head → camera), `light` 3×9 (second-order function of the normal, per channel), `gain` 1×3×8×8,
 * `softness` 1 (0 sharp – 2 as soft as a small face in a poor camera).
 *
 *   colour = texture(u, v) · light(rotation · normal(u, v)) · gain(x, y)
 *   alpha  = opening(u, v) · rim(coverage)
 */
export function meshLayers(g: OnnxGraph, maps: TextureMaps): MeshLayers {
  const surface = g.input('surface', [1, 4, SIZE, SIZE]);
  const place = channels(g, surface, 0, 2);
  const sampled = sample(g, { map: maps.texture, channels: 4, side: maps.side, finer: 3 }, place, SIZE);
  const shading = shade(g, place, maps);
  const soft = soften(g, g.add('Mul', [channels(g, sampled, 0, 3), shading]));
  const colour = g.add('Clip', [soft, scalar(g, 0), scalar(g, 1)]);
  const open = opening(g, channels(g, sampled, 3, 4));
  const outline = rim(g, channels(g, surface, 2, 3));
  return { surface, colour, alpha: g.add('Mul', [open, outline]), rim: outline };
}

/** The network of a double of kind `mesh`: `rgba` 1×4×256×256, encoded colour 0–1 and straight alpha. */
export function meshGraph(maps: TextureMaps): OnnxGraph {
  const g = new OnnxGraph('understudy-mesh-double');
  const { colour, alpha } = meshLayers(g, maps);
  g.output('rgba', g.add('Concat', [colour, alpha], { axis: 1 }), [1, 4, SIZE, SIZE]);
  return g;
}

/** Light and gain change slowly across a face: half the resolution is enough and costs a quarter. */
function shade(g: OnnxGraph, place: string, maps: TextureMaps): string {
  const coarse = g.add('Slice', [place, g.ints([0, 0]), g.ints([SIZE, SIZE]), g.ints([2, 3]), g.ints([2, 2])]);
  const normals = sample(g, { map: maps.normals, channels: 3, side: maps.normalSide, finer: 2 }, coarse, HALF);
  const turned = g.add('MatMul', [g.input('rotation', [3, 3]), g.add('Reshape', [normals, g.ints([3, HALF * HALF])])]);
  const axis = (k: number): string => g.add('Slice', [turned, g.ints([k]), g.ints([k + 1]), g.ints([0])]);
  const [x, y, z] = [axis(0), axis(1), axis(2)];
  const mul = (a: string, b: string): string => g.add('Mul', [a, b]);
  const one = g.floats(new Float32Array(HALF * HALF).fill(1), [1, HALF * HALF]);
  const difference = g.add('Sub', [mul(x, x), mul(y, y)]);
  const zonal = g.add('Sub', [mul(mul(z, z), scalar(g, 3)), scalar(g, 1)]);
  const basis = g.add('Concat', [one, x, y, z, mul(x, y), mul(x, z), mul(y, z), difference, zonal], { axis: 0 });
  const lit = g.add('MatMul', [g.input('light', [3, 9]), basis]);
  const floor = g.add('Max', [g.add('Reshape', [lit, g.ints([1, 3, HALF, HALF])]), scalar(g, 0.02)]);
  const gain = smoothUp(g, g.input('gain', [1, 3, GAIN_GRID, GAIN_GRID]), GAIN_GRID, HALF);
  return resize(g, mul(floor, gain), 2);
}

/**
 * A camera's softness: up to 1 towards a mean over 5×5 (σ 1.4 crop pixels), up to 2 towards a mean over 7×7 of that
 * (σ 2.4).
 */
function soften(g: OnnxGraph, colour: string): string {
  const softness = g.input('softness', [1]);
  const mean = (value: string, side: number): string => {
    const pad = (side - 1) / 2;
    return g.add('AveragePool', [value], { kernel_shape: [side, side], pads: [pad, pad, pad, pad] });
  };
  const share = (from: number): string =>
    g.add('Clip', [g.add('Sub', [softness, scalar(g, from)]), scalar(g, 0), scalar(g, 1)]);
  const once = mean(colour, 5);
  const twice = mean(once, 7);
  const towards = (from: string, to: string, by: string): string => g.add('Mul', [g.add('Sub', [to, from]), by]);
  return g.add('Add', [g.add('Add', [colour, towards(colour, once, share(0))]), towards(once, twice, share(1))]);
}

/** Eyes and mouth stay the performer's: 0 in the opening, then a ramp of about two pixels on the double's own side. */
function opening(g: OnnxGraph, alpha: string): string {
  return innerRamp(g, g.add('AveragePool', [alpha], { kernel_shape: [5, 5], pads: [2, 2, 2, 2] }));
}

/** 0 on the outline of the face, 1 about nine pixels inside it. Where the face leaves the crop there is no outline. */
function rim(g: OnnxGraph, coverage: string): string {
  const small = g.add('AveragePool', [coverage], { kernel_shape: [4, 4], strides: [4, 4] });
  const pool = (value: string): string => g.add('AveragePool', [value], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  return resize(g, innerRamp(g, pool(pool(small))), 4);
}

/** Half covered or less is 0: so nothing outside the mesh is ever touched. */
function innerRamp(g: OnnxGraph, mean: string): string {
  const ramp = g.add('Sub', [g.add('Mul', [mean, scalar(g, 2)]), scalar(g, 1)]);
  return g.add('Max', [ramp, scalar(g, 0)]);
}

/**
 * Reads a map at (u, v), −1 to 1. GridSample takes 30 ns a sample on a CPU; a map resized once, while the session loads
 * (constant folding), and read at the nearest texel takes a tenth of that and is as smooth to a third of a crop pixel.
 * @param place 1×2×size×size. Result: 1×channels×size×size.
 */
function sample(g: OnnxGraph, { map, channels: count, side, finer }: Sampled, place: string, size: number): string {
  const across = side * finer;
  const fine = resize(g, g.floats(map, [1, count, side, side]), finer);
  const texels = g.add('Transpose', [g.add('Reshape', [fine, g.ints([count, across * across])])], { perm: [1, 0] });
  const scaled = g.add('Add', [g.add('Mul', [place, scalar(g, across / 2)]), scalar(g, across / 2)]);
  const whole = g.add('Floor', [g.add('Clip', [scaled, scalar(g, 0), scalar(g, across - 1)])]);
  const row = g.add('Mul', [channels(g, whole, 1, 2), scalar(g, across)]);
  const index = g.add('Cast', [g.add('Add', [row, channels(g, whole, 0, 1)])], { to: INT32 });
  const read = g.add('Gather', [texels, g.add('Reshape', [index, g.ints([size * size])])], { axis: 0 });
  // Turned by a product with the identity: ONNX Runtime's matrix product reads its factor transposed, five times faster than Transpose.
  const identity = Float32Array.from({ length: count * count }, (_, i) => (i % (count + 1) === 0 ? 1 : 0));
  const planes = g.add('MatMul', [g.floats(identity, [count, count]), g.add('Transpose', [read], { perm: [1, 0] })]);
  return g.add('Reshape', [planes, g.ints([1, count, size, size])]);
}

interface Sampled {
  /** Planar. */
  map: Float32Array;
  channels: number;
  side: number;
  /** How many times finer the map is made before its nearest texel is read. */
  finer: number;
}

export const scalar = (g: OnnxGraph, value: number): string => g.floats([value], []);

export const channels = (g: OnnxGraph, value: string, from: number, to: number): string =>
  g.add('Slice', [value, g.ints([from]), g.ints([to]), g.ints([1])]);

/** Bilinear, pixel centres aligned. */
function resize(g: OnnxGraph, value: string, factor: number): string {
  const scales = g.floats([1, 1, factor, factor], [4]);
  return g.add('Resize', [value, '', scales], { mode: 'linear', coordinate_transformation_mode: 'half_pixel' });
}

/** A coarse square grid made finer by cubic convolution (Keys 1981, a = −0.5), as two small matrix products; edges are held. */
function smoothUp(g: OnnxGraph, grid: string, from: number, to: number): string {
  const weights = cubicWeights(from, to);
  const transposed = Float32Array.from(
    { length: from * to },
    (_, i) => weights[(i % to) * from + Math.floor(i / to)] ?? 0,
  );
  const rows = g.add('MatMul', [g.floats(weights, [to, from]), grid]);
  return g.add('MatMul', [rows, g.floats(transposed, [from, to])]);
}

/** to × from: row i holds the weights of the coarse samples at the place of fine sample i. */
function cubicWeights(from: number, to: number): Float32Array {
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const at = ((i + 0.5) * from) / to - 0.5;
    const base = Math.floor(at);
    for (let k = base - 1; k <= base + 2; k++) {
      const place = i * from + Math.min(from - 1, Math.max(0, k));
      weights[place] = (weights[place] ?? 0) + keys(Math.abs(at - k));
    }
  }
  return weights;
}

/** Keys' cubic convolution kernel at distance t ≥ 0. */
const keys = (t: number): number =>
  t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
