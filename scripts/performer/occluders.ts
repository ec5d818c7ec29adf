import type { Rgb } from './identity.ts';
import { box, capsule, ellipsoid, joinSolids, rod, type Solid, torus } from './solids.ts';
import { mix, rotation, type Vec3 } from './vec.ts';

export type OccluderKind = 'hand' | 'microphone' | 'cup' | 'box' | 'spectacles';

/** A thing before the face. */
export interface Occluder {
  kind: OccluderKind;
  solid: Solid;
  /** `skull`: worn, moves with the head. `set`: stands at `offset` from the middle of the face (decimetres, scene axes). */
  on: 'skull' | 'set';
  offset: Vec3;
}

type Next = () => number;
const KINDS: readonly OccluderKind[] = ['hand', 'hand', 'hand', 'microphone', 'cup', 'box', 'spectacles'];

/**
 * A random thing, held in a random place before the face. `skin` is the performer's own linear colour (for the hand),
 * `eyes` half the distance between the eyes in decimetres (for spectacles).
 */
export function randomOccluder(
  next: Next,
  looks: { skin: Rgb; eyes: number },
  kind: OccluderKind = KINDS[Math.floor(next() * KINDS.length)]!,
): Occluder {
  if (kind === 'spectacles') return { kind, solid: spectacles(next, looks.eyes), on: 'skull', offset: [0, 0, 0] };
  const solid = kind === 'hand' ? hand(next, looks.skin) : thing(next, kind, looks.skin);
  const offset: Vec3 = [
    0.75 * (next() + next() - 1),
    mix(-0.85, 0.45, next()),
    mix(0.62, 1.25, next()) + (kind === 'cup' || kind === 'box' ? 0.35 : 0),
  ];
  return { kind, solid, on: 'set', offset };
}

function colourful(next: Next): Rgb {
  return [0.6 * next() ** 2 + 0.02, 0.6 * next() ** 2 + 0.02, 0.6 * next() ** 2 + 0.02];
}

/** Turns a solid about the origin. */
function turned(solid: Solid, yaw: number, pitch: number, roll: number): Solid {
  const m = rotation(yaw, pitch, roll);
  for (const list of [solid.points, solid.normals])
    for (let i = 0; i < list.length; i += 3) {
      const [x, y, z] = [list[i]!, list[i + 1]!, list[i + 2]!];
      list[i] = m[0] * x + m[1] * y + m[2] * z;
      list[i + 1] = m[3] * x + m[4] * y + m[5] * z;
      list[i + 2] = m[6] * x + m[7] * y + m[8] * z;
    }
  return solid;
}

/** Lengths of the fingers' three bones and where their knuckles sit on the palm, decimetres (index … little finger). */
const FINGERS: readonly (readonly [x: number, y: number, a: number, b: number, c: number, thick: number])[] = [
  [-0.29, 0.42, 0.4, 0.25, 0.2, 0.108],
  [-0.1, 0.46, 0.44, 0.29, 0.21, 0.11],
  [0.1, 0.43, 0.4, 0.27, 0.2, 0.106],
  [0.28, 0.35, 0.32, 0.2, 0.17, 0.094],
];

/** A hand and its forearm: palm at the origin, fingers up, the back or the palm to the camera. */
function hand(next: Next, skin: Rgb): Solid {
  const tone = scaled(skin, mix(0.9, 1.12, next()));
  const nail = scaled([skin[0] * 1.05, skin[1] * 1.02, skin[2] * 1.05], 1.1);
  const curl = mix(0.05, 0.75, next());
  const fan = mix(0.02, 0.16, next());
  const parts: Solid[] = [
    ellipsoid([0, 0.05, 0], [0.46, 0.54, 0.18], tone),
    ellipsoid([-0.2, -0.18, 0.05], [0.2, 0.3, 0.15], tone),
  ];
  FINGERS.forEach(([x, y, a, b, c, thick], i) => {
    const aside = (i - 1.4) * fan;
    let at: Vec3 = [x, y - 0.1, 0];
    let bend = curl * mix(0.3, 0.7, next());
    [a + 0.1, b, c].forEach((long, bone) => {
      const tip: Vec3 = [
        at[0] + long * Math.sin(aside) * Math.cos(bend),
        at[1] + long * Math.cos(aside) * Math.cos(bend),
        at[2] - long * Math.sin(bend),
      ];
      parts.push(capsule(at, tip, thick * (1 - 0.08 * bone), thick * (0.94 - 0.09 * bone), tone));
      if (bone === 2) parts.push(ellipsoid([tip[0], tip[1], tip[2] + 0.045], [0.045, 0.06, 0.03], nail));
      at = tip;
      bend += curl * mix(0.5, 1, next());
    });
  });
  const knuckle: Vec3 = [-0.52, 0.06, -0.08];
  parts.push(capsule([-0.24, -0.28, 0], knuckle, 0.14, 0.1, tone));
  parts.push(capsule(knuckle, [-0.6, 0.36, -0.14], 0.1, 0.08, tone));
  const sleeve = next() < 0.5 ? colourful(next) : tone;
  parts.push(capsule([0, -0.3, 0], [0, -0.75, 0.02], 0.25, 0.24, tone));
  parts.push(capsule([0, -0.75, 0.02], [0.1, -4, 0.3], sleeve === tone ? 0.25 : 0.34, 0.45, sleeve));
  const solid = joinSolids(parts);
  if (next() < 0.5) mirror(solid);
  return turned(
    solid,
    next() < 0.5 ? 0.5 * (next() - 0.5) : Math.PI + 0.5 * (next() - 0.5),
    0.5 * (next() - 0.4),
    2 * (next() - 0.5),
  );
}

const scaled = (c: Rgb, k: number): Rgb => [c[0] * k, c[1] * k, c[2] * k];

function mirror(solid: Solid): void {
  const { points, normals, triangles } = solid;
  for (let i = 0; i < points.length; i += 3) {
    points[i] = -points[i]!;
    normals[i] = -normals[i]!;
  }
  for (let i = 0; i < triangles.length; i += 3) [triangles[i], triangles[i + 1]] = [triangles[i + 1]!, triangles[i]!];
}

function thing(next: Next, kind: 'microphone' | 'cup' | 'box', skin: Rgb): Solid {
  const tilt = 0.8 * (next() - 0.5);
  if (kind === 'microphone') {
    const metal: Rgb = next() < 0.5 ? [0.02, 0.02, 0.022] : [0.3, 0.3, 0.31];
    const thick = mix(0.1, 0.16, next());
    const solid = joinSolids([
      capsule([0, -0.12, 0], [0, 0.05, 0], 1.6 * thick, 1.7 * thick, scaled(metal, 1.6)),
      rod([0, -0.2, 0], [0, -3.5, 0], thick, metal),
    ]);
    return turned(solid, 0, 0.5 * (next() - 0.7), 1.5 * (next() - 0.5));
  }
  if (kind === 'box') {
    const solid = box([0, 0, 0], [mix(0.2, 0.55, next()), mix(0.3, 0.8, next()), 0.05], colourful(next));
    return turned(solid, tilt, tilt, 3 * (next() - 0.5));
  }
  const wide = mix(0.32, 0.45, next());
  const cup = joinSolids([
    rod([0, -0.5, 0], [0, 0.45, 0], wide, colourful(next)),
    torus([wide * 1.15, 0, 0], [0.26, 0.3], 0.05, colourful(next)),
    capsule([-wide, -0.1, 0.15], [0.1, -0.15, wide + 0.05], 0.1, 0.09, skin),
    capsule([-wide, 0.1, 0.15], [0.1, 0.07, wide + 0.05], 0.1, 0.09, skin),
    capsule([-wide, -0.2, 0], [-0.7, -3.5, 0.2], 0.2, 0.4, skin),
  ]);
  return turned(cup, tilt, 0.4 * tilt, tilt);
}

/** Frames before the eyes; the glass itself is clear. */
function spectacles(next: Next, eyes: number): Solid {
  const frame = next() < 0.6 ? scaled(colourful(next), 0.25) : ([0.25, 0.2, 0.12] as const);
  const thick = mix(0.014, 0.03, next());
  const [wide, high] = [mix(0.22, 0.26, next()), mix(0.16, 0.22, next())];
  const z = 0.27;
  const y = -0.03;
  const parts: Solid[] = [];
  for (const side of [-1, 1]) {
    const middle = side * (eyes + 0.015);
    parts.push(torus([middle, y, z], [wide, high], thick, frame));
    const hinge: Vec3 = [middle + side * wide, y + 0.07, z - 0.02];
    parts.push(capsule(hinge, [side * 0.78, y + 0.06, -0.95], 0.8 * thick, 0.8 * thick, frame));
  }
  parts.push(
    capsule([-eyes + wide - 0.02, y + 0.06, z], [eyes - wide + 0.02, y + 0.06, z + 0.01], thick, thick, frame),
  );
  return joinSolids(parts);
}
