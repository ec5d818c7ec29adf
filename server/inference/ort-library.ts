/**
 * ONNX Runtime's C API, reached through the shared library inside the onnxruntime-node package. The package's own binding
 * blocks its thread while a network runs and passes TensorRT nothing but a device id; the C API does neither
 * (server/docs/decisions/inference-binding.md). Only what Understudy calls is bound.
 *
 * Slots: positions in the `OrtApi` struct (onnxruntime_c_api.h), which is append-only by ONNX Runtime's own rule.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi, { type KoffiFunc } from 'koffi';
import { OrtError } from './failure.ts';

/** An opaque pointer of the C API. */
export type Handle = bigint;

const API_VERSION = 22;
const SLOTS = 320;

type CFunction = KoffiFunc<(...args: unknown[]) => unknown>;
type Args = readonly (Handle | number | string | readonly string[] | ArrayBufferView | null)[];
type Call = (...args: Args) => Handle | null;

const STRINGS = 'const char **';

/** [slot, argument types]; every one of these returns an OrtStatus pointer, null for success. */
const CALLS = {
  CreateEnv: [3, ['int', 'const char *', 'void *']],
  DisableTelemetryEvents: [6, ['void *']],
  CreateSessionFromArray: [8, ['void *', 'void *', 'size_t', 'void *', 'void *']],
  Run: [9, ['void *', 'void *', 'void *', 'void *', 'size_t', 'void *', 'size_t', 'void *']],
  CreateSessionOptions: [10, ['void *']],
  SetSessionGraphOptimizationLevel: [23, ['void *', 'int']],
  SetIntraOpNumThreads: [24, ['void *', 'int']],
  SetInterOpNumThreads: [25, ['void *', 'int']],
  SessionGetInputCount: [30, ['void *', 'void *']],
  SessionGetOutputCount: [31, ['void *', 'void *']],
  SessionGetInputTypeInfo: [33, ['void *', 'size_t', 'void *']],
  SessionGetOutputTypeInfo: [34, ['void *', 'size_t', 'void *']],
  SessionGetInputName: [36, ['void *', 'size_t', 'void *', 'void *']],
  SessionGetOutputName: [37, ['void *', 'size_t', 'void *', 'void *']],
  CreateRunOptions: [39, ['void *']],
  RunOptionsSetTerminate: [46, ['void *']],
  RunOptionsUnsetTerminate: [47, ['void *']],
  CreateTensorWithDataAsOrtValue: [49, ['void *', 'void *', 'size_t', 'void *', 'size_t', 'int', 'void *']],
  CastTypeInfoToTensorInfo: [55, ['void *', 'void *']],
  GetTensorElementType: [60, ['void *', 'void *']],
  GetDimensionsCount: [61, ['void *', 'void *']],
  GetDimensions: [62, ['void *', 'void *', 'size_t']],
  CreateCpuMemoryInfo: [69, ['int', 'int', 'void *']],
  AllocatorFree: [76, ['void *', 'void *']],
  GetAllocatorWithDefaultOptions: [78, ['void *']],
  AddSessionConfigEntry: [130, ['void *', 'const char *', 'const char *']],
  RunWithBinding: [133, ['void *', 'void *', 'void *']],
  CreateIoBinding: [134, ['void *', 'void *']],
  BindInput: [136, ['void *', 'const char *', 'void *']],
  BindOutput: [137, ['void *', 'const char *', 'void *']],
  SessionOptionsAppendExecutionProvider_TensorRT_V2: [170, ['void *', 'void *']],
  CreateTensorRTProviderOptions: [171, ['void *']],
  UpdateTensorRTProviderOptions: [172, ['void *', STRINGS, STRINGS, 'size_t']],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, ['void *', 'void *']],
  CreateCUDAProviderOptions: [205, ['void *']],
  UpdateCUDAProviderOptions: [206, ['void *', STRINGS, STRINGS, 'size_t']],
  SessionOptionsAppendExecutionProvider: [216, ['void *', 'const char *', STRINGS, STRINGS, 'size_t']],
} as const satisfies Record<string, readonly [slot: number, args: readonly string[]]>;

/** [slot]; each takes one pointer and returns nothing. */
const RELEASES = {
  ReleaseEnv: 92,
  ReleaseStatus: 93,
  ReleaseMemoryInfo: 94,
  ReleaseSession: 95,
  ReleaseValue: 96,
  ReleaseRunOptions: 97,
  ReleaseTypeInfo: 98,
  ReleaseSessionOptions: 100,
  ReleaseIoBinding: 135,
  ReleaseTensorRTProviderOptions: 174,
  ReleaseCUDAProviderOptions: 208,
} as const;

export type OrtCalls = Record<keyof typeof CALLS, Call>;

/** Calls that take long: they run on the thread pool. */
export type SlowCall = 'CreateSessionFromArray' | 'Run' | 'RunWithBinding';

export interface OrtLibrary {
  /** The file it was loaded from. */
  readonly file: string;
  readonly version: string;
  readonly calls: OrtCalls;
  /**
   * Makes a call on the thread pool; rejects with what a non-null status says. Buffers among the arguments must lie outside V8's heap
   * (offHeap below, kernel memory, a Buffer) and are held until it returns.
   */
  slow(call: SlowCall, ...args: Args): Promise<void>;
  release(kind: keyof typeof RELEASES, handle: Handle): void;
  /** Throws an OrtError with what a non-null status says. */
  check(status: Handle | null): void;
  /** Calls a function whose last argument is where it writes a pointer or size. */
  out(call: (result: BigUint64Array) => Handle | null): Handle;
  /** Reads a C string and frees it with the default allocator. */
  takeString(pointer: Handle, allocator: Handle): string;
}

/** A list of pointers that stays where it is: V8 keeps small arrays in its heap and moves them. */
export function offHeap(pointers: readonly Handle[]): BigUint64Array<ArrayBuffer> {
  const list = new BigUint64Array(new ArrayBuffer(8 * Math.max(1, pointers.length)));
  list.set(pointers);
  return list;
}

/** C strings as a list of pointers, for the pool. Hold `held` for as long as it is used. */
export function cStrings(texts: readonly string[]): { list: BigUint64Array; held: readonly Buffer[] } {
  const held = texts.map((text) => Buffer.from(new TextEncoder().encode(`${text}\0`).buffer));
  return { list: offHeap(held.map((bytes) => koffi.address(bytes))), held };
}

/** Where the package keeps its libraries for this platform. */
export const libraryFolder = (): string =>
  join(
    dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
    'bin',
    'napi-v6',
    process.platform,
    process.arch,
  );

function libraryFile(): string {
  const folder = libraryFolder();
  const names = ['libonnxruntime.so.1', 'libonnxruntime.1.30.0.dylib', 'libonnxruntime.dylib', 'onnxruntime.dll'];
  const file = names.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (!file)
    throw new Error(
      `ONNX Runtime has no library for ${process.platform} ${process.arch} in ${folder}: this platform cannot run the models.`,
    );
  return file;
}

const opened = new Map<string, OrtLibrary>();
// Collected, the library would be unloaded under running code: hold it for the process's life.
const keepAlive: unknown[] = [];

/** Loads the library once per process. @param file another build of it; null: the package's own. */
export function ortLibrary(file: string | null = null): OrtLibrary {
  // nvidia-smi's count, which the configuration speaks: CUDA's own order is the fastest first.
  process.env.CUDA_DEVICE_ORDER ??= 'PCI_BUS_ID';
  const path = file ?? libraryFile();
  const library = opened.get(path) ?? load(path);
  opened.set(path, library);
  return library;
}

function loadFile(file: string): ReturnType<typeof koffi.load> {
  // The library carries an uploader that starts when it loads.
  process.env.ORT_DISABLE_TELEMETRY = '1';
  try {
    return koffi.load(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`ONNX Runtime could not be loaded (${why}): reinstall the packages with \`npm ci\`.`);
  }
}

let prototypes = 0;
/** Koffi knows its prototypes by name: two libraries in one process need two. */
const prototype = (name: string, result: string, args: readonly string[]) =>
  koffi.proto(`${name}_${prototypes++}`, result, [...args]);

function load(file: string): OrtLibrary {
  const library = loadFile(file);
  keepAlive.push(library);
  const base = library.func('void *OrtGetApiBase()')() as Handle;
  const [getApi, getVersion] = koffi.decode(base, koffi.array('void *', 2)) as [Handle, Handle];
  const versionString = koffi.decode(getVersion, prototype('VersionString', 'const char *', [])) as () => string;
  const openApi = koffi.decode(getApi, prototype('GetApi', 'void *', ['uint32_t'])) as (
    version: number,
  ) => Handle | null;
  const version = versionString();
  const api = openApi(API_VERSION);
  if (!api)
    throw new Error(
      `ONNX Runtime ${version} does not offer C API ${API_VERSION}: reinstall the packages with \`npm ci\`.`,
    );
  const table = koffi.decode(api, koffi.array('void *', SLOTS)) as Handle[];
  return bound(file, version, table);
}

/** The functions of the table that Understudy calls. */
function bound(file: string, version: string, table: readonly Handle[]): OrtLibrary {
  const bind = (name: string, slot: number, result: string, args: readonly string[]): CFunction =>
    koffi.decode(table[slot] as Handle, prototype(name, result, args)) as CFunction;
  const calls = Object.fromEntries(
    Object.entries(CALLS).map(([name, [slot, args]]) => [name, bind(name, slot, 'void *', args)]),
  ) as Record<keyof typeof CALLS, CFunction>;
  const releases = Object.fromEntries(
    Object.entries(RELEASES).map(([name, slot]) => [name, bind(name, slot, 'void', ['void *'])]),
  ) as Record<keyof typeof RELEASES, CFunction>;
  const code = bind('GetErrorCode', 1, 'int', ['void *']);
  const message = bind('GetErrorMessage', 2, 'const char *', ['void *']);

  const check = (status: Handle | null): void => {
    if (!status) return;
    const error = new OrtError(Number(code(status)), withoutPlace(String(message(status))));
    releases.ReleaseStatus(status);
    throw error;
  };
  const typed = calls as unknown as OrtCalls;
  return {
    file,
    version,
    calls: typed,
    check,
    release: (kind, handle) => void releases[kind](handle),
    slow: (call, ...args) =>
      new Promise((resolve, reject) => {
        calls[call].async(...args, (failure: unknown, status: unknown) => {
          try {
            // The pool reads them until now: naming them here keeps them from being collected.
            if (args.length === 0) throw new Error(`${call} needs arguments.`);
            if (failure) throw failure instanceof Error ? failure : new Error('ONNX Runtime could not be called.');
            check(status as Handle | null);
            resolve();
          } catch (error) {
            reject(error as Error);
          }
        });
      }),
    out: (call) => {
      const result = new BigUint64Array(1);
      check(call(result));
      return result[0] as Handle;
    },
    takeString: (pointer, allocator) => {
      const text = koffi.decode.string(pointer) as string;
      check(typed.AllocatorFree(allocator, pointer));
      return text;
    },
  };
}

/** A message without the place in ONNX Runtime's own source that it begins with. */
const withoutPlace = (message: string): string =>
  message
    .replace(/^.*\[ONNXRuntimeError\] : \d+ : \w+ : /s, '')
    .replace(/^\/onnxruntime_src\/\S+ .*?\)(::<lambda\(\)>)? /, '')
    .replace(/^Failed to load library \S+ with error: /, '');
