import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDouble } from '../../server/double/open.ts';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';

const MARA = fileURLToPath(new URL('../../models/doubles/mara/', import.meta.url));
const DETECTOR = fileURLToPath(new URL('../../models/perception/face-detection-full-range.onnx', import.meta.url));

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'double-'));
  for (const file of ['double.json', 'double.onnx', 'features.onnx', 'maps.bin', 'detail.bin', 'mesh.json'])
    cpSync(join(MARA, file), join(dir, file));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function refusal(): Promise<string> {
  const arena = new Arena(64);
  const runtime = createRuntime();
  try {
    const replacer = await openDouble({ runtime, arena, kernels: loadKernels(arena), dir });
    replacer.close();
    return '';
  } catch (error) {
    return (error as Error).message;
  } finally {
    runtime.close();
  }
}

interface Manifest {
  kind: string;
  maxYawDeg: number;
  model: { file: string; sha256: string };
  mesh: { file: string; sha256: string };
  features: { file: string; sha256: string };
  maps?: { file: string; sha256: string; side: number };
}

function edit(change: (manifest: Manifest) => void): void {
  const file = join(dir, 'double.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

/** Replaces a file and makes the manifest agree with it: damage that a hash does not find. */
function swap(held: 'model' | 'mesh' | 'features', bytes: Uint8Array): void {
  edit((manifest) => {
    writeFileSync(join(dir, manifest[held].file), bytes);
    manifest[held].sha256 = createHash('sha256').update(bytes).digest('hex');
  });
}

describe('opening a double', () => {
  test('a whole one opens', async () => {
    expect(await refusal()).toBe('');
  });

  test('no double.json, or one that is cut off', async () => {
    writeFileSync(join(dir, 'double.json'), readFileSync(join(dir, 'double.json')).subarray(0, 100));
    expect(await refusal()).toMatch(/double\.json is not JSON/);
    rmSync(join(dir, 'double.json'));
    expect(await refusal()).toMatch(/There is no double in .*double\.json is missing/);
  });

  test('an unknown kind and a value out of range are named', async () => {
    edit((manifest) => {
      manifest.kind = 'hologram';
    });
    expect(await refusal()).toMatch(/"kind" in double\.json/);
    edit((manifest) => {
      manifest.kind = 'mesh';
      manifest.maxYawDeg = 400;
    });
    expect(await refusal()).toMatch(/"maxYawDeg" in double\.json/);
  });

  test('a file whose hash is another', async () => {
    const bytes = readFileSync(join(dir, 'double.onnx'));
    bytes[bytes.length - 9]! ^= 1;
    writeFileSync(join(dir, 'double.onnx'), bytes);
    expect(await refusal()).toMatch(/damaged or was changed: the hash of double\.onnx/);
    rmSync(join(dir, 'mesh.json'));
    expect(await refusal()).toMatch(/incomplete: mesh\.json is missing/);
  });

  test('a truncated network, one that is not ONNX, and one of another kind', async () => {
    const whole = readFileSync(join(dir, 'double.onnx'));
    swap('model', whole.subarray(0, whole.length / 2));
    expect(await refusal()).toMatch(/double\.onnx cannot be loaded on cpu\. The file is truncated/);
    swap('model', Buffer.from('no network at all'));
    expect(await refusal()).toMatch(/double\.onnx cannot be loaded/);
    swap('model', readFileSync(DETECTOR));
    expect(await refusal()).toMatch(/not of kind learned: it needs drawn/);
  });

  test('a network for eyes and mouth that is not one, and one that is missing', async () => {
    swap('features', readFileSync(DETECTOR));
    expect(await refusal()).toMatch(/not of kind learned: it needs eyes as 2×7×48×64/);
    rmSync(join(dir, 'features.onnx'));
    expect(await refusal()).toMatch(/incomplete: features\.onnx is missing/);
  });

  test('maps that are missing, not named, or of another size', async () => {
    edit((manifest) => {
      manifest.maps!.side = 64;
    });
    expect(await refusal()).toMatch(/maps\.bin holds \d+ bytes where its sides/);
    rmSync(join(dir, 'maps.bin'));
    expect(await refusal()).toMatch(/incomplete: maps\.bin is missing/);
    edit((manifest) => {
      delete manifest.maps;
    });
    expect(await refusal()).toMatch(/names no maps in double\.json/);
  });

  test('a mesh whose triangles name vertices that are not there', async () => {
    const mesh = JSON.parse(readFileSync(join(dir, 'mesh.json'), 'utf8')) as { triangles: number[] };
    mesh.triangles[4] = 99_999;
    swap('mesh', Buffer.from(JSON.stringify(mesh)));
    expect(await refusal()).toMatch(/mesh\.json is not a face mesh of this version/);
  });
});
