import { canonicalOf } from '../double/face-mesh.ts';
import type { Expression } from '../eval/face-signals.ts';
import type { FaceMesh } from '../models/face-mesh.ts';
import { fitFace, mirrorMap, symmetrise, unfold } from '../performer/landmark-shape.ts';
import { type Cylinder, cylinderAround, toUv } from '../performer/unwrap.ts';
import { FootageError } from './footage-error.ts';
import type { Sight } from './observe.ts';

/** Faces that the neutral shape is the median of. */
const FEWEST_CALM = 5;
const MOST_CALM = 40;
/** As scripts/performer/render-double.ts lays a double's texture out: the cylinder's axis behind the eyes, decimetres. */
const AXIS_Z = -0.95;
const MARGIN = 0.05;
const EYE_CORNERS = [33, 133, 362, 263];

/** How the person's face is at rest. */
export interface Neutral {
  /** What their expression reads then. */
  rest: Expression;
  /** x to the performer's left, y up, z to the viewer, centimetres of the canonical head from the middle of the eyes; 468. */
  shape: [number, number, number][];
  /** The texture's layout, 0–1 from its upper left corner; 468. */
  uv: [number, number][];
}

/** The calmest faces that look ahead give the shape of the face at rest, and it the layout of the texture. */
export function neutralOf(sights: readonly Sight[], mesh: FaceMesh): Neutral {
  const ahead = sights.filter(({ yaw, pitch }) => Math.abs(yaw) < 25 && Math.abs(pitch) < 20);
  const enough = ahead.length >= FEWEST_CALM ? ahead : sights;
  const rest = restOf(enough);
  const ranked = enough.toSorted((a, b) => unrest(a, rest) - unrest(b, rest));
  const calm = ranked.slice(0, Math.min(MOST_CALM, Math.max(FEWEST_CALM, Math.round(0.08 * ranked.length))));
  const points = Float32Array.from({ length: 3 * mesh.positions.length }, (_, k) =>
    quantile(
      calm.map(({ canonical }) => canonical[k]!),
      0.5,
    ),
  );
  const shape = upright(points);
  const fitted = fitFace(symmetrise(shape, mirrorMap(mesh)), mesh);
  const uv = layout(fitted, mesh);
  return {
    rest,
    uv,
    shape: uv.map((_, i) => [0, 1, 2].map((c) => 10 * fitted[3 * i + c]!) as [number, number, number]),
  };
}

/** Lips together, lids open, the rest as it mostly is. */
export function restOf(sights: readonly Sight[]): Expression {
  const at = (key: keyof Expression, q: number): number =>
    quantile(sights.map(({ expression }) => expression[key]).filter(Number.isFinite), q);
  return {
    mouthOpen: at('mouthOpen', 0.15),
    blink: at('blink', 0.35),
    smile: at('smile', 0.5),
    brow: at('brow', 0.5),
    gazeX: at('gazeX', 0.5),
  };
}

function unrest({ yaw, pitch, expression: e }: Sight, rest: Expression): number {
  const off = (key: keyof Expression, unit: number): number => ((e[key] - rest[key]) / unit) ** 2;
  return (
    (yaw / 12) ** 2 +
    (pitch / 12) ** 2 +
    off('mouthOpen', 0.08) +
    off('blink', 0.06) +
    off('smile', 0.25) +
    off('brow', 0.25)
  );
}

/** Canonical camera axes → decimetres from the middle of the eyes, y up, z to the viewer. */
function upright(points: Float32Array): Float32Array {
  const [cx, cy, cz] = [0, 1, 2].map(
    (axis) => EYE_CORNERS.reduce((sum, point) => sum + points[3 * point + axis]!, 0) / EYE_CORNERS.length,
  ) as [number, number, number];
  return points.map((value, k) => (k % 3 === 0 ? value - cx : k % 3 === 1 ? cy - value : cz - value) / 10);
}

function layout(points: Float32Array, mesh: FaceMesh): [number, number][] {
  // A shape that cannot be unrolled (a cheek seen badly) leaves the average head's layout.
  for (const shape of [points, upright(Float32Array.from(canonicalOf(mesh)))]) {
    const cylinder: Cylinder = cylinderAround(shape, AXIS_Z, MARGIN);
    const uv = mesh.positions.map((_, i) => toUv(cylinder, shape[3 * i]!, shape[3 * i + 1]!, shape[3 * i + 2]!));
    if (unfold(uv, mesh, 2e-6, 200) === 0) return uv;
  }
  throw new FootageError(
    'The face in this footage could not be laid out flat: shoot it from the front, at rest, well lit and with nothing before it.',
  );
}

/** The q-quantile; not a number of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
