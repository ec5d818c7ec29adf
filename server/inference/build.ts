import { basename } from 'node:path';
import { Arena } from '../frame/arena.ts';
import { disagreement, type FaceSquare, fillFace, fillProbe, type Outputs, PROBES } from './agreement.ts';
import type { EngineCache, EnginePlace, Precision } from './engine-cache.ts';
import { fileSha256 } from './file-hash.ts';
import type { Session } from './session.ts';

export interface BuildOptions {
  cache: EngineCache;
  /** Loads a network with the engine at a place, building it there where there is none. The builder closes the session. */
  open(file: string, arena: Arena, place: EnginePlace): Promise<Session>;
  /** Kernel memory for one network's tensors, megabytes. */
  memoryMb?: number;
  say(line: string): void;
  /** A face that precisions are compared on, beside the probes. */
  face?: FaceSquare;
  /** Builds again what was built before. */
  again?: boolean;
  /** Full precision alone. */
  fullOnly?: boolean;
}

export interface Built {
  name: string;
  /** What the network will run with; null where no engine could be built. */
  precision: Precision | null;
  /** Why half precision was not taken, or nothing was built. */
  why: string | null;
  ms: number;
}

/**
 * Builds the engines of networks ahead of time, full precision first, then half, and keeps half only where it gives the same pictures.
 * @param models name → ONNX file.
 */
export async function buildEngines(models: Readonly<Record<string, string>>, options: BuildOptions): Promise<Built[]> {
  const all: Built[] = [];
  const names = Object.entries(models);
  for (const [index, [name, file]] of names.entries()) {
    const title = `${name} (${index + 1} of ${names.length})`;
    const began = performance.now();
    try {
      all.push({ name, ...(await buildOne(title, file, options)), ms: performance.now() - began });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      options.say(`${title}: not built. ${why}`);
      all.push({ name, precision: null, why, ms: performance.now() - began });
    }
    // Engines of similar networks take similarly long: what is left is told from what was done.
    const done = all.reduce((sum, { ms }) => sum + ms, 0);
    const left = ((names.length - all.length) * done) / all.length;
    if (left > 2000) options.say(`About ${Math.round(left / 1000)} s are left.`);
  }
  return all;
}

async function buildOne(title: string, file: string, options: BuildOptions): Promise<Omit<Built, 'name' | 'ms'>> {
  const { cache, say, again = false, fullOnly = false } = options;
  const modelSha256 = await fileSha256(file);
  const had = { full: cache.record(modelSha256, 'full'), half: cache.record(modelSha256, 'half') };
  if (!again && had.full && (had.half || fullOnly)) {
    const half = !fullOnly && had.half?.agrees;
    say(`${title}: built before, ${half ? 'half' : 'full'} precision.`);
    return { precision: half ? 'half' : 'full', why: had.half?.why ?? null };
  }
  const make = async (precision: Precision): Promise<{ outputs: Outputs[]; builtMs: number }> => {
    const place = cache.place(modelSha256, precision);
    if (again) cache.forget(place);
    say(`${title}: building in ${precision} precision…`);
    const began = performance.now();
    const outputs = await probe(file, place, options);
    const builtMs = performance.now() - began;
    say(`${title}: ${precision} precision took ${(builtMs / 1000).toFixed(1)} s.`);
    return { outputs, builtMs };
  };
  const model = basename(file);
  const full = await make('full');
  cache.keep(cache.place(modelSha256, 'full'), { model, modelSha256, builtMs: full.builtMs, agrees: true, why: null });
  if (fullOnly) return { precision: 'full', why: null };
  const half = await make('half').catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  const why = typeof half === 'string' ? half : compare(full.outputs, half.outputs);
  const builtMs = typeof half === 'string' ? 0 : half.builtMs;
  cache.keep(cache.place(modelSha256, 'half'), { model, modelSha256, builtMs, agrees: why === null, why });
  if (why) say(`${title}: runs in full precision, because in half precision ${why}.`);
  return { precision: why ? 'full' : 'half', why };
}

/** What the network gives for every probe. */
async function probe(
  file: string,
  place: EnginePlace,
  { open, face, memoryMb = 256 }: BuildOptions,
): Promise<Outputs[]> {
  const session = await open(file, new Arena(memoryMb), place);
  try {
    const all: Outputs[] = [];
    for (let k = 0; k < PROBES + (face ? 1 : 0); k++) {
      for (const input of Object.values(session.inputs)) {
        if (face && k === PROBES) fillFace(input, face);
        else fillProbe(input.data, k);
      }
      await session.run();
      const outputs = Object.entries(session.outputs).map(
        ([name, { data }]) => [name, Float32Array.from(data)] as const,
      );
      all.push(Object.fromEntries(outputs));
    }
    return all;
  } finally {
    session.close();
  }
}

const compare = (full: readonly Outputs[], half: readonly Outputs[]): string | null =>
  full.reduce<string | null>((why, outputs, k) => why ?? disagreement(outputs, half[k] ?? {}), null);
