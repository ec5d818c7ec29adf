import { openNetwork } from './contract.ts';
import type { OpenOptions } from './open.ts';
import type { FaceInput, Replacer } from './replacer.ts';
import { cutPlate, SIZE, Surface } from './surface.ts';

/** Treatments of the performer's own face: they differ in what is inside their network. */
export type OwnFaceKind = 'retouch' | 'reage';

const CONTRACT = {
  inputs: { crop: [1, 3, SIZE, SIZE], surface: [1, 4, SIZE, SIZE], dial: [1] },
  outputs: { change: [1, 4, SIZE, SIZE] },
} as const;

/**
 * Opens an age treatment (`retouch` is analytic, `reage` learned): the performer's own face, younger or older by the dial `age` (−1 to 1; 0, or none, changes nothing).
 * What it gives is a difference that is added to the plate, so that detail finer than the crop stays the camera's.
 * @throws Error with a sentence when a file is missing, damaged or not what it says it is.
 */
export async function openOwnFace(options: OpenOptions, kind: OwnFaceKind): Promise<Replacer> {
  const { manifest, template, session, tensors } = await openNetwork(options, { ...CONTRACT, kind });
  const { crop, surface, dial, change } = tensors;
  const { arena, kernels } = options;
  const drawn = new Surface(template, arena, kernels);
  let closed = false;

  return {
    name: manifest.name,
    provider: session.provider,
    maxYawDeg: manifest.maxYawDeg,
    async replace({ picture, landmarks, params }: FaceInput) {
      const { toCrop } = drawn.draw(landmarks, surface.at);
      cutPlate(kernels, picture, toCrop, SIZE, crop.at);
      dial.data[0] = Math.min(1, Math.max(-1, params.age ?? 0));
      await session.run();
      return { at: change.at, size: SIZE, toCrop, how: 'change' };
    },
    forget: () => undefined,
    close() {
      if (closed) return;
      closed = true;
      session.close();
      drawn.close();
    },
  };
}
