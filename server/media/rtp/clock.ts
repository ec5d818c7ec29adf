import { tsDistance } from './packet.ts';

/** The server's monotonic clock, microseconds: the same in all its processes. */
export const monotonicUs = (): number => Number(process.hrtime.bigint() / 1000n);

/** RTP's video clock (RFC 3551). */
const VIDEO_HZ = 90_000;
const BUCKETS = 10;
const BUCKET_US = 1_000_000;
/** How fast the estimate may follow a camera whose clock runs slow: far above any crystal's error (≤ 100 ppm). */
const MAX_RISE_PER_US = 500e-6;
/** A whole window later than the estimate by this much: the camera's clock was set back, or its path changed for good. */
const STEP_US = 60_000;
/** The stream's time leapt against ours: a new source, not delay. */
const LEAP_US = 5_000_000;

/**
 * RTP time → monotonic clock. arrival = capture + delay, and delay has a floor; the smallest (arrival − RTP time) of the
 * last ten seconds is therefore the clocks' offset plus the path's constant part. Down it follows at once, up slowly, so
 * that congestion does not move capture times; only what lasts the whole ten seconds does.
 */
export class CaptureClock {
  readonly #usPerTick: number;
  #lastTs = -1;
  #ticks = 0;
  #buckets: number[] = [];
  #bucketStartUs = 0;
  #offsetUs = Infinity;
  #lastArrivalUs = 0;
  #lastCaptureUs = -Infinity;

  /** `hz`: ticks of the stream's RTP clock in a second. */
  constructor(hz = VIDEO_HZ) {
    this.#usPerTick = 1e6 / hz;
  }

  /** Capture time of an RTP time near the last one; null before the first. Observes nothing. */
  at(rtpTs: number): number | null {
    if (this.#lastTs < 0) return null;
    return (this.#ticks + tsDistance(rtpTs, this.#lastTs)) * this.#usPerTick + this.#offsetUs;
  }

  /** `rtpTs` in ticks, 32 bits; `arrivalUs` when the frame was complete. Strictly increasing for later frames. */
  captureUs(rtpTs: number, arrivalUs: number): number {
    const step = this.#lastTs < 0 ? 0 : tsDistance(rtpTs, this.#lastTs);
    this.#ticks += step;
    this.#lastTs = rtpTs;
    const seen = arrivalUs - this.#ticks * this.#usPerTick;
    if (Math.abs(seen - this.#offsetUs) > LEAP_US) this.#reset(seen, arrivalUs);
    this.#observe(seen, arrivalUs);
    const floor = Math.min(...this.#buckets);
    const highest = this.#offsetUs + (arrivalUs - this.#lastArrivalUs) * MAX_RISE_PER_US;
    const stepped = this.#buckets.length === BUCKETS && floor - this.#offsetUs > STEP_US;
    this.#offsetUs = stepped ? floor : Math.min(floor, highest);
    this.#lastArrivalUs = arrivalUs;
    const capture = Math.round(this.#ticks * this.#usPerTick + this.#offsetUs);
    this.#lastCaptureUs = step <= 0 ? capture : Math.max(capture, this.#lastCaptureUs + 1);
    return this.#lastCaptureUs;
  }

  #reset(seen: number, arrivalUs: number): void {
    this.#buckets = [seen];
    this.#bucketStartUs = arrivalUs;
    this.#offsetUs = seen;
    this.#lastArrivalUs = arrivalUs;
  }

  #observe(seen: number, arrivalUs: number): void {
    if (arrivalUs - this.#bucketStartUs >= BUCKET_US) {
      this.#buckets.push(seen);
      this.#bucketStartUs = arrivalUs;
      if (this.#buckets.length > BUCKETS) this.#buckets.shift();
      return;
    }
    const last = this.#buckets.length - 1;
    this.#buckets[last] = Math.min(this.#buckets[last] ?? Infinity, seen);
  }
}
