import { parseArgs } from 'node:util';
import { type Config, loadConfig } from '../config/config.ts';
import { loadingOf } from '../double/loading.ts';
import { type Built, buildEngines } from '../inference/build.ts';
import type { EngineCache } from '../inference/engine-cache.ts';
import { engineCacheHere } from '../inference/engine-facts.ts';
import { placesHere } from '../inference/placement.ts';
import { createRuntime } from '../inference/runtime.ts';
import { runtimeOptions } from '../inference/runtime-options.ts';
import type { InferenceSettings } from '../inference/settings.ts';
import { networks } from '../library/networks.ts';
import { inferenceOf } from '../stage/configured.ts';
import { CommandError } from './command.ts';
import { probeSquare } from './probe-face.ts';

export const BUILD_USAGE = `understudy doubles build [NAME…] [options]
  Builds the TensorRT engines of all networks, or of those named, for this machine's GPUs, so that no feed waits for it. Half precision
  is kept where it gives the same pictures as full precision.
  --again          builds again what was built before
  --json           one JSON object at the end
  --config FILE    the configuration whose inference keys hold
`;

/** @throws CommandError where this machine builds no engines, or one could not be built. */
export async function doublesBuild(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { again: { type: 'boolean' }, json: { type: 'boolean' }, config: { type: 'string' } },
  });
  const config = loadConfig(values.config);
  const settings = inferenceOf(config);
  const models = chosen(positionals);
  const built: Built[] = [];
  for (const cache of await caches(config, settings))
    built.push(...(await build({ ...settings, device: cache.device }, cache.engines, models, values.again ?? false)));
  for (const { name, precision, why } of built) {
    process.stderr.write(`${name}: ${precision ? `${precision} precision` : 'not built'}${why ? ` (${why})` : ''}\n`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ built })}\n`);
  const failed = built.filter(({ precision }) => precision === null);
  if (failed.length > 0) throw new CommandError(`${failed.length} of ${built.length} networks could not be built.`);
}

function chosen(names: readonly string[]): Record<string, string> {
  const all = networks();
  const unknown = names.find((name) => !(name in all));
  if (unknown !== undefined)
    throw new CommandError(`There is no network "${unknown}": there are ${Object.keys(all).join(', ')}.`);
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.length === 0 || names.includes(name)));
}

/** One for each kind of GPU that feeds are placed on: GPUs that are alike share their engines. */
async function caches(config: Config, { cacheDir, providers }: InferenceSettings) {
  if (!providers.includes('tensorrt'))
    throw new CommandError('inference.providers leaves out tensorrt: there are no engines to build.');
  const found = new Map<string, { device: number; engines: EngineCache }>();
  const places = await placesHere(config.inference.device, providers);
  for (const { index: device } of places) {
    const engines = cacheDir === null ? null : await engineCacheHere(cacheDir, device);
    if (!engines)
      throw new CommandError(
        `There is no GPU ${device} here to build engines for: \`understudy doctor\` says what is found. Networks run without them.`,
      );
    const kind = JSON.stringify(engines.facts);
    if (!found.has(kind)) found.set(kind, { device, engines });
  }
  return found.values();
}

async function build(
  settings: InferenceSettings,
  cache: EngineCache,
  models: Record<string, string>,
  again: boolean,
): Promise<Built[]> {
  process.stderr.write(`Engines for ${cache.facts.gpu}, driver ${cache.facts.driver}, in ${cache.root}\n`);
  const runtime = createRuntime(runtimeOptions({ ...settings, providers: ['tensorrt'] }));
  try {
    return await buildEngines(models, {
      cache,
      open: (file, arena, engine) => runtime.load(file, arena, { ...loadingOf(file), engine }),
      face: await probeSquare(),
      say: (line) => void process.stderr.write(`${line}\n`),
      ...{ again, fullOnly: settings.precision === 'full' },
    });
  } finally {
    runtime.close();
  }
}
