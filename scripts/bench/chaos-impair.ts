/**
 * One direction of a bad network: loss, delay, jitter, reordering, a bandwidth cap and a cut. Every decision comes from a seeded
 * sequence that advances the same way for each packet, whatever is switched on, so that a run can be repeated.
 */
export interface Impairment {
  /** Share of packets that vanish, 0–1. */
  loss?: number;
  delayMs?: number;
  /** Added to the delay, uniform from 0; packets keep their order. */
  jitterMs?: number;
  /** Share of packets, 0–1, that are held back by `reorderMs` (default 20) while later ones pass. */
  reorder?: number;
  reorderMs?: number;
  /** Token bucket: this rate, a burst of `burstMs` (default 10) and a queue of `queueMs` (default 100) at that rate; what does not fit vanishes. */
  kbps?: number;
  burstMs?: number;
  queueMs?: number;
  /** Nothing passes, and what was on its way is gone. */
  cut?: boolean;
}

const REORDER_MS = 20;
const BURST_MS = 10;
const QUEUE_MS = 100;

/** mulberry32 (Tommy Ettinger, public domain): uniform in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class ImpairedWay {
  readonly counts = { passed: 0, dropped: 0 };
  readonly #random: () => number;
  #impairment: Impairment = {};
  /** Earliest first. */
  #waiting: { dueMs: number; send: () => void }[] = [];
  #timer: NodeJS.Timeout | null = null;
  #lastDueMs = -Infinity;
  /** When the bucket has sent all that it took. */
  #sentAtMs = -Infinity;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  set(impairment: Impairment): void {
    this.#impairment = impairment;
    this.#sentAtMs = -Infinity;
    if (impairment.cut) this.close();
  }

  /** Calls `send` now, later or never. `bytes` on the wire. */
  pass(bytes: number, send: () => void, nowMs = performance.now()): void {
    const [chance, place, turn] = [this.#random(), this.#random(), this.#random()];
    const { loss = 0, delayMs = 0, jitterMs = 0, reorder = 0, reorderMs = REORDER_MS, cut } = this.#impairment;
    const throughAtMs = cut || chance < loss ? null : this.#throughBucket(bytes, nowMs);
    if (throughAtMs === null) {
      this.counts.dropped++;
      return;
    }
    this.counts.passed++;
    const inOrderMs = Math.max(this.#lastDueMs, throughAtMs + delayMs + place * jitterMs);
    this.#lastDueMs = inOrderMs;
    this.#at(turn < reorder ? inOrderMs + reorderMs : inOrderMs, send, nowMs);
  }

  /** Forgets what is on its way. */
  close(): void {
    this.#waiting = [];
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** When a packet has left the bucket; null where its queue is full. */
  #throughBucket(bytes: number, nowMs: number): number | null {
    const { kbps, burstMs = BURST_MS, queueMs = QUEUE_MS } = this.#impairment;
    if (!kbps) return nowMs;
    const sentAtMs = Math.max(this.#sentAtMs, nowMs - burstMs) + (bytes * 8) / kbps;
    if (sentAtMs - nowMs > queueMs) return null;
    this.#sentAtMs = sentAtMs;
    return Math.max(nowMs, sentAtMs);
  }

  #at(dueMs: number, send: () => void, nowMs: number): void {
    if (dueMs <= nowMs && (this.#waiting[0]?.dueMs ?? Infinity) > dueMs) {
      send();
      return;
    }
    let place = this.#waiting.length;
    while (place > 0 && (this.#waiting[place - 1]?.dueMs ?? 0) > dueMs) place--;
    this.#waiting.splice(place, 0, { dueMs, send });
    if (place === 0) this.#arm(dueMs - nowMs);
  }

  #arm(waitMs: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#due(), Math.max(0, waitMs));
  }

  #due(): void {
    this.#timer = null;
    const nowMs = performance.now();
    while ((this.#waiting[0]?.dueMs ?? Infinity) <= nowMs) this.#waiting.shift()?.send();
    const [next] = this.#waiting;
    if (next) this.#arm(next.dueMs - nowMs);
  }
}
