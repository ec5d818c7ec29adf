import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MonitorDebug } from '../../client/monitor/debug.ts';
import { WHO_IS_THIS } from '../../server/wire/casting.ts';
import { BROWSER_ABSENT, browserPath, launchBrowser } from '../fixtures/browser.ts';
import { boxes, movingStyles, smallTargets, textContrasts, tintedGrounds } from '../fixtures/browser-checks.ts';
import { ensurePages, FakeServer, type OpenedPage, openPage } from '../fixtures/browser-pages.ts';

const SIZES = [
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
  { width: 1180, height: 820 },
  { width: 390, height: 844 },
];
const PAGES = ['/', '/monitor', '/camera', '/try'];
const LIVE = {
  state: 'live',
  camera: { codec: 'h264', width: 1280, height: 720, fps: 30, bitrate: 4_200_000, lostPct: 0 },
  program: { width: 1280, height: 720, fps: 29.9, scale: 1, skipped: 0 },
} as const;

let browser: Browser;
let server: FakeServer;

describe.skipIf(!browserPath)(
  `the pages in ${browserPath ? 'a real browser, with a fake server' : BROWSER_ABSENT}`,
  () => {
    beforeAll(async () => {
      ensurePages();
      [browser, server] = await Promise.all([launchBrowser(), FakeServer.start()]);
    });
    afterAll(async () => {
      await browser?.close();
      server?.close();
    });
    beforeEach(() => server.reset());
    afterEach(async () => {
      await Promise.all(browser.contexts().map((context) => context.close()));
    });

    const open = (path: string, options: Parameters<typeof openPage>[2] = {}) =>
      openPage(browser, server.url + path, options);
    const text = (page: OpenedPage, selector: string) => page.locator(selector).first().innerText();
    /** A camera page that sends a counter, and a monitor page that shows it. */
    const live = async (query = '', options: Parameters<typeof openPage>[2] = {}) => {
      const camera = await open('/camera?source=counter&size=640x360&feed=a-cam&go=1');
      await expect.poll(async () => (await server.feed('a-cam'))?.state).toBe('live');
      const monitor = await open(`/monitor?feed=a-cam${query}`, options);
      await expect.poll(() => monitor.locator('.slate').count(), { timeout: 20_000 }).toBe(0);
      return { camera, monitor };
    };

    it.each(PAGES)(
      '%s loads without errors, and is readable, neutral and within a finger’s reach at every size',
      async (path) => {
        await server.feeds({ name: 'a-cam' }, { name: 'b-cam', message: 'A camera is expected at noon.' });
        const page = await open(path);
        await page.locator('a, button').first().waitFor();
        if (path === '/camera') await page.locator('.aid .word').waitFor();
        for (const size of SIZES) {
          await page.setViewportSize(size);
          const contrasts = await page.evaluate(textContrasts);
          expect(contrasts.length).toBeGreaterThan(5);
          expect(contrasts.filter(({ ratio, needed }) => ratio < needed)).toEqual([]);
          expect(await page.evaluate(tintedGrounds)).toEqual([]);
          expect(await page.evaluate(smallTargets), `at ${size.width}`).toEqual([]);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect(overflow, `at ${size.width}`).toBeLessThanOrEqual(0);
        }
        expect(page.troubles).toEqual([]);
        // The eye itself: it must see a grey that nobody could read.
        await page.evaluate(() => document.documentElement.style.setProperty('--quiet', '#5e5e5e'));
        const unreadable = (await page.evaluate(textContrasts)).filter(({ ratio, needed }) => ratio < needed);
        expect(unreadable.length).toBeGreaterThan(0);
      },
    );

    it('carries a picture from the camera page to the monitor page, every picture readable', async () => {
      const { camera, monitor } = await live();
      await monitor.evaluate(() => {
        Object.assign(window, { readings: (window.understudy as MonitorDebug).readCounter('program') });
      });
      const counts = async () =>
        (await monitor.evaluate('window.readings.map(({ count }) => count)')) as (number | null)[];
      await expect.poll(async () => (await counts()).length, { timeout: 20_000 }).toBeGreaterThan(20);
      const read = (await counts()).flatMap((count) => count ?? []);
      expect(read.length).toBeGreaterThan(15);
      expect(read).toEqual([...read].sort((a, b) => a - b));
      expect([...camera.troubles, ...monitor.troubles]).toEqual([]);
    });

    it('moves nothing when values, warnings and panels change', async () => {
      const { monitor } = await live();
      await server.feeds({ name: 'a-cam', ...LIVE });
      await monitor.locator('.values').getByText('Live').waitFor();
      const before = await monitor.evaluate(boxes);
      expect(Object.keys(before).length).toBeGreaterThan(15);
      const long =
        'No picture from the camera for 123 s. Look at the camera page: is it open, and is the device awake?';
      await server.feeds({
        name: 'a-cam',
        state: 'stalled',
        message: long,
        provider: 'cpu',
        faces: [1, 2, 3, 4].map((track) => ({
          track,
          shown: 'covered',
          why: 'its hands hide the whole face',
          casting: null,
          neck: null,
          box: { x: 0.4, y: 0.3, w: 0.2, h: 0.3 },
        })),
      });
      await monitor.locator('.picture .warning').getByText(long).waitFor();
      expect(await monitor.evaluate(boxes)).toEqual(before);
      await monitor.keyboard.press('Escape');
      await monitor.getByText('Look here').waitFor();
      expect(await monitor.evaluate(boxes)).toEqual(before);
      await monitor.keyboard.press('c');
      await monitor.locator('.drawer').waitFor();
      // The panel stands beside the picture, which makes room for it; nothing else does.
      const rest = (all: Record<string, string>) =>
        Object.fromEntries(Object.entries(all).filter(([name]) => !/ (frame|picture) $/.test(name)));
      expect(rest(await monitor.evaluate(boxes))).toEqual(rest(before));
      expect(Object.keys(rest(before)).length).toBeGreaterThan(13);
    });

    it('obeys its keys', async () => {
      const { monitor } = await live();
      await server.feeds({ name: 'b-cam', state: 'idle' });
      const chosen = () => text(monitor, '[aria-label="What is shown"] [aria-checked=true]');
      await monitor.keyboard.press('p');
      await expect.poll(() => text(monitor, '.values .what'), { timeout: 20_000 }).toBe('PLATE');
      expect(await monitor.locator('.frame').getAttribute('data-kind')).toBe('plate');
      // The second time both are open: nothing is asked for anew.
      const asked: string[] = [];
      monitor.on('request', (request) => asked.push(`${request.method()} ${request.url()}`));
      await monitor.keyboard.press('p');
      await expect.poll(() => text(monitor, '.values .what'), { interval: 20 }).toBe('PROGRAM');
      expect(asked.filter((one) => one.startsWith('POST'))).toEqual([]);
      await monitor.keyboard.press('s');
      await expect.poll(chosen).toBe('Side by side');
      await monitor.keyboard.press('w');
      await expect.poll(chosen).toBe('Wipe');
      await monitor.keyboard.press('0');
      await expect.poll(() => monitor.getByRole('button', { name: '1:1' }).getAttribute('aria-pressed')).toBe('true');
      const exact = () =>
        monitor.evaluate(() => {
          const { video } = window.understudy as MonitorDebug;
          const { width = 0, height = 0 } = video?.getBoundingClientRect() ?? {};
          const { videoWidth = 0, videoHeight = 0 } = video ?? {};
          return videoWidth > 0 && width * devicePixelRatio === videoWidth && height * devicePixelRatio === videoHeight;
        });
      await expect.poll(exact).toBe(true);
      await monitor.keyboard.press('f');
      await expect.poll(() => monitor.evaluate(() => document.fullscreenElement?.className)).toBe('frame');
      await monitor.keyboard.press('f');
      await monitor.keyboard.press('?');
      await monitor.getByRole('dialog').waitFor();
      await monitor.keyboard.press('?');
      await expect.poll(() => monitor.getByRole('dialog').count()).toBe(0);
      await monitor.keyboard.press('2');
      await expect.poll(() => text(monitor, '.slate .title')).toBe('No camera on “b-cam”');
      expect(new URL(monitor.url()).searchParams.get('feed')).toBe('b-cam');
      expect(monitor.troubles).toEqual([]);
    });

    it('changes look and policy through the panel, and shows what the server then says', async () => {
      await server.feeds({ name: 'a-cam', ...LIVE, look: 'mira' });
      const page = await open('/monitor');
      await page.getByRole('button', { name: 'Controls' }).click();
      await page.getByLabel('Look').selectOption('tomas');
      await page.getByRole('radio', { name: 'Blur' }).click();
      await expect.poll(async () => (await server.feed('a-cam'))?.uncast).toBe('blur');
      expect((await server.feed('a-cam'))?.look).toBe('tomas');
      await expect.poll(() => page.getByRole('radio', { name: 'Blur' }).getAttribute('aria-checked')).toBe('true');
    });

    it('casts a face that is tapped, asks whose a face is, and lets go of who is held', async () => {
      const box = { x: 0.25, y: 0.25, w: 0.1, h: 0.25 };
      const face = { track: 4, shown: 'replaced', why: null, casting: null, neck: null, box } as const;
      await server.feeds({ name: 'a-cam', ...LIVE, faces: [face] });
      const page = await open('/monitor', { width: 1280, height: 1000 });
      const mark = page.locator('.mark-face');
      await page.locator('.values').getByText('Live').waitFor();
      expect(await mark.count()).toBe(0);
      await page.keyboard.press('c');
      const [around, outline] = [await page.locator('.picture').boundingBox(), await mark.boundingBox()];
      expect(outline?.x).toBeCloseTo((around?.x ?? 0) + 0.25 * (around?.width ?? 0), -1);
      expect(outline?.height).toBeCloseTo(0.25 * (around?.height ?? 0), -1);
      // The panel hides nothing of the picture.
      const panel = await page.locator('.drawer').boundingBox();
      expect((around?.x ?? 0) + (around?.width ?? 0)).toBeLessThanOrEqual(panel?.x ?? 0);
      await page.keyboard.press('n');
      await page.getByLabel('Performer').fill('Anna');
      await page.keyboard.press('Enter');
      await mark.getByText('Anna').waitFor();
      expect((await server.feed('a-cam'))?.castings).toMatchObject([{ performer: 'Anna', look: 'mira', track: 4 }]);
      const card = page.getByRole('article', { name: 'Anna' });
      await card.getByText('In picture').waitFor();
      await card.getByLabel('Wears').selectOption('younger');
      await card.getByLabel('Age').fill('-12');
      await expect
        .poll(async () => (await server.feed('a-cam'))?.castings)
        .toMatchObject([{ look: 'younger', age: -12 }]);
      await card.getByRole('button', { name: 'Neutral face' }).click();
      await card.getByText('Look straight ahead… 3').waitFor();

      // They went out, and somebody comes in: one key and Enter say who it is.
      const castings = [
        { id: 'c1', performer: 'Anna', look: 'younger', age: -12, track: null, neutral: 'kept' as const, missed: null },
      ];
      const asked = { ...face, track: 5, shown: 'covered', why: WHO_IS_THIS } as const;
      await page.keyboard.press('Escape');
      await server.feeds({ name: 'a-cam', castings, faces: [asked] });
      await page.locator('.picture .question').getByText('Who is this?').waitFor();
      expect((await page.evaluate(textContrasts)).filter(({ ratio, needed }) => ratio < needed)).toEqual([]);
      await page.keyboard.press('a');
      await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('Anna');
      await page.keyboard.press('Enter');
      await expect.poll(async () => (await server.feed('a-cam'))?.castings[0]?.track).toBe(5);
      expect(await mark.count()).toBe(0);

      await page.keyboard.press('c');
      await page.setViewportSize({ width: 390, height: 844 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
      await card.getByRole('button', { name: 'Hold to remove' }).hover();
      await page.mouse.down();
      await expect.poll(async () => (await server.feed('a-cam'))?.castings).toEqual([]);
      await page.mouse.up();
    });

    it('says in plain words what is missing, and finds the picture by itself when it comes', async () => {
      const page = await open('/monitor?feed=a-cam');
      await expect.poll(() => text(page, '.slate .title')).toBe('There is no feed “a-cam”');
      await server.feeds({ name: 'a-cam', state: 'idle' });
      await expect.poll(() => text(page, '.slate .title')).toBe('No camera on “a-cam”');
      await open('/camera?source=bars&size=640x360&feed=a-cam&go=1');
      await expect.poll(() => page.locator('.slate').count(), { timeout: 20_000 }).toBe(0);
      await server.feeds({ name: 'a-cam', program: { width: 960, height: 540, fps: 30, scale: 0.75, skipped: 3 } });
      await expect
        .poll(() => text(page, '.picture .warning'))
        .toContain('Resolution lowered to 960×540: the machine is too slow for 1280×720.');
    });

    it('dims a picture that stands still and says for how long', async () => {
      const { camera, monitor } = await live();
      await camera.evaluate('window.understudy.pc.getSenders()[0].replaceTrack(null)');
      await expect.poll(() => monitor.locator('.picture').getAttribute('data-lost'), { timeout: 10_000 }).toBe('true');
      expect(await text(monitor, '.picture .warning')).toMatch(/No new picture for \d+ s/);
      expect(await monitor.locator('[data-name="frames a second"]').getAttribute('data-stale')).toBe('true');
    });

    it('counts down to the next attempt when the server has gone, and says when its link is no good', async () => {
      await server.feeds({ name: 'a-cam', state: 'idle' });
      const page = await open('/monitor');
      await page.locator('.slate').waitFor();
      await page.route('**/api/feeds', (route) => route.abort());
      await page.routeWebSocket('**/api/control', (socket) => void socket.close());
      await server.refuse(true);
      await expect.poll(() => text(page, '.values .state')).toMatch(/Connecting again in \d s/);
      await page.unroute('**/api/feeds');
      await expect.poll(() => text(page, '.slate .title'), { timeout: 10_000 }).toBe('Not allowed in');
      expect(await text(page, '.slate .text')).toContain('take a fresh link');
      await server.refuse(false);
    });

    it('has the picture back within 5 s of a server that crashed and came back', async () => {
      const { monitor } = await live();
      const port = Number(new URL(server.url).port);
      await server.crash();
      await expect.poll(() => text(monitor, '.values .state'), { timeout: 10_000 }).toMatch(/Connecting again/);
      server = await FakeServer.start(port);
      await expect.poll(async () => (await server.feed('a-cam'))?.state, { timeout: 8_000 }).toBe('live');
      const fresh = () =>
        monitor.evaluate(() => {
          const last = (window.understudy as MonitorDebug).lastFrame.program;
          return last !== null && performance.now() - last.shownMs < 300;
        });
      await expect.poll(fresh, { timeout: 8_000 }).toBe(true);
      expect(await monitor.locator('.slate').count()).toBe(0);
    });

    it('stops a camera only when the button is held', async () => {
      const { camera } = await live();
      const stop = camera.getByRole('button', { name: 'Hold to stop' });
      await stop.click();
      expect((await server.feed('a-cam'))?.state).toBe('live');
      await stop.hover();
      await camera.mouse.down();
      await camera.getByRole('button', { name: 'Go' }).waitFor();
      await camera.mouse.up();
      await expect.poll(async () => (await server.feed('a-cam'))?.state).toBe('idle');
      await camera.keyboard.press('g');
      await expect.poll(async () => (await server.feed('a-cam'))?.state).toBe('live');
      // The server knows it before the page does.
      await stop.waitFor();
      await camera.keyboard.down('x');
      await expect.poll(async () => (await server.feed('a-cam'))?.state).toBe('idle');
      await camera.keyboard.up('x');
    });

    it('frees the feed when the camera page goes', async () => {
      const { camera } = await live();
      await camera.goto('about:blank');
      await expect.poll(async () => (await server.feed('a-cam'))?.state).toBe('idle');
    });

    it('says that another camera has the feed', async () => {
      await live();
      const second = await open('/camera?source=bars&size=640x360&feed=a-cam&go=1');
      await expect
        .poll(() => text(second, '.says'))
        .toMatch(/Another camera is already on this feed.*Connecting again in \d s/);
    });

    it.each([
      ['NotAllowedError', 'The camera is not allowed'],
      ['NotFoundError', 'No camera found'],
      ['NotReadableError', 'The camera does not answer'],
    ])('says what to do on %s', async (name, title) => {
      const page = await openPage(browser, 'about:blank');
      await page.addInitScript((errorName) => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', errorName));
      }, name);
      await page.goto(`${server.url}/camera`);
      await expect.poll(() => text(page, '.slate .title')).toBe(title);
      expect(await page.getByRole('button', { name: 'Go' }).isDisabled()).toBe(true);
      await page.goto(`${server.url}/try`);
      await page.getByRole('button', { name: 'Start' }).click();
      await expect.poll(() => text(page, '.slate .title')).toBe(title);
    });

    it('says why there is no camera on an address that is not secure', async () => {
      const page = await openPage(browser, 'about:blank');
      await page.addInitScript(() => Object.defineProperty(window, 'isSecureContext', { value: false }));
      await page.goto(`${server.url}/camera`);
      await expect.poll(() => text(page, '.slate .title')).toBe('No camera on this address');
      expect(await text(page, '.slate .text')).toContain('https');
    });

    it('runs the framing aid on the fake camera, which shows no face', async () => {
      const page = await open('/camera');
      await expect.poll(() => text(page, '.aid .word'), { timeout: 30_000 }).toBe('No face seen');
      expect(page.troubles).toEqual([]);
    });

    it('keeps still for those who asked for it', async () => {
      for (const path of PAGES) {
        const page = await open(path, { reducedMotion: 'reduce' });
        await page.locator('a, button').first().waitFor();
        expect(await page.evaluate(movingStyles)).toEqual([]);
      }
    });

    it('shows own picture and result side by side on /try after one press', async () => {
      const page = await open('/try?feed=t');
      await page.getByRole('button', { name: 'Start' }).click();
      await expect.poll(() => page.locator('.slate').count(), { timeout: 20_000 }).toBe(0);
      const videos = await page
        .locator('video')
        .evaluateAll((all) => all.map((video) => (video as HTMLVideoElement).videoWidth));
      expect(videos.every((width) => width > 0)).toBe(true);
      expect(page.troubles).toEqual([]);
    });
  },
);
