import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeMaps } from '../../server/double/maps.ts';
import { Painter } from '../../server/double/painter.ts';
import { canonicalPoints, fitPose } from '../../server/double/pose.ts';
import { type Affine, SIZE } from '../../server/double/surface.ts';
import { readTemplate } from '../../server/double/template.ts';
import type { Landmarks } from '../../server/face/types.ts';
import { MAPS, writeDrawing } from '../double/look-folder.ts';
import { readSource } from '../double/source.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { MODELS, openOnlooker } from './onlooker.ts';

/** Base R, G, B, the plate's crop R, G, B, the mesh's alpha, its rim, facing. */
export const GIVEN = 9;

/** What a double's faces are drawn with: a folder that `writeDrawing` made, and the sides of its maps. */
export interface DrawingFolder {
  dir: string;
  side: number;
  normalSide: number;
}

export interface Seen {
  landmarks: Landmarks;
  toCrop: Affine;
  /** The face without its head's pose, canonical units: at rest, the performer's neutral face. */
  canonical: Float32Array;
  /** What the trained network is given: GIVEN planes of SIZE² floats. */
  given: Float32Array;
}

/** Looks at one picture as the server does: its own perception, its own drawing. */
export async function openSeer({ dir, side, normalSide }: DrawingFolder) {
  const onlooker = await openOnlooker();
  const { arena, kernels, runtime } = onlooker;
  const template = readTemplate(readFileSync(join(dir, 'mesh.json')), 'mesh.json');
  const maps = decodeMaps(readFileSync(join(dir, MAPS)), side, normalSide, MAPS);
  const painter = new Painter({ runtime, arena, kernels, dir }, template, maps);
  const planes = (at: number, count: number): Float32Array => arena.floats(at, count * SIZE * SIZE);
  const given = new Float32Array(GIVEN * SIZE * SIZE);

  return {
    /** An average head's points at rest. */
    average: template.canonical,
    /**
     * @param i420 packed, BT.709, limited range. @param neutral the performer's face at rest (FaceInput).
     * Null where the server would not see exactly this one face.
     */
    see: (i420: Uint8Array, width: number, height: number, neutral: Float32Array | null): Promise<Seen | null> =>
      onlooker.look(i420, width, height, (picture, landmarks, trackId) => {
        const { toCrop, base, crop, facing } = painter.paint({ picture, landmarks, params: {}, trackId, neutral });
        painter.forget(trackId);
        const drawn = planes(base, 5);
        given.set(drawn.subarray(0, 3 * SIZE * SIZE));
        given.set(planes(crop, 3), 3 * SIZE * SIZE);
        given.set(drawn.subarray(4 * SIZE * SIZE), 6 * SIZE * SIZE);
        given.set(drawn.subarray(3 * SIZE * SIZE, 4 * SIZE * SIZE), 7 * SIZE * SIZE);
        given.set(planes(facing, 1), 8 * SIZE * SIZE);
        const { points } = landmarks;
        const pose = fitPose(template.canonical, points, template.rigid);
        return Promise.resolve({ landmarks, toCrop, canonical: canonicalPoints(points, pose), given });
      }),
    close(): void {
      painter.close();
      onlooker.close();
    },
  };
}

export type Seer = Awaited<ReturnType<typeof openSeer>>;

const doubleDir = (name: string): string => join(MODELS, 'doubles', name);

/** What a double's faces are drawn with. @param textures where its texture is; null: it is a bundled double's. */
type DrawingOf = (name: string, textures: string | null) => Promise<DrawingFolder>;

/** Lets `work` have drawings, in folders that are gone when it is done. */
export async function withDrawings(work: (drawingOf: DrawingOf) => Promise<void>): Promise<void> {
  const temporary = mkdtempSync(join(tmpdir(), 'understudy-drawings-'));
  try {
    const mesh = readFaceMesh();
    await work(async (name, textures) => {
      const source = await readSource(textures ? join(textures, name) : doubleDir(name), mesh);
      const dir = join(temporary, name);
      writeDrawing(dir, { ...source, mesh });
      const { side, normalSide } = source.maps;
      return { dir, side, normalSide };
    });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
