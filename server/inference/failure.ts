/** What ONNX Runtime refused, in its own words. */
export class OrtError extends Error {
  /** OrtErrorCode (onnxruntime_c_api.h). */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'OrtError';
    this.code = code;
  }
}

/**
 * What can go wrong with a network, and what to do about it. The sentence names the network and what it was run on; `detail`, ONNX
 * Runtime's own first line, follows it. A test keeps this table and server/docs/errors.md equal.
 */
export const FAILURES = {
  library_missing:
    'A library that this provider needs could not be loaded: `understudy doctor` names it and the command that installs it.',
  driver_old:
    'The GPU driver is older than the CUDA libraries need: install the driver that `understudy doctor` names, then start again.',
  gpu_absent: 'There is no GPU that this provider can use: see with `understudy doctor` what is found.',
  gpu_memory:
    'The GPU is out of memory: close another program on it, wear fewer looks at once, or leave this provider out of inference.providers.',
  gpu_gone:
    'The GPU was removed, reset or taken away while it was in use: the engine is started anew. If it stays, look at the system log and its power and cooling.',
  cache_corrupt:
    'An engine in the cache is damaged or was built by other libraries: it was deleted and is built again (`understudy doubles build` does it ahead of time).',
  cache_unwritable:
    'The folder for engines cannot be written: make it writable for this user, or name another with inference.cacheDir.',
  cpu_parts:
    'Parts of the network cannot run on this provider and would run on the processor: another provider takes the whole of it.',
  option_unknown:
    'This version of ONNX Runtime does not know an option that is set: reinstall the packages with `npm ci`.',
  model: 'The file is truncated or not a model that this version understands: restore it or import the model again.',
  stopped: 'The run was stopped.',
  hung: 'The run did not end in time and was abandoned: its face is covered, and where it does not return another engine takes over.',
  other: 'ONNX Runtime refused: the words behind this say why.',
} as const satisfies Record<string, string>;

export type FailureKind = keyof typeof FAILURES;

/** A network that could not be loaded or run. */
export class InferenceError extends Error {
  readonly kind: FailureKind;

  /** @param what the network and what was done with it, without a full stop: "The model a.onnx cannot be run on cuda". */
  constructor(kind: FailureKind, what: string, detail = '') {
    super(`${what}. ${FAILURES[kind]}${detail ? ` (${detail})` : ''}`);
    this.name = 'InferenceError';
    this.kind = kind;
  }
}

/** ORT_INVALID_PROTOBUF, ORT_NO_MODEL, ORT_INVALID_GRAPH, ORT_NO_SUCHFILE. */
const MODEL_CODES = new Set([3, 4, 7, 10]);

/** In this order: a lost GPU also says that memory could not be had. */
const WORDS: readonly [FailureKind, RegExp][] = [
  ['stopped', /terminate flag/i],
  ['cpu_parts', /fallback to CPU EP has been explicitly disabled/i],
  ['option_unknown', /unknown provider option/i],
  [
    'library_missing',
    /failed to load library|cannot open shared object|LoadLibrary failed|error loading .*\.(so|dll|dylib)/i,
  ],
  ['driver_old', /driver version is insufficient|cudaErrorInsufficientDriver|CUDA failure (35|803)\b/i],
  ['cache_corrupt', /deserializ|engine cache|serialized engine|plan file|incompatible device/i],
  [
    'gpu_gone',
    /CUDA failure (46|700|702|709|715|719|720|999)\b|device (is )?(lost|removed)|illegal memory access|unspecified launch failure|devices are busy or unavailable|fallen off the bus/i,
  ],
  [
    'gpu_absent',
    /CUDA failure (100|101)\b|no CUDA-capable device|invalid device ID|no (supported )?adapters?|failed to (get|request|find) (a|an) (WebGPU )?adapter/i,
  ],
  ['gpu_memory', /out of memory|OutOfMemory|CUDA failure 2\b|failed to allocate memory|smaller than requested bytes/i],
];

/** Which of the failures a refusal of ONNX Runtime is. */
export function failureKind(error: unknown): FailureKind {
  if (error instanceof InferenceError) return error.kind;
  const said = error instanceof Error ? error.message : String(error);
  const kind = WORDS.find(([, words]) => words.test(said))?.[0];
  if (kind) return kind;
  return error instanceof OrtError && MODEL_CODES.has(error.code) ? 'model' : 'other';
}

/** The first line, short enough for a page. */
export const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]?.slice(0, 300).trim() ?? '';
