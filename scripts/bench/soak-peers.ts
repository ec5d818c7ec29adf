/**
 * Sessions that come and go, in a process of their own: viewers and cameras that are opened and closed, held until the process is
 * killed, left in the middle of their handshake, or refused for a bad offer.
 */
import { request } from 'node:http';
import fc from 'fast-check';
import type { CodedFrame } from '../../server/frame/coded.ts';
import { openPublisher, type Publisher } from '../../server/media/peer/publisher.ts';
import { httpSignal, PeerError } from '../../server/media/peer/signal.ts';
import { openViewer, type Viewer } from '../../server/media/peer/viewer.ts';
import type { FeedInfo } from '../../server/wire/messages.ts';
import { brokenOffer, offerNamed } from '../../test/fuzz/broken-offers.ts';
import { codedClip } from './clip.ts';

interface Where {
  url: string;
  token: string;
}
export type SessionOrder =
  | ({ order: 'viewer'; feed: string; rendition: 'program' | 'plate' } & Where)
  /** Publishes until one viewer has seen a picture of it, or, with `hold`, for ever. */
  | ({ order: 'camera'; feed: string; hold: boolean } & Where)
  /** Opens viewers and keeps them: this process is about to be killed. */
  | ({ order: 'hold'; feed: string; viewers: number } & Where)
  | ({ order: 'leave'; feed: string; how: 'answered' | 'half sent' | 'unanswered' } & Where)
  | ({ order: 'bad'; feed: string; seed: number } & Where)
  | { order: 'close' };
/** `ms` until the first picture, where there is one. */
export type SessionAnswer = { answer: 'done'; ms: number } | { answer: 'failed'; sentence: string };

const PICTURE_MS = 10_000;
const LIVE_MS = 20_000;
const CLIP = { width: 320, height: 180, frames: 30, bitrate: 300_000, counter: false };
const FPS = 10;
const say = (answer: SessionAnswer): void => void process.send?.(answer);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const kept: unknown[] = [];
let clip: Promise<CodedFrame[]> | null = null;

async function watch({ url, token }: Where, feed: string, rendition: string): Promise<{ viewer: Viewer; ms: number }> {
  const began = performance.now();
  const { promise: seen, resolve, reject } = Promise.withResolvers<void>();
  const viewer = await openViewer({
    url: `${url}/whep/${feed}/${rendition}`,
    token,
    onFrame: () => resolve(),
    onClosed: (reason) => reject(new Error(`A viewer of ${feed} was dropped: ${reason}`)),
  });
  const late = setTimeout(
    () => reject(new Error(`A viewer of ${feed} saw no picture in ${PICTURE_MS} ms.`)),
    PICTURE_MS,
  );
  try {
    await seen;
    return { viewer, ms: performance.now() - began };
  } catch (error) {
    await viewer.close();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/** A camera before this one that was killed leaves its feed busy until the server has noticed. */
async function publish({ url, token }: Where, feed: string, onKeyRequest: () => void): Promise<Publisher> {
  const began = performance.now();
  for (;;) {
    try {
      return await openPublisher({ url: `${url}/whip/${feed}`, token, onKeyRequest });
    } catch (error) {
      const busy = error instanceof PeerError && error.status === 409;
      if (!busy || performance.now() - began > LIVE_MS) throw error;
      await pause(500);
    }
  }
}

async function feedIs({ url, token }: Where, name: string): Promise<FeedInfo['state'] | undefined> {
  const response = await fetch(`${url}/api/feeds`, { headers: { authorization: `Bearer ${token}` } });
  const { feeds } = (await response.json()) as { feeds: FeedInfo[] };
  return feeds.find((feed) => feed.name === name)?.state;
}

async function film(where: Where, feed: string, hold: boolean): Promise<number> {
  clip ??= codedClip(CLIP);
  const frames = await clip;
  let index = 0;
  let sent = 0;
  const publisher = await publish(where, feed, () => {
    index = 0;
  });
  const timer = setInterval(() => {
    publisher.send({ ...(frames[index] as CodedFrame), rtpTs: (sent++ * 90_000) / FPS });
    index = (index + 1) % frames.length;
  }, 1000 / FPS);
  if (hold) kept.push(publisher, timer);
  const began = performance.now();
  try {
    while ((await feedIs(where, feed)) !== 'live') {
      if (performance.now() - began > LIVE_MS) throw new Error(`The feed ${feed} was not live in ${LIVE_MS} ms.`);
      await pause(100);
    }
    const { viewer, ms } = await watch(where, feed, 'program');
    if (hold) kept.push(viewer);
    else await viewer.close();
    return ms;
  } finally {
    if (!hold) {
      clearInterval(timer);
      await publisher.close();
    }
  }
}

/** Takes an offer to the server and goes away: with the answer in hand, before it, or before the offer is whole. */
async function leave({ url, token, feed, how }: Extract<SessionOrder, { order: 'leave' }>): Promise<void> {
  const offer = offerNamed('obs-viewer');
  if (how === 'answered') {
    await httpSignal(`${url}/whep/${feed}/program`, token)(offer);
    return;
  }
  await new Promise<void>((resolve) => {
    const asking = request(`${url}/whep/${feed}/program`, {
      method: 'POST',
      agent: false,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/sdp',
        'content-length': Buffer.byteLength(offer),
      },
    });
    asking.on('error', () => undefined);
    asking.on('close', () => resolve());
    const gone = (): void => void asking.destroy();
    if (how === 'half sent') asking.write(offer.slice(0, offer.length / 2), () => setTimeout(gone, 20));
    else asking.end(offer, () => setImmediate(gone));
  });
}

/** Rejects where the server fails inside. An offer that is still good opens a session, which is ended. */
async function offerBadly({ url, token, feed, seed }: Extract<SessionOrder, { order: 'bad' }>): Promise<void> {
  const [offer = ''] = fc.sample(brokenOffer, { numRuns: 1, seed });
  try {
    const { end } = await httpSignal(`${url}/whep/${feed}/program`, token)(offer);
    await end();
  } catch (error) {
    if (!(error instanceof PeerError) || error.status === null || error.status >= 500) throw error;
  }
}

async function obey(order: SessionOrder): Promise<void> {
  let ms = 0;
  if (order.order === 'close') process.exit(0);
  else if (order.order === 'viewer') {
    const watching = await watch(order, order.feed, order.rendition);
    ({ ms } = watching);
    await watching.viewer.close();
  } else if (order.order === 'camera') ms = await film(order, order.feed, order.hold);
  else if (order.order === 'hold') {
    for (let index = 0; index < order.viewers; index++) kept.push(await watch(order, order.feed, 'program'));
  } else if (order.order === 'leave') await leave(order);
  else await offerBadly(order);
  say({ answer: 'done', ms });
}

if (process.send) {
  process.on('SIGINT', () => undefined);
  process.on('message', (order: SessionOrder) => {
    obey(order).catch((error: unknown) =>
      say({ answer: 'failed', sentence: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
