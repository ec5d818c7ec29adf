import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { FAILURES, failureKind, InferenceError, OrtError } from '../../server/inference/failure.ts';
import { libraryFolder } from '../../server/inference/ort-library.ts';
import { DEFAULT_CHAIN, type Provider } from '../../server/inference/providers.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Runtime, RuntimeOptions, Session, SessionOptions } from '../../server/inference/session.ts';
import { fallbacksOnce, fallenBack, providerText } from '../../server/inference/settings.ts';
import { compileOrtStub } from '../fixtures/ort-stub.ts';

const DETECTOR = fileURLToPath(new URL('../../models/perception/face-detection-full-range.onnx', import.meta.url));
const ERRORS = fileURLToPath(new URL('../../server/docs/errors.md', import.meta.url));
const MISSING =
  'Failed to load library libonnxruntime_providers_tensorrt.so with error: libnvinfer.so.10: cannot open shared object file';

const built = compileOrtStub();
afterAll(() => built.stub && built.remove());

describe('what went wrong', () => {
  test.each([
    [MISSING, 'library_missing'],
    ['CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version', 'driver_old'],
    ['CUDA failure 100: no CUDA-capable device is detected', 'gpu_absent'],
    ['Failed to get a WebGPU adapter: No supported adapters', 'gpu_absent'],
    ['CUDA failure 2: out of memory ; GPU=0', 'gpu_memory'],
    ['BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 1024', 'gpu_memory'],
    ['CUDA failure 719: unspecified launch failure ; GPU=0', 'gpu_gone'],
    ['CUDA failure 46: all CUDA-capable devices are busy or unavailable', 'gpu_gone'],
    ['TensorRT EP failed to deserialize engine', 'cache_corrupt'],
    [
      'This session contains graph nodes that are assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled by the user.',
      'cpu_parts',
    ],
    ['Unknown provider option: "trt_fp17"', 'option_unknown'],
    ['Exiting due to terminate flag being set to true.', 'stopped'],
    ['Something else', 'other'],
  ] as const)('%s', (said, kind) => {
    expect(failureKind(new OrtError(1, said))).toBe(kind);
  });

  test('errors.md holds the same sentences', () => {
    const rows = [...readFileSync(ERRORS, 'utf8').matchAll(/^\| `(\w+)` \| ([^|]+) \|$/gm)];
    expect(Object.fromEntries(rows.map(([, kind, sentence]) => [kind, sentence]))).toEqual(FAILURES);
  });
});

describe('what the operator hears', () => {
  const refusals = [{ provider: 'tensorrt', reason: 'It is not there.' }] as const;
  const network = { name: 'a.onnx', provider: 'cpu', refusals } as const;

  test('nothing where there is no GPU and nobody asked for one', () => {
    expect(fallenBack(network, DEFAULT_CHAIN, false)).toBeNull();
    expect(fallenBack({ ...network, refusals: [] }, DEFAULT_CHAIN, true)).toBeNull();
  });

  test('why a GPU that is there, or was asked for, is not used', () => {
    const sentence = /a\.onnx runs on cpu, not on tensorrt: It is not there\. `understudy doctor`/;
    expect(fallenBack(network, DEFAULT_CHAIN, true)).toMatch(sentence);
    expect(fallenBack(network, ['tensorrt', 'cpu'], false)).toMatch(sentence);
  });

  test('all that refused, and once for each provider that networks come to lie on', () => {
    const tell = fallbacksOnce(['tensorrt', 'cuda', 'cpu'], true);
    const [tensorrt, cuda] = [refusals[0], { provider: 'cuda', reason: 'It is out of memory.' } as const];
    const onCuda = { name: 'b.onnx', provider: 'cuda', refusals } as const;
    expect(tell({ ...onCuda, provider: 'tensorrt', refusals: [] })).toBeNull();
    expect(tell(onCuda)).toMatch(/^The network b\.onnx runs on cuda, not on tensorrt: It is not there\. `/);
    expect(tell(onCuda)).toBeNull();
    const onCpu = { ...network, refusals: [tensorrt, cuda] };
    expect(tell(onCpu)).toMatch(/runs on cpu, not on tensorrt: It is not there\. Nor on cuda: It is out of memory\. `/);
    expect(tell(onCpu)).toBeNull();
  });

  test('every provider in use, none that is not', () => {
    expect(providerText([])).toBe('cpu');
    expect(providerText(['cpu', 'tensorrt'])).toBe('tensorrt + cpu');
  });
});

describe.skipIf(existsSync(join(libraryFolder(), 'libonnxruntime_providers_cuda.so')))(
  'without the GPU’s libraries (skipped where they are installed)',
  () => {
    test('the default chain ends on the processor and says why', async () => {
      const runtime = createRuntime({ providers: DEFAULT_CHAIN });
      const { provider, refusals } = await runtime.load(DETECTOR, new Arena(32));
      expect(provider).toBe('cpu');
      expect(runtime.inUse).toEqual(['cpu']);
      expect(refusals.map((one) => one.provider)).toEqual(['tensorrt', 'cuda']);
      for (const { reason } of refusals) expect(reason).toContain(FAILURES.library_missing);
      runtime.close();
    });
  },
);

describe.skipIf(!built.stub)(`with recording stand-ins ${built.stub ? '' : `(skipped: ${built.why})`}`, () => {
  const stub = built.stub as NonNullable<typeof built.stub>;
  let arena: Arena;
  let runtime: Runtime | null = null;
  beforeEach(() => {
    stub.reset();
    arena = new Arena(64);
  });
  afterEach(() => {
    runtime?.close();
    runtime = null;
  });
  const load = (
    providers: readonly Provider[],
    gpu: RuntimeOptions['gpu'] = {},
    options: SessionOptions = {},
  ): Promise<Session> => {
    runtime ??= createRuntime({ providers, gpu, library: stub.file });
    return runtime.load(DETECTOR, arena, options);
  };

  test('TensorRT is given every option', async () => {
    const gpu = { device: 1, cachePrefix: 'double', workspaceMb: 3000, builderLevel: 4 };
    const { provider } = await load(['tensorrt'], gpu, { engine: { precision: 'half', dir: '/cache/abc' } });
    expect(provider).toBe('tensorrt');
    expect(stub.options('tensorrt')).toEqual({
      device_id: '1',
      trt_max_workspace_size: '3145728000',
      trt_fp16_enable: '1',
      trt_int8_enable: '0',
      trt_engine_cache_enable: '1',
      trt_engine_cache_path: '/cache/abc',
      trt_engine_cache_prefix: 'double',
      trt_timing_cache_enable: '1',
      trt_timing_cache_path: '/cache',
      trt_force_timing_cache: '0',
      trt_builder_optimization_level: '4',
      trt_cuda_graph_enable: '0',
      trt_force_sequential_engine_build: '1',
    });
    expect(stub.options('cuda')).toEqual({
      device_id: '1',
      arena_extend_strategy: 'kSameAsRequested',
      cudnn_conv_algo_search: 'EXHAUSTIVE',
      do_copy_in_default_stream: '1',
      enable_cuda_graph: '0',
    });
    const order = stub.log().filter((line) => /^append|^config session\.disable|^session/.test(line));
    expect(order).toEqual(['config session.disable_cpu_ep_fallback=1', 'append tensorrt', 'append cuda', 'session']);
  });

  test('without an engine that was looked at: full precision, nothing kept', async () => {
    await load(['tensorrt'], { fp16: true });
    const options = stub.options('tensorrt');
    expect(options).toMatchObject({ trt_fp16_enable: '0', trt_engine_cache_enable: '0', trt_timing_cache_enable: '0' });
    expect(Object.keys(options)).not.toContain('trt_engine_cache_path');
  });

  test('WebGPU is appended by name; the processor gets none of it', async () => {
    await load(['webgpu']);
    expect(stub.log()).toContain('append WebGPU with 0 options');
    runtime?.close();
    runtime = null;
    stub.reset();
    await load(['cpu']);
    expect(stub.log().filter((line) => /append|disable_cpu/.test(line))).toEqual([]);
  });

  test('a provider whose library is missing is passed over, with its reason, and not tried for the next network', async () => {
    stub.fail('tensorrt', MISSING);
    const first = await load(DEFAULT_CHAIN);
    const second = await load(DEFAULT_CHAIN);
    for (const { provider, refusals } of [first, second]) {
      expect(provider).toBe('cuda');
      expect(refusals).toHaveLength(1);
      expect(refusals[0]?.reason).toMatch(/^tensorrt cannot be used here\..*understudy doctor.*libnvinfer\.so\.10/);
    }
    expect(stub.log().filter((line) => line.startsWith('tensorrt device_id'))).toHaveLength(1);
  });

  test('a network of which parts would run on the processor, or that does not fit, goes to the next; another network is tried anew', async () => {
    stub.fail(
      'session',
      'graph nodes that are assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled',
      { times: 1 },
    );
    const first = await load(DEFAULT_CHAIN);
    expect([first.provider, first.refusals[0]?.reason]).toEqual(['cuda', expect.stringContaining(FAILURES.cpu_parts)]);
    stub.fail('session', 'CUDA failure 2: out of memory', { times: 2 });
    const second = await load(DEFAULT_CHAIN);
    expect(second.provider).toBe('cpu');
    for (const { reason } of second.refusals) expect(reason).toContain(FAILURES.gpu_memory);
    expect((await load(DEFAULT_CHAIN)).provider).toBe('tensorrt');
    expect(runtime?.inUse).toEqual(['tensorrt', 'cuda', 'cpu']);
  });

  test('a provider that is forced refuses with its reason', async () => {
    stub.fail('append cuda', 'Failed to load library libcudnn.so.9: cannot open shared object file');
    for (let turn = 0; turn < 2; turn++) await expect(load(['cuda'])).rejects.toThrow(/^cuda cannot be used here/);
    runtime?.close();
    runtime = null;
    stub.fail('tensorrt', MISSING);
    await expect(load(['tensorrt', 'cuda'])).rejects.toThrow(
      /taken by no provider.*libnvinfer.*cuda cannot be used here/,
    );
  });

  test.each([
    ['CUDA failure 719: unspecified launch failure', 'gpu_gone'],
    ['CUDA failure 2: out of memory', 'gpu_memory'],
  ] as const)('a run that fails says so: %s', async (said, kind) => {
    stub.fail('run', said, { after: 1 });
    const session = await load(['cuda']);
    await session.run();
    const error = await session.run().catch((one: unknown) => one);
    expect(error).toBeInstanceOf(InferenceError);
    expect(error).toMatchObject({ kind });
    expect(String(error)).toMatch(/face-detection-full-range\.onnx could not be run on cuda\./);
  });
});
