import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { toFrames } from '../../server/wire/timecode.ts';
import { BROWSER_ABSENT, browserPath, launchBrowser } from '../fixtures/browser.ts';
import { ensurePages, openPage } from '../fixtures/browser-pages.ts';
import { freshLink } from '../fixtures/enter.ts';
import { feedBecomes, feedOf, liveServer } from '../fixtures/live.ts';
import { ltcSound } from '../fixtures/ltc.ts';
import { writeStereo } from '../fixtures/wav.ts';

const START = { hours: 1, minutes: 0, seconds: 50, frames: 0, drop: true };

/** A tone on the first channel, timecode on the second. */
function writeInput(file: string): void {
  const { samples } = ltcSound({ start: START, rate: { num: 30_000, den: 1001 }, frames: 900, level: 0.4 });
  writeStereo(
    file,
    samples.map((_, i) => 0.25 * Math.sin(i / 8)),
    samples,
  );
}

describe.skipIf(!browserPath)(`sound and timecode in a real browser ${BROWSER_ABSENT}`, () => {
  let server: RunningServer;
  let browser: Browser;
  const folder = mkdtempSync(join(tmpdir(), 'understudy-sound-'));

  beforeAll(async () => {
    ensurePages();
    const input = join(folder, 'input.wav');
    writeInput(input);
    server = await liveServer();
    browser = await launchBrowser([`--use-file-for-fake-audio-capture=${input}`]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a chosen microphone is heard on the monitor, and the timecode on its second channel is shown', async () => {
    const camera = await openPage(browser, await freshLink(server, '/camera?feed=a&source=counter&size=640x360&go=1'));
    await feedBecomes(server, 'a', ({ state }) => state === 'live');
    expect((await feedOf(server, 'a'))?.sound).toBeNull();
    await camera.getByLabel('Microphone').selectOption({ index: 1 });
    await feedBecomes(server, 'a', ({ sound }) => sound?.source === 'camera' && !sound.silent && sound.bitrate > 0);

    await camera.getByLabel('Timecode (LTC) from').selectOption({ index: 1 });
    await camera.getByRole('radio', { name: '2', exact: true }).click();
    const { timecode } = await feedBecomes(server, 'a', (feed) => feed.timecode !== null && !feed.timecode.stale);
    expect(timecode).toMatchObject({ rate: { num: 30_000, den: 1001 }, code: { drop: true, hours: 1 } });
    const count = toFrames(timecode?.code ?? START, 30) - toFrames(START, 30);
    expect(count).toBeGreaterThanOrEqual(0);
    expect(count).toBeLessThanOrEqual(900);

    // Late, so that what the button does a frame after the click is found out.
    const monitor = await openPage(browser, await freshLink(server, '/monitor?feed=a'), { lateMs: 400 });
    const shown = monitor.locator('[data-name="timecode"]');
    await shown.waitFor({ timeout: 20_000 });
    expect(await shown.textContent()).toMatch(/\d\d:\d\d:\d\d;\d\d/);
    const video = monitor.locator('video.front');
    expect(await video.evaluate((element: HTMLVideoElement) => element.muted)).toBe(true);
    await monitor.getByRole('button', { name: 'Sound' }).click();
    expect(await video.evaluate((element: HTMLVideoElement) => element.muted)).toBe(false);
    // On a slow machine the first picture comes after the button.
    await monitor.waitForFunction(
      () => (document.querySelector<HTMLVideoElement>('video.front')?.readyState ?? 0) >= 2,
    );
    // What the element plays: the tone, through Opus.
    const peak = await video.evaluate(async (element: HTMLVideoElement) => {
      const context = new AudioContext();
      const analyser = context.createAnalyser();
      context.createMediaStreamSource(element.srcObject as MediaStream).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      let loudest = 0;
      for (let i = 0; i < 100 && loudest < 0.05; i++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        analyser.getFloatTimeDomainData(samples);
        loudest = Math.max(loudest, ...samples.map(Math.abs));
      }
      await context.close();
      return loudest;
    });
    expect(peak).toBeGreaterThan(0.05);
    if (process.env.UNDERSTUDY_SHOTS) {
      await monitor.keyboard.press('c');
      await monitor.screenshot({ path: join(process.env.UNDERSTUDY_SHOTS, 'monitor.png') });
      await camera.screenshot({ path: join(process.env.UNDERSTUDY_SHOTS, 'camera.png'), fullPage: true });
    }
    expect(camera.troubles).toEqual([]);
    expect(monitor.troubles).toEqual([]);
  }, 90_000);
});
