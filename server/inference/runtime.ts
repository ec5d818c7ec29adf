import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Arena } from '../frame/arena.ts';
import { BoundSession } from './bound-session.ts';
import type { EngineCache, EnginePlace } from './engine-cache.ts';
import { openAtEngine } from './engine-opening.ts';
import { failureKind, firstLine, InferenceError } from './failure.ts';
import { fileSha256 } from './file-hash.ts';
import { type Handle, type OrtLibrary, offHeap, ortLibrary } from './ort-library.ts';
import { GPU_DEFAULTS, PROVIDERS, type Provider, type ProviderOptions } from './providers.ts';
import { tickMs } from './run-watch.ts';
import type { Refusal, Runtime, RuntimeOptions, Session, SessionOptions } from './session.ts';
import { sessionOptions } from './session-options.ts';

/** Refusals come back as statuses, and are told as sentences: the library need not write to stderr beside. */
const LOG_FATAL_ONLY = 4;

/** One ONNX Runtime environment; open one per process. */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  return new OrtRuntime(options);
}

interface Model {
  file: string;
  /** The file's own name. */
  name: string;
  bytes: Buffer;
}

/** A session and the options it was made with, on one provider. */
interface Opened {
  provider: Provider;
  handle: Handle;
  options: Handle;
}

class OrtRuntime implements Runtime {
  readonly #ort: OrtLibrary;
  readonly #environment: Handle;
  readonly #chain: readonly Provider[];
  readonly #gpu: ProviderOptions;
  readonly #options: RuntimeOptions;
  readonly #sessions = new Set<BoundSession>();
  #clock: NodeJS.Timeout | null = null;
  #broken = false;
  /** Providers whose libraries or GPU are not there: they are not tried for every network anew. */
  readonly #absent = new Map<Provider, InferenceError>();
  #engines: Promise<EngineCache | null> | null = null;
  /** Who needs the environment: this, until it is closed, networks that are being loaded, and sessions, until a run that was abandoned has returned. */
  #users = 1;
  #closed = false;

  constructor(options: RuntimeOptions) {
    const { providers = ['cpu'], gpu = {}, library = null } = options;
    this.#options = options;
    this.#ort = ortLibrary(library);
    this.#chain = providers;
    this.#gpu = { ...GPU_DEFAULTS, ...gpu };
    this.#environment = this.#ort.out((at) => this.#ort.calls.CreateEnv(LOG_FATAL_ONLY, 'understudy', at));
    this.#ort.check(this.#ort.calls.DisableTelemetryEvents(this.#environment));
  }

  async load(file: string, arena: Arena, options: SessionOptions = {}): Promise<Session> {
    const name = basename(file);
    if (this.#closed) throw new Error(`The model ${name} is not loaded: the engine is closing.`);
    this.#users++;
    try {
      const bytes = await readModel(file);
      const refusals: Refusal[] = [];
      const opened = await this.#open({ file, name, bytes }, options, refusals);
      const session = new BoundSession({
        ...opened,
        ...{ ort: this.#ort, refusals, name, arena },
        ...(options.openShapes ? { openShapes: options.openShapes } : {}),
        runLimitMs: this.#options.runLimitMs ?? null,
        onClose: (done) => this.#sessions.delete(done),
        onReleased: () => this.#done(),
        onWatched: () => this.#watch(),
        onBroken: (error) => this.#break(error),
      });
      this.#users++;
      this.#sessions.add(session);
      if (this.#closed) session.close();
      else this.#options.loaded?.({ name, provider: opened.provider, refusals });
      return session;
    } finally {
      this.#done();
    }
  }

  get inUse(): readonly Provider[] {
    const used = new Set([...this.#sessions].map(({ provider }) => provider));
    return PROVIDERS.filter((provider) => used.has(provider));
  }

  /** One clock for all runs, which stands still while there are none: a spare that waits wakes for nothing. */
  #watch(): void {
    const limitMs = this.#options.runLimitMs;
    if (this.#clock || !limitMs) return;
    let thenMs = performance.now();
    this.#clock = setInterval(() => {
      const nowMs = performance.now();
      for (const session of this.#sessions) session.passed(nowMs - thenMs);
      thenMs = nowMs;
      if ([...this.#sessions].some(({ watched }) => watched)) return;
      this.#stopClock();
    }, tickMs(limitMs));
    this.#clock.unref();
  }

  #stopClock(): void {
    if (this.#clock) clearInterval(this.#clock);
    this.#clock = null;
  }

  #break(error: InferenceError): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#options.broken?.(error);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopClock();
    for (const session of [...this.#sessions]) session.close();
    this.#done();
  }

  /** Whoever used the environment does so no more; the last one releases it. */
  #done(): void {
    if (--this.#users === 0) this.#ort.release('ReleaseEnv', this.#environment);
  }

  /** The first provider of the chain that takes the network. Fills `refusals` on the way. */
  async #open(model: Model, asked: SessionOptions, refusals: Refusal[]): Promise<Opened> {
    const { name } = model;
    if (this.#closed) throw new Error(`The model ${name} is not loaded: the engine is closing.`);
    for (const provider of this.#chain) {
      try {
        const absent = this.#absent.get(provider);
        if (absent) throw absent;
        return await this.#attempt(provider, model, asked);
      } catch (error) {
        if (error instanceof InferenceError && PROVIDER_GONE.has(error.kind)) this.#absent.set(provider, error);
        // What the file itself lacks, no other provider mends.
        if (provider === 'cpu' || provider === this.#chain.at(-1)) throw noneTook(name, error, refusals);
        refusals.push({ provider, reason: error instanceof Error ? error.message : String(error) });
      }
    }
    throw new Error(`The model ${name} is not loaded: inference.providers is empty.`);
  }

  async #attempt(provider: Provider, model: Model, asked: SessionOptions): Promise<Opened> {
    const engine = provider === 'tensorrt' ? (asked.engine ?? (await this.#engineOf(model.file))) : null;
    if (!engine) return this.#create(provider, model, asked, null);
    return openAtEngine(engine.dir, () => this.#create(provider, model, asked, engine), {
      waiting: () =>
        this.#options.notice?.(
          `The engine of ${model.name} is being built by another process: this one waits and uses it then.`,
        ),
      damaged: ({ message }) => this.#options.notice?.(message),
    });
  }

  async #engineOf(file: string): Promise<EnginePlace | null> {
    this.#engines ??= this.#options.engines?.() ?? Promise.resolve(null);
    const cache = await this.#engines;
    return cache?.chosen(await fileSha256(file), this.#gpu.fp16) ?? null;
  }

  async #create(
    provider: Provider,
    { bytes, name }: Model,
    { threads = 1 }: SessionOptions,
    engine: EnginePlace | null,
  ): Promise<Opened> {
    let options: Handle;
    try {
      const gpu = engine ? { ...this.#gpu, ...engineOptions(engine) } : { ...this.#gpu, fp16: false };
      options = sessionOptions(this.#ort, provider, gpu, threads);
    } catch (error) {
      throw new InferenceError(failureKind(error), `${provider} cannot be used here`, firstLine(error));
    }
    const handle = offHeap([0n]);
    try {
      const { slow } = this.#ort;
      await slow('CreateSessionFromArray', this.#environment, bytes, bytes.byteLength, options, handle);
    } catch (error) {
      this.#ort.release('ReleaseSessionOptions', options);
      // The processor takes every model that is one.
      const kind = provider === 'cpu' ? 'model' : failureKind(error);
      throw new InferenceError(kind, `The model ${name} cannot be loaded on ${provider}`, firstLine(error));
    }
    return { provider, handle: handle[0] as Handle, options };
  }
}

/** Half precision only by an engine that was looked at: without one, full. The timing cache is all engines' of this machine. */
const engineOptions = ({ dir, precision }: EnginePlace): Partial<ProviderOptions> => ({
  fp16: precision === 'half',
  cacheDir: dir,
  timingDir: dirname(dir),
});

/** Nothing that the next network would change. */
const PROVIDER_GONE = new Set(['library_missing', 'driver_old', 'gpu_absent', 'option_unknown', 'gpu_gone']);

/** The last provider's word, after those that refused before it where the chain is not the machine's own choice. */
function noneTook(name: string, last: unknown, refusals: readonly Refusal[]): Error {
  if (last instanceof InferenceError && (last.kind === 'model' || refusals.length === 0)) return last;
  const said = [...refusals.map(({ reason }) => reason), ...(last instanceof Error ? [last.message] : [])];
  return new InferenceError(
    'other',
    `The model ${name} was taken by no provider of inference.providers`,
    said.join(' '),
  );
}

async function readModel(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new Error(
      `The model ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}): restore the file, for example with \`git checkout\`.`,
    );
  }
}
