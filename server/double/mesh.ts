import { openNetwork } from './contract.ts';
import { LightMeter, METER_SIZE } from './light.ts';
import type { OpenOptions } from './open.ts';
import type { FaceInput, Replacer } from './replacer.ts';
import { SoftnessMeter } from './softness.ts';
import { cutPlate, SIZE, Surface } from './surface.ts';

const CONTRACT = {
  kind: 'mesh',
  inputs: { surface: [1, 4, SIZE, SIZE], rotation: [3, 3], light: [3, 9], gain: [1, 3, 8, 8], softness: [1] },
  outputs: { rgba: [1, 4, SIZE, SIZE] },
} as const;

/**
 * Opens a double of kind `mesh`: its texture, drawn on the performer's landmark mesh, lit as the plate is lit.
 * @throws Error with a sentence when a file is missing, damaged or not what it says it is.
 */
export async function openMesh(options: OpenOptions): Promise<Replacer> {
  const { manifest, template, session, tensors } = await openNetwork(options, CONTRACT);
  if (!template.guide) {
    session.close();
    throw new Error(
      `The double in ${options.dir} has no guide in its mesh to read the light with. Import the double again.`,
    );
  }
  const { surface, rotation, light, gain, softness, rgba } = tensors;
  const { arena, kernels } = options;
  const drawn = new Surface(template, arena, kernels);
  const plate = drawn.reserve(3 * METER_SIZE * METER_SIZE * 4);
  const plateValues = arena.floats(plate, 3 * METER_SIZE * METER_SIZE);
  const meter = new LightMeter(template.guide);
  const softnessMeter = new SoftnessMeter();
  let closed = false;

  return {
    name: manifest.name,
    provider: session.provider,
    maxYawDeg: manifest.maxYawDeg,
    async replace({ picture, landmarks, trackId }: FaceInput) {
      const { pose, toCrop } = drawn.draw(landmarks, surface.at);
      cutPlate(kernels, picture, toCrop, METER_SIZE, plate);
      const measured = meter.measure(trackId, picture.id.captureUs, plateValues, surface.data, pose.rotation);
      rotation.data.set(pose.rotation);
      light.data.set(measured.terms);
      gain.data.set(measured.gain);
      softness.data[0] = softnessMeter.measure(trackId, picture, landmarks, Math.hypot(toCrop[0], toCrop[1]));
      await session.run();
      return { at: rgba.at, size: SIZE, toCrop, how: 'cover' };
    },
    forget(trackId) {
      meter.forget(trackId);
      softnessMeter.forget(trackId);
    },
    close() {
      if (closed) return;
      closed = true;
      session.close();
      drawn.close();
    },
  };
}
