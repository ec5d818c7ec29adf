import { OnnxGraph } from '../models/onnx-graph.ts';
import type { AgeWeights } from './weights.ts';

const SIZE = 256;
const INT32 = 6;

/** Rec. 601 luma of encoded R, G, B: what the wrinkle band is looked for in. */
const LUMA = [0.299, 0.587, 0.114];

/**
 * The network of the age treatment `retouch`: analytic, no weights were learned. Inputs: `crop` 1×3×256×256 (the plate's encoded
 * R, G, B, 0–1), `surface` 1×4×256×256 (u, v, coverage, facing, from the raster kernel), `dial` 1 (−1 younger … 0 … 1 older).
 * Output: `change` 1×4×256×256: what is added to R, G, B, and where (0–1). At dial 0 the change is exactly 0.
 *
 * Guided filters (He, Sun, Tang, "Guided Image Filtering", 2013) part the face's broad shading from its fine relief; younger takes
 * from the relief's dark half and lifts valleys narrower than a fold (grey closing, Serra 1982), older does the reverse.
 */
export function retouchGraph(weights: AgeWeights): OnnxGraph {
  const g = new OnnxGraph('understudy-retouch');
  const crop = g.input('crop', [1, 3, SIZE, SIZE]);
  const surface = g.input('surface', [1, 4, SIZE, SIZE]);
  const dial = g.input('dial', [1]);
  const m = maths(g);
  const younger = m.clip(m.mul(dial, m.scalar(-1)), 0, 1);
  const older = m.clip(dial, 0, 1);
  const { skin, folds } = sampled(g, m, surface, weights);

  const luma = g.add('Conv', [crop, g.floats(LUMA, [1, 3, 1, 1])]);
  const once = guided(m, luma, luma, 13, 0.05 ** 2);
  const base = guided(m, once, once, 21, 0.07 ** 2);
  const relief = m.sub(luma, base);
  const fine = m.sub(relief, m.mean(relief, 3));
  const middle = m.sub(relief, fine);
  const valleys = valleyDepth(g, m, base, skin);
  const dark = g.add('Min', [middle, m.scalar(0)]);
  const bright = m.sub(middle, dark);

  // Younger: 80 % of the middle band's dark half, 45 % of its bright half and 15 % of the finest go; folds are filled.
  const taken = m.sum(m.mul(dark, m.scalar(-0.8)), m.mul(bright, m.scalar(-0.45)), m.mul(fine, m.scalar(-0.15)));
  const youth = m.add(taken, m.mul(m.mul(valleys, folds), m.scalar(0.75)));
  // Older: the same bands grow, dark ones most; folds deepen.
  const grown = m.sum(m.mul(dark, m.scalar(1.3)), m.mul(bright, m.scalar(0.5)), m.mul(fine, m.scalar(0.8)));
  const age = m.sub(grown, m.mul(m.mul(valleys, folds), m.scalar(0.9)));
  const lumaChange = m.add(m.mul(youth, younger), m.mul(age, older));

  const chroma = m.sub(crop, luma);
  const even = m.mean(guided(m, luma, chroma, 19, 0.04 ** 2), 7);
  const blotches = m.sub(even, chroma);
  const chromaChange = m.mul(blotches, m.sub(m.mul(younger, m.scalar(0.55)), m.mul(older, m.scalar(0.5))));

  const change = m.mul(m.add(chromaChange, lumaChange), skin);
  g.output('change', g.add('Concat', [change, skin], { axis: 1 }), [1, 4, SIZE, SIZE]);
  return g;
}

/** How much higher the surface would be without valleys narrower than about 19 crop pixels, 0–0.12. Eyes, brows and lips make none. */
function valleyDepth(g: OnnxGraph, m: Maths, base: string, skin: string): string {
  const half = (value: string): string => g.add('AveragePool', [value], { kernel_shape: [2, 2], strides: [2, 2] });
  const broad = m.mean(base, 19);
  const guarded = half(m.add(broad, m.mul(m.sub(base, broad), skin)));
  const widest = (value: string): string => g.add('MaxPool', [value], { kernel_shape: [9, 9], pads: [4, 4, 4, 4] });
  const minus = (value: string): string => m.mul(value, m.scalar(-1));
  const closed = minus(widest(minus(widest(guarded))));
  const depth = m.mean(m.sub(closed, guarded), 5);
  const scales = g.floats([1, 1, 2, 2], [4]);
  const full = g.add('Resize', [depth, '', scales], { mode: 'linear', coordinate_transformation_mode: 'half_pixel' });
  return m.clip(full, 0, 0.12);
}

/** Skin and fold weights where the mesh lies; skin is 0 outside it. */
function sampled(g: OnnxGraph, m: Maths, surface: string, { side, skin, folds }: AgeWeights) {
  const texels = new Float32Array(2 * side * side);
  for (let i = 0; i < side * side; i++) texels.set([skin[i] ?? 0, folds[i] ?? 0], 2 * i);
  const channel = (k: number): string => g.add('Slice', [surface, g.ints([k]), g.ints([k + 1]), g.ints([1])]);
  const place = (k: number): string =>
    g.add('Floor', [m.clip(m.add(m.mul(channel(k), m.scalar(side / 2)), m.scalar(side / 2)), 0, side - 1)]);
  const index = g.add('Cast', [m.add(m.mul(place(1), m.scalar(side)), place(0))], { to: INT32 });
  const read = g.add('Gather', [g.floats(texels, [side * side, 2]), g.add('Reshape', [index, g.ints([SIZE * SIZE])])], {
    axis: 0,
  });
  const planes = g.add('Reshape', [g.add('Transpose', [read], { perm: [1, 0] }), g.ints([1, 2, SIZE, SIZE])]);
  const of = (k: number): string => g.add('Slice', [planes, g.ints([k]), g.ints([k + 1]), g.ints([1])]);
  const facing = m.clip(m.mul(channel(3), m.scalar(2)), 0, 1);
  return { skin: m.mean(m.mul(m.mul(of(0), channel(2)), facing), 5), folds: of(1) };
}

/** Guided filter of `image` (1 or more channels) by a one-channel guide over `side`² boxes. */
function guided(m: Maths, guide: string, image: string, side: number, epsilon: number): string {
  const mean = (value: string): string => m.mean(value, side);
  const [meanGuide, meanImage] = [mean(guide), mean(image)];
  const covariance = m.sub(mean(m.mul(image, guide)), m.mul(meanImage, meanGuide));
  const variance = m.sub(mean(m.mul(guide, guide)), m.mul(meanGuide, meanGuide));
  const slope = m.div(covariance, m.add(variance, m.scalar(epsilon)));
  return m.add(m.mul(mean(slope), guide), mean(m.sub(meanImage, m.mul(slope, meanGuide))));
}

type Maths = ReturnType<typeof maths>;

const maths = (g: OnnxGraph) => {
  const scalar = (value: number): string => g.floats([value], []);
  const add = (a: string, b: string): string => g.add('Add', [a, b]);
  return {
    scalar,
    add,
    sum: (first: string, ...rest: string[]): string => rest.reduce(add, first),
    sub: (a: string, b: string): string => g.add('Sub', [a, b]),
    mul: (a: string, b: string): string => g.add('Mul', [a, b]),
    div: (a: string, b: string): string => g.add('Div', [a, b]),
    clip: (value: string, from: number, to: number): string => g.add('Clip', [value, scalar(from), scalar(to)]),
    /** Box mean, one axis after the other; at the border over what is there. */
    mean: (value: string, side: number): string => {
      const pad = (side - 1) / 2;
      const rows = g.add('AveragePool', [value], { kernel_shape: [1, side], pads: [0, pad, 0, pad] });
      return g.add('AveragePool', [rows], { kernel_shape: [side, 1], pads: [pad, 0, pad, 0] });
    },
  };
};
