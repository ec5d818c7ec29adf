import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { probeSquare } from '../../server/cli/probe-face.ts';
import { Arena } from '../../server/frame/arena.ts';
import { disagreement, fillFace, fillProbe, PROBES } from '../../server/inference/agreement.ts';
import { type BuildOptions, buildEngines } from '../../server/inference/build.ts';
import {
  EngineCache,
  type EngineFacts,
  engineKey,
  enginesIn,
  type Precision,
} from '../../server/inference/engine-cache.ts';
import { FAILURES } from '../../server/inference/failure.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Session } from '../../server/inference/session.ts';
import { networks } from '../../server/library/networks.ts';
import { compileOrtStub } from '../fixtures/ort-stub.ts';

const DETECTOR = networks()['face-detection-full-range'] as string;
const HERE: EngineFacts = { gpu: 'Tesla T4 (7.5)', driver: '550.54.15', libraries: 'onnxruntime 1.30.0' };
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const MODEL = sha256(Buffer.from('a network'));

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'understudy-engines-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('whether half precision gives the same', () => {
  const wave = Float32Array.from({ length: 4000 }, (_, k) => Math.sin(k / 40));
  const changed = (change: (value: number, k: number) => number) => ({ out: wave.map(change) });

  test('it may differ by rounding, by no more', () => {
    expect(
      disagreement(
        { out: wave },
        changed((value) => value + 1e-3 * Math.sign(value)),
      ),
    ).toBeNull();
    expect(
      disagreement(
        { out: wave },
        changed((value) => value + 0.04),
      ),
    ).toMatch(/drifts: 2\.0 %/);
    expect(
      disagreement(
        { out: wave },
        changed((value, k) => (k % 300 === 0 ? value + 0.9 : value)),
      ),
    ).toMatch(/far end/);
  });

  test('black, NaN and what is missing are named', () => {
    expect(
      disagreement(
        { out: wave },
        changed(() => 0),
      ),
    ).toMatch(/black/);
    expect(
      disagreement(
        { out: wave },
        changed((value, k) => (k === 17 ? Number.NaN : value)),
      ),
    ).toMatch(/no numbers/);
    expect(disagreement({ out: wave }, {})).toMatch(/missing/);
    expect(disagreement({ out: new Float32Array(8).fill(3) }, { out: new Float32Array(8).fill(3) })).toBeNull();
  });

  test('probes differ, stay within a picture’s range and repeat', () => {
    const all = Array.from({ length: PROBES }, (_, probe) => {
      const data = new Float32Array(500);
      fillProbe(data, probe);
      const again = new Float32Array(500);
      fillProbe(again, probe);
      expect(again).toEqual(data);
      expect(data.every((value) => value >= 0 && value <= 1)).toBe(true);
      return data.join();
    });
    expect(new Set(all).size).toBe(PROBES);
  });
});

describe('the cache of engines', () => {
  test('another network, GPU, driver, library or precision is another engine', () => {
    const keys = [
      engineKey(MODEL, HERE, 'half'),
      engineKey(MODEL, HERE, 'full'),
      engineKey(sha256(Buffer.from('b')), HERE, 'half'),
      engineKey(MODEL, { ...HERE, gpu: 'A4000 (8.6)' }, 'half'),
      engineKey(MODEL, { ...HERE, driver: '560.1' }, 'half'),
      engineKey(MODEL, { ...HERE, libraries: 'onnxruntime 1.31.0' }, 'half'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('half precision is run only where it was looked at and agreed; a record that is cut off is none', () => {
    const cache = new EngineCache(root, HERE);
    expect(cache.chosen(MODEL, true).precision).toBe('full');
    const half = cache.place(MODEL, 'half');
    cache.keep(half, { model: 'a.onnx', modelSha256: MODEL, builtMs: 1, agrees: true, why: null });
    expect(cache.chosen(MODEL, true)).toEqual(half);
    expect(cache.chosen(MODEL, false).precision).toBe('full');
    writeFileSync(join(half.dir, 'engine.json'), '{"format":');
    expect(cache.chosen(MODEL, true).precision).toBe('full');
  });

  test('what another GPU left is not read, and told', () => {
    const other = new EngineCache(root, { ...HERE, gpu: 'A4000 (8.6)' });
    other.keep(other.place(MODEL, 'half'), {
      model: 'a.onnx',
      modelSha256: MODEL,
      builtMs: 1,
      agrees: true,
      why: null,
    });
    const cache = new EngineCache(root, HERE);
    expect(cache.record(MODEL, 'half')).toBeNull();
    expect(cache.chosen(MODEL, true).precision).toBe('full');
    expect(enginesIn(root, [HERE])).toMatchObject({ here: [], foreign: [{ facts: { gpu: 'A4000 (8.6)' } }] });
    expect(enginesIn(root, [other.facts])).toMatchObject({ here: [{ model: 'a.onnx' }], foreign: [] });
    expect(enginesIn(root, [HERE, other.facts])).toMatchObject({ here: [{ model: 'a.onnx' }], foreign: [] });
    expect(enginesIn(root, []).foreign).toHaveLength(1);
  });
});

describe('building ahead', () => {
  /** A network of one output, whose half precision is made worse by the test. */
  const fake = (worse: (value: number) => number, opened: Precision[] = []): BuildOptions['open'] => {
    const tensor = (name: string) => ({ name, dims: [1, 3, 16, 16], at: 0, data: new Float32Array(3 * 16 * 16) });
    return async (_file, _arena, { precision, dir }) => {
      opened.push(precision);
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, 'network.engine'), precision);
      const [input, output] = [tensor('in'), tensor('out')];
      return {
        ...{
          provider: 'tensorrt',
          refusals: [],
          inputs: { in: input },
          outputs: { out: output },
          close: () => undefined,
        },
        run: async () => output.data.set(input.data.map((value) => (precision === 'half' ? worse(value) : value))),
      } satisfies Session;
    };
  };
  const build = async (open: BuildOptions['open'], extra: Partial<BuildOptions> = {}) => {
    const cache = new EngineCache(root, HERE);
    const said: string[] = [];
    const built = await buildEngines(
      { a: DETECTOR },
      { cache, open, memoryMb: 8, say: (line) => said.push(line), ...extra },
    );
    return { cache, built, said };
  };

  test('half precision that agrees is kept, and nothing is built twice', async () => {
    const opened: Precision[] = [];
    const { built, said } = await build(fake((value) => value, opened));
    expect(built).toMatchObject([{ name: 'a', precision: 'half', why: null }]);
    expect(said.join('\n')).toMatch(/a \(1 of 1\): building in full precision…[\s\S]*half precision took/);
    await build(fake((value) => value, opened));
    expect(opened).toEqual(['full', 'half']);
    await build(
      fake((value) => value, opened),
      { again: true },
    );
    expect(opened).toHaveLength(4);
  });

  test('half precision that is wrong on a face alone is found out', async () => {
    const planes = await probeSquare();
    const skin = planes.planes[136 * 256 + 136] as number;
    const wrong = (value: number): number => (value === skin ? Number.NaN : value);
    expect(await build(fake(wrong))).toMatchObject({ built: [{ precision: 'half' }] });
    const { built } = await build(fake(wrong), { face: planes, again: true });
    expect(built).toMatchObject([{ precision: 'full', why: expect.stringContaining('no numbers') as string }]);
  });

  test('a face is put where a network takes a picture, in its order, and nowhere else', () => {
    const face = { size: 2, planes: Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) };
    const filled = (...dims: number[]): Float32Array => {
      const data = new Float32Array(dims.reduce((product, size) => product * size, 1));
      fillFace({ dims, data }, face);
      return data;
    };
    const planar = filled(1, 4, 4, 4);
    expect([0, 3, 12, 15, 16, 47].map((at) => planar[at])).toEqual([1, 2, 3, 4, 5, 12]);
    expect(planar[63]).toBe(1);
    expect([...filled(1, 2, 2, 3)]).toEqual([1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12]);
    for (const other of [[4], [1, 512], [2, 3, 4, 4]]) expect(Math.max(...filled(...other))).toBeLessThanOrEqual(1);
  });

  test('half precision that differs is thrown away, said aloud, and not built again', async () => {
    const opened: Precision[] = [];
    const { cache, built, said } = await build(fake(() => Number.NaN, opened));
    expect(built).toMatchObject([{ precision: 'full', why: expect.stringContaining('no numbers') as string }]);
    expect(said.at(-1)).toMatch(/runs in full precision, because in half precision it gives no numbers/);
    const half = cache.place(shaOfDetector(), 'half');
    expect(readdirSync(half.dir)).toEqual(['engine.json']);
    expect(cache.chosen(shaOfDetector(), true).precision).toBe('full');
    await build(fake((value) => value, opened));
    expect(opened).toEqual(['full', 'half']);
  });

  test('what cannot be built says why and keeps nobody else from it', async () => {
    const open: BuildOptions['open'] = () => Promise.reject(new Error('The GPU is out of memory.'));
    const { built, said } = await build(open);
    expect(built).toMatchObject([{ precision: null, why: 'The GPU is out of memory.' }]);
    expect(said.at(-1)).toMatch(/not built\. The GPU is out of memory/);
  });
});

const shaOfDetector = (): string => sha256(readFileSync(DETECTOR));

const built = compileOrtStub();
afterAll(() => built.stub && built.remove());

describe.skipIf(!built.stub)(`with recording stand-ins ${built.stub ? '' : `(skipped: ${built.why})`}`, () => {
  const stub = built.stub as NonNullable<typeof built.stub>;
  beforeEach(() => stub.reset());

  test('a network runs with the engine that is there for it, in the precision that was found good', async () => {
    const cache = new EngineCache(root, HERE);
    const runtime = createRuntime({ providers: ['tensorrt'], library: stub.file, engines: async () => cache });
    await runtime.load(DETECTOR, new Arena(32));
    const full = cache.place(shaOfDetector(), 'full');
    expect(stub.options('tensorrt')).toMatchObject({
      trt_fp16_enable: '0',
      trt_engine_cache_enable: '1',
      trt_engine_cache_path: full.dir,
      trt_timing_cache_path: root,
    });
    const half = cache.place(shaOfDetector(), 'half');
    cache.keep(half, { model: 'a', modelSha256: shaOfDetector(), builtMs: 1, agrees: true, why: null });
    await runtime.load(DETECTOR, new Arena(32));
    expect(stub.options('tensorrt')).toMatchObject({ trt_fp16_enable: '1', trt_engine_cache_path: half.dir });
    runtime.close();
  });

  test('an engine that cannot be read is deleted, told, and built again', async () => {
    const cache = new EngineCache(root, HERE);
    const { dir } = cache.chosen(shaOfDetector(), true);
    writeFileSync(join(dir, 'network.engine'), 'damaged');
    stub.fail('session', 'TensorRT EP failed to deserialize engine', { times: 1 });
    const told: string[] = [];
    const runtime = createRuntime({
      ...{ providers: ['tensorrt'], library: stub.file, engines: async () => cache },
      notice: (sentence) => told.push(sentence),
    });
    const { provider } = await runtime.load(DETECTOR, new Arena(32));
    expect(provider).toBe('tensorrt');
    expect(existsSync(join(dir, 'network.engine'))).toBe(false);
    expect(told).toEqual([expect.stringContaining(FAILURES.cache_corrupt)]);
    runtime.close();
  });
});
