#!/usr/bin/env node
/**
 * The command `understudy`, as a wrapper: Node runs TypeScript only outside node_modules, and only the pinned Node is
 * the one that everything here is tested with. Paths among the arguments are seen from where the person stands.
 */
import { fileURLToPath } from 'node:url';
import { setUpAndRun } from './setup/setup.mjs';

const main = fileURLToPath(new URL('../server/main.ts', import.meta.url));
process.exitCode = await setUpAndRun('start', [main, ...process.argv.slice(2)]);
