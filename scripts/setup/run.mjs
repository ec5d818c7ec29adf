/**
 * `node scripts/setup/run.mjs PURPOSE [ENTRY ARGUMENTS…]`: sets up what the purpose needs, then runs the entry on the
 * pinned Node. Not a pre-hook of npm: those are left out where a person's npm is set to ignore scripts.
 */
import { setUpAndRun } from './setup.mjs';

const [purpose = 'start', ...entry] = process.argv.slice(2);
process.exitCode = await setUpAndRun(/** @type {import('./setup.mjs').Purpose} */ (purpose), entry);
