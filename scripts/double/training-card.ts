import { readFileSync, writeFileSync } from 'node:fs';

const BEGIN = '<!-- training: written by scripts/double/build-learned.ts -->';
const END = '<!-- /training -->';

const NAMES: Readonly<Record<string, string>> = {
  seed: 'Seed',
  faces: 'Recorded faces',
  drivers: 'People who performed',
  doubles: 'Doubles that shared the data',
  samples: 'Samples shown',
  hours: 'Hours',
  device: 'On',
  threads: 'Threads',
  start: 'Went on from',
  heldOutPsnrDb: 'PSNR on people held out, dB',
  meshPsnrDb: 'the same of the drawn double alone, dB',
  multiplications: 'Multiplications a face',
};

/** What a training says of itself, as rows of a table; of a training that went on from another, both. */
function rows(training: Record<string, unknown>): string[] {
  return Object.entries(training).flatMap(([key, value]) => {
    if (key === 'before') return ['| *before that* | |', ...rows(value as Record<string, unknown>)];
    if (typeof value === 'object' && value !== null) return rows(value as Record<string, unknown>);
    return [`| ${NAMES[key] ?? key} | ${String(value)} |`];
  });
}

/** Puts what the network's training was, and came to, into a double's card, in place of what stood there. */
export function writeTraining(card: string, training: Record<string, unknown>): void {
  const text = readFileSync(card, 'utf8');
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from)
    throw new Error(`${card} has no place for its training: a line ${BEGIN} and a line ${END}.`);
  const table = ['| Training | |', '|---|---|', ...rows(training)].join('\n');
  writeFileSync(card, `${text.slice(0, from)}${BEGIN}\n${table}\n${text.slice(to)}`);
}
