import { VIDEO_CLOCK } from '../frame/coded.ts';

/** Half a second of a usual camera: a change of its rate shows soon, a lost picture does not. */
const REMEMBERED = 15;

/**
 * Pictures a second that a camera means, by its own timestamps. How many came in the last second tells something else: what a network held
 * back comes all at once, and 30 a second look like 60.
 */
export class PictureRate {
  #last: number | null = null;
  #gaps: number[] = [];

  /** Takes a picture's RTP timestamp, ticks of VIDEO_CLOCK modulo 2³². */
  add(rtpTs: number): void {
    const gap = this.#last === null ? 0 : (rtpTs - this.#last) | 0;
    this.#last = rtpTs;
    if (gap <= 0) return;
    this.#gaps.push(gap);
    if (this.#gaps.length > REMEMBERED) this.#gaps.shift();
  }

  /** By the median gap; null until two pictures have come. */
  get perSecond(): number | null {
    if (this.#gaps.length === 0) return null;
    const sorted = this.#gaps.toSorted((a, b) => a - b);
    return VIDEO_CLOCK / sorted[sorted.length >> 1]!;
  }
}
