/** Key frames are dear: no more than one request in this time. */
export const KEY_INTERVAL_MS = 300;

/**
 * Lets one request through per interval; one that comes too soon is kept and made when the interval ends, unless a key
 * frame arrives before (`satisfied`).
 */
export class KeyPacer {
  readonly #send: () => void;
  readonly #intervalMs: number;
  #sentMs = -Infinity;
  #timer: NodeJS.Timeout | null = null;
  sent = 0;

  constructor(send: () => void, intervalMs = KEY_INTERVAL_MS) {
    this.#send = send;
    this.#intervalMs = intervalMs;
  }

  request(): void {
    if (this.#timer) return;
    const waitMs = this.#sentMs + this.#intervalMs - performance.now();
    if (waitMs <= 0) this.#fire();
    else {
      this.#timer = setTimeout(() => this.#fire(), waitMs);
      this.#timer.unref();
    }
  }

  /** A key frame came: whoever asked before it has what they need. */
  satisfied(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  close(): void {
    this.satisfied();
  }

  #fire(): void {
    this.#timer = null;
    this.#sentMs = performance.now();
    this.sent++;
    this.#send();
  }
}

/** Key requests a viewer may make at once. */
const BURST = 4;
/** After them one in this time, twice as long after each that did not help … */
const FIRST_REFILL_MS = 2000;
/** … up to this: at 30 frames a second one frame in 240, so that the others' 99th percentile does not feel it. */
const LONGEST_REFILL_MS = 8000;
/** A viewer that needed no key frame for this long is well again. */
const WELL_MS = 10_000;

/**
 * One viewer's share of the key frames that everybody gets: a few at once for a stumble, then rarer and rarer, because a link that
 * lost its picture again after each is too weak for the rendition and the next will not help it. Times are of any monotonic clock.
 */
export class KeyAllowance {
  #left = BURST;
  #refillMs = FIRST_REFILL_MS;
  #sinceMs = -Infinity;
  #askedMs = -Infinity;

  /** Whether a request may go on. Refused ones count as asked: a viewer that keeps asking is not well. */
  take(nowMs: number): boolean {
    if (nowMs - this.#askedMs > WELL_MS) {
      this.#left = BURST;
      this.#refillMs = FIRST_REFILL_MS;
    }
    this.#askedMs = nowMs;
    if (this.#left > 0) {
      this.#left--;
      this.#sinceMs = nowMs;
      return true;
    }
    if (nowMs - this.#sinceMs < this.#refillMs) return false;
    this.#sinceMs = nowMs;
    this.#refillMs = Math.min(2 * this.#refillMs, LONGEST_REFILL_MS);
    return true;
  }
}
