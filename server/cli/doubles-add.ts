import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/config.ts';
import { type Added, addDouble, NotAdded, type Said } from '../double/adding.ts';
import { floatsIn } from '../double/onnx-file.ts';
import { TEMPLATE_NAMES, type TemplateName } from '../double/templates.ts';
import { Arena } from '../frame/arena.ts';
import { loadKernels } from '../frame/kernels.ts';
import { InferenceError } from '../inference/failure.ts';
import type { Provider } from '../inference/providers.ts';
import { createRuntime } from '../inference/runtime.ts';
import { runtimeOptions } from '../inference/runtime-options.ts';
import type { Runtime } from '../inference/session.ts';
import type { InferenceSettings } from '../inference/settings.ts';
import { inferenceOf } from '../stage/configured.ts';
import { CommandError, numberIn } from './command.ts';
import { probeFace } from './probe-face.ts';

const DOUBLES = fileURLToPath(new URL('../../models/doubles/', import.meta.url));
const MEMORY_MB = 512;

export const ADD_USAGE = `understudy doubles add FILE --name NAME --licence TEXT [options]
  Takes a model that a production already owns: tells its kind by the graph, tries it on a face, measures it, and writes its folder. A
  DeepFaceLab export (.dfm), or a network that is conditioned on a source embedding (inswapper and its kin).
  --name NAME        the double's name and folder: small letters, digits and dashes
  --licence TEXT     under which licence or contract it may be used
  --fictional        it shows an invented person: it may play without a signed licence
  --embedding FILE   the face that such a network is to make: a JSON list of numbers, or float32 numbers one after the other
  --template NAME    where the square has the face: ${TEMPLATE_NAMES.join(', ')}
  --mean R,G,B --std R,G,B   what is taken from and divides the picture, 0 to 1 (default 0 and 1)
  --range signed     the network makes -1 to 1 (default unit: 0 to 1)
  --max-yaw DEGREES  how far the head may turn (default 45)
  --out DIR          where its folder goes (default: models/doubles, where the server finds it when it starts)
  --again            takes the place of the double of this name that was added before
  --json             one JSON object at the end
`;

/** @throws CommandError where the file is not taken. */
export async function doublesAdd(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...{ name: { type: 'string' }, licence: { type: 'string' }, fictional: { type: 'boolean' } },
      ...{
        embedding: { type: 'string' },
        template: { type: 'string' },
        mean: { type: 'string' },
        std: { type: 'string' },
      },
      ...{
        range: { type: 'string' },
        'max-yaw': { type: 'string' },
        out: { type: 'string' },
        again: { type: 'boolean' },
      },
      ...{ json: { type: 'boolean' }, config: { type: 'string' } },
    },
  });
  const [file] = positionals;
  const { name, licence } = values;
  if (!file || !name || !licence)
    throw new CommandError(
      'Say what to add and under which name and licence: understudy doubles add FILE --name NAME --licence TEXT.',
    );
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name))
    throw new CommandError(`"${name}" is not a name for a double: write small letters, digits and dashes.`);
  if (!existsSync(file)) throw new CommandError(`There is no file ${file}.`);
  const said: Said = {
    ...{ name, licence, out: values.out ?? DOUBLES },
    ...{ fictional: values.fictional ?? false, again: values.again ?? false },
    embedding: values.embedding === undefined ? null : embeddingIn(values.embedding),
    template: values.template === undefined ? null : templateNamed(values.template),
    mean: values.mean === undefined ? null : triple(values.mean, '--mean'),
    std: values.std === undefined ? null : triple(values.std, '--std'),
    range: values.range === undefined ? null : rangeNamed(values.range),
    maxYawDeg: degrees(values['max-yaw'] ?? '45'),
  };
  const added = await add(file, said, inferenceOf(loadConfig(values.config)));
  process.stdout.write(`${values.json ? JSON.stringify(added) : told(said, added)}\n`);
}

async function add(file: string, said: Said, settings: InferenceSettings): Promise<Added> {
  const runtimes: { provider: Provider; runtime: Runtime }[] = settings.providers.map((provider) => ({
    provider,
    runtime: createRuntime(runtimeOptions({ ...settings, providers: [provider] })),
  }));
  const arena = new Arena(MEMORY_MB);
  const kernels = loadKernels(arena);
  const main = createRuntime();
  try {
    const probe = await probeFace({ runtime: main, arena, kernels });
    const present: typeof runtimes = [];
    for (const one of runtimes) if (await works(one.runtime)) present.push(one);
    return await addDouble(file, said, { arena, kernels, probe, runtimes: present });
  } catch (error) {
    throw error instanceof NotAdded || error instanceof InferenceError ? new CommandError(error.message) : error;
  } finally {
    main.close();
    for (const { runtime } of runtimes) runtime.close();
  }
}

/** Whether the provider takes a network that is known to be whole. */
async function works(runtime: Runtime): Promise<boolean> {
  const known = fileURLToPath(new URL('../../models/perception/face-detection-full-range.onnx', import.meta.url));
  try {
    (await runtime.load(known, new Arena(32))).close();
    return true;
  } catch {
    return false;
  }
}

const told = ({ name, fictional }: Said, { dir, found, ms }: Added): string =>
  [
    `The double ${name} was added in ${dir}: kind ${found.kind}, ${found.size} pixels.`,
    ...Object.entries(ms).map(([provider, value]) => `One face takes ${value} ms on ${provider}.`),
    fictional
      ? 'A server that runs finds it at its next start.'
      : 'It shows a real person: no feed plays it until a signed licence can be kept, which this version cannot do yet.',
  ].join('\n');

function embeddingIn(file: string): Float32Array {
  if (!existsSync(file)) throw new CommandError(`There is no file ${file}.`);
  const bytes = readFileSync(file);
  const text = bytes.toString('utf8').trimStart();
  if (!text.startsWith('[')) return floatsIn(bytes);
  try {
    const values = (JSON.parse(text) as unknown[]).flat();
    if (values.every((value) => typeof value === 'number')) return Float32Array.from(values);
  } catch {
    // Told below.
  }
  throw new CommandError(`${file} is not a list of numbers.`);
}

function templateNamed(name: string): TemplateName {
  const found = TEMPLATE_NAMES.find((one) => one === name);
  if (found) return found;
  throw new CommandError(`There is no template "${name}": there are ${TEMPLATE_NAMES.join(', ')}.`);
}

function rangeNamed(name: string): 'unit' | 'signed' {
  if (name === 'unit' || name === 'signed') return name;
  throw new CommandError(`There is no range "${name}": there are unit, 0 to 1, and signed, -1 to 1.`);
}

function degrees(text: string): number {
  const value = numberIn(text);
  if (value >= 10 && value <= 90) return value;
  throw new CommandError(`--max-yaw "${text}" is not an angle: write how far the head may turn, 10 to 90 degrees.`);
}

function triple(text: string, option: string): number[] {
  const values = text.split(',').map(numberIn);
  if (values.length === 3 && values.every(Number.isFinite)) return values;
  throw new CommandError(`${option} needs three numbers, such as 0.5,0.5,0.5.`);
}
