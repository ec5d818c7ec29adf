/**
 * `npm run gates [-- --quick] [--only live,replace] [--clips DIR] [--performances DIR] [--out DIR] [--from A.json,B.json] [--readme]`: every bench and evaluation in full, one after the other.
 * `--from` takes reports that benches printed before instead of running anything: a soak of twelve hours is not run for a table.
 * `--clips`, `--performances`: for the evaluations, which find or make their own where nothing is named.
 * `--readme` writes the measured gates into README.md, so that no number there is typed by hand. Exit status: the worst of theirs.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Report } from './report.ts';

const script = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const README = script('../../README.md');
const FROM = '<!-- NUMBERS';
const TO = '<!-- /NUMBERS -->';

const { values } = parseArgs({
  options: {
    clips: { type: 'string' },
    performances: { type: 'string' },
    out: { type: 'string' },
    quick: { type: 'boolean' },
    readme: { type: 'boolean' },
    only: { type: 'string' },
    from: { type: 'string' },
  },
});
const out = values.out ?? mkdtempSync(join(tmpdir(), 'understudy-gates-'));
const quick = values.quick ? ['--quick'] : [];

const given = (option: string, value: string | null | undefined): string[] => (value ? [`--${option}`, value] : []);

const RUNS: [title: string, args: string[]][] = [
  ['bench live', [script('./main.ts'), 'live', '--json', ...quick]],
  ['bench browser', [script('./main.ts'), 'browser', '--json', ...quick]],
  ['bench chaos', [script('./main.ts'), 'chaos', '--json', ...quick]],
  ['bench soak', [script('./main.ts'), 'soak', '--json', ...quick]],
  ['bench inference', [script('./main.ts'), 'inference', '--json', ...quick]],
  [
    'eval replace',
    [script('../eval/main.ts'), 'replace', '--json', '--out', out, ...given('clips', values.clips), ...quick],
  ],
  [
    'eval double',
    [
      ...[script('../eval/main.ts'), 'double', '--json', '--out', join(out, 'double'), ...quick],
      ...given('clips', values.clips),
      ...given('performances', values.performances),
    ],
  ],
];

/** A report's gates as rows of a Markdown table. */
function rows(title: string, { gates, commit }: Report): string[] {
  return gates.map(({ id, value, op, limit, ok, runs, min, max, why }) => {
    const spread = min === max || min === undefined ? '' : ` (${min} – ${max})`;
    const measured = value === null ? `not measured: ${why}` : `${value}${spread}`;
    return `| ${title} | ${id} | ${measured} | ${op} ${limit} | ${runs} | ${ok ? 'ok' : 'missed'} | ${commit} |`;
  });
}

function writeReadme(reports: [string, Report][]): void {
  const [first] = reports;
  if (!first) return;
  const { cpu, cores, memGB, gpu, node } = first[1].machine;
  const text = readFileSync(README, 'utf8');
  const [start, end] = [text.indexOf(FROM), text.indexOf(TO)];
  // What was not measured this time keeps its rows, each with its own commit.
  const before = text.slice(start, end).split('\n');
  const table = [
    `${FROM}: written by \`npm run gates -- --readme\` -->`,
    `Measured by \`npm run gates\` on ${cpu}, ${cores} cores, ${memGB} GB, ${gpu ?? 'no GPU'}, Node ${node}; median (min – max) over the runs. Rows of other commits: on the machine of their day.`,
    '',
    '| run | gate | value | limit | runs | verdict | commit |',
    '|---|---|---|---|---|---|---|',
    ...RUNS.flatMap(([title]) => {
      const measured = reports.find(([name]) => name === title);
      const old = before.filter((row) => row.startsWith(`| ${title} |`));
      if (!measured) return old;
      const unmeasured = new Set(measured[1].gates.filter(({ value }) => value === null).map(({ id }) => id));
      return rows(title, measured[1]).map((row) => {
        const gate = row.split('|')[2]!;
        return unmeasured.has(gate.trim()) ? (old.find((one) => one.split('|')[2] === gate) ?? row) : row;
      });
    }),
    TO,
  ].join('\n');
  if (start < 0 || end < start) throw new Error('README.md has no place for the numbers: it needs the NUMBERS marks.');
  writeFileSync(README, text.slice(0, start) + table + text.slice(end + TO.length));
}

let worst = 0;
const reports: [string, Report][] = [];
for (const file of values.from?.split(',') ?? []) {
  const report = JSON.parse(readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '') as Report;
  const title = RUNS.find(([known]) => known.endsWith(` ${report.name}`))?.[0];
  if (!title) throw new Error(`${file} is a report of ${report.name}, which stands in no table.`);
  reports.push([title, report]);
  worst = Math.max(worst, report.gates.every(({ ok }) => ok) ? 0 : 1);
}
const only = values.from ? [] : values.only?.split(',');
for (const [title, args] of RUNS) {
  if (only && !only.some((name) => title.endsWith(name))) continue;
  process.stderr.write(`\n${title}\n`);
  const { status, stdout } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  process.stdout.write(stdout);
  const last = stdout.trim().split('\n').at(-1);
  if (last?.startsWith('{')) reports.push([title, JSON.parse(last) as Report]);
  worst = Math.max(worst, status ?? 2);
}
process.stderr.write(`\nPictures of the evaluation: ${out}\n`);
if (values.readme) writeReadme(reports);
process.exit(worst);
