import type { Iris } from '../../server/double/irises.ts';
import { SIZE } from '../../server/double/surface.ts';
import type { Expression } from '../eval/face-signals.ts';
import type { FaceMesh } from '../models/face-mesh.ts';
import { signedDistance } from '../performer/unwrap.ts';
import { quantile } from './neutral.ts';
import { PLANE, type Sight } from './observe.ts';

/** As scripts/double/measure-iris.ts: steps from the middle of the pupil, of which the iris takes EDGE. */
const STEPS = 18;
const EDGE = 13;
/** Crop pixels a canonical unit: server/double/surface.ts. */
const SCALE = 11.2;
/** Encoded brightness of the white around the iris in a texture's light. */
const WHITE = 0.62;
const MOST_TURNED = 18;
const FEWEST = 5;
const MOST = 40;

/**
 * How the person's irises look: colours on the way out from the pupil, medians over both eyes in all pictures in which they are open and look
 * ahead, over the white beside them. Null where too few pictures show that.
 */
export function irisOf(sights: readonly Sight[], rest: Expression, mesh: FaceMesh): Iris | null {
  const seen = sights
    .filter(({ yaw, pitch, expression: e }) => {
      const ahead =
        Math.abs(yaw) < MOST_TURNED && Math.abs(pitch) < MOST_TURNED && Math.abs(e.gazeX - rest.gazeX) < 0.08;
      return ahead && e.blink < rest.blink + 0.03;
    })
    .toSorted((a, b) => b.faceHeight - a.faceHeight)
    .slice(0, MOST);
  if (seen.length < FEWEST) return null;
  const eyes = [
    { rim: mesh.leftEye, iris: mesh.leftIris },
    { rim: mesh.rightEye, iris: mesh.rightIris },
  ];
  const radius = quantile(
    seen.flatMap(({ cropPoints }) => eyes.map(({ iris }) => radiusOf(cropPoints, iris))),
    0.5,
  );
  const colours: number[][][] = Array.from({ length: STEPS + 1 }, () => [[], [], []]);
  for (const sight of seen) for (const { rim, iris } of eyes) gather(sight, rim, iris, radius, colours);
  if (colours.some(([red]) => red!.length === 0)) return null;
  return {
    radius: (radius * STEPS) / EDGE / SCALE,
    profile: colours.flatMap((channels) => channels.map((values) => WHITE * quantile(values, 0.5))),
  };
}

function radiusOf(points: Float32Array, [middle, ...rim]: readonly number[]): number {
  const away = rim.map((point) =>
    Math.hypot(points[2 * point]! - points[2 * middle!]!, points[2 * point + 1]! - points[2 * middle! + 1]!),
  );
  return away.reduce((sum, value) => sum + value, 0) / away.length;
}

/** Adds one eye's colours, over its white, step by step. */
function gather(
  { crop, cropPoints }: Sight,
  rim: readonly number[],
  iris: readonly number[],
  radius: number,
  colours: number[][][],
): void {
  const at = (point: number): readonly [number, number] => [cropPoints[2 * point]!, cropPoints[2 * point + 1]!];
  const outline = rim.map(at);
  const [cx, cy] = at(iris[0]!);
  const most = (radius * (STEPS + 0.5)) / EDGE;
  const found: { step: number; rgb: number[] }[] = [];
  // Above, the lid casts its shadow.
  for (let y = Math.ceil(cy - 0.5 * radius); y <= Math.min(SIZE - 1, cy + most); y++)
    for (let x = Math.max(0, Math.floor(cx - most)); x <= Math.min(SIZE - 1, cx + most); x++) {
      const step = (EDGE * Math.hypot(x - cx, y - cy)) / radius;
      if (step > STEPS || y < 0 || signedDistance(outline, x, y) < 0.7) continue;
      found.push({ step, rgb: [0, 1, 2].map((c) => crop[c * PLANE + y * SIZE + x]!) });
    }
  const white = [0, 1, 2].map((c) =>
    quantile(
      found.filter(({ step }) => step > EDGE + 2).map(({ rgb }) => rgb[c]!),
      0.6,
    ),
  );
  if (!white.every((value) => value > 30)) return;
  for (const { step, rgb } of found)
    for (const near of new Set([Math.floor(step), Math.ceil(step)]))
      if (near <= STEPS) for (let c = 0; c < 3; c++) colours[near]![c]!.push(rgb[c]! / white[c]!);
}
