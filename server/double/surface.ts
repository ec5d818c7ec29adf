import type { Landmarks } from '../face/types.ts';
import type { Arena } from '../frame/arena.ts';
import type { Picture } from '../frame/frame.ts';
import { type Kernels, matrixOf } from '../frame/kernels.ts';
import { fitPose, type HeadPose, rotate } from './pose.ts';
import type { ReplacedFace } from './replacer.ts';
import type { Template } from './template.ts';

/** Side of the crop that looks are drawn in; close to the camera they are drawn in more detail, over the same place (`detail` pixels for one). */
export const SIZE = 256;
/** The part of the crop that a trained network works on: beyond it lies no face (99 of 100, to 50° of yaw). */
export const WINDOW = { left: 32, top: 16, width: 192, height: 224 } as const;
/** Crop pixels per canonical unit: the oval of a calm face is about 200 of 256 pixels high and an open mouth still fits. */
export const CROP_SCALE = 11.2;
/** Canonical y of the crop's centre (down is positive): a little below the eyes' middle, so that chin and brow have equal room. */
const CROP_CENTRE_Y = 1.1;
const VERTEX_BYTES = 20;

export type Affine = ReplacedFace['toCrop'];

/** Beyond an opening the double is still let in by degrees, pixels of SIZE. */
const RIM = 6;

/** Where the openings' pixels come from. */
export interface Moved {
  /** x and y of the crop, coverage and facing, (SIZE · detail)² float32 each, in kernel memory until the next drawing. */
  places: number;
  /** Crop pixels that hold the openings: x0, y0, x1, y1. */
  box: readonly [number, number, number, number];
}

export interface Drawn {
  pose: HeadPose;
  toCrop: Affine;
  /** Null where the double keeps the performer's proportions. */
  moved: Moved | null;
}

/** The performer's landmark mesh as a drawable surface. Owns its kernel memory. */
export class Surface {
  readonly #template: Template;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #detail: number;
  readonly #size: number;
  /** The template's own proportions over an average head's; null where it keeps the performer's. */
  readonly #offset: Float32Array | null;
  readonly #triangles: number;
  /** Those of the openings and around them; made when they are first wanted. */
  #around: { at: number; count: number } | null = null;
  readonly #vertices: number;
  readonly #depth: number;
  #places = 0;
  readonly #blocks: [at: number, bytes: number][] = [];

  constructor(template: Template, arena: Arena, kernels: Kernels, detail = 1) {
    this.#template = template;
    this.#detail = detail;
    this.#size = SIZE * detail;
    this.#arena = arena;
    this.#kernels = kernels;
    this.#offset = template.offset.some((value) => value !== 0) ? template.offset : null;
    this.#triangles = this.reserve(template.triangles.length * 4);
    arena.ints(this.#triangles, template.triangles.length).set(template.triangles);
    this.#vertices = this.reserve(template.vertices.length * VERTEX_BYTES);
    this.#depth = this.reserve(this.#size ** 2 * 4);
    if (this.#offset) this.#places = this.reserve(4 * this.#size ** 2 * 4);
  }

  /** Kernel memory that goes with the surface. @throws Error with a sentence where there is none left; then the surface holds none either. */
  reserve(bytes: number): number {
    try {
      const at = this.#arena.allocate(bytes);
      this.#blocks.push([at, bytes]);
      return at;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Draws u, v, coverage and facing, (SIZE · detail)² float32 each, at `out`. @param neutral the performer's face at rest, as in FaceInput. */
  draw(landmarks: Landmarks, out: number, neutral: Float32Array | null = null): Drawn {
    const template = this.#template;
    const pose = fitPose(template.canonical, landmarks.points, template.rigid);
    const toCrop = cropOf(pose, this.#detail);
    const vertices = this.#arena.floats(this.#vertices, template.vertices.length * 5);
    const shift = this.#offset && shiftOf(this.#offset, template.canonical, neutral);
    placeVertices(template, shift, landmarks, pose, toCrop, vertices);
    this.#kernels.raster(this.#vertices, this.#triangles, template.triangles.length / 3, this.#size, out, this.#depth);
    return { pose, toCrop, moved: shift && this.#movedBy(landmarks, toCrop, vertices) };
  }

  /** Where a landmark of the double lies in the crop, in the last drawing. */
  place(landmark: number): readonly [number, number] {
    const at = 5 * this.#template.vertices.indexOf(landmark);
    const vertices = this.#arena.floats(this.#vertices, this.#template.vertices.length * 5);
    return [vertices[at]!, vertices[at + 1]!];
  }

  /** Whether the last drawing lies within WINDOW. */
  withinWindow(): boolean {
    const { left, top, width, height } = WINDOW;
    const d = this.#detail;
    const vertices = this.#arena.floats(this.#vertices, this.#template.vertices.length * 5);
    for (let i = 0; i < vertices.length; i += 5) {
      const x = vertices[i]!;
      const y = vertices[i + 1]!;
      if (!(x >= left * d && y >= top * d && x < (left + width) * d && y < (top + height) * d)) return false;
    }
    return true;
  }

  /**
   * The performer's own eyes and mouth, where the double's openings are. Draws once more, and writes into each pixel where in the crop
   * the performer has that point.
   */
  #movedBy({ points }: Landmarks, [a, b, c, d, e, f]: Affine, vertices: Float32Array): Moved {
    const { vertices: ids, uv } = this.#template;
    const size = this.#size;
    let [x0, y0, x1, y1] = [size, size, 0, 0];
    for (let i = 0; i < ids.length; i++) {
      if (uv[2 * i]! < -1) {
        x0 = Math.min(x0, vertices[5 * i]!);
        y0 = Math.min(y0, vertices[5 * i + 1]!);
        x1 = Math.max(x1, vertices[5 * i]!);
        y1 = Math.max(y1, vertices[5 * i + 1]!);
      }
      const x = points[3 * ids[i]!]!;
      const y = points[3 * ids[i]! + 1]!;
      vertices[5 * i + 3] = a * x + b * y + c;
      vertices[5 * i + 4] = d * x + e * y + f;
    }
    this.#around ??= this.#aroundOpenings();
    this.#kernels.raster(this.#vertices, this.#around.at, this.#around.count, size, this.#places, this.#depth);
    const rim = RIM * this.#detail;
    const inside = (value: number): number => Math.min(size, Math.max(0, Math.round(value)));
    return {
      places: this.#places,
      box: [inside(x0 - rim), inside(y0 - rim), inside(x1 + rim), inside(y1 + rim)],
    };
  }

  /** Triangles that lie in an opening or share a landmark with one: all that the double lets the performer's pixels through. */
  #aroundOpenings(): { at: number; count: number } {
    const { vertices, uv, triangles } = this.#template;
    const edge = new Set(vertices.filter((_, i) => uv[2 * i]! < -1));
    const touches = (corner: number): boolean => edge.has(vertices[triangles[corner]!]!);
    const chosen: number[] = [];
    for (let t = 0; t < triangles.length; t += 3)
      if (touches(t) || touches(t + 1) || touches(t + 2)) chosen.push(...triangles.slice(t, t + 3));
    const at = this.reserve(chosen.length * 4);
    this.#arena.ints(at, chosen.length).set(chosen);
    return { at, count: chosen.length / 3 };
  }

  close(): void {
    for (const [at, bytes] of this.#blocks.splice(0)) this.#arena.release(at, bytes);
  }
}

/** An upright crop of steady size around the head, whatever it does with its mouth: SIZE · detail pixels across. */
export function cropOf({ scale, rotation, translation }: HeadPose, detail = 1): Affine {
  const centre = rotate(rotation, 0, CROP_CENTRE_Y, 0);
  const roll = Math.atan2(rotation[3]!, rotation[0]!);
  const k = (CROP_SCALE * detail) / scale;
  const a = k * Math.cos(roll);
  const b = k * Math.sin(roll);
  const x = translation[0] + scale * centre[0];
  const y = translation[1] + scale * centre[1];
  const middle = (SIZE * detail - 1) / 2;
  return [a, b, middle - a * x - b * y, -b, a, middle + b * x - a * y];
}

/** From the performer's proportions to the double's, canonical units: what the double has over an average head less what they have. */
function shiftOf(offset: Float32Array, canonical: Float32Array, neutral: Float32Array | null): Float32Array {
  return neutral ? offset.map((value, i) => value - (neutral[i]! - canonical[i]!)) : offset;
}

/** Landmarks, moved to the double's proportions, into crop pixels: x, y, z, u, v. */
function placeVertices(
  { vertices, uv }: Template,
  shift: Float32Array | null,
  { points }: Landmarks,
  pose: HeadPose,
  [a, b, c, d, e, f]: Affine,
  out: Float32Array,
): void {
  const k = Math.hypot(a, b);
  const { rotation: r, scale } = pose;
  for (let i = 0; i < vertices.length; i++) {
    const p = 3 * vertices[i]!;
    const ox = shift ? shift[p]! * scale : 0;
    const oy = shift ? shift[p + 1]! * scale : 0;
    const oz = shift ? shift[p + 2]! * scale : 0;
    const x = points[p]! + r[0]! * ox + r[1]! * oy + r[2]! * oz;
    const y = points[p + 1]! + r[3]! * ox + r[4]! * oy + r[5]! * oz;
    const z = points[p + 2]! + r[6]! * ox + r[7]! * oy + r[8]! * oz;
    out[5 * i] = a * x + b * y + c;
    out[5 * i + 1] = d * x + e * y + f;
    out[5 * i + 2] = k * z;
    out[5 * i + 3] = uv[2 * i]!;
    out[5 * i + 4] = uv[2 * i + 1]!;
  }
}

/**
 * The plate under the crop as planar R, G, B, encoded 0–1, `size`² pixels over the whole crop: pixel (i, j) has its centre in the
 * middle of the (side / size)² crop pixels that it stands for.
 * @param side of the crop that the affine leads to.
 * @param part x0, y0, x1, y1: the rest of `out` stays; x0 and x1 are multiples of 4.
 */
export function cutPlate(
  kernels: Kernels,
  picture: Picture,
  [a, b, c, d, e, f]: Affine,
  size: number,
  out: number,
  part: readonly [x0: number, y0: number, x1: number, y1: number] = [0, 0, size, size],
  side: number = SIZE,
): void {
  const determinant = a * e - b * d;
  const step = side / size;
  const shift = (step - 1) / 2;
  const ia = e / determinant;
  const ib = -b / determinant;
  const id = -d / determinant;
  const ie = a / determinant;
  const [kr, kb, full] = matrixOf(picture.colour);
  kernels.warpPart(
    picture.at,
    picture.width,
    picture.height,
    ia * step,
    ib * step,
    ia * (shift - c) + ib * (shift - f),
    id * step,
    ie * step,
    id * (shift - c) + ie * (shift - f),
    size,
    out,
    1 / 255,
    0,
    kr,
    kb,
    full,
    ...part,
  );
}
