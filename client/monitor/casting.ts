import { computed, effect, signal } from '@preact/signals';
import { namedFaces, questionOf } from './cast-words.ts';
import { control, drawerOpen, feed, feedName } from './model.ts';

/** What the page knows of castings beside what the server tells. */

/** How long a performer has to get ready before the neutral face is captured. */
const READY_S = 3;

/** Nothing here is worth showing once the server has stopped telling where faces are. */
const told = computed(() => (control.status.value.phase === 'open' ? feed.value : null));
/** The panel is to be seen: a picture in full screen hides it. */
const fullScreen = signal(false);
addEventListener('fullscreenchange', () => (fullScreen.value = document.fullscreenElement !== null));
export const panelShown = computed(() => drawerOpen.value && !fullScreen.value);
/** Outlines must go with the faces: while they are shown, the server tells more often where those are. */
effect(() => {
  if (control.status.value.phase !== 'open') return;
  control.send({ type: 'follow', feed: panelShown.value ? feedName.value : null });
});
export const faces = computed(() => {
  if (!told.value) return [];
  const followed = panelShown.value ? control.followed.value : null;
  return namedFaces(followed?.feed === told.value.name ? { ...told.value, faces: followed.faces } : told.value);
});

/** An engine mostly knows by itself who has come in, and needs a moment for it: nobody is asked before. */
const ASK_AFTER_MS = 700;
/** Of which face it is asked first, where more than one is. */
const askedOf = signal<number | null>(null);
const asked = computed(() => (told.value ? questionOf(told.value, askedOf.value) : null));
const askedTrack = computed(() => asked.value?.face.track ?? null);
/** The track of which it has been asked for long enough. */
const waited = signal<number | null>(null);
effect(() => {
  const track = askedTrack.value;
  if (track === null || waited.peek() === track) return;
  const timer = setTimeout(() => (waited.value = track), ASK_AFTER_MS);
  return () => clearTimeout(timer);
});
export const question = computed(() => (asked.value?.face.track === waited.value ? asked.value : null));

/** Who is being cast: the face's track, or null for somebody who is not in the picture; undefined while nobody is. */
export const picked = signal<number | null | undefined>(undefined);

/** The casting whose neutral face is about to be captured, and the seconds until then. */
export const countdown = signal<{ casting: string; left: number } | null>(null);
let tick: ReturnType<typeof setInterval> | undefined;

export function stopCountdown(): void {
  clearInterval(tick);
  countdown.value = null;
}

/** Counts down, then captures; a second press calls it off. */
export function captureNeutral(casting: string): void {
  const running = countdown.peek()?.casting === casting;
  stopCountdown();
  if (running) return;
  countdown.value = { casting, left: READY_S };
  tick = setInterval(() => {
    const left = (countdown.peek()?.left ?? 1) - 1;
    if (left > 0) {
      countdown.value = { casting, left };
      return;
    }
    stopCountdown();
    const name = feedName.peek();
    if (name) control.send({ type: 'neutral', feed: name, casting });
  }, 1000);
}

/** A face is tapped. One of which it is asked who it is answers itself when only one performer can be meant; others are cast. */
export function tapFace(track: number): void {
  const face = faces.peek().find((one) => one.track === track);
  if (face?.asked) {
    askedOf.value = track;
    waited.value = track;
  }
  const { names = [] } = question.peek() ?? {};
  if (face?.asked && names.length > 0) {
    if (names.length === 1) bind(names[0]?.id ?? null, track);
    else focusQuestion();
  } else if (face?.casting) {
    drawerOpen.value = true;
    focusOn(`#casting-${face.casting} button:enabled`);
  } else pick(track);
}

/** Once it is there: what is to be focused may only now be drawn. */
function focusOn(selector: string): void {
  requestAnimationFrame(() => document.querySelector<HTMLElement>(selector)?.focus());
}

export const focusQuestion = (): void => focusOn('.question button');

export function pick(track: number | null): void {
  drawerOpen.value = true;
  picked.value = track;
  focusOn('.cast-form input');
}

/** The next face whom nobody is cast for, for those at a keyboard; else somebody who is not in the picture. */
export function pickNext(): void {
  const free = faces.peek().filter(({ casting }) => casting === null);
  const at = free.findIndex(({ track }) => track === picked.peek());
  pick(free[(at + 1) % Math.max(1, free.length)]?.track ?? null);
}

export function bind(casting: string | null, track: number): void {
  const name = feedName.peek();
  if (name) control.send({ type: 'bind', feed: name, casting, track });
}

/** Who has left the picture while their name was being typed can be cast all the same; whom somebody else has cast is cast. */
effect(() => {
  const track = picked.value;
  if (typeof track !== 'number') return;
  const face = faces.value.find((one) => one.track === track);
  if (!face) picked.value = null;
  else if (face.casting) picked.value = undefined;
});
/** Another feed: what was begun is called off. */
effect(() => {
  if (feedName.value === null) return;
  picked.value = undefined;
  stopCountdown();
});
