import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { BROWSER_ABSENT, browserPath, launchBrowser } from '../fixtures/browser.ts';
import { ensurePages } from '../fixtures/browser-pages.ts';
import { enterPage } from '../fixtures/enter.ts';
import { feedBecomes, liveServer } from '../fixtures/live.ts';

const DEMO_CLIP = fileURLToPath(new URL('../../models/demo/demo.mp4', import.meta.url));

describe.skipIf(!browserPath)(
  `the pages on a server with media.engine wrtc (${browserPath ? 'real Chromium' : BROWSER_ABSENT})`,
  () => {
    let server: RunningServer;
    let browser: Browser;
    beforeAll(async () => {
      ensurePages();
      [server, browser] = await Promise.all([liveServer({ media: { engine: 'wrtc' } }), launchBrowser()]);
    });
    afterAll(async () => {
      await browser?.close();
      await server?.close();
    });

    it('show a replaced face, and find back by themselves when the engine is killed', async () => {
      const address = '/camera?source=counter&over=%2Fclip.mp4&size=640x360&feed=live&go=1';
      const camera = await enterPage(browser, server, address, {
        prepare: (page) =>
          page.route('**/clip.mp4', (route) => route.fulfill({ path: DEMO_CLIP, contentType: 'video/mp4' })),
      });
      await feedBecomes(server, 'live', ({ state }) => state === 'live', 60_000);
      const monitor = await enterPage(browser, server, '/monitor?feed=live');
      const shows = async (): Promise<void> => {
        await expect
          .poll(() => monitor.locator('.values .tail').innerText(), { timeout: 60_000 })
          .toContain('1 replaced');
        await expect.poll(() => monitor.locator('.slate').count(), { timeout: 30_000 }).toBe(0);
      };
      await shows();
      process.kill(server.pids().engines.live as number, 'SIGKILL');
      await feedBecomes(server, 'live', ({ viewers, camera: seen }) => viewers.program === 0 && seen === null);
      await feedBecomes(server, 'live', ({ state, viewers }) => state === 'live' && viewers.program === 1, 60_000);
      await shows();
      await Promise.all([camera.context().close(), monitor.context().close()]);
    }, 180_000);
  },
);
