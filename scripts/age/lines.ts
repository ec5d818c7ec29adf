import type { FaceMesh } from '../models/face-mesh.ts';
import { random } from '../performer/vec.ts';

export type Point = readonly [number, number];

/** A groove in texture space: how deep (1 = as deep as a strong fold) and its half width, shares of the texture's side. */
export interface Groove {
  line: Point[];
  depth: number;
  width: number;
}

type Draw = (line: Point[], depth: number, width: number) => void;

const mix = (a: number, b: number, t: number): number => a + t * (b - a);
const between = (a: Point, b: Point, t: number): Point => [mix(a[0], b[0], t), mix(a[1], b[1], t)];

/** Landmark numbers of the viewer's left half of the face with those of the right. */
const SIDES = {
  fold: [
    [129, 203, 206, 216, 212],
    [358, 423, 426, 436, 432],
  ],
  marionette: [
    [57, 43, 204, 211],
    [287, 273, 424, 431],
  ],
  bag: [
    [244, 233, 232, 231, 230, 229, 228],
    [464, 453, 452, 451, 450, 449, 448],
  ],
  trough: [
    [245, 128, 121, 120, 119],
    [465, 357, 350, 349, 348],
  ],
  corner: [[33], [263]],
  lip: [
    [167, 165, 92],
    [393, 391, 322],
  ],
  lipEdge: [
    [37, 39, 40],
    [267, 269, 270],
  ],
  glabella: [
    [55, 107, 108],
    [285, 336, 337],
  ],
  cheek: [
    [50, 205, 207],
    [280, 425, 427],
  ],
} as const;

/**
 * Where age draws lines, on the landmark mesh's own texture: forehead, glabella, crow's feet, tear troughs and bags, nasolabial folds,
 * marionette lines, upper lip. The same for everybody and drawn by our own hand: no picture of a person went in. A little unevenness,
 * from a fixed seed, keeps the halves from mirroring each other.
 */
export function ageLines(mesh: FaceMesh): Groove[] {
  const grooves: Groove[] = [];
  const next = random(20260);
  const draw: Draw = (line, depth, width) =>
    grooves.push({ line: smooth(line), depth: depth * mix(0.8, 1.2, next()), width: width * mix(0.85, 1.2, next()) });
  const at = (point: number): Point => mesh.uv[point] as Point;
  drawForehead(at, next, draw);
  for (const side of [0, 1] as const) drawSide((name) => SIDES[name][side].map(at), side === 0 ? -1 : 1, next, draw);
  return grooves;
}

const BROW = [70, 63, 105, 66, 107, 9, 336, 296, 334, 293, 300];
const MIDDLE = [71, 68, 104, 69, 108, 151, 337, 299, 333, 298, 301];
const TOP = [54, 103, 67, 109, 109, 10, 338, 338, 297, 332, 284];

function drawForehead(at: (point: number) => Point, next: () => number, draw: Draw): void {
  for (const [height, from, to, depth] of [
    [0.62, 2, 8, 0.5],
    [1.02, 1, 9, 0.75],
    [1.38, 2, 9, 0.6],
    [1.72, 3, 7, 0.35],
  ] as const) {
    const phase = 6 * next();
    const line: Point[] = [];
    for (let i = from; i <= to; i++) {
      const low = between(at(BROW[i]!), at(MIDDLE[i]!), Math.min(1, height));
      const [u, v] = between(low, at(TOP[i]!), Math.max(0, height - 1));
      line.push([u, v + 0.006 * Math.sin(1.7 * i + phase) + 0.003 * (next() - 0.5)]);
    }
    draw(line, depth, 0.0065);
  }
}

function drawSide(of: (name: keyof typeof SIDES) => Point[], out: -1 | 1, next: () => number, draw: Draw): void {
  const fold = of('fold');
  draw(fold, 1.15, 0.0125);
  draw(
    fold.slice(1).map(([u, v]) => [u + 0.006 * out, v + 0.004]),
    0.45,
    0.005,
  );
  draw(of('marionette'), 0.7, 0.0105);
  draw(of('bag'), 0.6, 0.009);
  draw(of('trough'), 0.75, 0.0115);
  draw(
    of('bag')
      .slice(2)
      .map(([u, v]) => [u + 0.004 * out, v - 0.016]),
    0.3,
    0.0045,
  );
  draw(
    of('glabella').map(([u, v]) => [mix(u, 0.5, 0.35), v]),
    0.55,
    0.0065,
  );
  draw(
    of('cheek').map(([u, v]) => [u - 0.012 * out, v]),
    0.22,
    0.006,
  );
  const [corner] = of('corner') as [Point];
  for (let i = 0; i < 5; i++) {
    const angle = mix(-0.8, 0.95, (i + 0.4 * next()) / 4.4);
    const long = mix(0.07, 0.115, next());
    draw(
      [0, 0.35, 0.7, 1].map(
        (t): Point => [
          corner[0] + out * (0.026 + t * long * Math.cos(angle)),
          corner[1] + 0.004 + t * long * Math.sin(angle) - 0.012 * t * t,
        ],
      ),
      0.45,
      0.0045,
    );
  }
  const [above, edge] = [of('lip'), of('lipEdge')];
  for (let i = 0; i < 3; i++)
    draw(
      [0.35, 0.65, 0.95].map((t) => between(above[i]!, edge[i]!, t)),
      0.22,
      0.0035,
    );
}

/** Catmull-Rom through the points, eight steps each. */
function smooth(points: readonly Point[]): Point[] {
  const line: Point[] = [];
  const at = (i: number): Point => points[Math.min(points.length - 1, Math.max(0, i))]!;
  for (let i = 0; i < points.length - 1; i++) {
    const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    for (let k = 0; k < 8; k++) {
      const t = k / 8;
      line.push(
        [0, 1].map(
          (n) =>
            0.5 *
            (2 * b[n]! +
              t *
                (c[n]! -
                  a[n]! +
                  t * (2 * a[n]! - 5 * b[n]! + 4 * c[n]! - d[n]! + t * (3 * (b[n]! - c[n]!) + d[n]! - a[n]!)))),
        ) as unknown as Point,
      );
    }
  }
  line.push(at(points.length - 1));
  return line;
}

/**
 * The grooves as heights, side², ≤ 0 in a groove and a little above 0 on its banks: the difference of two bells across, fading towards
 * both ends.
 */
export function heights(grooves: readonly Groove[], side: number): Float32Array {
  const height = new Float32Array(side * side);
  for (const { line, depth, width } of grooves) {
    const reach = 5 * width;
    const [us, vs] = [line.map(([u]) => u), line.map(([, v]) => v)];
    const rows = [Math.min(...vs) - reach, Math.max(...vs) + reach].map((v) =>
      Math.min(side, Math.max(0, Math.round(v * side))),
    );
    const columns = [Math.min(...us) - reach, Math.max(...us) + reach].map((u) =>
      Math.min(side, Math.max(0, Math.round(u * side))),
    );
    for (let y = rows[0]!; y < rows[1]!; y++) {
      for (let x = columns[0]!; x < columns[1]!; x++) {
        const [distance, along] = nearest(line, (x + 0.5) / side, (y + 0.5) / side);
        const q = distance / (width * width);
        if (q > 14) continue;
        const fade = Math.min(1, along / 0.25) * Math.min(1, (1 - along) / 0.35);
        height[y * side + x]! -= depth * fade * (Math.exp(-q) - 0.42 * Math.exp(-q / 3.2));
      }
    }
  }
  return height;
}

/** Square of the distance to a polyline, and where along it (0–1). */
function nearest(line: readonly Point[], u: number, v: number): [square: number, along: number] {
  let [least, along] = [Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i + 1 < line.length; i++) {
    const [[ax, ay], [bx, by]] = [line[i]!, line[i + 1]!];
    const [dx, dy] = [bx - ax, by - ay];
    const t = Math.min(1, Math.max(0, ((u - ax) * dx + (v - ay) * dy) / (dx * dx + dy * dy + 1e-12)));
    const square = (u - ax - t * dx) ** 2 + (v - ay - t * dy) ** 2;
    if (square < least) [least, along] = [square, (i + t) / (line.length - 1)];
  }
  return [least, along];
}
