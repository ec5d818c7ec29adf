import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Decoder } from '../../server/engine/decoder.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { Arena } from '../../server/frame/arena.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { BROWSER_ABSENT, browserPath, launchBrowser } from '../fixtures/browser.ts';
import { feedBecomes, type LiveMonitor, liveMonitor, liveServer } from '../fixtures/live.ts';

let server: RunningServer;
let browser: Browser;
let page: Page;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  if (!browserPath) return;
  server = await liveServer();
  browser = await launchBrowser();
  page = await browser.newPage();
  await page.goto(`${server.url}/healthz`);
}, 60_000);
afterAll(async () => {
  for (const close of closers.reverse()) await close();
  await browser?.close();
  await server?.close();
});

/** Publishes the browser's own test picture in three sizes, as a conference client does. */
const publish = (url: string, token: string, codec: string): Promise<void> =>
  page.evaluate(
    async ({ address, bearer, mimeType }) => {
      const stream = await navigator.mediaDevices.getUserMedia({
        video: { width: 1280, height: 720, frameRate: 30 },
        audio: true,
      });
      const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
      const [picture, sound] = [stream.getVideoTracks()[0], stream.getAudioTracks()[0]];
      if (sound) pc.addTransceiver(sound, { direction: 'sendonly' });
      const transceiver = pc.addTransceiver(picture as MediaStreamTrack, {
        direction: 'sendonly',
        sendEncodings: [
          { rid: 'h', maxBitrate: 2_500_000 },
          { rid: 'm', maxBitrate: 700_000, scaleResolutionDownBy: 2 },
          { rid: 'l', maxBitrate: 200_000, scaleResolutionDownBy: 4 },
        ],
      });
      const all = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
      transceiver.setCodecPreferences(all.filter((one) => one.mimeType.toLowerCase() === mimeType));
      await pc.setLocalDescription();
      await new Promise<void>((resolve) => {
        if (pc.iceGatheringState === 'complete') resolve();
        pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && resolve());
      });
      const response = await fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/sdp', authorization: `Bearer ${bearer}` },
        body: pc.localDescription?.sdp ?? '',
      });
      await pc.setRemoteDescription({ type: 'answer', sdp: await response.text() });
      Object.assign(window, {
        pc,
        layers: async (...active: boolean[]) => {
          const parameters = transceiver.sender.getParameters();
          for (const [index, encoding] of parameters.encodings.entries()) encoding.active = active[index] ?? true;
          await transceiver.sender.setParameters(parameters);
        },
      });
    },
    { address: url, bearer: token, mimeType: `video/${codec}` },
  );

const layers = (...active: boolean[]): Promise<void> =>
  page.evaluate(
    (wanted) => (window as unknown as { layers(...on: boolean[]): Promise<void> }).layers(...wanted),
    active,
  );

/** Every frame decodes after the one before it: layers were never mixed. Returns how many did. */
async function decodesThroughout(frames: LiveMonitor['frames']): Promise<number> {
  const pictures = new Pictures(new Arena(64));
  const decoder = new Decoder(pictures, 'test');
  let decoded = 0;
  for (const frame of frames) {
    const result = await decoder.decode(frame);
    if (!('picture' in result)) throw new Error(`Frame ${decoded} of ${frames.length}: ${result.why}`);
    expect([result.picture.width, result.picture.height]).toEqual([frame.width, frame.height]);
    pictures.give(result.picture);
    decoded++;
  }
  decoder.close();
  return decoded;
}

test.skipIf(!browserPath).for(['h264', 'vp8'] as const)(
  `%s in three layers from Chromium: the largest is shown, the next when it stops, the largest again when it is back ${BROWSER_ABSENT}`,
  { timeout: 120_000 },
  async (codec) => {
    const feed = `sim-${codec}`;
    await publish(`${server.url}/whip/${feed}`, server.apiToken, codec);
    const wide = ({ camera }: { camera: { width: number } | null }, width: number): boolean => camera?.width === width;
    await feedBecomes(server, feed, (info) => info.state === 'live' && wide(info, 1280), 60_000);
    const plate = await liveMonitor(server, feed, 'plate', { codec });
    closers.push(() => plate.close());
    await plate.first(({ width }) => width === 1280);
    await layers(false, true, true);
    const stopped = performance.now();
    const smaller = await plate.next(({ width }) => width === 640);
    expect(smaller.key).toBe(true);
    // Half a second on a machine of its own; the rest is left to what runs beside.
    expect(smaller.arrivalMs - stopped).toBeLessThan(4000);
    await feedBecomes(server, feed, (info) => info.state === 'live' && wide(info, 640));
    await layers(true, true, true);
    const larger = await plate.next(({ width }) => width === 1280, 30_000);
    expect(larger.key).toBe(true);
    await plate.next(({ rtpTs }) => ((rtpTs - larger.rtpTs) | 0) > 30_000);
    const times = plate.frames.map(({ rtpTs }) => rtpTs);
    const steps = times.slice(1).map((time, index) => (time - (times[index] as number)) | 0);
    // One clock through all changes: always forwards, and never a leap beyond the time that passed.
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect(Math.max(...steps)).toBeLessThan(4 * 90_000);
    expect(await decodesThroughout(plate.frames)).toBeGreaterThan(30);
    await page.evaluate(() => (window as unknown as { pc: RTCPeerConnection }).pc.close());
  },
);
