import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MonitorDebug } from '../../client/monitor/debug.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { BROWSER_ABSENT, browserPath, launchBrowser } from '../fixtures/browser.ts';
import { ensurePages } from '../fixtures/browser-pages.ts';
import { enterPage, freshLink } from '../fixtures/enter.ts';
import { feedBecomes, liveServer } from '../fixtures/live.ts';

const DEMO_CLIP = fileURLToPath(new URL('../../models/demo/demo.mp4', import.meta.url));

describe.skipIf(!browserPath)(
  `the pages on the real server (${browserPath ? 'real Chromium' : BROWSER_ABSENT})`,
  () => {
    let server: RunningServer;
    let browser: Browser;
    beforeAll(async () => {
      ensurePages();
      [server, browser] = await Promise.all([liveServer(), launchBrowser()]);
    });
    afterAll(async () => {
      await browser?.close();
      await server?.close();
    });

    it('lets one browser in by one link, and tells everybody else what to do', async () => {
      const link = await freshLink(server, '/monitor');
      const first = await (await browser.newContext()).newPage();
      await first.goto(link);
      await first.locator('.slate').waitFor();
      expect(new URL(first.url()).pathname).toBe('/monitor');
      await first.reload();
      await first.locator('.slate').waitFor();

      const others = await browser.newContext();
      for (const address of [link, `${server.url}/enter?token=wrong&to=/monitor`, `${server.url}/monitor`]) {
        const page = await others.newPage();
        const response = await page.goto(address);
        expect(response?.status()).toBe(401);
        expect(await page.locator('body').innerText()).toContain(
          'take a fresh link from the place where the server was started',
        );
      }
      await Promise.all([first.context().close(), others.close()]);
    });

    it('shows a replaced face, its latency, and the plate of the same instant beside it', async () => {
      const camera = await enterPage(
        browser,
        server,
        '/camera?source=counter&over=%2Fclip.mp4&size=640x360&feed=live&go=1',
        {
          prepare: (page) =>
            page.route('**/clip.mp4', (route) => route.fulfill({ path: DEMO_CLIP, contentType: 'video/mp4' })),
        },
      );
      await feedBecomes(server, 'live', ({ state }) => state === 'live', 60_000);
      const troubles: string[] = [];
      const monitor = await enterPage(browser, server, '/monitor', {
        prepare: async (page) => {
          page.on('pageerror', (error) => troubles.push(error.message));
          page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
        },
      });
      await expect.poll(() => monitor.locator('.slate').count(), { timeout: 30_000 }).toBe(0);
      await expect
        .poll(() => monitor.locator('.values .tail').innerText(), { timeout: 20_000 })
        .toContain('1 replaced');
      const shown = () => monitor.evaluate(() => (window.understudy as MonitorDebug).shown('program'));
      await expect.poll(async () => (await shown())?.latencyMs, { timeout: 20_000 }).toBeGreaterThan(0);
      // Wide: this machine may be busy with anything. What matters here is that the clocks and the anchor meet.
      expect((await shown())?.latencyMs).toBeLessThan(3000);

      await monitor.keyboard.press('w');
      await monitor.locator('canvas.compare').waitFor({ timeout: 30_000 });
      await expect.poll(() => monitor.locator('.unpaired').count(), { timeout: 20_000 }).toBe(0);
      await expect
        .poll(() => monitor.evaluate(() => document.querySelector<HTMLCanvasElement>('canvas.compare')?.width), {
          timeout: 20_000,
        })
        .toBe(640);

      // The weak link's picture, by its key, and back; the page says what it shows.
      await monitor.keyboard.press('p');
      for (const [word, size] of [
        ['PROGRAM, LOW', 'size320×180'],
        ['PROGRAM', 'size640×360'],
      ] as const) {
        await monitor.keyboard.press('l');
        const said = async () => [
          await monitor.locator('.values .what').innerText(),
          (await monitor.locator('.values .size').innerText()).replaceAll(/\s/g, ''),
        ];
        await expect.poll(said, { timeout: 30_000 }).toEqual([word, size]);
      }
      expect(troubles).toEqual([]);
      await Promise.all([camera.context().close(), monitor.context().close()]);
    }, 150_000);
  },
);
