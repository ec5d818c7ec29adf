import type { CaptureClock } from './clock.ts';
import type { SenderReport } from './rtcp.ts';

/** Reports that put sound further from where its arrival puts it are wrong: no sender holds one stream back so long against the other. */
const MAX_US = 400_000;
/** A report this far from those before it counts only when others say the same. */
const ODD_US = 30_000;
const AGREEING = 3;
/** How fast a correction that has begun moves, µs per packet: a few thousandths, so that release times hardly show it. */
const STEP_US = 500;
const VIDEO_HZ = 90_000;

/**
 * Puts a sender's sound on its picture's timeline: both streams' sender reports name instants of one clock of the sender's (RFC 3550
 * §6.4.1), and the picture's own clock knows when its instants were captured. Reports are advisory: without them, or where they are
 * wild, what counts is the sound's arrival.
 */
export class AudioAlign {
  readonly #video: CaptureClock;
  readonly #audio: CaptureClock;
  #videoReport: SenderReport | null = null;
  #audioReport: SenderReport | null = null;
  #target: number | null = null;
  #correction = 0;
  #begun = false;
  #odd: number[] = [];

  constructor(video: CaptureClock, audio: CaptureClock) {
    this.#video = video;
    this.#audio = audio;
  }

  videoReport(report: SenderReport): void {
    this.#videoReport = report;
    this.#consider();
  }

  audioReport(report: SenderReport): void {
    this.#audioReport = report;
    this.#consider();
  }

  /** Microseconds to add to the capture time that arrival gives; asked once a packet. */
  correctionUs(): number {
    if (this.#target === null) return 0;
    if (!this.#begun) this.#correction = this.#target;
    this.#begun = true;
    const ahead = this.#target - this.#correction;
    this.#correction += Math.max(-STEP_US, Math.min(STEP_US, ahead));
    return this.#correction;
  }

  #consider(): void {
    const seen = this.#difference();
    if (seen === null || !Number.isFinite(seen) || Math.abs(seen) > MAX_US) return;
    if (this.#target === null || Math.abs(seen - this.#target) <= ODD_US) {
      this.#target = seen;
      this.#odd = [];
      return;
    }
    const [first = seen] = this.#odd;
    this.#odd = Math.abs(seen - first) <= ODD_US ? [...this.#odd, seen] : [seen];
    if (this.#odd.length < AGREEING) return;
    this.#target = seen;
    this.#odd = [];
  }

  /** Where the picture's clock puts the instant of the sound's last report, minus where the sound's arrival puts it. */
  #difference(): number | null {
    const [video, audio] = [this.#videoReport, this.#audioReport];
    if (!video || !audio) return null;
    const ticks = Math.round(((audio.ntpUs - video.ntpUs) * VIDEO_HZ) / 1e6);
    if (Math.abs(ticks) > 60 * VIDEO_HZ) return null;
    const byVideo = this.#video.at((video.rtpTs + ticks) >>> 0);
    const byArrival = this.#audio.at(audio.rtpTs);
    if (byVideo === null || byArrival === null) return null;
    return byVideo - byArrival;
  }
}
