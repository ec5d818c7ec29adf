import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PeerOrder } from '../../server/channel/peer-messages.ts';
import type { IngestSink, MediaEngine } from '../../server/media/port.ts';
import { createWrtcEngine } from '../../server/media/wrtc/engine.ts';

/** The front's side of the wrtc engine, with the engine process played by the test. */

const offerOf = (name: string): string =>
  readFileSync(new URL(`../fuzz/offers/${name}.sdp`, import.meta.url), 'utf8').replace(/\r?\n/g, '\r\n');
const CAMERA = offerOf('chromium-camera');
const VIEWER = offerOf('chromium-viewer');

let media: MediaEngine;
let orders: PeerOrder[];
let states: string[];
const sink: IngestSink = {
  frame: () => undefined,
  seen: () => undefined,
  state: (state, reason) => states.push(`${state}: ${reason}`),
};

beforeEach(() => {
  vi.useFakeTimers();
  media = createWrtcEngine({ bindAddress: '127.0.0.1' });
  orders = [];
  states = [];
});
afterEach(() => vi.useRealTimers());

const up = (): void => media.relay?.up('a', (order) => orders.push(order));
const idOf = (order: PeerOrder | undefined): string => order?.id ?? '';
const answer = (): void =>
  media.relay?.heard('a', { type: 'peerAnswer', id: idOf(orders.at(-1)), answer: 'v=0\r\nm=video 9 X 96\r\n' });
const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

describe('a feed’s relay', () => {
  it('refuses before its engine is ready, and after it was lost', async () => {
    expect(await refusalOf(media.ingest(CAMERA, sink, 'a'))).toMatchObject({ code: 'engine_down', status: 503 });
    up();
    media.relay?.down('a');
    expect(await refusalOf(media.ingest(CAMERA, sink, 'a'))).toMatchObject({ code: 'engine_down' });
    expect(orders).toEqual([]);
  });

  it('relays the offer and its answer, and ends the session once, at the engine too', async () => {
    up();
    const opening = media.ingest(CAMERA, sink, 'a');
    expect(orders[0]).toMatchObject({ type: 'peerOffer', use: 'camera', portRange: null });
    answer();
    const session = await opening;
    media.relay?.heard('a', { type: 'peerState', id: session.id, state: 'connected', reason: 'It is connected.' });
    expect(session.stats().state).toBe('connected');
    session.close();
    session.close();
    expect(orders.slice(1)).toEqual([{ type: 'peerClose', id: session.id }]);
    expect(states).toEqual(['connected: It is connected.', 'closed: It was closed.']);
  });

  it('hands on what the engine says against an offer', async () => {
    up();
    const refused = refusalOf(media.ingest(CAMERA, sink, 'a'));
    media.relay?.heard('a', { type: 'peerRefused', id: idOf(orders[0]), code: 'sdp_malformed', detail: 'Not so.' });
    expect(await refused).toMatchObject({ code: 'sdp_malformed', detail: 'Not so.' });
    expect(states).toEqual([]);
  });

  it('gives an engine five seconds to answer, and then wants nothing more of it', async () => {
    up();
    const refused = refusalOf(media.ingest(CAMERA, sink, 'a'));
    vi.advanceTimersByTime(5000);
    expect(await refused).toMatchObject({ code: 'engine_down', detail: expect.stringMatching(/in time/) });
    expect(orders.at(-1)).toEqual({ type: 'peerClose', id: idOf(orders[0]) });
  });

  it('ends everything with its engine: who waits is refused, who is in is told', async () => {
    up();
    const opening = media.ingest(CAMERA, sink, 'a');
    answer();
    await opening;
    const rendition = media.rendition({ feed: 'a', name: 'program', codec: 'vp8', keyWanted: () => undefined });
    const waiting = refusalOf(rendition.addViewer(VIEWER, () => undefined));
    media.relay?.down('a');
    expect(await waiting).toMatchObject({ code: 'engine_down' });
    expect(states).toEqual([expect.stringMatching(/^closed: The engine of this feed was lost/)]);
  });

  it('a connection that ends before anybody holds its session is not counted as there', async () => {
    up();
    const rendition = media.rendition({ feed: 'a', name: 'plate', codec: 'vp8', keyWanted: () => undefined });
    const opening = rendition.addViewer(VIEWER, () => undefined);
    answer();
    media.relay?.heard('a', { type: 'peerState', id: idOf(orders[0]), state: 'closed', reason: 'Gone.' });
    expect((await opening).stats().state).toBe('closed');
    expect(rendition.viewers).toBe(0);
  });

  it('takes as many cameras and viewers as it may, those on their way counted', async () => {
    media = createWrtcEngine({ maxIngests: 1, maxViewers: 1 });
    up();
    const camera = media.ingest(CAMERA, sink, 'a');
    expect(await refusalOf(media.ingest(CAMERA, sink, 'a'))).toMatchObject({ code: 'full' });
    answer();
    await camera;
    const rendition = media.rendition({ feed: 'a', name: 'low', codec: 'vp8', keyWanted: () => undefined });
    const first = rendition.addViewer(VIEWER, () => undefined);
    expect(await refusalOf(rendition.addViewer(VIEWER, () => undefined))).toMatchObject({ code: 'full' });
    answer();
    (await first).close();
    expect(rendition.viewers).toBe(0);
  });

  it('hands on a client’s further candidates, and none that lead nowhere', async () => {
    up();
    const opening = media.ingest(CAMERA, sink, 'a');
    answer();
    const session = await opening;
    const good = 'candidate:1 1 udp 2113937151 127.0.0.1 50000 typ host';
    session.trickle([good, 'candidate:2 1 udp 2113937151 0a1b.local 50000 typ host']);
    session.trickle(['candidate:3 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active']);
    expect(orders.slice(1)).toEqual([{ type: 'peerCandidates', id: session.id, candidates: [good] }]);
    expect(await refusalOf(session.restart({ ufrag: 'abcd', pwd: 'x'.repeat(24) }))).toMatchObject({
      code: 'restart_refused',
    });
  });
});
