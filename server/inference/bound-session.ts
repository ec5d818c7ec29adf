import type { Arena } from '../frame/arena.ts';
import { failureKind, firstLine, InferenceError } from './failure.ts';
import { cStrings, type Handle, type OrtLibrary, offHeap } from './ort-library.ts';
import type { Provider } from './providers.ts';
import { RunWatch } from './run-watch.ts';
import type { BoundTensor, OpenShapes, Refusal, Session } from './session.ts';
import { batchOfOne, closed, describe, reserve, type TensorShape, tensorValue } from './tensors.ts';

const CPU_ARENA_ALLOCATOR = 0;
const DEFAULT_MEMORY = 0;

export interface SessionParts {
  ort: OrtLibrary;
  provider: Provider;
  refusals: readonly Refusal[];
  /** OrtSession and OrtSessionOptions: the session's from here on. */
  handle: Handle;
  options: Handle;
  /** The model's file name. */
  name: string;
  arena: Arena;
  openShapes?: OpenShapes;
  /** A run that takes longer is abandoned, ms; null: runs take as long as they do. */
  runLimitMs: number | null;
  onClose(session: BoundSession): void;
  /** A run begins that is to be watched: passed() is to be called until none of its runtime's is `watched` any more. */
  onWatched(): void;
  /** Nothing of it is used any more: a run in flight has returned, its handles are released. Not called where the constructor throws. */
  onReleased(): void;
  /** It cannot be run any more, nor can what shares its device: a run that does not return, a GPU that has gone. */
  onBroken(error: InferenceError): void;
}

/** A session whose inputs and outputs lie in kernel memory for its whole life. */
export class BoundSession implements Session {
  readonly provider: Provider;
  readonly refusals: readonly Refusal[];
  readonly inputs: Record<string, BoundTensor>;
  readonly outputs: Record<string, BoundTensor>;
  readonly #parts: SessionParts;
  readonly #memory: Handle;
  readonly #runOptions: Handle;
  readonly #tensors: { tensor: BoundTensor; value: Handle }[] = [];
  readonly #binding: Handle | null;
  readonly #execute: () => Promise<void>;
  readonly #watch: RunWatch | null;
  #closing = false;
  #warm = false;
  #running: Promise<void> | null = null;
  #abandon: ((error: InferenceError) => void) | null = null;

  /** @throws Error with a sentence where a tensor is not one that can be bound; everything is released then, `handle` and `options` too. */
  constructor(parts: SessionParts) {
    const { ort } = parts;
    this.#parts = parts;
    this.#watch = parts.runLimitMs === null ? null : new RunWatch(parts.runLimitMs, parts.provider);
    this.provider = parts.provider;
    this.refusals = parts.refusals;
    this.#memory = ort.out((at) => ort.calls.CreateCpuMemoryInfo(CPU_ARENA_ALLOCATOR, DEFAULT_MEMORY, at));
    this.#runOptions = ort.out((at) => ort.calls.CreateRunOptions(at));
    // A binding copies inputs to a GPU when they are bound, not when it runs: there, each run is handed the values anew.
    this.#binding = parts.provider === 'cpu' ? ort.out((at) => ort.calls.CreateIoBinding(parts.handle, at)) : null;
    try {
      const inputs = this.#reserve('Input');
      const outputs = this.#reserve('Output');
      this.inputs = byName(inputs);
      this.outputs = byName(outputs);
      this.#execute =
        this.#binding === null ? this.#valuesRun(inputs, outputs) : this.#boundRun(this.#binding, inputs, outputs);
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  run(): Promise<void> {
    const { name } = this.#parts;
    if (this.#closing) return Promise.reject(new Error(`The model ${name} has been closed.`));
    if (this.#running) return Promise.reject(new Error(`The model ${name} is already running: one run at a time.`));
    // The first run allocates, and builds what is not built yet: it takes what it takes.
    if (this.#warm && this.#watch) {
      this.#watch.begin();
      this.#parts.onWatched();
    }
    const running = this.#execute().then(
      () => this.#ended(null),
      (error: unknown) => this.#ended(error),
    );
    this.#running = running;
    return new Promise((resolve, reject) => {
      this.#abandon = reject;
      running.then(resolve, reject);
    });
  }

  get watched(): boolean {
    return this.#watch?.running ?? false;
  }

  /** Time has gone by: counts against a run in flight. Its runtime keeps the clock. */
  passed(ms: number): void {
    const state = this.#watch?.passed(ms) ?? null;
    if (state === null || this.#closing) return;
    const { ort, name, onBroken } = this.#parts;
    const error = new InferenceError('hung', `The model ${name} did not answer on ${this.provider}`);
    if (state === 'stuck') onBroken(error);
    else {
      ort.check(ort.calls.RunOptionsSetTerminate(this.#runOptions));
      this.#abandon?.(error);
    }
  }

  /** A run has returned, late or not; its buffers are free again. @throws InferenceError where it failed. */
  #ended(error: unknown): void {
    const { ort, name, onBroken } = this.#parts;
    this.#running = null;
    const abandoned = this.#watch?.end() ?? false;
    if (this.#closing) this.#released();
    else if (abandoned) ort.check(ort.calls.RunOptionsUnsetTerminate(this.#runOptions));
    if (error === null) {
      this.#warm = true;
      return;
    }
    const kind = failureKind(error);
    const failed = new InferenceError(kind, `The model ${name} could not be run on ${this.provider}`, firstLine(error));
    if (kind === 'gpu_gone' && !this.#closing) onBroken(failed);
    throw failed;
  }

  close(): void {
    if (this.#closing) return;
    const { ort, onClose } = this.#parts;
    this.#closing = true;
    onClose(this);
    // A run in flight still uses the buffers: stop it and let it release them.
    if (this.#running) ort.check(ort.calls.RunOptionsSetTerminate(this.#runOptions));
    else this.#released();
  }

  #released(): void {
    this.#release();
    this.#parts.onReleased();
  }

  #shapes(kind: 'Input' | 'Output'): TensorShape[] {
    const { ort, handle, name, openShapes } = this.#parts;
    const found = describe(ort, handle, kind, name);
    if (kind === 'Input') return found.map((shape) => closed(openShapes ? batchOfOne(shape) : shape, name));
    const inputs = this.#tensors.map(({ tensor }) => tensor);
    return found.map((shape, index) => {
      const open = openShapes && shape.dims.some((size) => size < 1);
      return closed(open ? { name: shape.name, dims: [...openShapes(index, inputs)] } : shape, name);
    });
  }

  #reserve(kind: 'Input' | 'Output'): Reserved[] {
    const { ort, arena } = this.#parts;
    return this.#shapes(kind).map((shape) => {
      const tensor = reserve(arena, shape);
      let value: Handle;
      try {
        value = tensorValue(ort, this.#memory, tensor);
      } catch (error) {
        arena.release(tensor.at, tensor.data.byteLength);
        throw error;
      }
      const reserved = { tensor, value };
      this.#tensors.push(reserved);
      return reserved;
    });
  }

  #boundRun(binding: Handle, inputs: readonly Reserved[], outputs: readonly Reserved[]): () => Promise<void> {
    const { ort, handle } = this.#parts;
    for (const { tensor, value } of inputs) ort.check(ort.calls.BindInput(binding, tensor.name, value));
    for (const { tensor, value } of outputs) ort.check(ort.calls.BindOutput(binding, tensor.name, value));
    return () => ort.slow('RunWithBinding', handle, this.#runOptions, binding);
  }

  /** One upload, one run, one download, all of it off this thread. */
  #valuesRun(inputs: readonly Reserved[], outputs: readonly Reserved[]): () => Promise<void> {
    const { ort, handle } = this.#parts;
    const listOf = (reserved: readonly Reserved[]) => ({
      names: cStrings(reserved.map(({ tensor }) => tensor.name)),
      values: offHeap(reserved.map(({ value }) => value)),
      count: reserved.length,
    });
    const [given, made] = [listOf(inputs), listOf(outputs)];
    return () =>
      ort.slow(
        'Run',
        ...[handle, this.#runOptions, given.names.list, given.values, given.count],
        ...[made.names.list, made.count, made.values],
      );
  }

  #release(): void {
    const { ort, handle, options, arena } = this.#parts;
    if (this.#binding !== null) ort.release('ReleaseIoBinding', this.#binding);
    for (const { value } of this.#tensors) ort.release('ReleaseValue', value);
    ort.release('ReleaseRunOptions', this.#runOptions);
    ort.release('ReleaseMemoryInfo', this.#memory);
    ort.release('ReleaseSession', handle);
    // A feed whose look is changed all day must not fill kernel memory.
    for (const { tensor } of this.#tensors) arena.release(tensor.at, tensor.data.byteLength);
    ort.release('ReleaseSessionOptions', options);
  }
}

interface Reserved {
  tensor: BoundTensor;
  value: Handle;
}

const byName = (reserved: readonly Reserved[]): Record<string, BoundTensor> =>
  Object.fromEntries(reserved.map(({ tensor }) => [tensor.name, tensor]));
