import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Runtime, Session } from '../../server/inference/session.ts';
import { networks } from '../../server/library/networks.ts';
import { compileOrtStub } from '../fixtures/ort-stub.ts';
import { openStockSession } from '../fixtures/stock-session.ts';

const BUNDLED = ['face-detection-full-range', 'face-landmarks-478', 'mara', 'retouch'];
const fileOf = (name: string): string => networks()[name] ?? '';
const DETECTOR = fileOf('face-detection-full-range');
const MEMORY_MB = 128;

/** Every way to run a network keeps the same promises. */
interface Binding {
  name: string;
  open(file: string, arena: Arena): Promise<Session>;
}

let folder: string;
const runtimes: Runtime[] = [];
const kept = (runtime: Runtime): Runtime => {
  runtimes.push(runtime);
  return runtime;
};
const built = compileOrtStub();
const through = (options: Parameters<typeof createRuntime>[0]) => {
  let runtime: Runtime | undefined;
  return (file: string, arena: Arena): Promise<Session> => {
    runtime ??= kept(createRuntime(options));
    return runtime.load(file, arena);
  };
};
const BINDINGS: Binding[] = [
  { name: 'the C API on the processor', open: through({}) },
  { name: 'onnxruntime-node’s own binding', open: openStockSession },
  // The GPU's way through the library (values handed to each run), on the processor.
  ...(built.stub
    ? [{ name: 'the C API as it runs on a GPU', open: through({ providers: ['cuda'], library: built.stub.file }) }]
    : []),
];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-session-'));
});
afterAll(() => {
  for (const runtime of runtimes) runtime.close();
  rmSync(folder, { recursive: true });
  if (built.stub) built.remove();
});

/** The same numbers every time, within what pictures hold. */
function fill({ inputs }: Session, seed: number): void {
  let state = seed;
  for (const { data } of Object.values(inputs)) {
    for (let k = 0; k < data.length; k++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[k] = state / 2 ** 32;
    }
  }
}

const outputsOf = ({ outputs }: Session): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Float32Array.from(data)]));

async function ran(open: Binding['open'], file: string, seed: number): Promise<Record<string, Float32Array>> {
  const session = await open(file, new Arena(MEMORY_MB));
  fill(session, seed);
  await session.run();
  const made = outputsOf(session);
  session.close();
  return made;
}

describe.each(BINDINGS)('$name', ({ open }) => {
  test('tells names and shapes, takes other inputs with every run, and may be closed twice', async () => {
    const arena = new Arena(MEMORY_MB);
    const session = await open(DETECTOR, arena);
    const shapes = (tensors: Session['inputs']) =>
      Object.fromEntries(Object.values(tensors).map(({ name, dims }) => [name, dims]));
    expect(Object.values(shapes(session.inputs))).toEqual([[1, 3, 192, 192]]);
    expect(
      Object.values(shapes(session.outputs))
        .map((dims) => dims.join('×'))
        .sort(),
    ).toEqual(['1×2304×1', '1×2304×16']);
    fill(session, 1);
    await session.run();
    const first = outputsOf(session);
    fill(session, 2);
    await session.run();
    expect(outputsOf(session)).not.toEqual(first);
    fill(session, 1);
    await session.run();
    expect(outputsOf(session)).toEqual(first);
    session.close();
    session.close();
    await expect(session.run()).rejects.toThrow(/face-detection-full-range\.onnx has been closed/);
  });

  test('a file that is missing or cut off is refused', async () => {
    const broken = join(folder, 'broken.onnx');
    writeFileSync(broken, readFileSync(DETECTOR).subarray(0, 5000));
    await expect(open(broken, new Arena(16))).rejects.toThrow();
    await expect(open(join(folder, 'nowhere.onnx'), new Arena(16))).rejects.toThrow();
  });
});

describe('against the stock binding', { timeout: 120_000 }, () => {
  test.each(BUNDLED)('%s gives the same numbers', async (name) => {
    const file = fileOf(name);
    const expected = await ran(openStockSession, file, 7);
    for (const { open } of BINDINGS) {
      const made = await ran(open, file, 7);
      expect(Object.keys(made).sort()).toEqual(Object.keys(expected).sort());
      for (const [output, values] of Object.entries(expected)) {
        const apart = values.reduce(
          (most, value, k) => Math.max(most, Math.abs(value - (made[output]?.[k] ?? Number.NaN))),
          0,
        );
        expect(apart, output).toBeLessThanOrEqual(1e-5);
      }
    }
  });
});

test.skipIf(!built.stub)(
  `the C API lets other work go on while a network is loaded and while it runs, and refuses a second run beside${built.stub ? '' : ` (skipped: ${built.why})`}`,
  async () => {
    const stub = built.stub as NonNullable<typeof built.stub>;
    const runtime = createRuntime({ library: stub.file });
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    let loaded = false;
    // Loading waits on the pool until it is told to go on, and so does a run: a blocked loop would never get to tell it.
    stub.slow(60_000);
    const loading = runtime.load(DETECTOR, new Arena(MEMORY_MB)).finally(() => (loaded = true));
    for (let k = 0; k < 5; k++) await turn();
    expect(loaded).toBe(false);
    stub.slow(0);
    const session = await loading;
    stub.slow(60_000);
    const running = session.run();
    await expect(session.run()).rejects.toThrow(/already running: one run at a time/);
    for (let k = 0; k < 5; k++) await turn();
    runtime.close();
    expect(stub.log()).toContain('terminate');
    await expect(running).rejects.toThrow(/The run was stopped/);
    stub.reset();
  },
);
