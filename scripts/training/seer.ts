import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OpenNetwork } from '../../server/double/contract.ts';
import { type MESH_INPUTS, MeshInputs } from '../../server/double/mesh-inputs.ts';
import { type Affine, cutPlate, SIZE } from '../../server/double/surface.ts';
import { readTemplate } from '../../server/double/template.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { createPerceiver } from '../../server/face/perceiver.ts';
import type { Landmarks } from '../../server/face/types.ts';
import { Arena } from '../../server/frame/arena.ts';
import { i420Bytes, UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
const MEMORY_MB = 256;
export const GIVEN = 9;

export interface Seen {
  landmarks: Landmarks;
  toCrop: Affine;
  /** What the trained network is given: GIVEN planes of SIZE² floats, valid until the next picture. */
  given: Float32Array;
}

/**
 * Looks at one picture as the server does: its own perception, its own raster and light, and the mesh double's layers.
 * @param network a file that scripts/double/learned-graph.ts `recordingGraph` made. @param meshFile the double's mesh.json.
 */
export function openSeer(network: string, meshFile: Buffer) {
  const arena = new Arena(MEMORY_MB);
  const kernels = loadKernels(arena);
  const runtime = createRuntime();
  const perceiver = createPerceiver({ runtime, arena, kernels, modelsDir: MODELS, maxFaces: 1 });
  const session = runtime.load(network, arena);
  const tensors = { ...session.inputs, ...session.outputs } as OpenNetwork<
    keyof typeof MESH_INPUTS | 'crop' | 'drawn'
  >['tensors'];
  const options = { runtime, arena, kernels, dir: 'the recording' };
  const inputs = new MeshInputs(options, readTemplate(meshFile, 'mesh.json'), tensors);
  const pictures = new Pictures(arena);
  let count = 0;

  return {
    /** @param i420 packed, BT.709, limited range. Null where the server would not see exactly this one face. */
    async see(i420: Uint8Array, width: number, height: number): Promise<Seen | null> {
      perceiver.reset();
      const captureUs = ++count * 1_000_000;
      const picture = pictures.take(
        width,
        height,
        { ...UNKNOWN_COLOUR, matrix: 'bt709' },
        { feed: 'recording', rtpTs: count, captureUs },
      );
      try {
        arena.bytes(picture.at, i420Bytes(width, height)).set(i420);
        const faces = (await perceiver.perceive(picture).complete).filter(({ landmarks }) => landmarks);
        const landmarks = faces[0]?.landmarks;
        if (!landmarks || faces.length !== 1) return null;
        const toCrop = inputs.fill({ picture, landmarks, params: {}, trackId: count });
        inputs.forget(count);
        cutPlate(kernels, picture, toCrop, SIZE, tensors.crop.at);
        await session.run();
        return { landmarks, toCrop, given: tensors.drawn.data };
      } finally {
        pictures.give(picture);
      }
    },
    close(): void {
      inputs.close();
      session.close();
      perceiver.close();
      runtime.close();
    },
  };
}

export const doubleDir = (name: string): string => join(MODELS, 'doubles', name);
