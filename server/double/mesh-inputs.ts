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
const WITHIN = [WINDOW.left, WINDOW.top, WINDOW.left + WINDOW.width, WINDOW.top + WINDOW.height] as const;
type MeshTensors = Readonly<Record<keyof typeof MESH_INPUTS, BoundTensor>> &
  Readonly<Partial<Record<'crop' | 'behind', BoundTensor>>>;

/**
 * Fills the inputs of a textured double, face by face; with `crop` and `behind` (3×256×256, encoded 0–1) the plate as well, and the plate with the
 * performer's eyes and mouth moved to the double's openings. Owns its kernel memory and what it remembers of each track's light.
 */
export class MeshInputs {
  readonly #options: OpenOptions;
  readonly #tensors: MeshTensors;
  readonly #drawn: Surface;
  readonly #plate: number;
  readonly #plateValues: Float32Array;
  readonly #light: LightMeter;
  readonly #softness = new SoftnessMeter();

  /** @throws Error with a sentence where the template has no guide. */
  constructor(options: OpenOptions, template: Template, tensors: MeshTensors) {
    if (!template.guide) {
      throw new Error(
        `The double in ${options.dir} has no guide in its mesh to read the light with. Import the double again.`,
      );
    }
    this.#options = options;
    this.#tensors = tensors;
    this.#drawn = new Surface(template, options.arena, options.kernels);
    this.#plate = this.#drawn.reserve(3 * METER_SIZE * METER_SIZE * 4);
    this.#plateValues = options.arena.floats(this.#plate, 3 * METER_SIZE * METER_SIZE);
    this.#light = new LightMeter(template.guide);
  }

  /** Fills the tensors for one face. Answers where its crop lies in the frame. */
  fill({ picture, landmarks, trackId, neutral = null }: FaceInput): Affine {
    const { surface, rotation, light, gain, softness, crop, behind } = this.#tensors;
    const { pose, toCrop, moved } = this.#drawn.draw(landmarks, surface.at, neutral);
    cutPlate(this.#options.kernels, picture, toCrop, METER_SIZE, this.#plate);
    const { captureUs } = picture.id;
    const measured = this.#light.measure(trackId, captureUs, this.#plateValues, surface.data, pose.rotation);
    rotation.data.set(pose.rotation);
    light.data.set(measured.terms);
    gain.data.set(measured.gain);
    softness.data[0] = this.#softness.measure(trackId, picture, landmarks, Math.hypot(toCrop[0], toCrop[1]));
    if (crop && behind) {
      const { kernels } = this.#options;
      // Beyond the face nothing of it is seen, and the window is two thirds of the crop.
      const part = this.#drawn.withinWindow() ? WITHIN : undefined;
      cutPlate(kernels, picture, toCrop, SIZE, crop.at, part);
      behind.data.set(crop.data);
      if (moved) kernels.remap(crop.at, moved.places, SIZE, behind.at, ...moved.box);
    }
    return toCrop;
  }

  /** Where a landmark of the double lies in the crop, in the last drawing. */
  place(landmark: number): readonly [number, number] {
    return this.#drawn.place(landmark);
  }

  forget(trackId: number): void {
    this.#light.forget(trackId);
    this.#softness.forget(trackId);
  }

  close(): void {
    this.#drawn.close();
  }
}
