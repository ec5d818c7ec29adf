import { Problem } from '../config/problem.ts';
import type { ClientMessage, FeedInfo } from '../wire/messages.ts';
import { laterBy } from '../wire/timecode.ts';

export type TimecodeHeard = Omit<Extract<ClientMessage, { type: 'timecode' }>, 'type' | 'feed'>;

/** Without a timecode for this long it is only counted on. */
const STALE_US = 1_000_000;
/** A capture time further from now than this is of another clock. */
const FAR_US = 10_000_000;

/** The timecode that was heard at a feed's camera, counted on between and after. */
export class FeedTimecode {
  #heard: TimecodeHeard | null = null;

  /** Throws `Problem` bad_request where the capture time cannot be right. */
  hear(heard: TimecodeHeard, nowUs: number): void {
    if (Math.abs(heard.captureUs - nowUs) > FAR_US)
      throw new Problem('bad_request', 'A timecode’s captureUs is on the server’s clock: see the message "clock".');
    this.#heard = heard;
  }

  clear(): void {
    this.#heard = null;
  }

  /** At this moment. */
  info(nowUs: number): FeedInfo['timecode'] {
    const heard = this.#heard;
    if (!heard) return null;
    const { rate, userBits } = heard;
    const ms = (nowUs - heard.captureUs) / 1000;
    return { code: laterBy(heard.code, rate, ms), rate, userBits, captureUs: nowUs, stale: ms * 1000 > STALE_US };
  }
}
