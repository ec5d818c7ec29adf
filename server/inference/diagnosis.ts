import { cpus, totalmem } from 'node:os';
import { Arena } from '../frame/arena.ts';
import { enginesIn } from './engine-cache.ts';
import { engineFactsHere } from './engine-facts.ts';
import { type Gpu, gpus, hasCudaBuild, libraries, system } from './machine.ts';
import { ortLibrary } from './ort-library.ts';
import { PROVIDERS, type Provider } from './providers.ts';
import { driverGap, type Gap, gapsOf, OLDEST_DRIVER } from './repairs.ts';
import { createRuntime } from './runtime.ts';
import { runtimeOptions } from './runtime-options.ts';
import type { SessionOptions } from './session.ts';
import type { InferenceSettings } from './settings.ts';

const MEMORY_MB = 256;

/**
 * What Understudy's networks have been run on, with the numbers kept: anything else is unproven. Extended when `bench inference` has
 * run on a machine and its numbers are in models/BENCHMARKS.md.
 */
const PROVEN: readonly { provider: Provider; on: string }[] = [{ provider: 'cpu', on: 'linux x64' }];

/** What one provider would do here. */
export interface ProviderState {
  provider: Provider;
  /** It is in the chain. */
  asked: boolean;
  usable: boolean;
  /** A sentence where it is not usable. */
  reason: string | null;
  /** Nobody has measured Understudy on such hardware yet. */
  unproven: boolean;
}

export interface ModelState {
  name: string;
  provider: Provider | null;
  /** Median of a few runs, ms; null where it did not run. */
  ms: number | null;
  /** Providers that did not take it, and why. */
  refusals: { provider: Provider; reason: string }[];
}

export interface Diagnosis {
  machine: { cpu: string; cores: number; memGB: number; platform: string; node: string; onnxruntime: string };
  gpus: Gpu[];
  /** Why there are none. */
  noGpu: string | null;
  libraries: { name: string; file: string; found: string | null; neededBy: readonly string[] }[];
  video: { nvdec: boolean; nvenc: boolean };
  providers: ProviderState[];
  models: ModelState[];
  /** TensorRT engines that were built ahead; `foreign` ones are for another GPU, driver or library and are never read. */
  engines: {
    built: { model: string; gpu: string; precision: string; agrees: boolean; why: string | null }[];
    foreign: number;
  };
  gaps: Gap[];
}

/** Looks at the machine and runs every model once. @param models name → ONNX file. @param loadingOf how a file's network is loaded. @param devices the GPUs that feeds are placed on. */
export async function diagnose(
  settings: InferenceSettings,
  models: Readonly<Record<string, string>>,
  loadingOf: (file: string) => SessionOptions = () => ({}),
  devices: readonly number[] = [settings.device],
): Promise<Diagnosis> {
  const shown = await gpus();
  const found = await libraries();
  const [first] = Object.values(models);
  const providers: ProviderState[] = [];
  for (const provider of PROVIDERS) providers.push(await tryProvider(provider, settings, first, shown.found));
  const states: ModelState[] = [];
  for (const [name, file] of Object.entries(models)) {
    states.push(await runModel(name, file, settings, loadingOf(file)));
  }
  const has = (what: 'nvdec' | 'nvenc'): boolean =>
    shown.found.length > 0 && found.some(({ neededBy, path }) => neededBy.includes(what) && path !== null);
  return {
    machine: {
      ...{ cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memGB: Math.round(totalmem() / 2 ** 30) },
      ...{ platform: `${process.platform} ${process.arch}`, node: process.versions.node },
      onnxruntime: ortLibrary().version,
    },
    gpus: shown.found,
    noGpu: shown.why,
    libraries: found.map(({ name, file, path, neededBy }) => ({ name, file, found: path, neededBy })),
    video: { nvdec: has('nvdec'), nvenc: has('nvenc') },
    providers,
    models: states,
    engines: await builtAhead(settings, devices),
    gaps: gaps(shown, found),
  };
}

async function builtAhead({ cacheDir }: InferenceSettings, devices: readonly number[]): Promise<Diagnosis['engines']> {
  if (cacheDir === null) return { built: [], foreign: 0 };
  const facts = await Promise.all(devices.map(engineFactsHere));
  const { here, foreign } = enginesIn(
    cacheDir,
    facts.filter((one) => one !== null),
  );
  const built = here.map(({ model, precision, agrees, why, facts: { gpu } }) => ({
    ...{ model, gpu, precision },
    ...{ agrees, why },
  }));
  return { built, foreign: foreign.length };
}

/** What is to be mended for the GPU; nothing where the machine has none and nobody can put in a driver for it. */
function gaps(shown: Awaited<ReturnType<typeof gpus>>, found: Awaited<ReturnType<typeof libraries>>): Gap[] {
  if (!hasCudaBuild()) return [];
  const old = shown.found.find(({ driver }) => Number.parseInt(driver, 10) < OLDEST_DRIVER);
  const state = `${old?.driver} is older than CUDA 12 needs (${OLDEST_DRIVER})`;
  return [
    ...(old ? [driverGap(state, system())] : []),
    ...gapsOf(
      found.filter(({ path }) => !path),
      system(),
    ),
  ];
}

async function tryProvider(
  provider: Provider,
  settings: InferenceSettings,
  model: string | undefined,
  found: readonly Gpu[],
): Promise<ProviderState> {
  const asked = settings.providers.includes(provider);
  const on = provider === 'cpu' ? `${process.platform} ${process.arch}` : (found[settings.device]?.name ?? '');
  const unproven = !PROVEN.some((one) => one.provider === provider && one.on === on);
  // Its library starts a graphics driver, which may write where it likes: only where somebody wants it.
  if (provider === 'webgpu' && !asked)
    return {
      provider,
      asked,
      usable: false,
      reason: 'It is not tried: inference.providers does not name it.',
      unproven,
    };
  const reason = model ? await refusal(provider, settings, model) : 'There is no model to try it with.';
  return { provider, asked, usable: reason === null, reason, unproven };
}

async function refusal(provider: Provider, settings: InferenceSettings, model: string): Promise<string | null> {
  const runtime = createRuntime(runtimeOptions({ ...settings, providers: [provider] }));
  try {
    const session = await runtime.load(model, new Arena(MEMORY_MB));
    await session.run();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    runtime.close();
  }
}

async function runModel(
  name: string,
  file: string,
  settings: InferenceSettings,
  loading: SessionOptions,
): Promise<ModelState> {
  const runtime = createRuntime(runtimeOptions(settings));
  try {
    const session = await runtime.load(file, new Arena(MEMORY_MB), loading);
    await session.run();
    const times: number[] = [];
    for (let k = 0; k < 5; k++) {
      const began = performance.now();
      await session.run();
      times.push(performance.now() - began);
    }
    times.sort((a, b) => a - b);
    const ms = Math.round((times[2] ?? 0) * 100) / 100;
    return { name, provider: session.provider, ms, refusals: [...session.refusals] };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { name, provider: null, ms: null, refusals: [{ provider: settings.providers.at(-1) ?? 'cpu', reason }] };
  } finally {
    runtime.close();
  }
}
