import type { BoundTensor } from '../inference/session.ts';
import { LightMeter, METER_SIZE } from './light.ts';
import type { OpenOptions } from './open.ts';
import type { FaceInput } from './replacer.ts';
import { SoftnessMeter } from './softness.ts';
import { type Affine, cutPlate, SIZE, Surface, WINDOW } from './surface.ts';
import type { Template } from './template.ts';

/** What a textured double is drawn from: where each crop pixel lies on the face, and how the plate is lit and how soft it is. */
export const MESH_INPUTS = {
  surface: [1, 4, SIZE, SIZE],
  rotation: [3, 3],
  light: [3, 9],
  gain: [1, 3, 8, 8],
  softness: [1],
} as const;
type MeshTensors = Readonly<Record<keyof typeof MESH_INPUTS, BoundTensor>> &
  Readonly<Partial<Record<'crop' | 'behind', BoundTensor>>>;

/** What is remembered of each track's light and softness: one for all that draw the same double. */
export interface Meters {
  light: LightMeter;
  softness: SoftnessMeter;
}

/** @throws Error with a sentence where the template has no guide. */
export function openMeters({ dir }: Pick<OpenOptions, 'dir'>, { guide }: Template): Meters {
  if (guide) return { light: new LightMeter(guide), softness: new SoftnessMeter() };
  throw new Error(`The double in ${dir} has no guide in its mesh to read the light with. Import the double again.`);
}

/**
 * Fills the inputs of a textured double, face by face; with `crop` and `behind` (3 planes, encoded 0–1) the plate as well, and the plate with the
 * performer's eyes and mouth moved to the double's openings. Owns its kernel memory. `detail` pixels are drawn for one of SIZE.
 */
export class MeshInputs {
  readonly #options: OpenOptions;
  readonly #tensors: MeshTensors;
  readonly #drawn: Surface;
  readonly #plate: number;
  readonly #plateValues: Float32Array;
  readonly #size: number;
  readonly #within: readonly [number, number, number, number];
  readonly #meters: Meters;

  /** @throws Error with a sentence where the template has no guide. */
  constructor(
    options: OpenOptions,
    template: Template,
    tensors: MeshTensors,
    { detail = 1, meters = openMeters(options, template) }: { detail?: number; meters?: Meters } = {},
  ) {
    this.#options = options;
    this.#tensors = tensors;
    this.#size = SIZE * detail;
    const { left, top, width, height } = WINDOW;
    this.#within = [left * detail, top * detail, (left + width) * detail, (top + height) * detail];
    this.#meters = meters;
    this.#drawn = new Surface(template, options.arena, options.kernels, detail);
    this.#plate = this.#drawn.reserve(3 * METER_SIZE * METER_SIZE * 4);
    this.#plateValues = options.arena.floats(this.#plate, 3 * METER_SIZE * METER_SIZE);
  }

  /** Fills the tensors for one face. Answers where its crop lies in the frame. */
  fill({ picture, landmarks, trackId, neutral = null }: FaceInput): Affine {
    const { surface, rotation, light, gain, softness, crop, behind } = this.#tensors;
    const { pose, toCrop, moved } = this.#drawn.draw(landmarks, surface.at, neutral);
    const size = this.#size;
    cutPlate(this.#options.kernels, picture, toCrop, METER_SIZE, this.#plate, undefined, size);
    const { captureUs } = picture.id;
    const measured = this.#meters.light.measure(trackId, captureUs, this.#plateValues, surface.data, pose.rotation);
    rotation.data.set(pose.rotation);
    light.data.set(measured.terms);
    gain.data.set(measured.gain);
    softness.data[0] = this.#meters.softness.measure(trackId, picture, landmarks, Math.hypot(toCrop[0], toCrop[1]));
    if (crop && behind) {
      const { kernels } = this.#options;
      // Beyond the face nothing of it is seen, and the window is two thirds of the crop.
      const part = this.#drawn.withinWindow() ? this.#within : undefined;
      cutPlate(kernels, picture, toCrop, size, crop.at, part, size);
      behind.data.set(crop.data);
      if (moved) kernels.remap(crop.at, moved.places, size, behind.at, ...moved.box);
    }
    return toCrop;
  }

  /** Where a landmark of the double lies in the crop, in the last drawing. */
  place(landmark: number): readonly [number, number] {
    return this.#drawn.place(landmark);
  }

  forget(trackId: number): void {
    this.#meters.light.forget(trackId);
    this.#meters.softness.forget(trackId);
  }

  close(): void {
    this.#drawn.close();
  }
}
