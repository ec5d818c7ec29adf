/**
 * `understudy doubles train DIR --name NAME …`: makes a double of footage of one consenting person. server/cli/doubles.ts says what the
 * options mean and calls this in a process of its own: server/docs/decisions/own-double.md.
 */
import { parseArgs } from 'node:util';
import { quietCodecs } from '../../server/engine/quiet.ts';
import { DOUBLES } from './bundled.ts';
import { FootageError } from './footage-error.ts';
import { type TrainOptions, train } from './train.ts';

function readOptions(): TrainOptions {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      out: { type: 'string', default: DOUBLES },
      age: { type: 'string' },
      network: { type: 'string' },
      drawn: { type: 'boolean', default: false },
      fictional: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      'same-person': { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
    },
  });
  const [footage] = positionals;
  const { name = '', age } = values;
  if (!footage) throw new FootageError('Name the folder with the footage: understudy doubles train DIR --name NAME.');
  if (!/^[\p{L}\p{N}][\p{L}\p{N}_-]{0,39}$/u.test(name))
    throw new FootageError('Say --name NAME: letters, digits, - and _, at most 40; it becomes a folder.');
  const years = age === undefined ? null : Number(age);
  if (years !== null && !(Number.isInteger(years) && years >= 1 && years <= 120))
    throw new FootageError(`--age needs years, 1 to 120, not "${age}".`);
  const { out, network = null, drawn, fictional, report, again } = values;
  if (drawn && network !== null) throw new FootageError('Say --drawn or --network NAME, not both.');
  return {
    footage,
    name,
    out,
    age: years,
    network,
    drawn,
    fictional,
    reportOnly: report,
    samePerson: values['same-person'],
    again,
  };
}

quietCodecs();
// An end like any other: what is half made is taken away.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
try {
  const options = readOptions();
  const dir = await train(options);
  const next = options.reportOnly
    ? `What the footage shows, and what to shoot next, is in ${dir}/FOOTAGE.md.`
    : `The double is in ${dir}: read FOOTAGE.md for what to shoot next, complete and sign LICENSE.md. The server finds it in models/doubles when it starts.${options.fictional ? '' : ' No feed plays it yet: it shows a real person, and this version cannot keep a signed licence.'}`;
  process.stdout.write(`${next}\n`);
} catch (error) {
  const known = error instanceof FootageError || (error instanceof Error && 'code' in error);
  if (!known) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
