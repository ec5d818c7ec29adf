import type { Arena } from '../frame/arena.ts';
import type { Kernels } from '../frame/kernels.ts';
import { GAIN_GRID, LIGHT_TERMS } from './light.ts';
import type { Maps } from './maps.ts';
import { MeshInputs } from './mesh-inputs.ts';
import type { OpenOptions } from './open.ts';
import type { FaceInput } from './replacer.ts';
import { type Affine, SIZE, WINDOW } from './surface.ts';
import type { Template } from './template.ts';

const PLANE = SIZE * SIZE * Float32Array.BYTES_PER_ELEMENT;
/** What the kernel asks for (server/frame/kernels.ts, paint). */
const SCRATCH_BYTES = 54 * SIZE * SIZE;
/** The performer's face is shown to the network as means over cells of so many pixels. */
export const COARSE = 8;
/** base R, G, B, the mesh's alpha, its rim, facing. */
export const DRAWN_CHANNELS = 6;

/** Addresses in kernel memory, float32, planar, SIZE² a plane; valid until the next painting. */
export interface Painted {
  toCrop: Affine;
  /** The plate under the crop, encoded R, G, B, 0–1. */
  crop: number;
  /** The double, lit as the plate is, its openings filled with the performer's eyes and mouth: R, G, B, then the outline's rim, then alpha. */
  base: number;
  /** The same R, G, B interleaved, SIZE² × 4. */
  interleaved: number;
  /** How squarely each point faces the camera. */
  facing: number;
  softness: number;
}

/** Draws a double's texture on the performer's landmarks, as the plate is lit. Owns its kernel memory. */
export class Painter {
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #maps: Pick<Maps, 'side' | 'normalSide'>;
  readonly #blocks: [at: number, bytes: number][] = [];
  readonly #tensors;
  readonly #inputs: MeshInputs;
  readonly #texture: number;
  readonly #normals: number;
  readonly #scratch: number;
  readonly #interleaved: number;
  readonly #base: number;

  /** @throws Error with a sentence where the template has no guide. */
  constructor(options: OpenOptions, template: Template, maps: Maps) {
    this.#arena = options.arena;
    this.#kernels = options.kernels;
    this.#maps = { side: maps.side, normalSide: maps.normalSide };
    this.#tensors = {
      surface: this.#tensor('surface', [1, 4, SIZE, SIZE]),
      rotation: this.#tensor('rotation', [3, 3]),
      light: this.#tensor('light', [3, LIGHT_TERMS]),
      gain: this.#tensor('gain', [1, 3, GAIN_GRID, GAIN_GRID]),
      softness: this.#tensor('softness', [1]),
      crop: this.#tensor('crop', [1, 3, SIZE, SIZE]),
      behind: this.#tensor('behind', [1, 3, SIZE, SIZE]),
    };
    this.#texture = this.#keep(maps.texture);
    this.#normals = this.#keep(maps.normals);
    this.#scratch = this.reserve(SCRATCH_BYTES);
    this.#interleaved = this.reserve(4 * PLANE);
    this.#base = this.reserve(5 * PLANE);
    try {
      this.#inputs = new MeshInputs(options, template, this.#tensors);
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  paint(face: FaceInput): Painted {
    const { surface, rotation, light, gain, softness, crop, behind } = this.#tensors;
    const { side, normalSide } = this.#maps;
    const toCrop = this.#inputs.fill(face);
    this.#kernels.paint(
      ...([surface.at, SIZE, this.#texture, side, this.#normals, normalSide] as const),
      ...([rotation.at, light.at, gain.at, softness.data[0] ?? 0] as const),
      ...([behind.at, this.#scratch, this.#interleaved, this.#base] as const),
    );
    return {
      toCrop,
      crop: crop.at,
      base: this.#base,
      interleaved: this.#interleaved,
      facing: surface.at + 3 * PLANE,
      softness: softness.data[0] ?? 0,
    };
  }

  /** What a trained network is given of it, of WINDOW: DRAWN_CHANNELS planes, and the plate's means over COARSE² pixels. */
  show({ base, facing, crop }: Painted, drawn: number, coarse: number): void {
    const { left, top, width, height } = WINDOW;
    const cells = width * height * Float32Array.BYTES_PER_ELEMENT;
    this.#kernels.cut(base, SIZE, 3, left, top, width, height, drawn);
    this.#kernels.cut(base + 4 * PLANE, SIZE, 1, left, top, width, height, drawn + 3 * cells);
    this.#kernels.cut(base + 3 * PLANE, SIZE, 1, left, top, width, height, drawn + 4 * cells);
    this.#kernels.cut(facing, SIZE, 1, left, top, width, height, drawn + 5 * cells);
    this.#kernels.means(crop, SIZE, 3, left, top, width, height, COARSE, coarse);
  }

  /** Where a landmark of the double lies in the crop, in the last painting. */
  place(landmark: number): readonly [number, number] {
    return this.#inputs.place(landmark);
  }

  /** Kernel memory that goes with the painter. */
  reserve(bytes: number): number {
    const at = this.#arena.allocate(bytes);
    this.#blocks.push([at, bytes]);
    return at;
  }

  #tensor(name: string, dims: readonly number[]) {
    const length = dims.reduce((product, size) => product * size, 1);
    const at = this.reserve(length * Float32Array.BYTES_PER_ELEMENT);
    return { name, dims, at, data: this.#arena.floats(at, length) };
  }

  #keep(values: Float32Array): number {
    const at = this.reserve(values.byteLength);
    this.#arena.floats(at, values.length).set(values);
    return at;
  }

  forget(trackId: number): void {
    this.#inputs.forget(trackId);
  }

  #release(): void {
    for (const [at, bytes] of this.#blocks.splice(0)) this.#arena.release(at, bytes);
  }

  close(): void {
    this.#inputs.close();
    this.#release();
  }
}
