/** One answered ping. */
interface Sample {
  rttMs: number;
  offsetUs: number;
}

const KEEP = 16;

/**
 * The server's monotonic clock as seen from this page: serverUs = performance.now() × 1000 + offset.
 * Of the last samples the one with the shortest round trip counts (Cristian's algorithm): its error is at most half of it.
 */
export class ServerClock {
  #samples: Sample[] = [];

  add(sentMs: number, receivedMs: number, serverUs: number): void {
    const rttMs = receivedMs - sentMs;
    if (rttMs < 0) return;
    this.#samples.push({ rttMs, offsetUs: serverUs - ((sentMs + receivedMs) / 2) * 1000 });
    if (this.#samples.length > KEEP) this.#samples.shift();
  }

  /** Microseconds to add to performance.now() × 1000; null before the first answer. */
  get offsetUs(): number | null {
    return this.#best()?.offsetUs ?? null;
  }

  /** The offset's error is at most half of this; null before the first answer. */
  get rttMs(): number | null {
    return this.#best()?.rttMs ?? null;
  }

  #best(): Sample | null {
    return this.#samples.reduce<Sample | null>((best, s) => (best && best.rttMs <= s.rttMs ? best : s), null);
  }

  /** After a reconnect: the server may be another process with another clock. */
  reset(): void {
    this.#samples = [];
  }
}
