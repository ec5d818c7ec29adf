/**
 * `bench inference [--quick]`: every bundled network on every provider that this machine has. What a run takes, and what our session adds
 * to the library's bare call; how soon a fresh process has run every network of a feed; how late the loop wakes while a feed's
 * networks run; the throughput beside onnxruntime-node's own binding; looks changed while a camera runs; and what a viewer sees of a
 * network that hangs or aborts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../server/config/config.ts';
import { loadingOf } from '../../server/double/loading.ts';
import { Arena } from '../../server/frame/arena.ts';
import { PROVIDERS, type Provider } from '../../server/inference/providers.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import { runtimeOptions } from '../../server/inference/runtime-options.ts';
import type { BoundTensor, Runtime, Session } from '../../server/inference/session.ts';
import type { InferenceSettings } from '../../server/inference/settings.ts';
import { networks } from '../../server/library/networks.ts';
import { inferenceOf } from '../../server/stage/configured.ts';
import { openStockSession } from '../../test/fixtures/stock-session.ts';
import { openRaw } from './inference-raw.ts';
import { measureSwaps, type Swaps, told } from './inference-swaps.ts';
import { measureTrouble, type Troubles } from './inference-trouble.ts';
import { attempt, type Gate, gate, median, type Outcome, publish, quantile, say } from './report.ts';

const START = fileURLToPath(new URL('inference-worker.ts', import.meta.url));
const MEMORY_MB = 512;
/** What a feed runs on every picture. */
const FEED = ['face-detection-full-range', 'face-landmarks-478', 'mara', 'mara-features'];
const FRAME_MS = 1000 / 30;

interface Plan {
  runs: number;
  /** Turns of ours and theirs, one after the other. */
  rounds: number;
  starts: number;
  loopMs: number;
  swaps: number;
  troubles: number;
}
const FULL: Plan = { runs: 60, rounds: 5, starts: 5, loopMs: 10_000, swaps: 10, troubles: 5 };
const QUICK: Plan = { runs: 15, rounds: 3, starts: 3, loopMs: 2000, swaps: 4, troubles: 1 };

const bytes = (tensors: Readonly<Record<string, BoundTensor>>): number =>
  Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);

const round = (ms: number): number => Math.round(ms * 1000) / 1000;

async function timed(run: () => Promise<void> | void, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let k = 0; k < count; k++) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
  }
  return times;
}

/** How long loading a network and running it once takes. */
async function startOf(settings: InferenceSettings, provider: Provider, file: string): Promise<number> {
  const runtime = createRuntime(runtimeOptions({ ...settings, providers: [provider] }));
  try {
    const began = performance.now();
    const session = await runtime.load(file, new Arena(MEMORY_MB), loadingOf(file));
    await session.run();
    return round(performance.now() - began);
  } finally {
    runtime.close();
  }
}

/** Loads a network and runs it: how long loading and the first run take, and how long a run takes from then on. */
async function measureOn(runtime: Runtime, file: string, { runs }: Plan) {
  const began = performance.now();
  const session = await runtime.load(file, new Arena(MEMORY_MB), loadingOf(file));
  const loadedMs = performance.now() - began;
  await session.run();
  const warmMs = performance.now() - began;
  const times = await timed(() => session.run(), runs);
  // The processor reads and writes them where the kernels do.
  const crosses = session.provider !== 'cpu';
  const result = {
    p50: round(median(times)),
    p95: round(quantile(times, 0.95)),
    loadMs: round(loadedMs),
    warmUpMs: round(warmMs),
    upBytes: crosses ? bytes(session.inputs) : 0,
    downBytes: crosses ? bytes(session.outputs) : 0,
  };
  session.close();
  return result;
}

async function everyProvider(settings: InferenceSettings, plan: Plan) {
  const measured: Record<string, Record<string, unknown>> = {};
  const absent: Partial<Record<Provider, string>> = {};
  for (const provider of PROVIDERS) {
    // WebGPU is opt-in everywhere.
    if (provider === 'webgpu' && !settings.providers.includes(provider)) continue;
    const runtime = createRuntime(runtimeOptions({ ...settings, providers: [provider] }));
    for (const [name, file] of Object.entries(networks())) {
      try {
        const measuredOn = await measureOn(runtime, file, plan);
        // What was built for it at the first start is there now.
        const cachedStartMs = await startOf(settings, provider, file);
        measured[name] = { ...measured[name], [provider]: { ...measuredOn, cachedStartMs } };
      } catch (error) {
        absent[provider] = error instanceof Error ? error.message : String(error);
      }
    }
    runtime.close();
  }
  return { measured, absent };
}

/** Turn and turn about, so that what else the machine does falls on all alike. */
async function beside(plan: Plan) {
  const arena = new Arena(MEMORY_MB);
  const runtime = createRuntime();
  const overheads: number[] = [];
  const ratios: number[] = [];
  const perModel: Record<string, unknown> = {};
  const sums = Array.from({ length: plan.rounds }, () => ({ ours: 0, stock: 0 }));
  for (const [name, file] of Object.entries(networks())) {
    const ours = await runtime.load(file, arena);
    const stock = await openStockSession(file, arena);
    const raw = openRaw(file, arena);
    for (const session of [ours, stock]) {
      for (const { data } of Object.values(session.inputs)) data.fill(0.5);
      await session.run();
    }
    raw.run();
    const found = { ours: [] as number[], stock: [] as number[], raw: [] as number[] };
    for (const sum of sums) {
      const turn = { ours: [] as number[], stock: [] as number[], raw: [] as number[] };
      for (let k = 0; k < plan.runs; k++) {
        turn.raw.push(...(await timed(() => raw.run(), 1)));
        turn.ours.push(...(await timed(() => ours.run(), 1)));
        turn.stock.push(...(await timed(() => stock.run(), 1)));
      }
      overheads.push(median(turn.ours) - median(turn.raw));
      sum.ours += median(turn.ours);
      sum.stock += median(turn.stock);
      for (const key of ['ours', 'stock', 'raw'] as const) found[key].push(...turn[key]);
    }
    perModel[name] = Object.fromEntries(Object.entries(found).map(([key, times]) => [key, round(median(times))]));
    for (const one of [ours, stock, raw]) one.close();
  }
  ratios.push(...sums.map(({ ours, stock }) => stock / ours));
  runtime.close();
  return { overheads, ratios, perModel };
}

/** From the spawning of a process to the first result of every network of a feed. What is kept for the next start is there already. */
async function starts(settings: InferenceSettings, { starts: count }: Plan): Promise<number[]> {
  const files = FEED.map((name) => networks()[name] ?? '');
  const times: number[] = [];
  for (let k = 0; k <= count; k++) {
    const began = performance.now();
    const child = spawn(process.execPath, [START, JSON.stringify(settings), ...files], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
    });
    const ready = once(child.stdout, 'data').then(() => performance.now() - began);
    const [status] = (await once(child, 'exit')) as [number];
    if (status !== 0) throw new Error('The process that loads a feed’s networks failed.');
    // The first one filled the caches.
    if (k > 0) times.push(await ready);
  }
  return times;
}

async function delayWhile(work: () => Promise<void>, ms: number): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs) {
    const began = performance.now();
    await work();
    await new Promise((resolve) => setTimeout(resolve, Math.max(1, FRAME_MS - (performance.now() - began))));
  }
  delay.disable();
  // The sampler's own interval is in what it tells.
  return Math.max(0, delay.percentile(99) / 1e6 - 1);
}

async function loopDelay(settings: InferenceSettings, { loopMs, rounds }: Plan) {
  const runtime = createRuntime(runtimeOptions(settings));
  const arena = new Arena(MEMORY_MB);
  const sessions: Session[] = [];
  for (const name of FEED) sessions.push(await runtime.load(networks()[name] ?? '', arena));
  await Promise.all(sessions.map((session) => session.run()));
  const [idle, running]: [number[], number[]] = [[], []];
  for (let k = 0; k < rounds; k++) {
    idle.push(await delayWhile(async () => undefined, loopMs / rounds));
    running.push(
      await delayWhile(async () => void (await Promise.all(sessions.map((one) => one.run()))), loopMs / rounds),
    );
  }
  runtime.close();
  return { idle, running };
}

/** A single dropped frame, or a second late one, must not hide behind a median. */
function swapGates(swaps: Outcome<Swaps>): Gate[] {
  const all = typeof swaps === 'string' ? null : swaps;
  const lost = all && all.before.dropped + all.before.late;
  // Said beside the value: the gates are for a machine that has nothing else to do.
  const noise = all && lost ? `without a swap ${told(all.before)}` : undefined;
  const why = typeof swaps === 'string' ? swaps : noise;
  const sum = all ? [all.swaps.reduce((total, { dropped }) => total + dropped, 0)] : [];
  const late = all ? [Math.max(...all.swaps.map((swap) => swap.late))] : [];
  return [
    { ...gate('hot_swap_dropped', '==', 0, sum, why), ...(why ? { why } : {}) },
    { ...gate('hot_swap_late', '<=', 1, late, why), ...(why ? { why } : {}) },
    gate('hot_swap_sessions_left', '==', 0, all ? [all.sessionsLeft] : [], why),
  ];
}

function troubleGates(trouble: Outcome<Troubles>): Gate[] {
  const all = typeof trouble === 'string' ? null : trouble;
  const why = typeof trouble === 'string' ? trouble : undefined;
  const times = (word: keyof Troubles['each']): number[] => all?.each[word].map(({ recoveryMs }) => recoveryMs) ?? [];
  return [
    gate('hang_recovery_ms', '<=', 500, times('hang'), why),
    gate('abort_recovery_ms', '<=', 500, times('abort'), why),
    gate('gpu_gone_recovery_ms', '<=', 500, times('gone'), why),
    gate('trouble_raw_faces', '==', 0, all ? [all.rawFaces] : [], why),
    gate('trouble_connections_dropped', '==', 0, all ? [all.connectionsLost] : [], why),
  ];
}

export async function run(args: string[]): Promise<number> {
  const began = performance.now();
  const { values } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, config: { type: 'string' } },
  });
  const plan = values.quick ? QUICK : FULL;
  const settings = inferenceOf(loadConfig(values.config));
  const all = await attempt('every network on every provider', () => everyProvider(settings, plan));
  const compared = await attempt('beside the bare call and the stock binding', () => beside(plan));
  const started = await attempt('fresh processes', () => starts(settings, plan));
  const delays = await attempt('the loop while a feed’s networks run', () => loopDelay(settings, plan));
  const swaps = await attempt('looks changed while the camera runs', () =>
    measureSwaps(plan.swaps, values.quick ?? false),
  );
  const trouble = await attempt('networks that hang and abort', () => measureTrouble(plan.troubles));
  if (typeof delays !== 'string') say(`  idle: ${delays.idle.map(round).join(', ')} ms`);
  const why = (one: unknown): string | undefined => (typeof one === 'string' ? one : undefined);
  const gates = [
    gate('session_overhead_ms', '<=', 0.3, typeof compared === 'string' ? [] : compared.overheads, why(compared)),
    gate('throughput_vs_stock', '>=', 1, typeof compared === 'string' ? [] : compared.ratios, why(compared)),
    gate('cached_start_ms', '<=', 2000, typeof started === 'string' ? [] : started, why(started)),
    gate('loop_delay_ms_p99', '<=', 5, typeof delays === 'string' ? [] : delays.running, why(delays)),
    ...swapGates(swaps),
    ...troubleGates(trouble),
  ];
  const details = {
    networks: typeof all === 'string' ? all : all.measured,
    providersAbsent: typeof all === 'string' ? all : all.absent,
    besideMs: typeof compared === 'string' ? compared : compared.perModel,
    swaps,
    trouble,
    loopIdleMsP99: typeof delays === 'string' ? delays : delays.idle.map(round),
  };
  return publish('inference', began, gates, details, values.json ?? false);
}
