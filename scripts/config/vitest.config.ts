import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = (folder: string) => `test/${folder}/**/*.test.ts`;

const named = (...names: string[]): string[] => names.map((name) => `test/${name}.test.ts`);

/** Pictures that have to come in time: a test that held a processor beside them would be measured with them. */
const ALONE = named(
  'browser/colour',
  'browser/simulcast',
  'integration/av-offset',
  'integration/bench-chaos',
  'integration/bench-live',
  'integration/engine-spare',
  'integration/live-path',
  'integration/live-turned',
  'integration/media-rtp',
);

/** They put other modules in the place of ours, or let go of libraries for good: each needs a process of its own. */
const APART = named('unit/cli-options', 'unit/unlicensed');

/** What is waited for comes when a loaded machine gets to it: a test that has a limit to hold measures it. */
const expect = { poll: { timeout: 15_000 } };

/**
 * Projects, one group after the other. `unit` runs files side by side, many in one process: loading the same modules for each anew took a third of
 * their time; `apart` each in its own. `integration`, which starts real processes, sockets and browsers and mostly waits for them, three at a
 * time: two left a third of two processors idle. `alone` one.
 */
export default defineConfig({
  root,
  test: {
    // Native addons (FFmpeg, ONNX Runtime, libdatachannel) crash worker threads at exit.
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [files('unit'), files('contract'), files('fuzz')],
          exclude: APART,
          isolate: false,
          testTimeout: 20_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'apart',
          include: APART,
          testTimeout: 20_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: [files('integration'), files('browser')],
          exclude: ALONE,
          maxWorkers: 3,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          expect,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          expect,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
