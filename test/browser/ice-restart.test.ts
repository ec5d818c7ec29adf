import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PeerSession } from '../../server/media/port.ts';
import { createRtpEngine } from '../../server/media/rtp/engine.ts';
import { BROWSER_ABSENT, browserPath, launchBrowser } from '../fixtures/browser.ts';
import { eventually, PassThrough } from '../fixtures/peer-loop.ts';
import { UdpRelay } from '../fixtures/udp-relay.ts';

/** A real Chromium whose way to the server is cut, and which restarts ICE on another: DTLS and pictures go on. */

const closers: (() => unknown)[] = [];
let browser: Browser;

/** A page whose first way to the peer leads through the relay. What it restarts with goes straight. */
async function openPage(
  signal: (offer: string) => Promise<{ answer: string }>,
  session: () => PeerSession,
  relay: UdpRelay,
): Promise<Page> {
  const page = await browser.newPage();
  closers.push(() => page.close());
  await page.route('http://localhost/**', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<video muted></video>' }),
  );
  await page.exposeFunction('signal', async (offer: string) => {
    const { answer } = await signal(offer.replace(/a=candidate:.*\r\n/g, ''));
    return relay.rewrite(answer);
  });
  await page.exposeFunction('restart', (ufrag: string, pwd: string) => session().restart({ ufrag, pwd }));
  await page.goto('http://localhost/');
  return page;
}

interface Exposed {
  signal(offer: string): Promise<string>;
  restart(ufrag: string, pwd: string): Promise<{ ufrag: string; pwd: string; candidates: string[] }>;
  peer: RTCPeerConnection;
}

/** In the page. */
async function publish(): Promise<void> {
  const here = globalThis as unknown as Exposed;
  const media = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360, frameRate: 30 } });
  here.peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const track of media.getTracks()) here.peer.addTransceiver(track, { direction: 'sendonly' });
  await here.peer.setLocalDescription();
  const answer = await here.signal(here.peer.localDescription?.sdp ?? '');
  await here.peer.setRemoteDescription({ type: 'answer', sdp: answer });
}

/** In the page. */
async function play(): Promise<void> {
  const here = globalThis as unknown as Exposed;
  here.peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const { receiver } = here.peer.addTransceiver('video', { direction: 'recvonly' });
  Object.assign(receiver, { jitterBufferTarget: 0 });
  const video = document.querySelector('video') as HTMLVideoElement;
  video.srcObject = new MediaStream([receiver.track]);
  void video.play();
  await here.peer.setLocalDescription();
  const answer = await here.signal(here.peer.localDescription?.sdp ?? '');
  await here.peer.setRemoteDescription({ type: 'answer', sdp: answer });
}

/** In the page: a new offer's credentials to the server, its into the answer of before (RFC 9725 §4.3.3). */
async function restartIce(): Promise<void> {
  const { peer, restart } = globalThis as unknown as Exposed;
  const before = peer.currentRemoteDescription?.sdp ?? '';
  await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
  const sdp = peer.localDescription?.sdp ?? '';
  const find = (name: string): string => new RegExp(`a=${name}:(.*)\r\n`).exec(sdp)?.[1] ?? '';
  const { ufrag, pwd, candidates } = await restart(find('ice-ufrag'), find('ice-pwd'));
  const answer = before
    .replace(/a=candidate:.*\r\n/g, '')
    .replace(/a=ice-ufrag:.*\r\n/g, `a=ice-ufrag:${ufrag}\r\n`)
    .replace(/a=ice-pwd:.*\r\n/g, `a=ice-pwd:${pwd}\r\n${candidates.map((line) => `a=${line}\r\n`).join('')}`);
  await peer.setRemoteDescription({ type: 'answer', sdp: answer });
}

const decoded = (page: Page): Promise<number> =>
  page.evaluate(() => (document.querySelector('video') as HTMLVideoElement).getVideoPlaybackQuality().totalVideoFrames);

async function moreDecoded(page: Page, more: number): Promise<void> {
  const from = await decoded(page);
  for (let i = 0; i < 300; i++) {
    if ((await decoded(page)) >= from + more) return;
    await page.waitForTimeout(50);
  }
  throw new Error(`The page decoded ${(await decoded(page)) - from} frames more, not ${more}.`);
}

const becomes = (page: Page, state: RTCPeerConnectionState) =>
  page.waitForFunction((wanted) => (globalThis as unknown as Exposed).peer.connectionState === wanted, state, {
    timeout: 25_000,
  });

describe.skipIf(!browserPath)(`ICE restarts ${BROWSER_ABSENT}`, () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(() => browser?.close());

  test('a camera and a monitor whose ways are cut go on by a restart, and by another', async () => {
    const engine = createRtpEngine({ bindAddress: '127.0.0.1' });
    closers.push(() => engine.close());
    const loop = new PassThrough(engine);
    const relays = { camera: new UdpRelay(), viewer: new UdpRelay() };
    closers.push(() => relays.camera.close());
    closers.push(() => relays.viewer.close());
    const camera = await openPage(loop.whip, () => loop.ingest as PeerSession, relays.camera);
    await camera.evaluate(publish);
    await eventually(() => loop.frames.length > 3, 'frames from the browser', 15_000);
    const viewer = await openPage(loop.whep, () => loop.viewers[0] as PeerSession, relays.viewer);
    await viewer.evaluate(play);
    await moreDecoded(viewer, 20);

    for (const relay of Object.values(relays)) {
      relay.toAnswerer = { cut: true };
      relay.toOfferer = { cut: true };
    }
    await Promise.all([becomes(camera, 'disconnected'), becomes(viewer, 'disconnected')]);
    await Promise.all([camera.evaluate(restartIce), viewer.evaluate(restartIce)]);
    await Promise.all([becomes(camera, 'connected'), becomes(viewer, 'connected')]);
    await moreDecoded(viewer, 30);

    // The second restart replaces the first one's way.
    await Promise.all([camera.evaluate(restartIce), viewer.evaluate(restartIce)]);
    await moreDecoded(viewer, 30);
    expect(loop.states.map((state) => state.split(':')[0])).toEqual(['connected']);
    expect(loop.closedViewers).toEqual([]);
    expect(loop.ingest?.stats().state).toBe('connected');
  }, 90_000);
});
