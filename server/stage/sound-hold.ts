import type { CodedAudio, CodedFrame } from '../frame/coded.ts';
import type { RenditionOut } from '../media/port.ts';
import { monotonicUs } from '../media/rtp/clock.ts';

/** Sound is never held longer: beyond it a picture is not late but lost. */
export const MAX_HOLD_US = 1_000_000;
/** A second of the shortest Opus packets (2.5 ms) and some more: a sender of more than that is not sending sound. */
const MAX_HELD = 600;
const WINDOW = 9;
/** A third of a second at 30 pictures a second until a change is followed. */
const FOLLOW = 0.1;
const MEDIAN_FROM = 3;
/** Timers fire late, never early: what is due within this goes with what is due now. */
const EARLY_US = 700;

/** How long pictures take from capture to leaving, microseconds: a median against single late ones, smoothed against its own steps. */
export class PictureDelay {
  #recent: number[] = [];
  #us: number | null = null;

  /** Null before the first pictures. */
  get us(): number | null {
    return this.#us;
  }

  passed(captureUs: number, nowUs: number): void {
    const delay = Math.max(0, Math.min(MAX_HOLD_US, nowUs - captureUs));
    this.#recent.push(delay);
    if (this.#recent.length > WINDOW) this.#recent.shift();
    const sorted = [...this.#recent].sort((a, b) => a - b);
    const middle = sorted[sorted.length >> 1] as number;
    // The first pictures of a connection wait for each other: they say little.
    const settled = this.#us !== null && this.#recent.length > MEDIAN_FROM;
    this.#us = settled ? (this.#us as number) + FOLLOW * (middle - (this.#us as number)) : middle;
  }
}

/**
 * Holds sound back until the picture of its time leaves. Nothing is left out or said twice when the delay wanders: packets leave in
 * order, sooner or later. Owns its timer.
 */
export class SoundHold {
  readonly #delay: PictureDelay;
  readonly #release: (audio: CodedAudio) => void;
  readonly #nowUs: () => number;
  #held: CodedAudio[] = [];
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  /** Packets left out because too many were held. */
  dropped = 0;

  constructor(delay: PictureDelay, release: (audio: CodedAudio) => void, nowUs: () => number) {
    this.#delay = delay;
    this.#release = release;
    this.#nowUs = nowUs;
  }

  get held(): number {
    return this.#held.length;
  }

  push(audio: CodedAudio): void {
    if (this.#closed) return;
    if (this.#held.length >= MAX_HELD) {
      this.dropped++;
      return;
    }
    this.#held.push(audio);
    this.#run();
  }

  clear(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#held = [];
  }

  close(): void {
    this.#closed = true;
    this.clear();
  }

  #run(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const nowUs = this.#nowUs();
    for (let next = this.#held[0]; next; next = this.#held[0]) {
      const waitUs = Math.min(MAX_HOLD_US, next.captureUs + (this.#delay.us ?? 0) - nowUs);
      if (waitUs > EARLY_US) {
        this.#timer = setTimeout(() => this.#run(), waitUs / 1000);
        return;
      }
      this.#held.shift();
      this.#release(next);
    }
  }
}

/** A rendition's sound: packets leave when its pictures of their time leave. */
export class SoundOut {
  readonly #out: RenditionOut;
  readonly #delay = new PictureDelay();
  readonly #hold: SoundHold;

  constructor(out: RenditionOut) {
    this.#out = out;
    this.#hold = new SoundHold(this.#delay, (audio) => out.sendSound?.(audio), monotonicUs);
  }

  /** How long the rendition's pictures take from capture to leaving, microseconds; null before the first. */
  get delayUs(): number | null {
    return this.#delay.us;
  }

  /** A picture has just gone out. */
  passed(frame: CodedFrame): void {
    this.#delay.passed(frame.captureUs, monotonicUs());
  }

  /** Before the first picture there is nothing to be in step with. */
  push(audio: CodedAudio): void {
    if (this.#out.viewers > 0 && this.#delay.us !== null) this.#hold.push(audio);
  }

  clear(): void {
    this.#hold.clear();
  }

  close(): void {
    this.#hold.close();
  }
}
