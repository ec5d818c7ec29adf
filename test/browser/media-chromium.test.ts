import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createRtpEngine } from '../../server/media/rtp/engine.ts';
import { BROWSER_ABSENT, browserPath, launchBrowser } from '../fixtures/browser.ts';
import { eventually, PassThrough } from '../fixtures/peer-loop.ts';
import { UdpRelay } from '../fixtures/udp-relay.ts';

const closers: (() => unknown)[] = [];
let browser: Browser;

/** A page in a secure context that can reach the stage's signalling without HTTP. */
async function openPage(
  loop: PassThrough,
  relay?: UdpRelay,
  editOffer: (offer: string) => string = String,
): Promise<Page> {
  const page = await browser.newPage();
  closers.push(() => page.close());
  await page.route('http://localhost/**', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<video muted></video>' }),
  );
  await page.exposeFunction('whip', async (offer: string) => (await loop.whip(editOffer(offer))).answer);
  await page.exposeFunction('whep', async (offer: string) => {
    // Through the relay only: without candidates of its own the page is reached where it comes from.
    const { answer } = await loop.whep(relay ? offer.replace(/a=candidate:.*\r\n/g, '') : offer);
    return relay ? relay.rewrite(answer) : answer;
  });
  await page.goto('http://localhost/');
  return page;
}

/** In the page: publishes the fake camera and microphone, as a camera page would. */
async function publish({ width, height, codec }: { width: number; height: number; codec: string }): Promise<void> {
  const { whip } = globalThis as unknown as { whip(offer: string): Promise<string> };
  const media = await navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate: 30 }, audio: true });
  const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  Object.assign(globalThis, { peer });
  for (const track of media.getTracks()) {
    const transceiver = peer.addTransceiver(track, { direction: 'sendonly' });
    if (track.kind !== 'video') continue;
    const all = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
    if (codec) transceiver.setCodecPreferences(all.filter(({ mimeType }) => mimeType === codec));
  }
  await peer.setLocalDescription();
  const answer = await whip(peer.localDescription?.sdp ?? '');
  await peer.setRemoteDescription({ type: 'answer', sdp: answer });
}

/** In the page: plays the feed; every presented frame's RTP time goes to `shown`. */
async function play(): Promise<void> {
  const { whep } = globalThis as unknown as { whep(offer: string): Promise<string> };
  const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const shown: number[] = [];
  Object.assign(globalThis, { peer, shown });
  const { receiver } = peer.addTransceiver('video', { direction: 'recvonly' });
  peer.addTransceiver('audio', { direction: 'recvonly' });
  Object.assign(receiver, { jitterBufferTarget: 0 });
  const video = document.querySelector('video') as HTMLVideoElement;
  video.srcObject = new MediaStream([receiver.track]);
  const next = (_now: number, { rtpTimestamp = -1 }: VideoFrameCallbackMetadata): void => {
    shown.push(rtpTimestamp);
    video.requestVideoFrameCallback(next);
  };
  video.requestVideoFrameCallback(next);
  void video.play();
  await peer.setLocalDescription();
  const answer = await whep(peer.localDescription?.sdp ?? '');
  await peer.setRemoteDescription({ type: 'answer', sdp: answer });
}

const shown = (page: Page): Promise<number[]> =>
  page.evaluate(() => (globalThis as unknown as { shown: number[] }).shown);
const videoSize = (page: Page): Promise<number[]> =>
  page.evaluate(() => {
    const video = document.querySelector('video') as HTMLVideoElement;
    return [video.videoWidth, video.videoHeight];
  });

async function eventuallyShown(page: Page, count: number): Promise<number[]> {
  for (let i = 0; i < 200; i++) {
    const times = await shown(page);
    if (times.length >= count) return times;
    await page.waitForTimeout(50);
  }
  throw new Error(`The page showed ${(await shown(page)).length} frames, not ${count}.`);
}

describe.skipIf(!browserPath)(`Chromium through the rtp engine ${BROWSER_ABSENT}`, () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(() => browser?.close());

  test.each([
    ['', 'h264'],
    ['video/H264', 'h264'],
    ['video/VP8', 'vp8'],
  ] as const)('publishes %s (%s) and views it with the camera’s RTP times, audio beside', async (mimeType, codec) => {
    const engine = createRtpEngine({ bindAddress: '127.0.0.1' });
    closers.push(() => engine.close());
    const loop = new PassThrough(engine, codec);
    const camera = await openPage(loop);
    await camera.evaluate(publish, { width: 640, height: 360, codec: mimeType });
    await eventually(() => loop.frames.length > 3, 'frames from the browser', 15_000);
    expect(loop.frames[0]).toMatchObject({ key: true, codec });
    expect(loop.ingest?.answer).toMatch(/m=audio [1-9][\s\S]*a=recvonly[\s\S]*m=video/);
    const viewer = await openPage(loop);
    await viewer.evaluate(play);
    const times = await eventuallyShown(viewer, 20);
    const sent = new Set(loop.frames.map(({ rtpTs }) => rtpTs));
    expect(times.every((ts) => sent.has(ts))).toBe(true);
    const [width = 0, height = 0] = await videoSize(viewer);
    expect(width / height).toBeCloseTo(640 / 360, 1);
    const last = loop.frames.at(-1);
    expect([last?.width, last?.height]).toEqual([width, height]);
    expect(loop.viewers[0]?.stats()).toMatchObject({ state: 'connected' });
  });

  test('publishes although its offer names no SSRC: picture and sound are told apart by their payload types', async () => {
    const engine = createRtpEngine({ bindAddress: '127.0.0.1' });
    closers.push(() => engine.close());
    const loop = new PassThrough(engine);
    const camera = await openPage(loop, undefined, (offer) => offer.replace(/a=ssrc.*\r\n/g, ''));
    await camera.evaluate(publish, { width: 640, height: 360, codec: '' });
    await eventually(() => loop.frames.length > 10, 'frames from the browser', 15_000);
    expect(loop.ingest?.answer).toMatch(/m=audio [1-9][\s\S]*a=recvonly[\s\S]*m=video [1-9]/);
    await eventually(() => (loop.ingest?.soundStats?.()?.packets ?? 0) > 10, 'sound from the browser');
  });

  test('its repair and key frame requests are heard beside an idle audio section, and so it is not taken for dead', async () => {
    const engine = createRtpEngine({ bindAddress: '127.0.0.1', silenceMs: 2000 });
    closers.push(() => engine.close());
    const loop = new PassThrough(engine);
    const camera = await openPage(loop);
    await camera.evaluate(publish, { width: 640, height: 360, codec: '' });
    await eventually(() => loop.frames.length > 3, 'frames from the browser', 15_000);
    const relay = new UdpRelay();
    closers.push(() => relay.close());
    const viewer = await openPage(loop, relay);
    await viewer.evaluate(play);
    await eventuallyShown(viewer, 10);
    relay.toOfferer = { loss: 0.1 };
    await eventually(() => (loop.viewers[0]?.stats().nacks ?? 0) > 0, 'repair requests');
    // One packet and all its repetitions: nothing but a key frame helps.
    let victim = -1;
    relay.toOfferer = {
      drop: (datagram) => {
        const second = datagram[1] ?? 0;
        if (second >= 192 && second <= 223) return false;
        if (victim < 0) victim = datagram.readUInt16BE(2);
        return datagram.readUInt16BE(2) === victim;
      },
    };
    await eventually(() => (loop.viewers[0]?.stats().keyRequests ?? 0) > 0, 'a key frame request');
    const before = (await shown(viewer)).length;
    await eventuallyShown(viewer, before + 10);
    await viewer.waitForTimeout(2500);
    expect(loop.viewers[0]?.stats().state).toBe('connected');
    expect(loop.ingest?.soundStats?.()?.packets).toBeGreaterThan(10);
  });
});
