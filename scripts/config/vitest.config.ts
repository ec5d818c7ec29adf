import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = (folder: string) => `test/${folder}/**/*.test.ts`;

/**
 * Two projects. `unit` runs files side by side. `integration` starts real processes, sockets and browsers and measures
 * time: one file at a time, after `unit` is through, so that a test never waits for a processor that another test holds.
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
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
