import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the perceiver needs of the canonical face (models/perception/face-mesh.json): where the rigid points of a neutral face lie. */
export interface RigidFace {
  /** Landmark indices that hardly move with expression. */
  indices: readonly number[];
  /** Their positions, n × (x, y, z): x to the performer's left (right on screen), y up, z towards the viewer; centimetres. */
  positions: Float64Array;
  /** How much each counts in a fit; they sum to 1. */
  weights: Float64Array;
}

interface MeshFile {
  positions: [number, number, number][];
  rigid: { point: number; weight: number }[];
}

/** Reads the canonical face. Throws a sentence when the file is missing or not what it should be. */
export function readRigidFace(modelsDir: string): RigidFace {
  const file = join(modelsDir, 'face-mesh.json');
  let mesh: MeshFile;
  try {
    mesh = JSON.parse(readFileSync(file, 'utf8')) as MeshFile;
  } catch {
    throw new Error(`The face mesh ${file} is missing or damaged: restore it, for example with \`git checkout\`.`);
  }
  const total = mesh.rigid.reduce((sum, { weight }) => sum + weight, 0);
  return {
    indices: mesh.rigid.map(({ point }) => point),
    positions: Float64Array.from(mesh.rigid.flatMap(({ point }) => mesh.positions[point] ?? [0, 0, 0])),
    weights: Float64Array.from(mesh.rigid, ({ weight }) => weight / total),
  };
}

/** Landmark indices by what they mark; right and left are the performer's own. */
export const POINT = {
  foreheadTop: 10,
  chin: 152,
  rightEyeOuter: 33,
  rightEyeInner: 133,
  leftEyeInner: 362,
  leftEyeOuter: 263,
  noseTip: 1,
  upperLip: 13,
  lowerLip: 14,
  rightEar: 234,
  leftEar: 454,
} as const;

/** The outline of the face, in order around it. */
export const OVAL: readonly number[] = [
  10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136,
  172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
];
