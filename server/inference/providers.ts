import { z } from 'zod';

/** What can run networks, fastest first. webgpu is opt-in: it is not in the default chain. */
export const PROVIDERS = ['tensorrt', 'cuda', 'webgpu', 'cpu'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** The order in which providers are tried; a single one is forced, one that is left out is never tried. */
export const providerChain = z
  .array(z.enum(PROVIDERS))
  .min(1)
  .max(PROVIDERS.length)
  .refine((names) => new Set(names).size === names.length, 'each provider stands in the list once');
export const DEFAULT_CHAIN: readonly Provider[] = ['tensorrt', 'cuda', 'cpu'];

/** How the GPU's providers are set up. */
export interface ProviderOptions {
  /** Which GPU, as nvidia-smi counts them. */
  device: number;
  /** Half precision. */
  fp16: boolean;
  /** Folder for this network's engines; null: engines are built at every start. */
  cacheDir: string | null;
  /** What the engine files in it begin with. */
  cachePrefix: string;
  /** Folder of the timing cache, which all networks of one GPU share. */
  timingDir: string | null;
  /** The most that TensorRT may take for its workings, megabytes. */
  workspaceMb: number;
  /** TensorRT's effort when it builds an engine, 0–5: 3 is its own default. */
  builderLevel: number;
  /** Records a run once and plays it: needs inputs and outputs at one place in GPU memory, and ours are in kernel memory. */
  cudaGraph: boolean;
}

export const GPU_DEFAULTS: ProviderOptions = {
  device: 0,
  fp16: true,
  cacheDir: null,
  cachePrefix: 'network',
  timingDir: null,
  workspaceMb: 2048,
  builderLevel: 3,
  cudaGraph: false,
};

const flag = (on: boolean): string => (on ? '1' : '0');

/** Keys and values for UpdateTensorRTProviderOptions (tensorrt_execution_provider_info.cc). Every one that matters is set: no default is guessed. */
export function tensorrtOptions(options: ProviderOptions): Record<string, string> {
  const { cacheDir, timingDir } = options;
  return {
    device_id: String(options.device),
    trt_max_workspace_size: String(options.workspaceMb * 1024 * 1024),
    trt_fp16_enable: flag(options.fp16),
    trt_int8_enable: '0',
    trt_engine_cache_enable: flag(cacheDir !== null),
    ...(cacheDir === null ? {} : { trt_engine_cache_path: cacheDir, trt_engine_cache_prefix: options.cachePrefix }),
    trt_timing_cache_enable: flag(timingDir !== null),
    // A timing cache of another GPU must not be taken for this one's.
    ...(timingDir === null ? {} : { trt_timing_cache_path: timingDir, trt_force_timing_cache: '0' }),
    trt_builder_optimization_level: String(options.builderLevel),
    trt_cuda_graph_enable: flag(options.cudaGraph),
    // Built one after the other: a feed that is live shares this GPU.
    trt_force_sequential_engine_build: '1',
  };
}

/** Keys and values for UpdateCUDAProviderOptions (cuda_execution_provider_info.cc). */
export function cudaOptions(options: ProviderOptions): Record<string, string> {
  return {
    device_id: String(options.device),
    // Doubling would take memory from other feeds' engines on this GPU.
    arena_extend_strategy: 'kSameAsRequested',
    // Shapes are fixed: what the search finds at the warm-up holds for ever.
    cudnn_conv_algo_search: 'EXHAUSTIVE',
    do_copy_in_default_stream: '1',
    enable_cuda_graph: flag(options.cudaGraph),
  };
}
