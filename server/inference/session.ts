import type { Arena } from '../frame/arena.ts';
import type { EngineCache, EnginePlace } from './engine-cache.ts';
import type { InferenceError } from './failure.ts';
import type { Provider, ProviderOptions } from './providers.ts';

export type { Provider };

/** A float32 tensor bound to a session for its whole life: fill `data` before a run, read it after. */
export interface BoundTensor {
  readonly name: string;
  readonly dims: readonly number[];
  /** A view of kernel memory. */
  readonly data: Float32Array;
  /** Byte offset of `data` in kernel memory, for kernels. */
  readonly at: number;
}

/** A provider that was tried and did not take the network. */
export interface Refusal {
  readonly provider: Provider;
  /** A sentence: what was missing or failed, and what to do. */
  readonly reason: string;
}

/** One loaded network. Static shapes, float32 in and out. One run at a time. */
export interface Session {
  /** What all of it runs on: a network of which parts would run on the processor is given to the next provider as a whole. */
  readonly provider: Provider;
  /** The providers before this one in the chain, and why they did not take it. */
  readonly refusals: readonly Refusal[];
  readonly inputs: Readonly<Record<string, BoundTensor>>;
  readonly outputs: Readonly<Record<string, BoundTensor>>;
  /** Runs the network on what the inputs hold; resolves when the outputs are filled. Never blocks the event loop. Rejects with a sentence. */
  run(): Promise<void>;
  close(): void;
}

/**
 * The shape of an output that the model leaves open, by its place, from the inputs' shapes. With it an input's open first size is a batch, of
 * one; any other open size is refused.
 */
export type OpenShapes = (index: number, inputs: readonly Pick<BoundTensor, 'name' | 'dims'>[]) => readonly number[];

export interface SessionOptions {
  /** Threads inside one operator, 1–8. Small networks gain nothing above 1. */
  threads?: number;
  openShapes?: OpenShapes;
  /** The engine to build or to run, instead of what the engine cache would choose. */
  engine?: EnginePlace;
}

/** Where a network came to lie. */
export interface Loaded extends Pick<Session, 'provider' | 'refusals'> {
  /** The model's file name. */
  name: string;
}

/** What networks run on, and where what is built for them is kept. */
export interface RuntimeOptions {
  /** Tried in this order, each alone. Default: the processor only. */
  providers?: readonly Provider[];
  gpu?: Partial<ProviderOptions>;
  /** Opens what was built for this machine's GPU; asked once, when TensorRT is tried. Without: engines are built at every start. */
  engines?: (() => Promise<EngineCache | null>) | null;
  /** Hears what was done about something that was wrong, in a sentence. */
  notice?: (sentence: string) => void;
  /** Hears of each network once it is loaded. */
  loaded?: (network: Loaded) => void;
  /** A run that takes longer is abandoned, ms; none: runs take as long as they do. The first run of a network may always. */
  runLimitMs?: number | null;
  /** Hears once that nothing can be run here any more: a run that does not return, a GPU that has gone. */
  broken?: (error: InferenceError) => void;
  /** Another build of ONNX Runtime's library; null: the package's own. */
  library?: string | null;
}

/** Loads ONNX files into sessions. One per engine process. */
export interface Runtime {
  /**
   * Loads a network off this thread, on the first provider of the chain that takes all of it.
   * @throws Error whose message names the file and what is wrong with it (missing, truncated, not ONNX, dynamic shapes), or every
   * provider that refused.
   */
  load(file: string, arena: Arena, options?: SessionOptions): Promise<Session>;
  /** What the networks that are loaded run on, fastest first. */
  readonly inUse: readonly Provider[];
  close(): void;
}
