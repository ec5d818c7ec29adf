import { OnnxGraph } from '../models/onnx-graph.ts';

const SIZE = 256;
const HALF = SIZE / 2;
const GAIN_GRID = 8;

/** Planar float maps in texture space. */
export interface TextureMaps {
  /** R, G, B (encoded, 0–1), alpha; side × side each. */
  texture: Float32Array;
  side: number;
  /** Unit normals x, y, z of the head looking at the camera; normalSide² each. */
  normals: Float32Array;
  normalSide: number;
}

/**
 * The network of a double of kind `mesh`. Inputs: `surface` 1×4×256×256 (u, v, coverage, facing, from the raster kernel),
 * `rotation` 3×3 (head → camera), `light` 3×9 (second-order function of the normal, per channel), `gain` 1×3×8×8,
 * `softness` 1 (0 sharp – 1 averaged over 3×3). Output: `rgba` 1×4×256×256, encoded colour 0–1 and straight alpha.
 *
 *   colour = texture(u, v) · light(rotation · normal(u, v)) · gain(x, y)
 *   alpha  = opening(u, v) · rim(coverage)
 */
export function meshGraph(maps: TextureMaps): OnnxGraph {
  const g = new OnnxGraph('understudy-mesh-double');
  const surface = g.input('surface', [1, 4, SIZE, SIZE]);
  const grid = g.add('Transpose', [channels(g, surface, 0, 2)], { perm: [0, 2, 3, 1] });
  const sampled = sample(g, g.floats(maps.texture, [1, 4, maps.side, maps.side]), grid);
  const shading = shade(g, grid, maps);
  const colour = soften(g, g.add('Mul', [channels(g, sampled, 0, 3), shading]));
  const clipped = g.add('Clip', [colour, g.floats([0], []), g.floats([1], [])]);
  const alpha = g.add('Mul', [opening(g, channels(g, sampled, 3, 4)), rim(g, channels(g, surface, 2, 3))]);
  g.output('rgba', g.add('Concat', [clipped, alpha], { axis: 1 }), [1, 4, SIZE, SIZE]);
  return g;
}

/** Light and gain change slowly across a face: half the resolution is enough and costs a quarter. */
function shade(g: OnnxGraph, grid: string, maps: TextureMaps): string {
  const coarse = g.add('Slice', [grid, g.ints([0, 0]), g.ints([SIZE, SIZE]), g.ints([1, 2]), g.ints([2, 2])]);
  const normals = sample(g, g.floats(maps.normals, [1, 3, maps.normalSide, maps.normalSide]), coarse);
  const turned = g.add('MatMul', [g.input('rotation', [3, 3]), g.add('Reshape', [normals, g.ints([3, HALF * HALF])])]);
  const axis = (k: number): string => g.add('Slice', [turned, g.ints([k]), g.ints([k + 1]), g.ints([0])]);
  const [x, y, z] = [axis(0), axis(1), axis(2)];
  const mul = (a: string, b: string): string => g.add('Mul', [a, b]);
  const one = g.floats(new Float32Array(HALF * HALF).fill(1), [1, HALF * HALF]);
  const difference = g.add('Sub', [mul(x, x), mul(y, y)]);
  const zonal = g.add('Sub', [mul(mul(z, z), g.floats([3], [])), g.floats([1], [])]);
  const basis = g.add('Concat', [one, x, y, z, mul(x, y), mul(x, z), mul(y, z), difference, zonal], { axis: 0 });
  const lit = g.add('MatMul', [g.input('light', [3, 9]), basis]);
  const floor = g.add('Max', [g.add('Reshape', [lit, g.ints([1, 3, HALF, HALF])]), g.floats([0.02], [])]);
  const gain = resize(g, resize(g, g.input('gain', [1, 3, GAIN_GRID, GAIN_GRID]), 4, 'cubic'), HALF / GAIN_GRID / 4, 'linear');
  return resize(g, mul(floor, gain), 2, 'linear');
}

function soften(g: OnnxGraph, colour: string): string {
  const mean = g.add('AveragePool', [colour], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const towards = g.add('Mul', [g.add('Sub', [mean, colour]), g.input('softness', [1])]);
  return g.add('Add', [colour, towards]);
}

/** Eyes and mouth stay the performer's: 0 in the opening, then a ramp of about two pixels on the double's own side. */
function opening(g: OnnxGraph, alpha: string): string {
  return innerRamp(g, g.add('AveragePool', [alpha], { kernel_shape: [5, 5], pads: [2, 2, 2, 2] }));
}

/** 0 on the outline of the face, 1 about nine pixels inside it. Where the face leaves the crop there is no outline. */
function rim(g: OnnxGraph, coverage: string): string {
  const small = g.add('AveragePool', [coverage], { kernel_shape: [4, 4], strides: [4, 4] });
  const pool = (value: string): string => g.add('AveragePool', [value], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  return resize(g, innerRamp(g, pool(pool(small))), 4, 'linear');
}

/** Half covered or less is 0: so nothing outside the mesh is ever touched. */
function innerRamp(g: OnnxGraph, mean: string): string {
  const ramp = g.add('Sub', [g.add('Mul', [mean, g.floats([2], [])]), g.floats([1], [])]);
  return g.add('Max', [ramp, g.floats([0], [])]);
}

const sample = (g: OnnxGraph, map: string, grid: string): string =>
  g.add('GridSample', [map, grid], { mode: 'bilinear', padding_mode: 'border', align_corners: 0 });

const channels = (g: OnnxGraph, value: string, from: number, to: number): string =>
  g.add('Slice', [value, g.ints([from]), g.ints([to]), g.ints([1])]);

function resize(g: OnnxGraph, value: string, factor: number, mode: 'linear' | 'cubic'): string {
  const scales = g.floats([1, 1, factor, factor], [4]);
  return g.add('Resize', [value, '', scales], { mode, coordinate_transformation_mode: 'half_pixel' });
}
