/**
 * `node scripts/setup/run.mjs PURPOSE [ENTRY ARGUMENTS…]`: sets up what the purpose needs, then runs the entry on the
 * pinned Node. Not a pre-hook of npm: those are left out where a person's npm is set to ignore scripts.
 */
import { pinnedNode } from './install.mjs';
import { runPinned } from './pinned.mjs';
import { root, setUp } from './setup.mjs';
import { SetupError } from './steps.mjs';

const [purpose = 'start', ...entry] = process.argv.slice(2);
try {
  const { browser } = await setUp(/** @type {import('./setup.mjs').Purpose} */ (purpose));
  if (entry.length > 0) {
    const env = browser === null ? process.env : { ...process.env, CHROME_PATH: browser };
    process.exitCode = await runPinned(pinnedNode(root), entry, { cwd: root, env });
  }
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
