import { type ReadonlySignal, signal } from '@preact/signals';

/** performance.now() of the last half second: what numbers and countdowns on the page are read at. */
const ticking = signal(performance.now());
setInterval(() => {
  ticking.value = performance.now();
}, 500);

export const now: ReadonlySignal<number> = ticking;

export function secondsUntil(ms: number): number {
  return Math.max(0, Math.ceil((ms - now.value) / 1000));
}
