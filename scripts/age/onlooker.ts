import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Affine, SIZE, Surface } from '../../server/double/surface.ts';
import { readTemplate } from '../../server/double/template.ts';
import type { Landmarks } from '../../server/face/types.ts';
import { MODELS, openOnlooker } from '../training/onlooker.ts';
import { PLACE_PLANES, placeGraph } from './reage-graph.ts';

export interface SeenFace {
  landmarks: Landmarks;
  toCrop: Affine;
  /** PLACE_PLANES planes of SIZE² floats, 0–1, valid until the next picture. */
  place: Float32Array;
}

/** Looks at one picture as the age treatments do: the server's perception, its crop and its raster. */
export async function openAgeOnlooker() {
  const onlooker = await openOnlooker();
  const { arena, kernels, runtime } = onlooker;
  const folder = mkdtempSync(join(tmpdir(), 'understudy-place-'));
  const file = join(folder, 'place.onnx');
  writeFileSync(file, placeGraph().encode({ generator: 'scripts/age/onlooker.ts' }));
  const session = await runtime.load(file, arena);
  rmSync(folder, { recursive: true });
  const mesh = join(MODELS, 'ages', 'retouch', 'mesh.json');
  const drawn = new Surface(readTemplate(readFileSync(mesh), mesh), arena, kernels);
  const place = session.outputs.place!.data as Float32Array;
  if (place.length !== PLACE_PLANES * SIZE * SIZE) throw new Error('placeGraph made other planes than were asked for.');

  return {
    /** @param i420 packed, BT.709, limited range. Null where the server would not see exactly one face. */
    see: (i420: Uint8Array, width: number, height: number): Promise<SeenFace | null> =>
      onlooker.look(i420, width, height, async (_picture, landmarks) => {
        const { toCrop } = drawn.draw(landmarks, session.inputs.surface!.at);
        await session.run();
        return { landmarks, toCrop, place };
      }),
    close(): void {
      drawn.close();
      session.close();
      onlooker.close();
    },
  };
}
