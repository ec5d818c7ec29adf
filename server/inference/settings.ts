import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DEFAULT_CHAIN, PROVIDERS, type Provider, providerChain } from './providers.ts';
import type { Loaded } from './session.ts';

/** What an engine is told about its networks (the configuration's `inference`). */
export const inferenceSettings = z.object({
  providers: providerChain,
  device: z.number().int().min(0).max(15),
  precision: z.enum(['auto', 'full']),
  /** Folder for what is built for this machine's GPU; null: nothing is kept. */
  cacheDir: z.string().nullable(),
  workspaceMb: z.number().int().min(64).max(65536),
  /** A run that takes longer is abandoned, ms. */
  runLimitMs: z.number().int().min(20).max(60_000),
  /** Another build of ONNX Runtime; null: the packages' own. */
  library: z.string().nullable(),
});
export type InferenceSettings = z.infer<typeof inferenceSettings>;

/** The processor alone, with nothing kept: tests and tools. */
export const CPU_ONLY: InferenceSettings = {
  providers: ['cpu'],
  device: 0,
  precision: 'full',
  cacheDir: null,
  workspaceMb: 2048,
  runLimitMs: 250,
  library: null,
};

/** Whether this machine shows a GPU of NVIDIA's to its programs, usable or not. Reads no library. */
export const showsGpu = (): boolean =>
  process.platform === 'win32'
    ? existsSync(join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'nvcuda.dll'))
    : ['/dev/nvidia0', '/proc/driver/nvidia/version', '/dev/dxg'].some((path) => existsSync(path));

const isDefault = (providers: readonly Provider[]): boolean => providers.join() === DEFAULT_CHAIN.join();

/**
 * What the operator should know about where a network came to lie: null where it is on the first provider, or where the default chain
 * found no GPU on a machine that has none.
 */
export function fallenBack(
  { name, provider, refusals }: Loaded,
  providers: readonly Provider[],
  gpu = showsGpu(),
): string | null {
  const [first, ...others] = refusals;
  if (!first || (isDefault(providers) && !gpu)) return null;
  const also = others.map((one) => ` Nor on ${one.provider}: ${one.reason}`).join('');
  return `The network ${name} runs on ${provider}, not on ${first.provider}: ${first.reason}${also} \`understudy doctor\` says more.`;
}

/** As fallenBack, once for each provider that networks come to lie on: the second that runs on the processor surprises nobody. */
export function fallbacksOnce(providers: readonly Provider[], gpu?: boolean): (network: Loaded) => string | null {
  const told = new Set<Provider>();
  return (network) => {
    const sentence = told.has(network.provider) ? null : fallenBack(network, providers, gpu);
    if (sentence) told.add(network.provider);
    return sentence;
  };
}

/** Providers as one word for pages: "cuda", or "tensorrt + cpu" where networks of one engine run on several. */
export const providerText = (inUse: readonly Provider[]): string =>
  inUse.length === 0 ? 'cpu' : PROVIDERS.filter((provider) => inUse.includes(provider)).join(' + ');
