import { eyeAngle } from './crop.ts';
import type { RigidFace } from './mesh.ts';
import { OneEuro, type OneEuroOptions } from './one-euro.ts';
import { LANDMARKS } from './types.ts';

/**
 * Where the face is (centre, size, turn), in face sizes and radians. Speeds: 1 is a face width a second (a slow nod).
 * Measured on six webcam clips, 75-pixel faces: shimmer 0.53 → 0.23 % of the width (second difference), lag 0.4 frames.
 */
const PLACE: OneEuroOptions = { minCutoff: 1, beta: 16, speedCutoff: 4 };
/** The shape inside that place: expression. A blink or a plosive moves points at 1–3 face sizes a second and must pass. */
const SHAPE: OneEuroOptions = { minCutoff: 1, beta: 14, speedCutoff: 4 };

/** Smooths one face's landmarks over time: first where the face is, then its points in the face's own coordinates. */
export class LandmarkSmoother {
  readonly #face: RigidFace;
  readonly #centre: OneEuro;
  readonly #size: OneEuro;
  readonly #turn: OneEuro;
  readonly #shape: OneEuro;
  /** The last turn, so that the next one never jumps by a full circle. */
  #lastTurn = 0;

  constructor(face: RigidFace, place = PLACE, shape = SHAPE) {
    this.#face = face;
    this.#centre = new OneEuro(1, 2, place);
    this.#size = new OneEuro(1, 1, place);
    this.#turn = new OneEuro(1, 1, place);
    this.#shape = new OneEuro(LANDMARKS, 3, shape);
  }

  reset(): void {
    for (const filter of [this.#centre, this.#size, this.#turn, this.#shape]) filter.reset();
  }

  /**
   * @param points raw landmarks, frame pixels. @param seconds since the last points, from capture times.
   * @returns the smoothed landmarks, a new array.
   */
  smooth(points: Float32Array, seconds: number): Float32Array {
    const place = placeOf(points, this.#face);
    const turned = unwrap(place.turn, this.#lastTurn);
    const centre = Float64Array.of(place.cx, place.cy);
    const size = Float64Array.of(Math.log(place.size));
    const turn = Float64Array.of(turned);
    const shape = new Float64Array(points.length);
    const cos = Math.cos(turned) / place.size;
    const sin = Math.sin(turned) / place.size;
    for (let at = 0; at < shape.length; at += 3) {
      const x = (points[at] ?? 0) - place.cx;
      const y = (points[at + 1] ?? 0) - place.cy;
      shape[at] = x * cos + y * sin;
      shape[at + 1] = y * cos - x * sin;
      shape[at + 2] = (points[at + 2] ?? 0) / place.size;
    }
    this.#centre.filter(centre, seconds, place.size);
    this.#size.filter(size, seconds);
    this.#turn.filter(turn, seconds);
    this.#shape.filter(shape, seconds);
    this.#lastTurn = turn[0] ?? 0;
    return compose(shape, centre[0] ?? 0, centre[1] ?? 0, Math.exp(size[0] ?? 0), turn[0] ?? 0);
  }
}

function compose(shape: Float64Array, cx: number, cy: number, size: number, turn: number): Float32Array {
  const cos = Math.cos(turn) * size;
  const sin = Math.sin(turn) * size;
  const out = new Float32Array(shape.length);
  for (let at = 0; at < out.length; at += 3) {
    const x = shape[at] ?? 0;
    const y = shape[at + 1] ?? 0;
    out[at] = cx + x * cos - y * sin;
    out[at + 1] = cy + x * sin + y * cos;
    out[at + 2] = (shape[at + 2] ?? 0) * size;
  }
  return out;
}

/** Weighted centre and spread (≈ face width) of the rigid points, and the direction of the eyes. */
function placeOf(points: Float32Array, face: RigidFace): { cx: number; cy: number; size: number; turn: number } {
  let cx = 0;
  let cy = 0;
  let cz = 0;
  for (let i = 0; i < face.indices.length; i++) {
    const at = (face.indices[i] ?? 0) * 3;
    const w = face.weights[i] ?? 0;
    cx += w * (points[at] ?? 0);
    cy += w * (points[at + 1] ?? 0);
    cz += w * (points[at + 2] ?? 0);
  }
  let square = 0;
  for (let i = 0; i < face.indices.length; i++) {
    const at = (face.indices[i] ?? 0) * 3;
    const w = face.weights[i] ?? 0;
    square +=
      w * (((points[at] ?? 0) - cx) ** 2 + ((points[at + 1] ?? 0) - cy) ** 2 + ((points[at + 2] ?? 0) - cz) ** 2);
  }
  // The rigid points spread over about a third of the face's width.
  return { cx, cy, size: Math.max(3 * Math.sqrt(square), 1e-3), turn: eyeAngle(points) };
}

/** The same direction, within half a turn of `near`. */
const unwrap = (angle: number, near: number): number =>
  angle - 2 * Math.PI * Math.round((angle - near) / (2 * Math.PI));
