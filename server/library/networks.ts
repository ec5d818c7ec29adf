import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lookDir, lookNames } from './looks.ts';

const PERCEPTION = fileURLToPath(new URL('../../models/perception/', import.meta.url));

const OCCLUSION = fileURLToPath(new URL('../../models/occlusion/occlusion.onnx', import.meta.url));

/** Every network that an engine may run: name → ONNX file. Looks go by their names; one whose manifest cannot be read is left out. */
export function networks(): Record<string, string> {
  const perception = readdirSync(PERCEPTION)
    .filter((file) => file.endsWith('.onnx'))
    .sort()
    .map((file) => [file.replace(/\.onnx$/, ''), join(PERCEPTION, file)]);
  const looks = lookNames().flatMap((name) => {
    const file = modelFile(lookDir(name));
    return file ? [[name, file]] : [];
  });
  return Object.fromEntries([...perception, ['occlusion', OCCLUSION], ...looks]) as Record<string, string>;
}

function modelFile(dir: string): string | null {
  try {
    const { model } = JSON.parse(readFileSync(join(dir, 'double.json'), 'utf8')) as { model?: { file?: unknown } };
    const file = typeof model?.file === 'string' ? join(dir, model.file) : null;
    return file && existsSync(file) ? file : null;
  } catch {
    return null;
  }
}
