import { setTimeout as sleep } from 'node:timers/promises';

/** Timers fire up to a millisecond late; aiming a little early centres the error. */
const EARLY_MS = 0.4;
/** Behind by more than this there is no catching up: the schedule moves. */
const GIVE_UP_MS = 500;

/** Releases moments of a schedule (milliseconds from its start) at their time, without drift. */
export class Pace {
  #startMs = performance.now();
  /** By how much the schedule has moved so far: what is sent is that much later than its own times say. */
  slippedMs = 0;
  /** How late the moments so far were released, worst first looked at by tests. */
  worstLateMs = 0;

  async until(momentMs: number, signal?: AbortSignal): Promise<void> {
    const waitMs = this.#startMs + momentMs - performance.now();
    if (waitMs > EARLY_MS) await sleep(waitMs - EARLY_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
    const lateMs = performance.now() - this.#startMs - momentMs;
    if (lateMs > GIVE_UP_MS) {
      this.#startMs += lateMs;
      this.slippedMs += lateMs;
    } else this.worstLateMs = Math.max(this.worstLateMs, lateMs);
  }
}
