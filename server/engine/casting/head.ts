import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalPoints, fitPose, type RigidPoint } from '../../double/pose.ts';

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
  return canonicalPoints(points, fitPose(canonical, points, rigid));
}
