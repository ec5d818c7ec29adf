import type { Arena } from '../frame/arena.ts';

export type Provider = 'tensorrt' | 'cuda' | 'webgpu' | 'cpu';

/** A float32 tensor bound to a session for its whole life: fill `data` before a run, read it after. */
export interface BoundTensor {
  readonly name: string;
  readonly dims: readonly number[];
  /** A view of kernel memory. */
  readonly data: Float32Array;
  /** Byte offset of `data` in kernel memory, for kernels. */
  readonly at: number;
}

/** One loaded network. Static shapes, float32 in and out. One run at a time. */
export interface Session {
  readonly provider: Provider;
  readonly inputs: Readonly<Record<string, BoundTensor>>;
  readonly outputs: Readonly<Record<string, BoundTensor>>;
  /** Runs the network on what the inputs hold; resolves when the outputs are filled. Never blocks the event loop. Rejects with a sentence. */
  run(): Promise<void>;
  close(): void;
}

export interface SessionOptions {
  /** Threads inside one operator, 1–8. Small networks gain nothing above 1. */
  threads?: number;
}

/** Loads ONNX files into sessions. One per engine process. */
export interface Runtime {
  /** @throws Error whose message names the file and what is wrong with it (missing, truncated, not ONNX, dynamic shapes). */
  load(file: string, arena: Arena, options?: SessionOptions): Session;
  close(): void;
}
