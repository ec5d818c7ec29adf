import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Runtime, Session } from '../../server/inference/session.ts';
import { compileOrtStub } from '../fixtures/ort-stub.ts';
import { openStockSession } from '../fixtures/stock-session.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
const BUNDLED = [
  'perception/face-detection-full-range.onnx',
  'perception/face-landmarks-478.onnx',
  'doubles/mara/double.onnx',
  'ages/retouch/double.onnx',
].map((file) => join(MODELS, file));
const DETECTOR = BUNDLED[0] as string;
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

const outputsOf = ({ outputs }: Session): Record<string, number[]> =>
  Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, [...data]]));

async function ran(open: Binding['open'], file: string, seed: number): Promise<Record<string, number[]>> {
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

describe('against the stock binding', () => {
  test.each(BUNDLED)('%s gives the same numbers', async (file) => {
    const expected = await ran(openStockSession, file, 7);
    for (const { open } of BINDINGS) {
      const made = await ran(open, file, 7);
      expect(Object.keys(made).sort()).toEqual(Object.keys(expected).sort());
      for (const [name, values] of Object.entries(expected)) {
        const apart = values.reduce(
          (most, value, k) => Math.max(most, Math.abs(value - (made[name]?.[k] ?? Number.NaN))),
          0,
        );
        expect(apart, name).toBeLessThanOrEqual(1e-5);
      }
    }
  });
});

test('the C API lets other work go on while a network is loaded and while it runs, and refuses a second run beside', async () => {
  const runtime = createRuntime();
  const arena = new Arena(MEMORY_MB);
  const turns = async (busy: Promise<unknown>): Promise<number> => {
    let [count, over] = [0, false];
    void busy.finally(() => (over = true));
    while (!over) {
      await new Promise((resolve) => setImmediate(resolve));
      count++;
    }
    return count;
  };
  const loading = runtime.load(DETECTOR, arena);
  expect(await turns(loading)).toBeGreaterThan(2);
  const session = await loading;
  const running = session.run();
  await expect(session.run()).rejects.toThrow(/already running: one run at a time/);
  expect(await turns(running)).toBeGreaterThan(2);
  runtime.close();
});
