import type { Arena } from '../frame/arena.ts';
import type { Kernels } from '../frame/kernels.ts';
import { GAIN_GRID, LIGHT_TERMS } from './light.ts';
import type { Maps } from './maps.ts';
import { MeshInputs, type Meters } from './mesh-inputs.ts';
import type { OpenOptions } from './open.ts';
import type { FaceInput } from './replacer.ts';
import { type Affine, SIZE, WINDOW } from './surface.ts';
import type { Template } from './template.ts';

/** What the kernel asks for, a pixel (server/frame/kernels.ts, paint). */
const SCRATCH_BYTES = 54;
/** The performer's face is shown to the network as means over cells of so many pixels. */
export const COARSE = 8;
/** base R, G, B, the mesh's alpha, its rim, facing. */
export const DRAWN_CHANNELS = 6;

/** Addresses in kernel memory, float32, planar, size² a plane; valid until the next painting. */
export interface Painted {
  size: number;
  toCrop: Affine;
  /** The plate under the crop, encoded R, G, B, 0–1. */
  crop: number;
  /** The double, lit as the plate is, its openings filled with the performer's eyes and mouth: R, G, B, then the outline's rim, then alpha. */
  base: number;
  /** The same R, G, B interleaved, size² × 4. */
  interleaved: number;
  /** How squarely each point faces the camera. */
  facing: number;
  softness: number;
}

/** Draws a double's texture on the performer's landmarks, as the plate is lit, with `detail` pixels (1 or 2) for one of SIZE. Owns its kernel memory. */
export class Painter {
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly detail: number;
  readonly #size: number;
  readonly #plane: number;
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
  constructor(
    options: OpenOptions,
    template: Template,
    maps: Maps,
    { detail = 1, meters }: { detail?: 1 | 2; meters?: Meters } = {},
  ) {
    this.#arena = options.arena;
    this.#kernels = options.kernels;
    this.detail = detail;
    const size = SIZE * detail;
    this.#size = size;
    this.#plane = size * size * Float32Array.BYTES_PER_ELEMENT;
    this.#maps = { side: maps.side, normalSide: maps.normalSide };
    this.#tensors = {
      surface: this.#tensor('surface', [1, 4, size, size]),
      rotation: this.#tensor('rotation', [3, 3]),
      light: this.#tensor('light', [3, LIGHT_TERMS]),
      gain: this.#tensor('gain', [1, 3, GAIN_GRID, GAIN_GRID]),
      softness: this.#tensor('softness', [1]),
      crop: this.#tensor('crop', [1, 3, size, size]),
      behind: this.#tensor('behind', [1, 3, size, size]),
    };
    this.#texture = this.#keep(maps.texture);
    this.#normals = this.#keep(maps.normals);
    this.#scratch = this.reserve(SCRATCH_BYTES * size * size);
    this.#interleaved = this.reserve(4 * this.#plane);
    this.#base = this.reserve(5 * this.#plane);
    try {
      this.#inputs = new MeshInputs(options, template, this.#tensors, { detail, ...(meters && { meters }) });
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
      ...([surface.at, this.#size, this.#texture, side, this.#normals, normalSide] as const),
      ...([rotation.at, light.at, gain.at, softness.data[0] ?? 0] as const),
      ...([behind.at, this.#scratch, this.#interleaved, this.#base] as const),
    );
    return {
      size: this.#size,
      toCrop,
      crop: crop.at,
      base: this.#base,
      interleaved: this.#interleaved,
      facing: surface.at + 3 * this.#plane,
      softness: softness.data[0] ?? 0,
    };
  }

  /** What a trained network is given of it, of WINDOW at SIZE: DRAWN_CHANNELS planes, and the plate's means over COARSE² pixels. */
  show({ base, facing, crop }: Painted, drawn: number, coarse: number): void {
    const { left, top, width, height } = WINDOW;
    const cells = width * height * Float32Array.BYTES_PER_ELEMENT;
    const [size, plane, d] = [this.#size, this.#plane, this.detail];
    const take = (from: number, planes: number, to: number): void => {
      if (d === 1) this.#kernels.cut(from, size, planes, left, top, width, height, to);
      else this.#kernels.halved(from, size, planes, left * d, top * d, width, height, to);
    };
    take(base, 3, drawn);
    take(base + 4 * plane, 1, drawn + 3 * cells);
    take(base + 3 * plane, 1, drawn + 4 * cells);
    take(facing, 1, drawn + 5 * cells);
    this.#kernels.means(crop, size, 3, left * d, top * d, width * d, height * d, COARSE * d, coarse);
  }

  /** Where a landmark of the double lies in the crop, in the last painting. */
  place(landmark: number): readonly [number, number] {
    return this.#inputs.place(landmark);
  }

  /** Kernel memory that goes with the painter. @throws Error with a sentence where there is none left; then the painter holds none either. */
  reserve(bytes: number): number {
    try {
      const at = this.#arena.allocate(bytes);
      this.#blocks.push([at, bytes]);
      return at;
    } catch (error) {
      this.#release();
      throw error;
    }
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
