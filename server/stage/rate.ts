/** Events per second over the last second or so. */
export class Rate {
  readonly #nowMs: () => number;
  #times: number[] = [];

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  tick(): void {
    this.#times.push(this.#nowMs());
    if (this.#times.length > 512) this.#trim();
  }

  perSecond(): number {
    this.#trim();
    return this.#times.length;
  }

  #trim(): void {
    const from = this.#nowMs() - 1000;
    const first = this.#times.findIndex((time) => time > from);
    this.#times = first < 0 ? [] : this.#times.slice(first);
  }
}
