import { readFileSync, writeFileSync } from 'node:fs';

/** The line says which script writes what follows it. */
const BEGIN = /<!-- training: written by [\w/.-]+ -->/;
const END = '<!-- /training -->';

const NAMES: Readonly<Record<string, string>> = {
  seed: 'Seed',
  faces: 'Recorded faces',
  drivers: 'People who performed',
  doubles: 'Doubles that shared the data',
  moments: 'Recorded moments',
  people: 'People recorded',
  ages: 'Skins of each, by age',
  without: 'Kind of skin left out',
  samples: 'Samples shown',
  hours: 'Hours',
  device: 'On',
  threads: 'Threads',
  start: 'Went on from',
  heldOutPsnrDb: 'PSNR on people held out, dB',
  meshPsnrDb: 'the same of the drawn double alone, dB',
  heldOutFoundPct: 'Pixels of things before people held out that are found, %',
  heldOutFalsePct: 'Of them, faces of which more than a hundredth is taken for a thing, %',
  heldOutEyesDb: 'PSNR of eyes and brows, people held out, dB',
  eyesBeforeDb: 'the same before, dB',
  heldOutMouthDb: 'PSNR of mouths, people held out, dB',
  mouthBeforeDb: 'the same before, dB',
  eyes: 'Eyes',
  heldOutOpenTaken: 'Share of open eyes that are taken for open, people held out',
  heldOutShutTaken: 'Share of shut eyes that are taken for shut',
  younger: 'Nearer to the young truth, people held out: old skin, dial −30, %',
  'middle younger': 'the same from skin in the middle of life, %',
  older: 'Nearer to the old truth: young skin, dial 30, %',
  undue: 'Change of young skin at −30, of what an old one changes, %',
  multiplications: 'Multiplications a face',
};

/** What a training says of itself, as rows of a table; of a training that went on from another, both. */
function rows(training: Record<string, unknown>): string[] {
  const there = Object.entries(training).filter(([, value]) => value !== null);
  return there.flatMap(([key, value]) => {
    if (key === 'features') return ['| **Eyes and mouth** | |', ...rows(value as Record<string, unknown>)];
    if (key === 'before') return ['| *before that* | |', ...rows(value as Record<string, unknown>)];
    if (typeof value === 'object' && value !== null) return rows(value as Record<string, unknown>);
    return [`| ${NAMES[key] ?? key} | ${String(value)} |`];
  });
}

/** Puts what the network's training was, and came to, into a look's card, in place of what stood there. */
export function writeTraining(card: string, training: Record<string, unknown>): void {
  const text = readFileSync(card, 'utf8');
  const [begin = ''] = BEGIN.exec(text) ?? [];
  const [from, to] = [text.search(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from)
    throw new Error(
      `${card} has no place for its training: a line <!-- training: written by SCRIPT --> and a line ${END}.`,
    );
  const table = ['| Training | |', '|---|---|', ...rows(training)].join('\n');
  writeFileSync(card, `${text.slice(0, from)}${begin}\n${table}\n${text.slice(to)}`);
}
