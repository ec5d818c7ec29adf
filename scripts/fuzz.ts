/**
 * `npm run fuzz [-- --runs 10000] [NAME …]`: every campaign of test/fuzz in full, one file after the other; a NAME picks files (sdp, rtp,
 * http …). Cases that fail are kept in test/fuzz/failures, where `npm test` plays them again. Exit status: vitest's.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string' } } });
const runs = Number(values.runs ?? 10_000);
if (!Number.isInteger(runs) || runs < 1) {
  process.stderr.write('--runs takes a number of cases, such as --runs 10000.\n');
  process.exit(2);
}
const files = positionals.length > 0 ? positionals.map((name) => `test/fuzz/${name}`) : ['test/fuzz/'];
const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--config', 'scripts/config/vitest.config.ts', ...files],
  { cwd: root, stdio: 'inherit', env: { ...process.env, UNDERSTUDY_FUZZ_RUNS: String(runs) } },
);
process.exit(status ?? 1);
