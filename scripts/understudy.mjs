#!/usr/bin/env node
/**
 * The command `understudy`, as a wrapper: Node runs TypeScript only outside node_modules, and only the pinned Node is
 * the one that everything here is tested with.
 */
import { isInstalled, pinnedNode } from './setup/install.mjs';
import { staleOutputs } from './setup/outputs.mjs';
import { runPinned } from './setup/pinned.mjs';
import { thisHost, unsupported } from './setup/platform.mjs';
import { root } from './setup/setup.mjs';

const refusal = unsupported(thisHost());
if (refusal !== null) {
  console.error(refusal);
  process.exitCode = 1;
} else if (!isInstalled(root) || staleOutputs(root).length > 0) {
  console.error(`Understudy is not set up, or has changed since: run “npm run setup” in ${root} first.`);
  process.exitCode = 1;
} else {
  process.exitCode = await runPinned(pinnedNode(root), [`${root}server/main.ts`, ...process.argv.slice(2)]);
}
