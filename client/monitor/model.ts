import { batch, computed, effect, signal } from '@preact/signals';
import type { FeedInfo } from '../../server/wire/messages.ts';
import { onReturn, openControl } from '../shared/control.ts';
import { FrameMeter, type ShownFrame } from '../shared/latency.ts';
import { Link } from '../shared/link.ts';
import { type Viewing, watch } from '../shared/whep.ts';

/** The page's two pictures; the program's may be its low rendition. */
export type Slot = 'program' | 'plate';
/** What the picture's place shows. */
export type View = Slot | 'wipe' | 'side';

const query = new URLSearchParams(location.search);

function askedView(text: string | null): View | null {
  return text === 'plate' || text === 'wipe' || text === 'side' ? text : null;
}

export const control = openControl();
/** The feed somebody asked for; null until then. */
const chosen = signal(query.get('feed'));
export const view = signal<View>('program');
/** The rendition somebody asked for whose first picture has not come yet. */
export const wanted = signal<View | null>(askedView(query.get('view')));
export const drawerOpen = signal(false);
export const oneToOne = signal(false);
/** The program at half size and few bits is asked for: this device's link is weak. */
export const low = signal(query.get('quality') === 'low');
/** Off at first: browsers let no page speak before it is touched. */
export const soundOn = signal(false);
/** Where plate ends and program begins in the wipe, 0–1. */
export const wipeAt = signal(0.5);

/** The chosen feed, else the first that is live, else the first. Only the name, so that it changes only when another one is shown. */
export const feedName = computed(() => {
  if (chosen.value) return chosen.value;
  const feeds = control.feeds.value;
  return (feeds.find((feed) => feed.state === 'live') ?? feeds[0])?.name ?? null;
});
export const feed = computed<FeedInfo | null>(
  () => control.feeds.value.find(({ name }) => name === feedName.value) ?? null,
);

/** There is something to watch: a feed without a camera is waited for, not asked again and again. */
const ready = computed(() => feed.value !== null && feed.value.state !== 'idle');

function opener(slot: Slot) {
  return new Link<Viewing>(async () => {
    const name = feedName.peek();
    if (!name || !ready.peek()) throw new Error('No camera is on this feed.');
    return watch(name, slot === 'program' && low.peek() ? 'low' : slot);
  });
}
export const links: Record<Slot, Link<Viewing>> = { program: opener('program'), plate: opener('plate') };

/** The program that comes is the low rendition, asked for or because the browser takes no larger one. */
export const showsLow = computed(() => links.program.connection.value?.rendition === 'low');

/** Counts frames of both renditions; the first of a connection ends the slate. */
export const hasPicture = { program: signal(false), plate: signal(false) };
export const meters: Record<Slot, FrameMeter | null> = { program: null, plate: null };
export const videos: Record<Slot, HTMLVideoElement | null> = { program: null, plate: null };

type FrameListener = (rendition: Slot, frame: ShownFrame) => void;
const frameListeners = new Set<FrameListener>();
export function onFrame(listener: FrameListener): () => void {
  frameListeners.add(listener);
  return () => frameListeners.delete(listener);
}

export function adoptVideo(rendition: Slot, video: HTMLVideoElement): () => void {
  videos[rendition] = video;
  const context = () => ({ anchor: feed.peek()?.anchor ?? null, offsetUs: control.clock.offsetUs });
  const meter = new FrameMeter(video, context, (frame) => {
    if (links[rendition].connection.peek()) arrived(rendition);
    for (const listener of frameListeners) listener(rendition, frame);
  });
  meters[rendition] = meter;
  const stop = effect(() => {
    const stream = links[rendition].connection.value?.stream ?? null;
    video.srcObject = stream;
    meter.clear();
    hasPicture[rendition].value = false;
    // Muted video may always play; a refusal here only means that the element was given another source meanwhile.
    if (stream) void video.play().catch(() => null);
  });
  return () => {
    stop();
    meter.close();
  };
}

function arrived(rendition: Slot): void {
  if (hasPicture[rendition].peek()) return;
  batch(() => {
    hasPicture[rendition].value = true;
    const next = wanted.peek();
    if (next && renditionsOf(next).every((name) => hasPicture[name].peek())) show(next);
  });
}

export function renditionsOf(of: View): Slot[] {
  return of === 'wipe' || of === 'side' ? ['plate', 'program'] : [of];
}

function show(next: View): void {
  batch(() => {
    view.value = next;
    wanted.value = null;
  });
}

/** Shows a view as soon as its pictures are there: at once when they are; what is shown until then stays labelled as what it is. */
export function choose(next: View): void {
  if (ready.peek()) for (const name of renditionsOf(next)) links[name].start();
  if (renditionsOf(next).every((name) => hasPicture[name].peek())) show(next);
  else wanted.value = next;
}

/** Between the full program and the low one, by a new connection: the picture is gone for a moment. */
export function toggleLow(): void {
  low.value = !low.peek();
  const address = new URL(location.href);
  if (low.peek()) address.searchParams.set('quality', 'low');
  else address.searchParams.delete('quality');
  history.replaceState(null, '', address);
  if (links.program.status.peek().phase !== 'closed') links.program.restart();
}

export function togglePlate(): void {
  choose((wanted.peek() ?? view.peek()) === 'program' ? 'plate' : 'program');
}

export function chooseFeed(name: string): void {
  chosen.value = name;
  const address = new URL(location.href);
  address.searchParams.set('feed', name);
  history.replaceState(null, '', address);
}

export function reconnect(): void {
  for (const link of Object.values(links)) {
    if (link.status.peek().phase !== 'closed') link.restart();
  }
}

/** Another feed: both renditions are closed; the program (and what was shown beside it) opens again. */
effect(() => {
  if (!feedName.value) return;
  for (const link of Object.values(links)) link.close();
  const asked = wanted.peek() ?? view.peek();
  batch(() => {
    view.value = 'program';
    wanted.value = asked === 'program' ? null : asked;
  });
  if (ready.peek()) openLinks();
});

/** A camera has come: no need to wait longer. */
effect(() => {
  if (ready.value) openLinks();
});

function openLinks(): void {
  for (const name of new Set<Slot>(['program', ...renditionsOf(wanted.peek() ?? view.peek())])) links[name].start();
}

/** A server that came back does not know the connections of the one before; ICE would take ten seconds to find that out. */
onReturn(control, (returnedMs) => {
  for (const name of ['program', 'plate'] as const) {
    const last = meters[name]?.last;
    const alive = last && last.shownMs > returnedMs;
    if (links[name].status.peek().phase === 'open' && !alive) links[name].restart();
  }
});
