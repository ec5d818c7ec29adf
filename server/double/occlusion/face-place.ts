import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Landmarks } from '../../face/types.ts';
import type { Arena } from '../../frame/arena.ts';
import type { Kernels } from '../../frame/kernels.ts';
import { fitPose, type HeadPose, type RigidPoint } from '../pose.ts';
import { type Affine, cropOf } from '../surface.ts';

/** Side of the drawing: half of a crop's. */
export const PLACE_SIZE = 128;
const VERTEX_BYTES = 20;

type Corners = readonly [number, number, number];

/** The canonical face with eyes and mouth closed over, as models/perception/face-mesh.json has it. */
export interface FaceShape {
  /** 468 × 3: x to image right, y down, z away from the camera; canonical units. */
  canonical: Float32Array;
  rigid: readonly RigidPoint[];
  /** Corners clockwise on screen when the triangle faces the camera; those that close eyes and mouth come last. */
  triangles: readonly Corners[];
  /** How many of them are skin. */
  skin: number;
}

/** @throws Error with a sentence when the file is missing or damaged. */
export function readFaceShape(modelsDir: string): FaceShape {
  const file = join(modelsDir, 'perception', 'face-mesh.json');
  try {
    const mesh = JSON.parse(readFileSync(file, 'utf8')) as {
      positions: [number, number, number][];
      rigid: RigidPoint[];
      triangles: Corners[];
      openings: Record<string, Corners[]>;
    };
    const { positions, rigid } = mesh;
    const groups = [mesh.triangles, ...Object.values(mesh.openings)];
    return {
      canonical: Float32Array.from(positions.flatMap(([x, y, z]) => [x, -y, -z])),
      rigid,
      skin: mesh.triangles.length,
      triangles: groups.flatMap((group) => (clockwise(group, positions) ? group : group.map(([a, b, c]) => [c, b, a]))),
    };
  } catch {
    throw new Error(`The face mesh ${file} is missing or damaged: restore it, for example with \`git checkout\`.`);
  }
}

/** Whether most of a list's area runs clockwise on screen. `positions` count with y up. */
function clockwise(group: readonly Corners[], positions: readonly (readonly [number, number, number])[]): boolean {
  const sum = group.reduce((total, [a, b, c]) => {
    const [[ax, ay], [bx, by], [cx, cy]] = [positions[a]!, positions[b]!, positions[c]!];
    return total + (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
  }, 0);
  return sum < 0;
}

export interface Placed {
  pose: HeadPose;
  toCrop: Affine;
}

/** Draws where a performer's face lies in its crop, whatever look they wear. Owns its kernel memory. */
export class FacePlace {
  readonly #shape: FaceShape;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #blocks: [at: number, bytes: number][] = [];
  readonly #triangles: number;
  readonly #vertices: number;
  readonly #depth: number;

  constructor(shape: FaceShape, arena: Arena, kernels: Kernels) {
    this.#shape = shape;
    this.#arena = arena;
    this.#kernels = kernels;
    const count = 3 * shape.triangles.length;
    const points = shape.canonical.length / 3;
    this.#triangles = this.#reserve(4 * count);
    // The openings have vertices of their own, which differ in what they carry: 1.
    const corners = shape.triangles.map((triangle, i) => triangle.map((p) => (i < shape.skin ? p : points + p)));
    arena.ints(this.#triangles, count).set(corners.flat());
    this.#vertices = this.#reserve(2 * points * VERTEX_BYTES);
    const vertices = arena.floats(this.#vertices, 10 * points);
    vertices.fill(0);
    for (let i = points; i < 2 * points; i++) vertices[5 * i + 3] = 1;
    this.#depth = this.#reserve(4 * PLACE_SIZE * PLACE_SIZE);
  }

  /** Draws openings (eyes and mouth: 1), zeros, coverage and facing, PLACE_SIZE² float32 each, at `out`. */
  draw({ points }: Landmarks, out: number): Placed {
    const { canonical, rigid, triangles } = this.#shape;
    const pose = fitPose(canonical, points, rigid);
    const toCrop = cropOf(pose);
    const [a, b, c, d, e, f] = toCrop;
    const k = Math.hypot(a, b) / 2;
    const count = canonical.length / 3;
    const vertices = this.#arena.floats(this.#vertices, 10 * count);
    for (let i = 0; i < count; i++) {
      const x = points[3 * i]!;
      const y = points[3 * i + 1]!;
      const twin = 5 * (count + i);
      vertices[twin] = vertices[5 * i] = (a * x + b * y + c - 0.5) / 2;
      vertices[twin + 1] = vertices[5 * i + 1] = (d * x + e * y + f - 0.5) / 2;
      vertices[twin + 2] = vertices[5 * i + 2] = k * points[3 * i + 2]!;
    }
    this.#kernels.raster(this.#vertices, this.#triangles, triangles.length, PLACE_SIZE, out, this.#depth);
    return { pose, toCrop };
  }

  close(): void {
    for (const [at, bytes] of this.#blocks.splice(0)) this.#arena.release(at, bytes);
  }

  #reserve(bytes: number): number {
    const at = this.#arena.allocate(bytes);
    this.#blocks.push([at, bytes]);
    return at;
  }
}
