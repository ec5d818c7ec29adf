import { lower, outputNamed } from './lower.ts';
import { regionOptions } from './lower-attention.ts';
import type { Lowering } from './lowering.ts';
import { readTflite, type TfliteModel } from './tflite.ts';

const MESH_POINTS = 468;
const IRIS_POINTS = 5;
const ALL_POINTS = MESH_POINTS + 2 * IRIS_POINTS;
/** The first 16 points of an eye's region are the rim of its lids. */
const RIM_POINTS = 16;

/** Face mesh points that each refinement replaces, in the refinement's order. "left" as the model says: image left. */
export interface Regions {
  lips: number[];
  leftEye: number[];
  rightEye: number[];
}

/** The model carries its own lists: the subset that each region's crop is fitted to. */
export function refinedRegions(model: TfliteModel): Regions {
  const regions = model.ops.filter((op) => op.type === 'CUSTOM:Landmarks2TransformMatrix').map(regionOptions);
  const starting = (first: number): number[] => {
    const found = regions.find((region) => region.subset_idxs[0] === first);
    if (found === undefined) throw new Error(`The landmark model has no region that begins at point ${first}.`);
    return found.subset_idxs;
  };
  return { lips: starting(61), leftEye: starting(33), rightEye: starting(263) };
}

/**
 * The attention landmark model with its refinements merged into one mesh, as MediaPipe's LandmarksRefinementCalculator
 * does: `landmarks` 1×478×3 in pixels of the 192 px crop (z in the same unit), `presence` 1×1, 0–1.
 */
export function convertLandmarks(tflite: Uint8Array, metadata: Record<string, string>): Uint8Array {
  const model = readTflite(tflite);
  const lowering = lower(model, 'face-landmarks-478');
  const { graph } = lowering;
  graph.output('landmarks', mergeRefinements(model, lowering), [1, ALL_POINTS, 3]);
  const logit = graph.add('Reshape', [outputNamed(model, lowering, 'conv_faceflag'), graph.ints([1, 1])]);
  graph.output('presence', graph.add('Sigmoid', [logit]), [1, 1]);
  return graph.encode(metadata);
}

/**
 * x and y come from the refinement where there is one: one Gather from everything joined end to end. z stays the
 * mesh's, and an iris takes the mean z of its lids' rim.
 */
function mergeRefinements(model: TfliteModel, lowering: Lowering): string {
  const g = lowering.graph;
  const regions = refinedRegions(model);
  const points = (name: string, count: number, axes: number) =>
    g.add('Reshape', [outputNamed(model, lowering, name), g.ints([1, count, axes])]);
  const columns = (value: string, from: number, to: number) =>
    g.add('Slice', [value, g.ints([from]), g.ints([to]), g.ints([2])]);

  const mesh = points('output_mesh_identity', MESH_POINTS, 3);
  const refinements = [
    points('output_lips', regions.lips.length, 2),
    points('output_left_eye', regions.leftEye.length, 2),
    points('output_right_eye', regions.rightEye.length, 2),
    points('output_left_iris', IRIS_POINTS, 2),
    points('output_right_iris', IRIS_POINTS, 2),
  ];
  const joined = g.add('Concat', [columns(mesh, 0, 2), ...refinements], { axis: 1 });
  const xy = g.add('Gather', [joined, g.ints(mergeOrder(regions))], { axis: 1 });

  const depth = columns(mesh, 2, 3);
  const irisDepth = (eye: number[]): string[] => {
    const rim = g.add('Gather', [depth, g.ints(eye.slice(0, RIM_POINTS))], { axis: 1 });
    const mean = g.add('ReduceMean', [rim], { axes: [1], keepdims: 1 });
    return Array.from({ length: IRIS_POINTS }, () => mean);
  };
  const z = g.add('Concat', [depth, ...irisDepth(regions.leftEye), ...irisDepth(regions.rightEye)], { axis: 1 });
  return g.add('Concat', [xy, z], { axis: 2 });
}

/** For each of the 478 points its place in mesh | lips | left eye | right eye | left iris | right iris. */
function mergeOrder(regions: Regions): number[] {
  const order = Array.from({ length: MESH_POINTS }, (_, point) => point);
  let place = MESH_POINTS;
  for (const region of [regions.lips, regions.leftEye, regions.rightEye]) {
    for (const point of region) order[point] = place++;
  }
  for (let iris = 0; iris < 2 * IRIS_POINTS; iris++) order.push(place++);
  return order;
}
