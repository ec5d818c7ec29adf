import { computed, effect, signal } from '@preact/signals';
import { now } from '../shared/now.ts';
import type { SlateWords } from '../shared/parts/Slate.tsx';
import { again, feedSlate, feedWarning, linkSlate, noPictureSlate } from '../shared/words.ts';
import { control, feed, feedName, hasPicture, links, meters, view } from './model.ts';

/** Quietly gone after this: the amber badge in the bar stays. */
const FOLD_AFTER_MS = 12_000;
const LOST_AFTER_MS = 1_500;
const SLOW_OPENING_S = 4;

/** The rendition whose frames tell whether the picture is alive. */
export const leading = computed(() => (view.value === 'plate' ? 'plate' : 'program'));

/** Seconds since the last new picture, once that is worth saying. */
export const lostSeconds = computed<number | null>(() => {
  const nowMs = now.value;
  const has = hasPicture[leading.value].value;
  const last = meters[leading.value]?.last;
  if (!last || !has) return null;
  const ms = nowMs - last.shownMs;
  return ms > LOST_AFTER_MS ? Math.floor(ms / 1000) : null;
});

/** Since when the leading rendition's connection has been open. */
const openSinceMs = signal(0);
effect(() => {
  if (links[leading.value].status.value.phase === 'open') openSinceMs.value = performance.now();
});

/** The text at the picture's place; null when there is a picture. */
export const slate = computed<SlateWords | null>(() => {
  if (control.status.value.phase === 'refused') return linkSlate(control.status.value);
  const status = links[leading.value].status.value;
  if (status.phase === 'open' && hasPicture[leading.value].value) return null;
  const known = feed.value;
  if (known && known.state !== 'live') return feedSlate(known, feedName.value);
  const wait = linkSlate(status);
  if (wait) return wait;
  if (control.status.value.phase === 'waiting') return linkSlate(control.status.value);
  if (control.status.value.phase === 'opening')
    return { title: 'Looking for the server', text: 'The feeds come in a moment.' };
  const waited = status.phase === 'open' ? Math.floor((now.value - openSinceMs.value) / 1000) : 0;
  return waited < SLOW_OPENING_S ? feedSlate(known, feedName.value) : noPictureSlate(waited);
});

const words = computed<string | null>(() => {
  const status = control.status.value;
  if (status.phase === 'refused') return null;
  if (status.phase === 'waiting') return `${status.sentence} ${again(status)}`;
  if (control.refused.value) return control.refused.value;
  if (slate.value || !feed.value) return null;
  return feedWarning(feed.value, lostSeconds.value);
});

/** The same trouble, whatever its counting numbers say. */
const kind = computed(() => words.value?.replace(/\d+/g, '#') ?? null);
const shownSinceMs = signal(0);
const foldedByHand = signal(false);

/** New trouble is shown large again. */
effect(() => {
  if (kind.value !== null) unfoldWarning();
});

export interface Trouble {
  text: string;
  folded: boolean;
}

export const trouble = computed<Trouble | null>(() => {
  const text = words.value;
  if (text === null) return null;
  // A warning over a dead picture hides nothing; over a living one it steps aside.
  const old = lostSeconds.value === null && now.value - shownSinceMs.value > FOLD_AFTER_MS;
  return { text, folded: foldedByHand.value || old };
});

export function foldWarning(): void {
  foldedByHand.value = true;
}

export function unfoldWarning(): void {
  foldedByHand.value = false;
  shownSinceMs.value = performance.now();
}
