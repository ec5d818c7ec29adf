import type { BoundTensor } from '../inference/session.ts';
import { type OpenNetwork, openNetwork } from './contract.ts';
import { MESH_INPUTS, MeshInputs, PLATE_INPUTS } from './mesh-inputs.ts';
import type { OpenOptions } from './open.ts';
import type { FaceInput, Replacer } from './replacer.ts';
import { SIZE } from './surface.ts';

const OUTPUTS = { rgba: [1, 4, SIZE, SIZE] } as const;
const MESH = { kind: 'mesh', inputs: MESH_INPUTS, outputs: OUTPUTS } as const;
const LEARNED = { kind: 'learned', inputs: { ...MESH_INPUTS, ...PLATE_INPUTS }, outputs: OUTPUTS } as const;

/**
 * Opens a double of kind `mesh`: its texture, drawn on the performer's landmark mesh, lit as the plate is lit.
 * @throws Error with a sentence when a file is missing, damaged or not what it says it is.
 */
export const openMesh = async (options: OpenOptions): Promise<Replacer> =>
  openTextured(options, await openNetwork(options, MESH));

/**
 * Opens a double of kind `learned`: drawn as a `mesh` is, and then refined by a trained network that sees the plate as well: the double's
 * own eyes and teeth, finer light, what stands before the face left out.
 * @throws Error with a sentence when a file is missing, damaged or not what it says it is.
 */
export const openLearned = async (options: OpenOptions): Promise<Replacer> =>
  openTextured(options, await openNetwork(options, LEARNED));

type Textured = OpenNetwork<keyof typeof MESH_INPUTS | 'rgba'> & {
  tensors: Partial<Record<keyof typeof PLATE_INPUTS, BoundTensor>>;
};

function openTextured(options: OpenOptions, { manifest, template, session, tensors }: Textured): Replacer {
  let inputs: MeshInputs;
  try {
    inputs = new MeshInputs(options, template, tensors);
  } catch (error) {
    session.close();
    throw error;
  }
  const { rgba } = tensors;
  let closed = false;
  return {
    name: manifest.name,
    provider: session.provider,
    maxYawDeg: manifest.maxYawDeg,
    async replace(face: FaceInput) {
      const toCrop = inputs.fill(face);
      await session.run();
      return { at: rgba.at, size: SIZE, toCrop, how: 'cover' };
    },
    forget: (trackId) => inputs.forget(trackId),
    close() {
      if (closed) return;
      closed = true;
      session.close();
      inputs.close();
    },
  };
}
