/**
 * From samples to bits: biphase mark (SMPTE ST 12-1 §9). Every bit begins with a change of the level; a one has another in its middle.
 */

/** Slowest and quickest code: 24 frames a second at 0.9 of the speed, 30 at 1.1; 80 bits each. */
const MIN_BITS = 24 * 80 * 0.88;
const MAX_BITS = 30 * 80 * 1.12;
/** Before the speed is known: between the longest half bit (1/3460 s) and the shortest whole (1/2640 s). */
const FIRST_LIMIT_HZ = 3020;
/** Slower than this is hum and offset. */
const HUM_HZ = 150;
/** Quicker than this is noise. */
const NOISE_HZ = 14_000;
const RELEASE_S = 0.03;
/** Of the peak level: a change counts when the signal has gone this far beyond the middle. */
const HYSTERESIS = 0.35;
/** −66 dBFS: below it nothing is heard. */
const SILENCE = 0.0005;
const FOLLOW = 0.06;

export interface BitEvents {
  /** `start`: sample index of the change that began the bit, with its fraction. */
  bit(value: 0 | 1, start: number): void;
  /** Bits before are not followed by the next ones. */
  broken(): void;
}

export class BitReader {
  readonly #rate: number;
  readonly #events: BitEvents;
  readonly #humFactor: number;
  readonly #release: number;
  readonly #window: Float64Array;
  #sum = 0;
  #at = 0;
  #index = 0;
  #middle = 0;
  #peak = 0;
  #high = false;
  #before = 0;
  #crossing = 0;
  #changed = 0;
  /** Samples in a bit; 0 while unknown. */
  #period = 0;
  #half = -1;

  constructor(sampleRate: number, events: BitEvents) {
    this.#rate = sampleRate;
    this.#events = events;
    this.#humFactor = 1 - Math.exp((-2 * Math.PI * HUM_HZ) / sampleRate);
    this.#release = Math.exp(-1 / (RELEASE_S * sampleRate));
    this.#window = new Float64Array(Math.max(1, Math.round(sampleRate / NOISE_HZ)));
  }

  /** Samples in a bit, smoothed; 0 while unknown. */
  get period(): number {
    return this.#period;
  }

  push(samples: Float32Array): void {
    for (const sample of samples) this.#sample(Number.isFinite(sample) ? sample : 0);
  }

  #sample(sample: number): void {
    this.#middle += this.#humFactor * (sample - this.#middle);
    const entering = sample - this.#middle;
    this.#sum += entering - (this.#window[this.#at] as number);
    this.#window[this.#at] = entering;
    this.#at = (this.#at + 1) % this.#window.length;
    // A running sum gathers rounding errors: once a turn it is made anew.
    if (this.#at === 0) this.#sum = this.#window.reduce((sum, value) => sum + value, 0);
    const value = this.#sum / this.#window.length;
    this.#peak = Math.max(Math.abs(value), this.#peak * this.#release);
    this.#follow(value);
    this.#before = value;
    this.#index++;
  }

  #follow(value: number): void {
    if (value >= 0 !== this.#before >= 0) {
      // Where the line between the two samples meets the middle, less the delay of the averaging.
      const fraction = this.#before / (this.#before - value);
      this.#crossing = this.#index - 1 + fraction - (this.#window.length - 1) / 2;
    }
    const limit = Math.max(SILENCE, this.#peak * HYSTERESIS);
    const flips = this.#high ? value < -limit : value > limit;
    if (!flips) return;
    this.#high = !this.#high;
    // Out of silence there was no middle to cross.
    this.#change(this.#crossing > this.#changed ? this.#crossing : this.#index - (this.#window.length - 1) / 2);
  }

  #change(at: number): void {
    const length = at - this.#changed;
    const start = this.#changed;
    this.#changed = at;
    const known = this.#period > 0;
    const whole = known ? this.#period : this.#rate / FIRST_LIMIT_HZ / 0.75;
    const [shortest, longest] = [(0.5 * this.#rate) / MAX_BITS, this.#rate / MIN_BITS];
    if (length < shortest * 0.6 || length > longest * 1.5) {
      this.#lose();
    } else if (length > whole * 0.75) {
      if (this.#half >= 0) this.#lose();
      else this.#tell(0, start, length);
    } else if (this.#half < 0) this.#half = start;
    else {
      const first = this.#half;
      this.#half = -1;
      this.#tell(1, first, at - first);
    }
  }

  #tell(value: 0 | 1, start: number, length: number): void {
    this.#period += this.#period > 0 ? FOLLOW * (length - this.#period) : length;
    const [least, most] = [this.#rate / MAX_BITS, this.#rate / MIN_BITS];
    this.#period = Math.max(least, Math.min(most, this.#period));
    this.#events.bit(value, start);
  }

  #lose(): void {
    this.#half = -1;
    this.#period = 0;
    this.#events.broken();
  }
}
