import { type TrainedNetwork, windowed } from '../double/trained-network.ts';
import { OnnxGraph } from '../models/onnx-graph.ts';
import { type Maths, maths } from './graph-maths.ts';
import { gaussian } from './graph-surface.ts';

const SIZE = 256;
const HALF = SIZE / 2;
/** The face's place, two planes, and where it may be changed: what the recorder of the training data writes beside the pictures. */
export const PLACE_PLANES = 3;
/** Blurs on every second pixel: how far the treatment fades at the face's outline, and at the eyes' and the mouth's openings. */
const RIM_SIGMA = 3;
const OPENING_SIGMA = 0.8;
/** No skin changes by more than this, encoded 0–1. */
const MOST = 0.5;
/** Waves along u and v, read every so many pixels: what scripts/training/train_ages.py trains with. */
const WAVES = [1, 2, 4, 8];
const WAVE_STEP = 4;

/**
 * The network of the age treatment `reage`: a residual on the plate after Zoss et al., "Production-Ready Face Re-Aging for Visual Effects"
 * (2022). Inputs and output as `retouch`: `crop` 1×3×256×256 (the plate's encoded R, G, B, 0–1), `surface` 1×4×256×256 (u, v, coverage,
 * facing), `dial` 1 (−1 younger … 0 … 1 older); `change` 1×4×256×256: what is added to R, G, B, and where (0–1).
 *
 * They give the network the age that is seen and the age that is wanted. Nobody knows a performer's age on a set: here it is given the
 * difference alone, as two planes, and reads from the skin what there is to take away. Its answer is multiplied by |dial|, so that 0
 * changes nothing, and by where the face is: never eyes, teeth, or what lies beyond the outline.
 */
export function reageGraph(network: TrainedNetwork): OnnxGraph {
  const g = new OnnxGraph('understudy-reage');
  const m = maths(g);
  const crop = g.input('crop', [1, 3, SIZE, SIZE]);
  const place = placeOf(g, m, g.input('surface', [1, 4, SIZE, SIZE]));
  const dial = g.input('dial', [1]);
  const younger = m.clip(m.mul(dial, m.scalar(-1)), 0, 1);
  const older = m.clip(dial, 0, 1);
  const seen = windowed(g, network.window);
  const [, , height, width] = network.window;
  const plane = (value: string): string => g.add('Expand', [value, g.ints([1, 1, height, width])]);
  const window = seen.cut(place);
  const given = g.add('Concat', [seen.cut(crop), window, plane(younger), plane(older)], { axis: 1 });
  const where = m.channels(place, 2, 1);
  const known = { given, waves: wavesOf(g, m, window, [height, width]) };
  const rate = m.clip(seen.whole(network.build(g, known, ['change']).change), -MOST, MOST);
  const change = m.mul(rate, m.mul(where, m.add(younger, older)));
  g.output('change', g.add('Concat', [change, where], { axis: 1 }), [1, 4, SIZE, SIZE]);
  return g;
}

/** Sine and cosine of each wave, first along u, then along v. @param size of `place`, height and width. */
function wavesOf(g: OnnxGraph, m: Maths, place: string, size: readonly [number, number]): string {
  const every = g.ints([WAVE_STEP, WAVE_STEP]);
  const coarse = g.add('Slice', [m.channels(place, 0, 2), g.ints([0, 0]), g.ints([...size]), g.ints([2, 3]), every]);
  const waves = WAVES.flatMap((count) => {
    const turns = m.mul(coarse, m.scalar(2 * Math.PI * count));
    return [g.add('Sin', [turns]), g.add('Cos', [turns])];
  });
  return g.add('Concat', waves, { axis: 1 });
}

/** What training data is recorded with: `place` 1×3×256×256 from `surface`. */
export function placeGraph(): OnnxGraph {
  const g = new OnnxGraph('understudy-place');
  const place = placeOf(g, maths(g), g.input('surface', [1, 4, SIZE, SIZE]));
  g.output('place', place, [1, PLACE_PLANES, SIZE, SIZE]);
  return g;
}

/** u and v (0–1; 0 where there is no skin), and where skin may be changed (0–1, fading inwards from every edge). */
function placeOf(g: OnnxGraph, m: Maths, surface: string): string {
  const every = g.ints([2, 2]);
  const half = g.add('Slice', [surface, g.ints([0, 0]), g.ints([SIZE, SIZE]), g.ints([2, 3]), every]);
  const skin = (planes: string): string =>
    // Openings lie far outside the texture (OPENING_UV in scripts/double/face-mesh.ts), skin never.
    m.mul(m.channels(planes, 2, 1), m.clip(m.mul(m.add(m.channels(planes, 0, 1), m.scalar(2)), m.scalar(2)), 0, 1));
  const facing = m.clip(m.mul(m.channels(half, 3, 1), m.scalar(6)), 0, 1);
  const covered = m.mul(m.channels(half, 2, 1), facing);
  const inwards = (value: string, sigma: number): string =>
    m.clip(m.sub(m.mul(gaussian(g, value, sigma, HALF), m.scalar(2)), m.scalar(1)), 0, 1);
  // Beyond the outline counts as skin for the openings: they fade at their own edges only.
  const open = m.sub(m.channels(half, 2, 1), skin(half));
  const shut = m.clip(m.sub(m.scalar(1), m.mul(gaussian(g, open, OPENING_SIGMA, HALF), m.scalar(2))), 0, 1);
  const where = m.doubled(m.mul(inwards(covered, RIM_SIGMA), shut));
  const place = m.add(m.mul(m.channels(surface, 0, 2), m.scalar(0.5)), m.scalar(0.5));
  return g.add('Concat', [m.mul(place, skin(surface)), where], { axis: 1 });
}
