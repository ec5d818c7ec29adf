/**
 * Brings a fresh clone to where it runs: packages, built outputs and, for tests, a browser. Depends on nothing but
 * Node 20, since it is what installs everything else. What is already in place is skipped, in well under a second.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBrowser } from './browser.mjs';
import { install, isInstalled, pinnedNode } from './install.mjs';
import { withLock } from './lock.mjs';
import { buildStaleOutputs, staleOutputs } from './outputs.mjs';
import { runPinned } from './pinned.mjs';
import { thisHost, unsupported } from './platform.mjs';
import { SetupError } from './steps.mjs';

/** @typedef {'start' | 'test' | 'check' | 'bench' | 'eval' | 'gates'} Purpose */

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * @param {Purpose} purpose
 * @param {string[]} command
 */
function needsBrowser(purpose, command) {
  return purpose === 'test' || purpose === 'gates' || (purpose === 'bench' && command.includes('browser'));
}

/**
 * Sets up what `purpose` needs and runs `command` (an entry file and its arguments; may be empty) on the pinned Node.
 * @param {Purpose} purpose
 * @param {string[]} command
 * @returns {Promise<number>} the command's exit code; 1 where the setup failed, which it has then said
 */
export async function setUpAndRun(purpose, command) {
  try {
    await setUp(purpose);
    const browser = needsBrowser(purpose, command) ? await browserOrWhy() : null;
    if (command.length === 0) return 0;
    const env = browser === null ? process.env : { ...process.env, CHROME_PATH: browser };
    return await runPinned(pinnedNode(root), command, { env });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    return 1;
  }
}

/**
 * Sets up what `purpose` needs. Throws a SetupError with one sentence where that is not possible.
 * @param {Purpose} purpose
 */
async function setUp(purpose) {
  const refusal = unsupported(thisHost());
  if (refusal !== null) throw new SetupError(refusal);
  const builds = purpose !== 'check';
  if (!isInstalled(root) || (builds && staleOutputs(root).length > 0)) {
    const onWait = (/** @type {string} */ holder) =>
      console.error(`setup: waiting for another setup of this folder (process ${holder}) …`);
    await withLock(
      join(root, '.cache', 'setup.lock'),
      async () => {
        if (!isInstalled(root)) await install(root);
        if (builds) await buildStaleOutputs(root);
      },
      { onWait },
    );
  }
}

/** The browser for the tests; null where there is none, which it has then said. */
async function browserOrWhy() {
  const browser = await ensureBrowser();
  if (browser.path === null) console.error(`setup: ${browser.why} Until then the browser tests are skipped.`);
  return browser.path;
}
