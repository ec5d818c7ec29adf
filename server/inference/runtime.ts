import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Arena } from '../frame/arena.ts';
import { type Handle, type OrtLibrary, ortLibrary } from './ort-library.ts';
import type { BoundTensor, Runtime, Session, SessionOptions } from './session.ts';

const FLOAT32 = 1;
const ALL_OPTIMISATIONS = 99;
const CPU_ARENA_ALLOCATOR = 0;
const DEFAULT_MEMORY = 0;
const LOG_ERRORS_ONLY = 3;

/** One ONNX Runtime environment; open one per process. */
export function createRuntime(): Runtime {
  const ort = ortLibrary();
  const environment = ort.out((at) => ort.calls.CreateEnv(LOG_ERRORS_ONLY, 'understudy', at));
  ort.check(ort.calls.DisableTelemetryEvents(environment));
  const sessions = new Set<Session>();
  let closed = false;
  return {
    load(file, arena, options = {}) {
      const session = openSession(ort, environment, file, arena, options, (done) => sessions.delete(done));
      sessions.add(session);
      return session;
    },
    close() {
      if (closed) return;
      closed = true;
      for (const session of [...sessions]) session.close();
      ort.release('ReleaseEnv', environment);
    },
  };
}

function readModel(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(
      `The model ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}): restore the file, for example with \`git checkout\`.`,
    );
  }
}

function openSession(
  ort: OrtLibrary,
  environment: Handle,
  file: string,
  arena: Arena,
  { threads = 1 }: SessionOptions,
  onClose: (session: Session) => void,
): Session {
  const name = basename(file);
  const model = readModel(file);
  const options = sessionOptions(ort, threads);
  let handle: Handle;
  try {
    handle = ort.out((at) => ort.calls.CreateSessionFromArray(environment, model, model.byteLength, options, at));
  } catch (error) {
    ort.release('ReleaseSessionOptions', options);
    throw new Error(
      `The model ${name} cannot be loaded: it is truncated or not a model that this version understands (${firstLine(error)}). Restore the file or import the model again.`,
    );
  }
  return new BoundSession(ort, { handle, options, name, arena, onClose });
}

function sessionOptions(ort: OrtLibrary, threads: number): Handle {
  const options = ort.out((at) => ort.calls.CreateSessionOptions(at));
  ort.check(ort.calls.SetIntraOpNumThreads(options, threads));
  ort.check(ort.calls.SetInterOpNumThreads(options, 1));
  ort.check(ort.calls.SetSessionGraphOptimizationLevel(options, ALL_OPTIMISATIONS));
  // A spinning pool takes most of a core from the encoder and wins nothing at these sizes.
  ort.check(ort.calls.AddSessionConfigEntry(options, 'session.intra_op.allow_spinning', '0'));
  return options;
}

interface SessionParts {
  handle: Handle;
  options: Handle;
  name: string;
  arena: Arena;
  onClose(session: Session): void;
}

/** A session whose inputs and outputs are bound to kernel memory for its whole life. */
class BoundSession implements Session {
  readonly provider = 'cpu';
  readonly inputs: Record<string, BoundTensor>;
  readonly outputs: Record<string, BoundTensor>;
  readonly #ort: OrtLibrary;
  readonly #parts: SessionParts;
  readonly #memory: Handle;
  readonly #binding: Handle;
  readonly #runOptions: Handle;
  readonly #values: Handle[] = [];
  readonly #tensors: BoundTensor[] = [];
  #closing = false;
  #running: Promise<void> | null = null;

  constructor(ort: OrtLibrary, parts: SessionParts) {
    this.#ort = ort;
    this.#parts = parts;
    this.#memory = ort.out((at) => ort.calls.CreateCpuMemoryInfo(CPU_ARENA_ALLOCATOR, DEFAULT_MEMORY, at));
    this.#binding = ort.out((at) => ort.calls.CreateIoBinding(parts.handle, at));
    this.#runOptions = ort.out((at) => ort.calls.CreateRunOptions(at));
    try {
      this.inputs = this.#bind('Input');
      this.outputs = this.#bind('Output');
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  run(): Promise<void> {
    if (this.#closing) return Promise.reject(new Error(`The model ${this.#parts.name} has been closed.`));
    if (this.#running) {
      return Promise.reject(new Error(`The model ${this.#parts.name} is already running: one run at a time.`));
    }
    this.#running = this.#ort.runAsync(this.#parts.handle, this.#runOptions, this.#binding).finally(() => {
      this.#running = null;
      if (this.#closing) this.#release();
    });
    return this.#running;
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#parts.onClose(this);
    // A run in flight still uses the buffers: stop it and let it release them.
    if (this.#running) this.#ort.check(this.#ort.calls.RunOptionsSetTerminate(this.#runOptions));
    else this.#release();
  }

  #bind(kind: 'Input' | 'Output'): Record<string, BoundTensor> {
    const { handle, name, arena } = this.#parts;
    const { calls, check } = this.#ort;
    const bind = kind === 'Input' ? calls.BindInput : calls.BindOutput;
    return Object.fromEntries(
      describe(this.#ort, handle, kind, name).map((shape) => {
        const tensor = reserve(arena, shape.name, shape.dims);
        this.#tensors.push(tensor);
        const value = tensorValue(this.#ort, this.#memory, tensor);
        this.#values.push(value);
        check(bind(this.#binding, shape.name, value));
        return [shape.name, tensor];
      }),
    );
  }

  #release(): void {
    const { release } = this.#ort;
    release('ReleaseIoBinding', this.#binding);
    for (const value of this.#values) release('ReleaseValue', value);
    release('ReleaseRunOptions', this.#runOptions);
    release('ReleaseMemoryInfo', this.#memory);
    release('ReleaseSession', this.#parts.handle);
    // A feed whose look is changed all day must not fill kernel memory.
    for (const { at, data } of this.#tensors) this.#parts.arena.release(at, data.byteLength);
    release('ReleaseSessionOptions', this.#parts.options);
  }
}

interface TensorShape {
  name: string;
  dims: number[];
}

function describe(ort: OrtLibrary, session: Handle, kind: 'Input' | 'Output', model: string): TensorShape[] {
  const { calls } = ort;
  const count = kind === 'Input' ? calls.SessionGetInputCount : calls.SessionGetOutputCount;
  const nameOf = kind === 'Input' ? calls.SessionGetInputName : calls.SessionGetOutputName;
  const typeOf = kind === 'Input' ? calls.SessionGetInputTypeInfo : calls.SessionGetOutputTypeInfo;
  const allocator = ort.out((at) => calls.GetAllocatorWithDefaultOptions(at));
  const total = Number(ort.out((at) => count(session, at)));
  return Array.from({ length: total }, (_, index) => {
    const name = ort.takeString(
      ort.out((at) => nameOf(session, index, allocator, at)),
      allocator,
    );
    const info = ort.out((at) => typeOf(session, index, at));
    try {
      return { name, dims: shapeOf(ort, info, model, name) };
    } finally {
      ort.release('ReleaseTypeInfo', info);
    }
  });
}

function shapeOf(ort: OrtLibrary, info: Handle, model: string, tensor: string): number[] {
  const view = ort.out((at) => ort.calls.CastTypeInfoToTensorInfo(info, at));
  const rank = Number(ort.out((at) => ort.calls.GetDimensionsCount(view, at)));
  const dims = new BigInt64Array(rank);
  ort.check(ort.calls.GetDimensions(view, dims, rank));
  const type = new Int32Array(1);
  ort.check(ort.calls.GetTensorElementType(view, type));
  if (type[0] !== FLOAT32)
    throw new Error(
      `The model ${model} has a tensor "${tensor}" that is not float32: export it with float32 inputs and outputs.`,
    );
  const shape = [...dims].map(Number);
  if (shape.some((size) => size < 1))
    throw new Error(
      `The model ${model} has a tensor "${tensor}" of changing size (${shape.join('×')}): export it with fixed shapes.`,
    );
  return shape;
}

function reserve(arena: Arena, name: string, dims: number[]): BoundTensor {
  const length = dims.reduce((product, size) => product * size, 1);
  const at = arena.allocate(length * 4);
  return { name, dims, at, data: arena.floats(at, length) };
}

function tensorValue(ort: OrtLibrary, memory: Handle, { data, dims }: BoundTensor): Handle {
  const shape = BigInt64Array.from(dims.map(BigInt));
  return ort.out((at) =>
    ort.calls.CreateTensorWithDataAsOrtValue(memory, data, data.byteLength, shape, dims.length, FLOAT32, at),
  );
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]?.slice(0, 200) ?? '';
