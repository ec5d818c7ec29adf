import { fileURLToPath } from 'node:url';
import { Pictures } from '../../server/engine/pictures.ts';
import { createPerceiver } from '../../server/face/perceiver.ts';
import type { Landmarks } from '../../server/face/types.ts';
import { Arena } from '../../server/frame/arena.ts';
import { i420Bytes, type Picture, UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';

export const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
const MEMORY_MB = 256;

/** Looks at single pictures with the server's own perception. Owns its runtime and kernel memory. */
export async function openOnlooker() {
  const arena = new Arena(MEMORY_MB);
  const kernels = loadKernels(arena);
  const runtime = createRuntime();
  const perceiver = await createPerceiver({ runtime, arena, kernels, modelsDir: MODELS, maxFaces: 1 });
  const pictures = new Pictures(arena);
  let count = 0;

  return {
    arena,
    kernels,
    runtime,
    /**
     * @param i420 packed, BT.709, limited range. @param work is given the picture, its only face and a number of its own.
     * Answers what `work` does, or null where the server would not see exactly one face.
     */
    async look<Result>(
      i420: Uint8Array,
      width: number,
      height: number,
      work: (picture: Picture, landmarks: Landmarks, trackId: number) => Promise<Result>,
    ): Promise<Result | null> {
      perceiver.reset();
      const captureUs = ++count * 1_000_000;
      const id = { feed: 'recording', rtpTs: count, captureUs };
      const picture = pictures.take(width, height, { ...UNKNOWN_COLOUR, matrix: 'bt709' }, id);
      try {
        arena.bytes(picture.at, i420Bytes(width, height)).set(i420);
        const faces = (await perceiver.perceive(picture).complete).filter(({ landmarks }) => landmarks);
        const landmarks = faces[0]?.landmarks;
        return landmarks && faces.length === 1 ? await work(picture, landmarks, count) : null;
      } finally {
        pictures.give(picture);
      }
    },
    close(): void {
      perceiver.close();
      runtime.close();
    },
  };
}
