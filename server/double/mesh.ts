import { openNetwork } from './contract.ts';
import { MESH_INPUTS, MeshInputs } from './mesh-inputs.ts';
import type { OpenOptions } from './open.ts';
import type { FaceInput, Replacer } from './replacer.ts';
import { SIZE } from './surface.ts';

const MESH = { kind: 'mesh', inputs: MESH_INPUTS, outputs: { rgba: [1, 4, SIZE, SIZE] } } as const;

/**
 * Opens a double of kind `mesh`: its texture, drawn on the performer's landmark mesh, lit as the plate is lit.
 * @throws Error with a sentence when a file is missing, damaged or not what it says it is.
 */
export async function openMesh(options: OpenOptions): Promise<Replacer> {
  const { manifest, template, session, tensors } = await openNetwork(options, MESH);
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
