import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fitPose, type RigidPoint } from '../../double/pose.ts';
import { LANDMARKS } from '../../face/types.ts';

/** The canonical head that faces are measured against (models/perception/face-mesh.json), in the axes of server/double/pose.ts. */
export interface Head {
  /** 468 × 3, canonical units. */
  canonical: Float32Array;
  rigid: readonly RigidPoint[];
}

/** @throws Error with a sentence when the file is missing or damaged. */
export function readHead(modelsDir: string): Head {
  const file = join(modelsDir, 'perception', 'face-mesh.json');
  try {
    const mesh = JSON.parse(readFileSync(file, 'utf8')) as {
      positions: [number, number, number][];
      rigid: RigidPoint[];
    };
    return { canonical: Float32Array.from(mesh.positions.flatMap(([x, y, z]) => [x, -y, -z])), rigid: mesh.rigid };
  } catch {
    throw new Error(`The face mesh ${file} is missing or damaged: restore it, for example with \`git checkout\`.`);
  }
}

/**
 * Landmarks as they lie on the head itself: turned, moved and scaled back onto the canonical head by its rigid points.
 * @param points 478 × 3, frame pixels. @returns 478 × 3, canonical units.
 */
export function onHead({ canonical, rigid }: Head, points: Float32Array): Float32Array {
  const { rotation: r, scale, translation } = fitPose(canonical, points, rigid);
  const [r0 = 1, r1 = 0, r2 = 0, r3 = 0, r4 = 1, r5 = 0, r6 = 0, r7 = 0, r8 = 1] = r;
  const out = new Float32Array(3 * LANDMARKS);
  for (let at = 0; at < out.length; at += 3) {
    const x = ((points[at] ?? 0) - translation[0]) / scale;
    const y = ((points[at + 1] ?? 0) - translation[1]) / scale;
    const z = ((points[at + 2] ?? 0) - translation[2]) / scale;
    out[at] = r0 * x + r3 * y + r6 * z;
    out[at + 1] = r1 * x + r4 * y + r7 * z;
    out[at + 2] = r2 * x + r5 * y + r8 * z;
  }
  return out;
}
