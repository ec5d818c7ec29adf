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

/** An opaque pointer of the C API. */
export type Handle = bigint;

const API_VERSION = 22;
const SLOTS = 320;

type CFunction = KoffiFunc<(...args: unknown[]) => unknown>;
type Args = readonly (Handle | number | string | ArrayBufferView | null)[];
type Call = (...args: Args) => Handle | null;

/** [slot, argument types]; every one of these returns an OrtStatus pointer, null for success. */
const CALLS = {
  CreateEnv: [3, ['int', 'const char *', 'void *']],
  DisableTelemetryEvents: [6, ['void *']],
  CreateSessionFromArray: [8, ['void *', 'void *', 'size_t', 'void *', 'void *']],
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
} as const;

export type OrtCalls = Record<keyof typeof CALLS, Call>;

export interface OrtLibrary {
  readonly version: string;
  readonly calls: OrtCalls;
  /** Calls `RunWithBinding` on the thread pool. */
  runAsync(session: Handle, runOptions: Handle, binding: Handle): Promise<void>;
  release(kind: keyof typeof RELEASES, handle: Handle): void;
  /** Throws what a non-null status says. */
  check(status: Handle | null): void;
  /** Calls a function whose last argument is where it writes a pointer or size. */
  out(call: (result: BigUint64Array) => Handle | null): Handle;
  /** Reads a C string and frees it with the default allocator. */
  takeString(pointer: Handle, allocator: Handle): string;
}

/** Where the package keeps its library for this platform. */
function libraryFile(): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const folder = join(root, 'bin', 'napi-v6', process.platform, process.arch);
  const names = ['libonnxruntime.so.1', 'libonnxruntime.1.30.0.dylib', 'libonnxruntime.dylib', 'onnxruntime.dll'];
  const file = names.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (!file)
    throw new Error(
      `ONNX Runtime has no library for ${process.platform} ${process.arch} in ${folder}: this platform cannot run the models.`,
    );
  return file;
}

let opened: OrtLibrary | undefined;
// Collected, the library would be unloaded under running code: hold it for the process's life.
const keepAlive: unknown[] = [];

/** Loads the library once per process. */
export function ortLibrary(): OrtLibrary {
  opened ??= load();
  return opened;
}

function load(): OrtLibrary {
  // The library carries an uploader that starts when it loads.
  process.env.ORT_DISABLE_TELEMETRY = '1';
  const library = koffi.load(libraryFile());
  keepAlive.push(library);
  const base = library.func('void *OrtGetApiBase()')() as Handle;
  const [getApi, getVersion] = koffi.decode(base, koffi.array('void *', 2)) as [Handle, Handle];
  const versionString = koffi.decode(getVersion, koffi.proto('VersionString', 'const char *', [])) as () => string;
  const openApi = koffi.decode(getApi, koffi.proto('GetApi', 'void *', ['uint32_t'])) as (
    version: number,
  ) => Handle | null;
  const version = versionString();
  const api = openApi(API_VERSION);
  if (!api)
    throw new Error(
      `ONNX Runtime ${version} does not offer C API ${API_VERSION}: reinstall the packages with \`npm ci\`.`,
    );
  const table = koffi.decode(api, koffi.array('void *', SLOTS)) as Handle[];
  const bind = (name: string, slot: number, result: string, args: readonly string[]): CFunction =>
    koffi.decode(table[slot] as Handle, koffi.proto(name, result, [...args])) as CFunction;

  const calls = Object.fromEntries(
    Object.entries(CALLS).map(([name, [slot, args]]) => [name, bind(name, slot, 'void *', args)]),
  ) as Record<keyof typeof CALLS, CFunction>;
  const releases = Object.fromEntries(
    Object.entries(RELEASES).map(([name, slot]) => [name, bind(name, slot, 'void', ['void *'])]),
  ) as Record<keyof typeof RELEASES, CFunction>;
  const message = bind('GetErrorMessage', 2, 'const char *', ['void *']);

  const check = (status: Handle | null): void => {
    if (!status) return;
    const text = String(message(status));
    releases.ReleaseStatus(status);
    throw new Error(text);
  };
  const typed = calls as unknown as OrtCalls;
  return {
    version,
    calls: typed,
    check,
    release: (kind, handle) => void releases[kind](handle),
    runAsync: (session, runOptions, binding) =>
      new Promise((resolve, reject) => {
        calls.RunWithBinding.async(session, runOptions, binding, (failure: unknown, status: unknown) => {
          try {
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
