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
