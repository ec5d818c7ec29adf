import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertDetector } from './detector.ts';
import { buildFaceMesh } from './face-mesh.ts';
import { convertLandmarks } from './landmarks.ts';
import { buildManifest } from './manifest.ts';
import { ROOT, readSource, SOURCES, type Source } from './sources.ts';

/**
 * Converts the perception models of the MediaPipe npm packages to ONNX.
 *
 *     node scripts/models/convert.ts            writes models/perception
 *     node scripts/models/convert.ts --check    writes nothing; exit 1 where a committed file differs
 */
export const FOLDER = join(ROOT, 'models', 'perception');

/** Every generated file of models/perception by name. The same packages give the same bytes. */
export function buildPerceptionModels(): Map<string, Uint8Array> {
  const mesh = buildFaceMesh(readSource(SOURCES.canonicalMesh));
  const files = new Map<string, Uint8Array>([
    ['face-detection-full-range.onnx', convertDetector(readSource(SOURCES.detector), metadata(SOURCES.detector))],
    ['face-landmarks-478.onnx', convertLandmarks(readSource(SOURCES.landmarks), metadata(SOURCES.landmarks))],
    ['face-mesh.json', Buffer.from(linePerKey({ source: SOURCES.canonicalMesh, licence: 'Apache-2.0', ...mesh }))],
  ]);
  files.set('manifest.json', Buffer.from(`${JSON.stringify(buildManifest(files), null, 2)}\n`));
  return files;
}

/** Provenance travels inside the ONNX file too. */
function metadata(source: Source): Record<string, string> {
  return {
    source: `npm ${source.package}@${source.version} ${source.file} bytes ${source.start}-${source.end}`,
    licence: 'Apache-2.0',
    author: 'Google LLC (MediaPipe); converted, weights unchanged',
  };
}

/** Long number lists on one line each: readable in a diff, small on disk. */
function linePerKey(value: object): string {
  const lines = Object.entries(value).map(([key, item]) => `  ${JSON.stringify(key)}: ${JSON.stringify(item)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** The names of the files that are missing or differ from what the packages give. */
export function differences(files: Map<string, Uint8Array>, folder = FOLDER): string[] {
  return [...files]
    .filter(([name, bytes]) => {
      const path = join(folder, name);
      return !existsSync(path) || Buffer.compare(readFileSync(path), bytes) !== 0;
    })
    .map(([name]) => name);
}

function main(): void {
  const files = buildPerceptionModels();
  if (process.argv.includes('--check')) {
    const different = differences(files);
    for (const name of different) {
      console.error(`models/perception/${name} is not what scripts/models/convert.ts makes. Run it without --check.`);
    }
    if (different.length === 0) console.log(`models/perception: ${files.size} files match.`);
    process.exitCode = different.length === 0 ? 0 : 1;
    return;
  }
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, bytes] of files) {
    writeFileSync(join(FOLDER, name), bytes);
    console.log(`models/perception/${name}: ${bytes.length} bytes`);
  }
}

if (import.meta.main) main();
