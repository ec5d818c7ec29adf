import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The repository's root. */
export const ROOT = join(import.meta.dirname, '..', '..');

/** A stretch of a file of an npm package; without `end` the whole file. */
export interface Source {
  package: string;
  version: string;
  file: string;
  start: number;
  end: number;
}

const FACE_MESH = {
  package: '@mediapipe/face_mesh',
  version: '0.4.1657299874',
  file: 'face_mesh_solution_packed_assets.data',
};

/** The offsets are those of face_mesh_solution_packed_assets_loader.js, which lists the packed files. */
export const SOURCES = {
  detector: {
    package: '@mediapipe/face_detection',
    version: '0.4.1657300184',
    file: 'face_detection_full_range.tflite',
    start: 0,
    end: 1083984,
  },
  landmarks: { ...FACE_MESH, start: 0, end: 2495952 },
  canonicalMesh: { ...FACE_MESH, start: 3737848, end: 3757224 },
} as const satisfies Record<string, Source>;

/** @throws Error when the installed package is another version or the file is too short. */
export function readSource(source: Source): Uint8Array {
  const folder = join(ROOT, 'node_modules', source.package);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  if (version !== source.version) {
    throw new Error(
      `${source.package} is installed as ${version}, but its models are read from ${source.version}. Run npm ci, or adapt the versions and offsets in scripts/models/sources.ts.`,
    );
  }
  const bytes = readFileSync(join(folder, source.file));
  if (bytes.length < source.end) {
    throw new Error(`${source.package}/${source.file} has ${bytes.length} bytes, ${source.end} were expected.`);
  }
  return new Uint8Array(bytes.subarray(source.start, source.end));
}
