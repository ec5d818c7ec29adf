import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = (folder: string) => `test/${folder}/**/*.test.ts`;

/** Pictures that have to come in time: a test that held a processor beside them would be measured with them. */
const ALONE = [
  'browser/colour',
  'browser/pages-live',
  'browser/pages-wrtc',
  'browser/simulcast',
  'browser/sound',
  'integration/av-offset',
  'integration/bench-chaos',
  'integration/bench-live',
  'integration/drain',
  'integration/engine-spare',
  'integration/live-path',
  'integration/live-turned',
  'integration/media-rtp',
  'integration/metrics-live',
  'integration/renditions',
  'integration/sessions-come-and-go',
  'integration/trace',
].map((name) => `test/${name}.test.ts`);

/**
 * Three projects, one after the other. `unit` runs files side by side; `integration`, which starts real processes, sockets and
 * browsers and mostly waits for them, two at a time; `alone` one.
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
          exclude: ALONE,
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 60_000,
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
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
