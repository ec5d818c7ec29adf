import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lookDir, lookNames } from './looks.ts';

const PERCEPTION = fileURLToPath(new URL('../../models/perception/', import.meta.url));

const OCCLUSION = fileURLToPath(new URL('../../models/occlusion/occlusion.onnx', import.meta.url));

const EYES_OPEN = fileURLToPath(new URL('../../models/eyes/eyes-open.onnx', import.meta.url));

/**
 * Every network that an engine may run: name → ONNX file. A look's goes by its name, and what paints its eyes and mouth by NAME-features; one whose
 * manifest cannot be read is left out.
 */
export function networks(): Record<string, string> {
  const perception = readdirSync(PERCEPTION)
    .filter((file) => file.endsWith('.onnx'))
    .sort()
    .map((file) => [file.replace(/\.onnx$/, ''), join(PERCEPTION, file)]);
  const looks = lookNames().flatMap((name) => {
    const { model, features } = networkFiles(lookDir(name));
    return [...(model ? [[name, model]] : []), ...(features ? [[`${name}-features`, features]] : [])];
  });
  return Object.fromEntries([...perception, ['occlusion', OCCLUSION], ['eyes-open', EYES_OPEN], ...looks]) as Record<
    string,
    string
  >;
}

function networkFiles(dir: string): { model?: string; features?: string } {
  const path = (held: { file?: unknown } | undefined): string | undefined => {
    const file = typeof held?.file === 'string' ? join(dir, held.file) : undefined;
    return file && existsSync(file) ? file : undefined;
  };
  try {
    const manifest = JSON.parse(readFileSync(join(dir, 'double.json'), 'utf8')) as Record<string, { file?: unknown }>;
    const [model, features] = [path(manifest.model), path(manifest.features)];
    return { ...(model && { model }), ...(features && { features }) };
  } catch {
    return {};
  }
}
