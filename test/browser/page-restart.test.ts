import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MonitorDebug } from '../../client/monitor/debug.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { BROWSER_ABSENT, browserPath, launchBrowser } from '../fixtures/browser.ts';
import { ensurePages } from '../fixtures/browser-pages.ts';
import { enterPage } from '../fixtures/enter.ts';
import { feedBecomes, liveServer } from '../fixtures/live.ts';
import { UdpRelay } from '../fixtures/udp-relay.ts';

/** Sends a page's first way to the server through the relay; writes down what it asks of WHIP and WHEP. */
async function through(page: Page, relay: UdpRelay, asked: string[]): Promise<void> {
  await page.route(/\/wh[ie]p\//, async (route) => {
    const request = route.request();
    if (request.method() !== 'POST') {
      const response = await route.fetch();
      asked.push(`${request.method()} ${response.status()}`);
      await route.fulfill({ response });
      return;
    }
    const postData = (request.postData() ?? '').replace(/a=candidate:.*\r\n/g, '');
    const response = await route.fetch({ postData });
    asked.push(`POST ${response.status()}`);
    await route.fulfill({
      response,
      body: response.ok() ? await relay.rewrite(await response.text()) : await response.text(),
    });
  });
}

describe.skipIf(!browserPath)(
  `our pages on a way that breaks (${browserPath ? 'real Chromium' : BROWSER_ABSENT})`,
  () => {
    let server: RunningServer;
    let browser: Browser;
    const relays = { camera: new UdpRelay(), monitor: new UdpRelay() };
    beforeAll(async () => {
      ensurePages();
      [server, browser] = await Promise.all([liveServer(), launchBrowser()]);
    });
    afterAll(async () => {
      await browser?.close();
      await server?.close();
      for (const relay of Object.values(relays)) relay.close();
    });

    it('camera and monitor restart ICE and go on, in the same sessions', async () => {
      const asked = { camera: [] as string[], monitor: [] as string[] };
      const camera = await enterPage(browser, server, '/camera?source=counter&size=640x360&feed=roam&go=1', {
        prepare: (page) => through(page, relays.camera, asked.camera),
      });
      await feedBecomes(server, 'roam', ({ state }) => state === 'live', 60_000);
      const monitor = await enterPage(browser, server, '/monitor?feed=roam', {
        prepare: (page) => through(page, relays.monitor, asked.monitor),
      });
      const shown = () => monitor.evaluate(() => (window.understudy as MonitorDebug).lastFrame.program?.rtpTs ?? null);
      await expect.poll(shown, { timeout: 30_000 }).not.toBeNull();

      for (const relay of Object.values(relays)) {
        relay.toAnswerer = { cut: true };
        relay.toOfferer = { cut: true };
      }
      await expect
        .poll(() => [asked.camera.at(-1), asked.monitor.at(-1)], { timeout: 30_000 })
        .toEqual(['PATCH 200', 'PATCH 200']);
      const before = await shown();
      await expect.poll(shown, { timeout: 20_000 }).not.toBe(before);
      await feedBecomes(server, 'roam', ({ state, viewers }) => state === 'live' && (viewers.program ?? 0) === 1);
      expect([asked.camera[0], asked.monitor[0]]).toEqual(['POST 201', 'POST 201']);
      expect([...asked.camera, ...asked.monitor].filter((one) => one.startsWith('POST'))).toHaveLength(2);
      await Promise.all([camera.context().close(), monitor.context().close()]);
    }, 150_000);
  },
);
