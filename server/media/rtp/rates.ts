const WINDOW_MS = 1000;

/** Bits and frames per second over the last second. */
export class Rates {
  #atMs: number[] = [];
  #bytes: number[] = [];
  #sum = 0;
  #frames: number[] = [];

  bytes(count: number, nowMs: number): void {
    // Packets of one millisecond share an entry, so that the list stays short at any bit rate.
    const last = this.#atMs.length - 1;
    if (last >= 0 && nowMs - (this.#atMs[last] as number) < 1)
      this.#bytes[last] = (this.#bytes[last] as number) + count;
    else {
      this.#atMs.push(nowMs);
      this.#bytes.push(count);
    }
    this.#sum += count;
    this.#forget(nowMs);
  }

  frame(nowMs: number): void {
    this.#frames.push(nowMs);
    this.#forget(nowMs);
  }

  perSecond(nowMs: number): { bitrate: number; fps: number } {
    this.#forget(nowMs);
    return { bitrate: this.#sum * 8, fps: this.#frames.length };
  }

  #forget(nowMs: number): void {
    const from = nowMs - WINDOW_MS;
    while (this.#atMs.length > 0 && (this.#atMs[0] as number) < from) {
      this.#atMs.shift();
      this.#sum -= this.#bytes.shift() as number;
    }
    while (this.#frames.length > 0 && (this.#frames[0] as number) < from) this.#frames.shift();
  }
}
