import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ConfigInput } from '../../server/config/config.ts';
import { API_TOKEN } from '../contract/http-fixture.ts';
import { BROWSER_ABSENT, browserPath, launchBrowser } from '../fixtures/browser.ts';
import { eventually, type PassThrough } from '../fixtures/peer-loop.ts';
import { type ServedLoop, serveLoop } from '../fixtures/served-loop.ts';
import { bundleThirdParty } from '../fixtures/third-party.ts';
import type { ThirdParty } from '../fixtures/third-party-page.ts';

/**
 * Other people's WHIP and WHEP clients in a real Chromium, against the real HTTP and the real media engine; between the two
 * a stage without pixels, that sends on what comes in. README.md tells what was found.
 */

const closers: (() => unknown)[] = [];
const PAGE = '<video muted autoplay playsinline></video>';
let browser: Browser;
let script: string;
let other: string;

async function serve(media: ConfigInput['media'] = {}): Promise<ServedLoop> {
  other = await elsewhere();
  const server = await serveLoop(media);
  closers.push(() => server.close());
  return server;
}

/** Pages of somebody else's origin, really served: what a test makes up counts as coming from the internet. */
async function elsewhere(): Promise<string> {
  const pages = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(PAGE);
  });
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  closers.push(() => pages.close());
  return `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
}

/** A page with the clients, on the server's own origin or on another. */
async function openPage(origin: string): Promise<Page> {
  const page = await browser.newPage();
  closers.push(() => page.close());
  if (origin !== other)
    await page.route(`${origin}/third-party`, (route) => route.fulfill({ contentType: 'text/html', body: PAGE }));
  await page.goto(`${origin}/third-party`);
  await page.addScriptTag({ content: script });
  return page;
}

type Method = Exclude<keyof ThirdParty, 'peer' | 'client'>;
const call = (page: Page, method: Method, url = ''): Promise<void> =>
  page.evaluate(
    ([name, address, token]) =>
      (globalThis as unknown as { thirdParty: ThirdParty }).thirdParty[name as Method](
        address as string,
        token as string,
      ),
    [method, url, API_TOKEN],
  );

const shown = (page: Page): Promise<number> =>
  page.evaluate(() => (document.querySelector('video') as HTMLVideoElement).getVideoPlaybackQuality().totalVideoFrames);

async function showsMore(page: Page, more: number): Promise<void> {
  const from = await shown(page);
  for (let i = 0; i < 300; i++) {
    if ((await shown(page)) >= from + more) return;
    await page.waitForTimeout(50);
  }
  throw new Error(`The page showed ${(await shown(page)) - from} frames more, not ${more}.`);
}

const framesComing = (loop: PassThrough): Promise<void> => {
  const from = loop.frames.length;
  return eventually(() => loop.frames.length > from + 10, 'frames from the browser', 20_000);
};

describe.skipIf(!browserPath)(`third-party clients ${BROWSER_ABSENT}`, () => {
  beforeAll(async () => {
    [browser, script] = await Promise.all([launchBrowser(), bundleThirdParty()]);
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(() => browser?.close());

  test('whip-whep publishes, trickles and restarts as the standard says; @eyevinn/webrtc-player shows it', async () => {
    const server = await serve();
    const base = `http://127.0.0.1:${server.port}`;
    const camera = await openPage(other);
    await call(camera, 'whipWhepPublish', `${base}/whip/a`);
    await framesComing(server.loop);
    const player = await openPage(other);
    await call(player, 'eyevinnPlay', `${base}/whep/a`);
    await showsMore(player, 20);
    await call(camera, 'whipWhepRestart');
    await framesComing(server.loop);
    await showsMore(player, 20);
    expect(server.loop.states.map((state) => state.split(':')[0])).toEqual(['connected']);
    await call(camera, 'whipWhepStop');
    await eventually(() => server.loop.states.length === 2, 'the session has ended');
    expect(await server.refused('if_match_missing')).toBe(0);
  }, 60_000);

  test('whip-whep’s viewer names no ETag: strict refuses its candidates, it plays all the same, and restarts', async () => {
    const server = await serve();
    const base = `http://127.0.0.1:${server.port}`;
    const camera = await openPage(other);
    await call(camera, 'whipWhepPublish', `${base}/whip/a`);
    await framesComing(server.loop);
    const viewer = await openPage(other);
    await call(viewer, 'whipWhepView', `${base}/whep/a`);
    await showsMore(viewer, 20);
    expect(await server.refused('if_match_missing')).toBeGreaterThan(0);
    await call(viewer, 'whipWhepRestart');
    await showsMore(viewer, 20);
    expect(server.loop.closedViewers).toEqual([]);
  }, 60_000);

  test('@eyevinn/whip-web-client publishes; compatible takes the candidates that it sends without If-Match and as component 0', async () => {
    const server = await serve({ signalling: 'compatible' });
    const base = `http://127.0.0.1:${server.port}`;
    const camera = await openPage(base);
    await call(camera, 'eyevinnPublish', `${base}/whip/a`);
    await framesComing(server.loop);
    await vi.waitUntil(async () => (await server.leniencies('if_match_missing')) > 0, { timeout: 10_000 });
    expect(await server.leniencies('component_zero')).toBeGreaterThan(0);
    const viewer = await openPage(other);
    await call(viewer, 'whipWhepView', `${base}/whep/a`);
    await showsMore(viewer, 20);
    expect(await server.refused('if_match_missing')).toBe(0);
    expect(await server.refused('fragment_malformed')).toBe(0);
  }, 60_000);

  test('@eyevinn/whip-web-client publishes to a strict server too, from its own origin and from another', async () => {
    const server = await serve();
    const base = `http://127.0.0.1:${server.port}`;
    for (const origin of [base, other]) {
      const camera = await openPage(origin);
      await call(camera, 'eyevinnPublish', `${base}/whip/a`);
      await framesComing(server.loop);
      await camera.close();
    }
  }, 60_000);
});
