import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenNetwork } from '../../server/double/contract.ts';
import { type MESH_INPUTS, MeshInputs, type PLATE_INPUTS } from '../../server/double/mesh-inputs.ts';
import { canonicalPoints, fitPose } from '../../server/double/pose.ts';
import type { Affine } from '../../server/double/surface.ts';
import { readTemplate } from '../../server/double/template.ts';
import type { Landmarks } from '../../server/face/types.ts';
import { MODELS, openOnlooker } from './onlooker.ts';

export const GIVEN = 9;
/** The network's file there. */
export const RECORDING = 'recording.onnx';

export interface Seen {
  landmarks: Landmarks;
  toCrop: Affine;
  /** The face without its head's pose, canonical units: at rest, the performer's neutral face. */
  canonical: Float32Array;
  /** What the trained network is given: GIVEN planes of SIZE² floats, valid until the next picture. */
  given: Float32Array;
}

/**
 * Looks at one picture as the server does: its own perception, its own raster and light, and the mesh double's layers.
 * @param dir a look's folder whose network is scripts/double/learned-graph.ts `recordingGraph`.
 */
export async function openSeer(dir: string) {
  const onlooker = await openOnlooker();
  const { arena, kernels, runtime } = onlooker;
  const session = await runtime.load(join(dir, RECORDING), arena);
  const tensors = { ...session.inputs, ...session.outputs } as OpenNetwork<
    keyof typeof MESH_INPUTS | keyof typeof PLATE_INPUTS | 'drawn'
  >['tensors'];
  const template = readTemplate(readFileSync(join(dir, 'mesh.json')), 'mesh.json');
  const inputs = new MeshInputs({ runtime, arena, kernels, dir }, template, tensors);

  return {
    /**
     * @param i420 packed, BT.709, limited range. @param neutral the performer's face at rest (FaceInput).
     * Null where the server would not see exactly this one face.
     */
    see: (i420: Uint8Array, width: number, height: number, neutral: Float32Array | null): Promise<Seen | null> =>
      onlooker.look(i420, width, height, async (picture, landmarks, trackId) => {
        const toCrop = inputs.fill({ picture, landmarks, params: {}, trackId, neutral });
        inputs.forget(trackId);
        await session.run();
        const { points } = landmarks;
        const pose = fitPose(template.canonical, points, template.rigid);
        return { landmarks, toCrop, canonical: canonicalPoints(points, pose), given: tensors.drawn.data };
      }),
    close(): void {
      inputs.close();
      session.close();
      onlooker.close();
    },
  };
}

export type Seer = Awaited<ReturnType<typeof openSeer>>;

export const doubleDir = (name: string): string => join(MODELS, 'doubles', name);

/** Path of a driver's recording, without its ending. */
export const driverFile = (out: string, double: string, seed: number): string =>
  join(out, double, `driver-${String(seed).padStart(4, '0')}`);
