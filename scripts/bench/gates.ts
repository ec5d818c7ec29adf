/** `npm run gates`: every bench and evaluation in full, one after the other. Exit status: the worst of theirs. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { clipsFolder } from '../../test/fixtures/clips.ts';

const script = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({
  options: { clips: { type: 'string' }, out: { type: 'string' }, quick: { type: 'boolean' } },
});
const out = values.out ?? mkdtempSync(join(tmpdir(), 'understudy-gates-'));
const clips = values.clips ?? (existsSync(clipsFolder) ? clipsFolder : null);
const quick = values.quick ? ['--quick'] : [];

const RUNS: [title: string, args: string[]][] = [
  ['bench live', [script('./main.ts'), 'live', '--json', ...quick]],
  ['bench browser', [script('./main.ts'), 'browser', '--json', ...quick]],
  [
    'eval replace',
    [script('../eval/main.ts'), 'replace', '--json', '--out', out, ...(clips ? ['--clips', clips] : []), ...quick],
  ],
];

let worst = 0;
for (const [title, args] of RUNS) {
  process.stderr.write(`\n${title}\n`);
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  worst = Math.max(worst, status ?? 2);
}
process.stderr.write(`\nPictures of the evaluation: ${out}\n`);
process.exit(worst);
