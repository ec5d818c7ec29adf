import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { planOf, planText } from '../../server/cli/doctor-plan.ts';
import { loadConfig } from '../../server/config/config.ts';
import { diagnose } from '../../server/inference/diagnosis.ts';
import { hasCudaBuild, holdsGpu, libraries, parseGpus } from '../../server/inference/machine.ts';
import { gpuChoice, placeNext, placesOf } from '../../server/inference/placement.ts';
import { gapsOf, ORT_GPU_COMMAND } from '../../server/inference/repairs.ts';
import { CPU_ONLY } from '../../server/inference/settings.ts';
import { networks } from '../../server/library/networks.ts';
import { compileOrtStub } from '../fixtures/ort-stub.ts';

const DETECTOR = fileURLToPath(new URL('../../models/perception/face-detection-full-range.onnx', import.meta.url));
const DEBIAN = { id: 'debian', version: '12' };

const built = compileOrtStub();
afterAll(() => built.stub && built.remove());

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

describe('where engines go', () => {
  const places = (...memoryMb: number[]) => memoryMb.map((mb, index) => ({ index, memoryMb: mb }));

  test('to the GPU with the fewest engines, then the least busy, then the one with the most memory', () => {
    const on = (...placed: [gpu: number, busyMs: number][]) =>
      placeNext(
        places(8000, 8000, 24_000),
        placed.map(([gpu, busyMs]) => ({ gpu, busyMs })),
      );
    expect(on()).toBe(2);
    expect(on([2, 0])).toBe(0);
    expect(on([2, 9], [0, 4], [1, 3])).toBe(1);
    expect(on([2, 0], [1, 0], [0, 0], [2, 0])).toBe(0);
  });

  test('to those that are chosen; one that the driver does not show stays, to be told', () => {
    expect(placesOf('auto', places(8000, 16_000))).toEqual(places(8000, 16_000));
    expect(placesOf([1, 3], places(8000, 16_000))).toEqual([
      { index: 1, memoryMb: 16_000 },
      { index: 3, memoryMb: 0 },
    ]);
    expect(placesOf('auto', [])).toEqual([{ index: 0, memoryMb: 0 }]);
    expect(placesOf(2, [])).toEqual([{ index: 2, memoryMb: 0 }]);
    for (const wrong of ['all', -1, [], [0, 0]]) expect(gpuChoice.safeParse(wrong).success).toBe(false);
  });

  test.skipIf(!built.stub)(
    `the plan of a machine with two, and what a real spare costs there ${built.stub ? '' : `(skipped: ${built.why})`}`,
    async () => {
      // The driver's tool, on a machine without one: each asking finds 700 MB more in use on the first GPU.
      writeFileSync(
        join(folder, 'nvidia-smi'),
        `#!/bin/sh\nn=$(cat ${folder}/n 2>/dev/null || echo 0)\necho $((n + 700)) > ${folder}/n\necho "0, $n"\necho "1, 500"\n`,
        { mode: 0o755 },
      );
      const before = process.env.PATH;
      process.env.PATH = `${folder}:${before}`;
      try {
        const config = loadConfig(undefined, {
          stage: { demo: false, maxFeeds: 4, feeds: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] },
          inference: { providers: ['cuda'], library: built.stub?.file ?? null },
        });
        const found = places(8000, 8000).map((gpu) => ({ ...gpu, name: 'T4', driver: '550', compute: '7.5' }));
        const { feeds, spare } = await planOf(config, found, true);
        expect(feeds).toEqual([
          { feed: 'a', gpu: 0 },
          { feed: 'b', gpu: 1 },
          { feed: 'c', gpu: 0 },
          { feed: null, gpu: 1 },
        ]);
        expect(spare).toMatchObject({ gpu: 0, gpuMb: 700, why: null });
        expect(spare?.rssMb).toBeGreaterThan(100);
        expect(planText({ feeds, spare }).at(-1)).toMatch(/the spare +GPU 0, \d+ MB of memory, 700 MB of its GPU's$/);
      } finally {
        process.env.PATH = before;
      }
    },
    60_000,
  );
});

test('every bundled network is known by name', () => {
  expect(Object.keys(networks())).toEqual(
    expect.arrayContaining(['face-detection-full-range', 'face-landmarks-478', 'mara', 'ivo', 'retouch', 'reage']),
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
