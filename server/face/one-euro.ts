/**
 * The One-Euro filter (Casiez, Roussel, Vogel, CHI 2012): a low pass whose cutoff rises with speed, so that what stands still does not
 * shimmer and what moves does not lag. Units of a value are free; speeds are per second.
 */
export interface OneEuroOptions {
  /** Cutoff at rest, Hz. */
  minCutoff: number;
  /** Hz of cutoff per unit of speed. */
  beta: number;
  /** Cutoff of the speed estimate, Hz: higher answers faster to a start, lower ignores noise better. */
  speedCutoff: number;
}

/** Share of the new value in a first-order low pass. */
export const smoothing = (cutoffHz: number, seconds: number): number => {
  const r = 2 * Math.PI * cutoffHz * seconds;
  return r / (r + 1);
};

/** Filters vectors of `width` numbers that move together: one speed (the length of the vector's) sets the cutoff for all. */
export class OneEuro {
  readonly #options: OneEuroOptions;
  readonly #width: number;
  readonly #value: Float64Array;
  readonly #speed: Float64Array;
  #started = false;

  /** @param count how many vectors; @param width numbers in each. */
  constructor(count: number, width: number, options: OneEuroOptions) {
    this.#options = options;
    this.#width = width;
    this.#value = new Float64Array(count * width);
    this.#speed = new Float64Array(count * width);
  }

  reset(): void {
    this.#started = false;
    this.#speed.fill(0);
  }

  /** Units per second, as last estimated. */
  get speed(): Float64Array {
    return this.#speed;
  }

  /**
   * Filters `values` in place.
   * @param seconds since the last values; ≤ 0 leaves the filter as it is and gives its last output.
   * @param unit what counts as 1 for the speed, in the values' own unit.
   */
  filter(values: Float64Array, seconds: number, unit = 1): void {
    const { minCutoff, beta, speedCutoff } = this.#options;
    if (!this.#started) {
      this.#value.set(values);
      this.#started = true;
      return;
    }
    if (seconds > 0) {
      const ds = smoothing(speedCutoff, seconds);
      for (let at = 0; at < values.length; at += this.#width) {
        let square = 0;
        for (let k = at; k < at + this.#width; k++) {
          const now = ((values[k] ?? 0) - (this.#value[k] ?? 0)) / seconds;
          const speed = (this.#speed[k] ?? 0) + ds * (now - (this.#speed[k] ?? 0));
          this.#speed[k] = speed;
          square += speed * speed;
        }
        const share = smoothing(minCutoff + (beta * Math.sqrt(square)) / unit, seconds);
        for (let k = at; k < at + this.#width; k++) {
          this.#value[k] = (this.#value[k] ?? 0) + share * ((values[k] ?? 0) - (this.#value[k] ?? 0));
        }
      }
    }
    values.set(this.#value);
  }
}
