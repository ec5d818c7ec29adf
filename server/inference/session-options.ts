import type { Handle, OrtLibrary } from './ort-library.ts';
import { cudaOptions, type Provider, type ProviderOptions, tensorrtOptions } from './providers.ts';

const ALL_OPTIMISATIONS = 99;

/** Options of a session that runs on one provider alone. The caller releases them after the session. @throws OrtError */
export function sessionOptions(ort: OrtLibrary, provider: Provider, gpu: ProviderOptions, threads: number): Handle {
  const options = ort.out((at) => ort.calls.CreateSessionOptions(at));
  try {
    ort.check(ort.calls.SetIntraOpNumThreads(options, threads));
    ort.check(ort.calls.SetInterOpNumThreads(options, 1));
    ort.check(ort.calls.SetSessionGraphOptimizationLevel(options, ALL_OPTIMISATIONS));
    // A spinning pool takes most of a core from the encoder and wins nothing at these sizes.
    ort.check(ort.calls.AddSessionConfigEntry(options, 'session.intra_op.allow_spinning', '0'));
    if (provider === 'cpu') return options;
    // Without this a provider that took nothing leaves a session that says GPU and runs on the processor.
    ort.check(ort.calls.AddSessionConfigEntry(options, 'session.disable_cpu_ep_fallback', '1'));
    if (provider === 'tensorrt') appendTensorrt(ort, options, gpu);
    // TensorRT leaves what it cannot take to CUDA.
    if (provider === 'tensorrt' || provider === 'cuda') appendCuda(ort, options, gpu);
    else ort.check(ort.calls.SessionOptionsAppendExecutionProvider(options, 'WebGPU', [], [], 0));
    return options;
  } catch (error) {
    ort.release('ReleaseSessionOptions', options);
    throw error;
  }
}

function appendTensorrt(ort: OrtLibrary, session: Handle, gpu: ProviderOptions): void {
  const { calls, check } = ort;
  const options = ort.out((at) => calls.CreateTensorRTProviderOptions(at));
  try {
    // Updating first: it says exactly which library is missing, appending only that one is.
    const set = tensorrtOptions(gpu);
    check(calls.UpdateTensorRTProviderOptions(options, Object.keys(set), Object.values(set), Object.keys(set).length));
    check(calls.SessionOptionsAppendExecutionProvider_TensorRT_V2(session, options));
  } finally {
    ort.release('ReleaseTensorRTProviderOptions', options);
  }
}

function appendCuda(ort: OrtLibrary, session: Handle, gpu: ProviderOptions): void {
  const { calls, check } = ort;
  const options = ort.out((at) => calls.CreateCUDAProviderOptions(at));
  try {
    const set = cudaOptions(gpu);
    check(calls.UpdateCUDAProviderOptions(options, Object.keys(set), Object.values(set), Object.keys(set).length));
    check(calls.SessionOptionsAppendExecutionProvider_CUDA_V2(session, options));
  } finally {
    ort.release('ReleaseCUDAProviderOptions', options);
  }
}
