import { parseArgs } from 'node:util';
import { loadConfig } from '../config/config.ts';
import { loadingOf } from '../double/loading.ts';
import { type Built, buildEngines } from '../inference/build.ts';
import { engineCacheHere } from '../inference/engine-facts.ts';
import { createRuntime } from '../inference/runtime.ts';
import { runtimeOptions } from '../inference/runtime-options.ts';
import type { InferenceSettings } from '../inference/settings.ts';
import { networks } from '../library/networks.ts';
import { inferenceOf } from '../stage/configured.ts';
import { CommandError } from './command.ts';

export const BUILD_USAGE = `understudy doubles build [NAME…] [options]
  Builds the TensorRT engines of all networks, or of those named, for this machine's GPU, so that no feed waits for it. Half precision
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
  const settings = inferenceOf(loadConfig(values.config));
  const built = await build(settings, chosen(positionals), values.again ?? false);
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

async function build(settings: InferenceSettings, models: Record<string, string>, again: boolean): Promise<Built[]> {
  if (!settings.providers.includes('tensorrt'))
    throw new CommandError('inference.providers leaves out tensorrt: there are no engines to build.');
  const cache = settings.cacheDir === null ? null : await engineCacheHere(settings.cacheDir, settings.device);
  if (!cache)
    throw new CommandError(
      `There is no GPU ${settings.device} here to build engines for: \`understudy doctor\` says what is found. Networks run without them.`,
    );
  process.stderr.write(`Engines for ${cache.facts.gpu}, driver ${cache.facts.driver}, in ${cache.root}\n`);
  const runtime = createRuntime(runtimeOptions({ ...settings, providers: ['tensorrt'] }));
  try {
    return await buildEngines(models, {
      cache,
      open: (file, arena, engine) => runtime.load(file, arena, { ...loadingOf(file), engine }),
      say: (line) => void process.stderr.write(`${line}\n`),
      ...{ again, fullOnly: settings.precision === 'full' },
    });
  } finally {
    runtime.close();
  }
}
