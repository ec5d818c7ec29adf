import { effect, type ReadonlySignal, signal } from '@preact/signals';
import { type ClientMessage, type FaceInfo, type FeedInfo, serverMessage } from '../../server/wire/messages.ts';
import { ServerClock } from './clock.ts';
import type { LinkStatus } from './link.ts';
import { refusal } from './problem.ts';

/** Dense at first: a server process that was lost is back within a second or two. */
const RETRY_MS = [250, 500, 500, 500, 1_000, 1_000, 2_000, 3_000];
/** First a burst, so that the latency is right within half a second; then now and then, against drift. */
const BURST = 6;
const BURST_MS = 80;
const PING_MS = 4_000;
const REFUSAL_SHOWN_MS = 8_000;
/** Where faces were that long ago says nothing any more. */
const FOLLOWED_MS = 700;

/** The control socket: feeds and looks as the server says them, kept up across reconnects. */
export interface Control {
  readonly feeds: ReadonlySignal<FeedInfo[]>;
  readonly looks: ReadonlySignal<string[]>;
  /** Those of them that have an age dial. */
  readonly dials: ReadonlySignal<string[]>;
  /** The newest faces of the feed that this page follows (`follow`), for as long as they keep coming. */
  readonly followed: ReadonlySignal<{ feed: string; faces: FaceInfo[] } | null>;
  readonly status: ReadonlySignal<LinkStatus>;
  /** The server's last refusal of a message, for some seconds; else null. */
  readonly refused: ReadonlySignal<string | null>;
  readonly clock: ServerClock;
  /** False when the socket is down: the change is not sent and not kept. */
  send(message: ClientMessage): boolean;
  close(): void;
}

/** Something that was said, and for how long it counts; another takes its place. */
function fading<T>(ms: number) {
  const now = signal<T | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const close = (): void => clearTimeout(timer);
  const say = (value: T): void => {
    close();
    now.value = value;
    timer = setTimeout(() => (now.value = null), ms);
  };
  return { now, say, close };
}

export function openControl(): Control {
  const feeds = signal<FeedInfo[]>([]);
  const [looks, dials] = [signal<string[]>([]), signal<string[]>([])];
  const followed = fading<{ feed: string; faces: FaceInfo[] }>(FOLLOWED_MS);
  const status = signal<LinkStatus>({ phase: 'opening' });
  const refused = fading<string>(REFUSAL_SHOWN_MS);
  const clock = new ServerClock();
  let socket: WebSocket | null = null;
  let failures = 0;
  let closed = false;
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const later = (ms: number, act: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };

  const send = (message: ClientMessage) => {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  };
  const ping = (left: number) => {
    if (!send({ type: 'clock', t0Ms: performance.now() })) return;
    later(left > 0 ? BURST_MS : PING_MS, () => ping(left - 1));
  };
  const receive = (text: string) => {
    const parsed = serverMessage.safeParse(JSON.parse(text));
    // A newer server may say things that this page does not know; what it does not know it does not show.
    if (!parsed.success) return;
    const message = parsed.data;
    if (message.type === 'feeds') {
      [feeds.value, looks.value, dials.value] = [message.feeds, message.looks, message.dials];
    } else if (message.type === 'faces') {
      followed.say(message);
    } else if (message.type === 'clock') {
      clock.add(message.t0Ms, performance.now(), message.serverUs);
    } else {
      refused.say(message.sentence);
    }
  };
  const open = () => {
    if (closed) return;
    status.value = { phase: 'opening' };
    const opening = new WebSocket(new URL('/api/control', location.href.replace(/^http/, 'ws')));
    socket = opening;
    opening.addEventListener('open', () => {
      failures = 0;
      clock.reset();
      status.value = { phase: 'open' };
      ping(BURST);
    });
    opening.addEventListener('message', ({ data }) => receive(String(data)));
    opening.addEventListener('close', () => void wait());
  };
  const wait = async () => {
    if (closed) return;
    // A refused upgrade looks like any other failure to a page: ask over HTTP whether the link is still good.
    const response = await fetch('/api/feeds', { credentials: 'same-origin' }).catch(() => null);
    if (closed) return;
    if (response && (response.status === 401 || response.status === 403)) {
      status.value = { phase: 'refused', sentence: (await refusal(response)).message };
      return;
    }
    const delay = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)] ?? 3_000;
    const sentence = response ? 'The connection to the server broke.' : 'The server does not answer: is it running?';
    status.value = { phase: 'waiting', sentence, retryAtMs: performance.now() + delay };
    later(delay, open);
  };
  const close = () => {
    closed = true;
    for (const one of [followed, refused]) one.close();
    for (const timer of timers) clearTimeout(timer);
    socket?.close();
  };
  open();
  return { feeds, looks, dials, followed: followed.now, status, refused: refused.now, clock, send, close };
}

/** By then the first message after opening has come, and pictures, where they still come: the slowest, a slate's, are 400 ms apart. */
const SETTLED_MS = 500;

/**
 * Calls back a moment after the socket has come back from a break, with when it did (performance.now()): the server may be another
 * process that knows nothing of our pictures.
 */
export function onReturn(control: Control, listener: (returnedMs: number) => void): () => void {
  let seen = false;
  let broken = false;
  return effect(() => {
    const open = control.status.value.phase === 'open';
    const returnedMs = performance.now();
    if (open && broken) setTimeout(() => listener(returnedMs), SETTLED_MS);
    broken = seen && !open;
    seen ||= open;
  });
}
