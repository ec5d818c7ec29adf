import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diagnose } from '../../server/inference/diagnosis.ts';
import { hasCudaBuild, holdsGpu, libraries, parseGpus } from '../../server/inference/machine.ts';
import { gapsOf, ORT_GPU_COMMAND } from '../../server/inference/repairs.ts';
import { CPU_ONLY } from '../../server/inference/settings.ts';
import { networks } from '../../server/library/networks.ts';

const DETECTOR = fileURLToPath(new URL('../../models/perception/face-detection-full-range.onnx', import.meta.url));
const DEBIAN = { id: 'debian', version: '12' };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-doctor-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('what the machine has', () => {
  test('the GPUs that the driver tells of', () => {
    const csv = '0, NVIDIA RTX A4000, 550.54.15, 16376, 8.6\n1, Tesla T4, 550.54.15, 15360, 7.5\nsomething else\n';
    expect(parseGpus(csv)).toEqual([
      { index: 0, name: 'NVIDIA RTX A4000', driver: '550.54.15', memoryMb: 16376, compute: '8.6' },
      { index: 1, name: 'Tesla T4', driver: '550.54.15', memoryMb: 15360, compute: '7.5' },
    ]);
  });

  test('a GPU in the machine whose driver is not installed', () => {
    for (const [name, vendor] of [
      ['a', '0x8086'],
      ['b', '0x10de'],
    ] as const) {
      mkdirSync(join(folder, 'pci', name), { recursive: true });
      writeFileSync(join(folder, 'pci', name, 'vendor'), `${vendor}\n`);
      expect(holdsGpu(join(folder, 'pci'))).toBe(name === 'b');
    }
    expect(holdsGpu(join(folder, 'nowhere'))).toBeNull();
  });

  test.skipIf(!hasCudaBuild())('libraries where they lie, null where they do not', async () => {
    writeFileSync(join(folder, 'libcudnn.so.9'), '');
    const found = await libraries([folder]);
    const there = found.filter(({ path }) => path);
    expect(there).toMatchObject([{ name: 'cuDNN', path: join(folder, 'libcudnn.so.9') }]);
    expect(found.length).toBeGreaterThan(10);
  });
});

describe('what mends it', () => {
  const lib = (file: string, ...neededBy: ('driver' | 'cuda' | 'tensorrt' | 'nvenc')[]) => ({
    name: file,
    file,
    neededBy,
  });

  test('each gap has its command, in the order in which they are run', () => {
    const gaps = gapsOf(
      [
        lib('libcuda.so.1', 'driver', 'cuda'),
        lib('libnvinfer.so.10', 'tensorrt'),
        lib('libcudnn.so.9', 'cuda', 'tensorrt'),
        lib('libonnxruntime_providers_cuda.so', 'cuda'),
        lib('libnvidia-encode.so.1', 'nvenc'),
      ],
      DEBIAN,
    );
    expect(gaps.map(({ command }) => command)).toEqual([
      expect.stringMatching(/debian12\/x86_64.*apt-get install -y cuda-drivers/),
      ORT_GPU_COMMAND,
      expect.stringMatching(/apt-get install -y libcudnn9-cuda-12 libnvinfer10$/),
    ]);
    expect(gaps[2]?.why).toBe('libnvinfer.so.10, libcudnn.so.9 are missing: needed by tensorrt, cuda.');
  });

  test('nothing is asked for where nothing is missing; another system gets words', () => {
    expect(gapsOf([], DEBIAN)).toEqual([]);
    expect(gapsOf([lib('libcudnn.so.9', 'cuda')], { id: 'fedora', version: '41' })[0]?.command).toMatch(
      /^Install CUDA 12/,
    );
  });
});

test('every bundled network is known by name', () => {
  expect(Object.keys(networks())).toEqual(
    expect.arrayContaining(['face-detection-full-range', 'face-landmarks-478', 'mara', 'ivo', 'retouch']),
  );
});

test('a diagnosis names the provider of each network, and why each other one was not taken', async () => {
  const settings = { ...CPU_ONLY, providers: ['cuda', 'cpu'] as const };
  const { providers, models } = await diagnose(
    { ...settings, providers: [...settings.providers] },
    { detector: DETECTOR, lost: join(folder, 'lost.onnx') },
  );
  const cuda = providers.find(({ provider }) => provider === 'cuda');
  const [detector, lost] = models;
  expect(detector?.provider).toBe(cuda?.usable ? 'cuda' : 'cpu');
  expect(detector?.ms).toBeGreaterThan(0);
  expect(detector?.refusals).toEqual(cuda?.usable ? [] : [{ provider: 'cuda', reason: cuda?.reason }]);
  expect(lost).toMatchObject({
    provider: null,
    ms: null,
    refusals: [{ reason: expect.stringMatching(/cannot be read/) as string }],
  });
  expect(providers.find(({ provider }) => provider === 'webgpu')).toMatchObject({ asked: false, usable: false });
  expect(providers.find(({ provider }) => provider === 'cpu')).toMatchObject({ usable: true, reason: null });
}, 60_000);
