import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { BROWSER_ABSENT, browserPath, launchBrowser } from '../fixtures/browser.ts';
import { enterPage } from '../fixtures/enter.ts';
import { feedBecomes, liveServer } from '../fixtures/live.ts';

const CASES = [
  ['640x360', 'H264'],
  ['1280x720', 'H264'],
  ['1920x1080', 'H264'],
  // From an H.264 camera: both renditions are encoded, in VP8's own colour.
  ['640x360', 'VP8'],
] as const;
/**
 * Code values of 255 between what the camera page drew and what the monitor shows: less than any matrix or range slip. For VP8 samples
 * are rounded once more, into its own matrix and range.
 */
const TOLERANCE = { H264: 2, VP8: 4 };

/** The card's own description of itself, for the monitor page. */
function card(): string {
  const code = stripTypeScriptTypes(readFileSync(new URL('../../client/shared/testcard.ts', import.meta.url), 'utf8'));
  return `(() => { ${code.replaceAll(/^export /gm, '')}; window.testCard = { BARS, RAMP, barBox, rampBox }; })()`;
}

/** Means of the middle of each bar and ramp step as the video shows it, beside what was drawn. */
const READ = `(() => {
  const { BARS, RAMP, barBox, rampBox } = window.testCard;
  const video = window.understudy.videos[RENDITION];
  const { videoWidth: width, videoHeight: height } = video;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const mean = ([x, y, w, h]) => {
    const { data } = context.getImageData(x + w / 4, y + h / 4, w / 2, h / 2);
    const sum = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) for (let c = 0; c < 3; c++) sum[c] += data[i + c];
    return sum.map((value) => value / (data.length / 4));
  };
  return { width, height, patches: [
    ...BARS.map((drawn, i) => ({ drawn, shown: mean(barBox(i, width, height)) })),
    ...RAMP.map((grey, i) => ({ drawn: [grey, grey, grey], shown: mean(rampBox(i, width, height)) })),
  ] };
})()`;

interface Patches {
  width: number;
  height: number;
  patches: { drawn: number[]; shown: number[] }[];
}

/** Runs in the page: it then takes this codec only. */
function onlyCodec(mimeType: string): void {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (...given) {
    const transceiver = add.apply(this, given);
    const all = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
    if (transceiver.receiver.track.kind === 'video')
      transceiver.setCodecPreferences(all.filter((one) => one.mimeType === mimeType));
    return transceiver;
  };
}

const worst = ({ patches }: Patches): number =>
  Math.max(...patches.flatMap(({ drawn, shown }) => drawn.map((value, i) => Math.abs(value - (shown[i] ?? 0)))));

describe.skipIf(!browserPath)(
  `bars and ramp, camera page to monitor page (${browserPath ? 'real Chromium' : BROWSER_ABSENT})`,
  () => {
    let server: RunningServer;
    let browser: Browser;
    beforeAll(async () => {
      [server, browser] = await Promise.all([liveServer(), launchBrowser()]);
    }, 30_000);
    afterAll(async () => {
      await browser?.close();
      await server?.close();
    });

    it.each(CASES)(
      'stay within a few code values at %s, in program and plate, to a monitor of %s',
      async (size, codec) => {
        const width = Number(size.split('x')[0]);
        const camera = await enterPage(
          browser,
          server,
          `/camera?source=bars&size=${size}&fps=30&bitrate=8&feed=bars&go=1`,
        );
        await feedBecomes(
          server,
          'bars',
          ({ state, camera: sent }) => state === 'live' && sent?.width === width,
          40_000,
        );
        const monitor = await enterPage(browser, server, '/monitor?feed=bars&view=side', {
          bypassCSP: true,
          prepare: (page) => page.addInitScript(onlyCodec, `video/${codec}`),
        });
        await monitor.evaluate(card());
        for (const rendition of ['program', 'plate']) {
          const read = async (): Promise<Patches> =>
            (await monitor
              .evaluate(READ.replace('RENDITION', `'${rendition}'`))
              .catch(() => ({ width: 0, height: 0, patches: [] }))) as Patches;
          // The first frames are coarse while the sender's rate control finds its level; a matrix or range slip never goes away.
          await expect.poll(async () => (await read()).width, { timeout: 20_000 }).toBe(width);
          await expect
            .poll(async () => worst(await read()), { timeout: 20_000, interval: 500 })
            .toBeLessThanOrEqual(TOLERANCE[codec]);
        }
        await monitor.context().close();
        // Left as a person leaves it: a browser that is ended may say no goodbye, and the feed waits for that camera for half a minute.
        await camera.goto('about:blank');
        await feedBecomes(server, 'bars', ({ state }) => state === 'idle');
        await camera.context().close();
      },
      90_000,
    );
  },
);
