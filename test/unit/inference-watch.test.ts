import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Arena } from '../../server/frame/arena.ts';
import { FAILURES, type InferenceError } from '../../server/inference/failure.ts';
import { RunWatch, tickMs } from '../../server/inference/run-watch.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Runtime, Session } from '../../server/inference/session.ts';
import { networks } from '../../server/library/networks.ts';
import { compileOrtStub } from '../fixtures/ort-stub.ts';

const DETECTOR = networks()['face-detection-full-range'] as string;
const built = compileOrtStub();
afterAll(() => built.stub && built.remove());

describe('how long a run takes', () => {
  const ticks = (watch: RunWatch, count: number, ms: number): (string | null)[] =>
    Array.from({ length: count }, () => watch.passed(ms)).filter(Boolean);

  test('counts only while it runs, and tells late and stuck once each', () => {
    const watch = new RunWatch(250, 'cuda');
    expect(ticks(watch, 100, 25)).toEqual([]);
    watch.begin();
    expect(ticks(watch, 10, 25)).toEqual([]);
    expect(watch.passed(25)).toBe('late');
    expect(ticks(watch, 1, 25)).toEqual([]);
    expect(ticks(watch, 20, 25)).toEqual(['stuck']);
    expect(watch.end()).toBe(true);
    watch.begin();
    expect(watch.end()).toBe(false);
  });

  test('a watcher that was held up itself does not hold it against the run', () => {
    const watch = new RunWatch(250, 'cuda');
    watch.begin();
    expect(ticks(watch, 5, 10_000)).toEqual([]);
    expect(ticks(watch, 1, 10_000)).toEqual(['late']);
    expect(tickMs(250)).toBe(10);
  });

  test('a processor that is shared is given longer', () => {
    const watch = new RunWatch(250, 'cpu');
    watch.begin();
    expect(ticks(watch, 40, 25)).toEqual([]);
    expect(watch.passed(25)).toBe('late');
    expect(ticks(watch, 30, 25)).toEqual([]);
    expect(ticks(watch, 30, 25)).toEqual(['stuck']);
  });
});

describe.skipIf(!built.stub)(`runs that do not answer ${built.stub ? '' : `(skipped: ${built.why})`}`, () => {
  const stub = built.stub as NonNullable<typeof built.stub>;
  const FOR_EVER = 60_000;
  let runtime: Runtime;
  let session: Session;
  let broken: InferenceError[];
  let heard: () => void;
  beforeEach(async () => {
    stub.reset();
    broken = [];
    heard = () => undefined;
    runtime = createRuntime({
      ...{ providers: ['cuda'], library: stub.file, runLimitMs: 40 },
      broken: (error) => {
        broken.push(error);
        heard();
      },
    });
    session = await runtime.load(DETECTOR, new Arena(32));
    await session.run();
  });
  const released = (): string[] => stub.log().filter((line) => line.startsWith('release'));
  afterEach(async () => {
    stub.slow(0);
    runtime.close();
    // An abandoned run has returned then, and says nothing into the next test.
    await expect.poll(released, { interval: 5, timeout: 10_000 }).toContain('release env');
  });

  test('one that is late is abandoned and stopped; the network can be run again when it has returned', async () => {
    stub.slow(FOR_EVER);
    await expect(session.run()).rejects.toThrow(FAILURES.hung);
    expect(stub.log()).toContain('terminate');
    stub.slow(0);
    await expect.poll(() => session.run().then(() => 'ran', String), { timeout: 10_000 }).toBe('ran');
    expect(stub.log()).toContain('resume');
  });

  test('one that does not hear that it is to stop breaks the engine, with its reason, once', async () => {
    stub.slow(FOR_EVER, true);
    const told = new Promise<void>((resolve) => (heard = resolve));
    await expect(session.run()).rejects.toThrow(/did not answer on cuda/);
    await expect(session.run()).rejects.toThrow(/already running/);
    await told;
    expect(broken.map(({ kind }) => kind)).toEqual(['hung']);
  });

  test('what an abandoned run still uses is released when it has returned, the environment last, once', async () => {
    stub.slow(FOR_EVER, true);
    const stopped = session.run().catch(() => 'stopped');
    runtime.close();
    runtime.close();
    expect(released()).toEqual([]);
    stub.slow(0);
    await stopped;
    expect(released()).toEqual(['release session', 'release env']);
    await expect(runtime.load(DETECTOR, new Arena(32))).rejects.toThrow(/the engine is closing/);
    expect(released()).toHaveLength(2);
  });

  test('a GPU that has gone breaks the engine; one that is out of memory does not', async () => {
    stub.fail('run', 'CUDA failure 2: out of memory', { times: 1 });
    await expect(session.run()).rejects.toThrow(FAILURES.gpu_memory);
    expect(broken).toEqual([]);
    stub.fail('run', 'CUDA failure 719: unspecified launch failure');
    await expect(session.run()).rejects.toThrow(FAILURES.gpu_gone);
    await expect(session.run()).rejects.toThrow(FAILURES.gpu_gone);
    expect(broken.map(({ kind }) => kind)).toEqual(['gpu_gone']);
  });
});
