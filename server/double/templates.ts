import type { Landmarks } from '../face/types.ts';
import type { Affine } from './surface.ts';

/** Landmarks of the face mesh behind each anchor; an anchor is the mean of its landmarks. Left and right are the picture's. */
const ANCHORS = {
  leftEye: [33, 133],
  rightEye: [362, 263],
  nose: [1],
  leftMouth: [61],
  rightMouth: [291],
  chin: [152],
} as const;
type Anchor = keyof typeof ANCHORS;
type Places = Partial<Record<Anchor, readonly [x: number, y: number]>>;

const five = (...places: [number, number][]): Places => {
  const [leftEye, rightEye, nose, leftMouth, rightMouth] = places as [P, P, P, P, P];
  return { leftEye, rightEye, nose, leftMouth, rightMouth };
};
type P = [number, number];

/**
 * Where a model wants the anchors, as shares of its crop's side. Published templates of the face-replacement ecosystem; `dfl_468` is
 * DeepFaceLive's, whose crop is made wider by its coverage.
 */
const TEMPLATES = {
  arcface_112_v1: five([0.35473, 0.45659], [0.64527, 0.45659], [0.5, 0.61154], [0.37913, 0.77688], [0.62087, 0.77688]),
  arcface_112_v2: five(
    [0.34192, 0.46157],
    [0.65653, 0.45983],
    [0.50023, 0.64051],
    [0.37098, 0.82469],
    [0.63152, 0.82325],
  ),
  arcface_128: five([0.36168, 0.40388], [0.63697, 0.40235], [0.5002, 0.56044], [0.3871, 0.72161], [0.61508, 0.72034]),
  ffhq_512: five([0.37692, 0.46865], [0.62286, 0.46913], [0.50124, 0.61332], [0.39309, 0.72541], [0.6115, 0.7249]),
  dfl_whole_face: five(
    [0.35342, 0.39286],
    [0.62798, 0.39286],
    [0.48661, 0.54018],
    [0.38839, 0.6875],
    [0.59821, 0.6875],
  ),
  dfl_468: {
    leftEye: [0.2233, 0.2333],
    rightEye: [0.7565, 0.2324],
    nose: [0.4904, 0.5272],
    leftMouth: [0.2817, 0.7885],
    rightMouth: [0.7, 0.7878],
    chin: [0.4916, 1.2484],
  },
} as const satisfies Record<string, Places>;

export type TemplateName = keyof typeof TEMPLATES;
export const TEMPLATE_NAMES = Object.keys(TEMPLATES) as [TemplateName, ...TemplateName[]];

/** How much more than the template's own square the crop shows, and how its middle is moved (shares of the template's square). */
export interface Framing {
  coverage: number;
  x: number;
  y: number;
}
/** The template as it stands. */
export const AS_IT_IS: Framing = { coverage: 1, x: 0, y: 0 };
/** The middle of DeepFaceLive's crop within its template. */
const DFL_MIDDLE = [0.5, 0.42] as const;

/**
 * The similarity (turn, one scale, shift) that brings a face's anchors nearest to a template's places in a crop of `size` pixels, by
 * least squares (Umeyama 1991, in the plane). Frame pixel → crop pixel, centres at integers, as those models were trained.
 */
export function alignTo(
  name: TemplateName,
  { points }: Pick<Landmarks, 'points'>,
  size: number,
  { coverage, x, y }: Framing = AS_IT_IS,
): Affine {
  const [middleX, middleY] = name === 'dfl_468' ? DFL_MIDDLE : [0.5, 0.5];
  const places: Places = TEMPLATES[name];
  const pairs = Object.entries(places).map(([anchor, [u, v]]) => {
    const [px, py] = meanOf(points, ANCHORS[anchor as Anchor]);
    const to = [((u - middleX - x) / coverage + 0.5) * size, ((v - middleY - y) / coverage + 0.5) * size] as const;
    return { px, py, u: to[0], v: to[1] };
  });
  return fitSimilarity(pairs);
}

interface Pair {
  px: number;
  py: number;
  u: number;
  v: number;
}

function fitSimilarity(pairs: readonly Pair[]): Affine {
  const mean = (read: (pair: Pair) => number): number =>
    pairs.reduce((sum, pair) => sum + read(pair), 0) / pairs.length;
  const [mx, my, mu, mv] = [mean(({ px }) => px), mean(({ py }) => py), mean(({ u }) => u), mean(({ v }) => v)];
  let [along, across, spread] = [0, 0, 0];
  for (const { px, py, u, v } of pairs) {
    const [dx, dy, du, dv] = [px - mx, py - my, u - mu, v - mv];
    along += dx * du + dy * dv;
    across += dx * dv - dy * du;
    spread += dx * dx + dy * dy;
  }
  const a = along / spread;
  const b = across / spread;
  return [a, -b, mu - a * mx + b * my, b, a, mv - b * mx - a * my];
}

function meanOf(points: Float32Array, indices: readonly number[]): [number, number] {
  const sum = (axis: 0 | 1): number => indices.reduce((total, index) => total + (points[3 * index + axis] ?? 0), 0);
  return [sum(0) / indices.length, sum(1) / indices.length];
}
