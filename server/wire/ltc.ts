import { BitReader } from './ltc-bits.ts';
import { type FrameRate, fromFrames, type Timecode, toFrames } from './timecode.ts';

/** Linear timecode (SMPTE ST 12-1): sound → timecodes. Pure; runs in the page's audio thread and on the command line. */

const BITS = 80;
/** Bits 64–79 as they are sent: never found in a frame's own bits. */
const SYNC = [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1];
const SYNC_FORWARD = Number.parseInt(SYNC.join(''), 2);
const SYNC_BACKWARD = Number.parseInt([...SYNC].reverse().join(''), 2);
/** Frames over which the speed is taken. */
const SPEED_FRAMES = 30;
/** Beside 1: how far a measured rate may lie from one over 1.001 to be taken for it. */
const PULLED = 1000 / 1001;
const PULL_MARGIN = 0.0004;
const BASES = [24, 25, 30] as const;

export interface LtcFrame extends Timecode {
  /** Frames a second as the code counts; measured speed alone would mistake 25 at 0.96 of its speed for 24. */
  rate: FrameRate;
  /** The eight binary groups, first to last, four bits each. */
  userBits: number[];
  /** Sample index (from the first sample ever pushed) at which the frame's first bit began; with a fraction. */
  sample: number;
  /** The tape runs backwards: the next timecode is one less. */
  reverse: boolean;
}

/** Decodes one channel. A timecode is told when the one before it fits: a wrong bit says nothing. */
export class LtcDecoder {
  readonly #sampleRate: number;
  readonly #told: (frame: LtcFrame) => void;
  readonly #reader: BitReader;
  readonly #bits = new Uint8Array(BITS);
  readonly #starts = new Float64Array(BITS);
  #count = 0;
  #last16 = 0;
  #backwardAt = -1;
  #before: { code: Timecode; reverse: boolean } | null = null;
  /** Starts of the last frames, for the speed. */
  #frameStarts: number[] = [];
  /** What the code was seen to count to; null before the first second is over. */
  #base: (typeof BASES)[number] | null = null;

  /** @param sampleRate 44 100 to 96 000 */
  constructor(sampleRate: number, told: (frame: LtcFrame) => void) {
    this.#sampleRate = sampleRate;
    this.#told = told;
    this.#reader = new BitReader(sampleRate, {
      bit: (value, start) => this.#bit(value, start),
      broken: () => this.#broken(),
    });
  }

  /** Samples of any number, −1 … 1, following those before. */
  push(samples: Float32Array): void {
    this.#reader.push(samples);
  }

  #broken(): void {
    this.#count = 0;
    this.#last16 = 0;
    this.#backwardAt = -1;
  }

  #bit(value: 0 | 1, start: number): void {
    const at = this.#count % BITS;
    this.#bits[at] = value;
    this.#starts[at] = start;
    this.#count++;
    this.#last16 = ((this.#last16 << 1) | value) & 0xffff;
    if (this.#count >= BITS && this.#last16 === SYNC_FORWARD) this.#frame(false);
    // Backwards the sync word comes first, last bit ahead: the frame is whole 64 bits later.
    if (this.#count === this.#backwardAt) this.#frame(true);
    if (this.#count >= SYNC.length && this.#last16 === SYNC_BACKWARD)
      this.#backwardAt = this.#count + BITS - SYNC.length;
  }

  #frame(reverse: boolean): void {
    const first = this.#count % BITS;
    const bit = (n: number): number => this.#bits[(first + (reverse ? BITS - 1 - n : n)) % BITS] as number;
    const number = (from: number, width: number): number => {
      let value = 0;
      for (let i = 0; i < width; i++) value |= bit(from + i) << i;
      return value;
    };
    const digits = (units: number, tens: number, width: number): number =>
      number(units, 4) > 9 ? 99 : number(tens, width) * 10 + number(units, 4);
    const code: Timecode = {
      frames: digits(0, 8, 2),
      seconds: digits(16, 24, 3),
      minutes: digits(32, 40, 3),
      hours: digits(48, 56, 2),
      drop: bit(10) === 1,
    };
    const start = this.#starts[first] as number;
    const userBits = [4, 12, 20, 28, 36, 44, 52, 60].map((from) => number(from, 4));
    this.#consider(code, userBits, start, reverse);
  }

  #consider(code: Timecode, userBits: number[], sample: number, reverse: boolean): void {
    const { hours, minutes, seconds, frames, drop } = code;
    if (hours > 23 || minutes > 59 || seconds > 59 || frames > 29) return;
    // A number that drop-frame code leaves out is a wrong bit.
    if (drop && frames < 2 && seconds === 0 && minutes % 10 !== 0) return;
    const before = this.#before;
    this.#before = { code, reverse };
    const base = before && before.reverse === reverse ? this.#follows(before.code, code, reverse) : null;
    if (base === null) {
      this.#frameStarts = [sample];
      this.#base = null;
      return;
    }
    if (base !== 0) this.#base = base;
    this.#frameStarts.push(sample);
    if (this.#frameStarts.length > SPEED_FRAMES + 1) this.#frameStarts.shift();
    this.#told({ ...code, rate: this.#rate(drop), userBits, sample, reverse });
  }

  /** Whether one code is the next of the other: null no; 0 yes; or what it is seen to count to, at the turn of a second. */
  #follows(before: Timecode, code: Timecode, reverse: boolean): (typeof BASES)[number] | 0 | null {
    const [from, to] = reverse ? [code, before] : [before, code];
    if (from.drop !== to.drop) return null;
    const sameSecond = from.hours === to.hours && from.minutes === to.minutes && from.seconds === to.seconds;
    if (sameSecond) return to.frames === from.frames + 1 ? 0 : null;
    for (const base of BASES) {
      if (from.frames !== base - 1 || (from.drop && base !== 30)) continue;
      const next = fromFrames(toFrames(from, base) + 1, base, from.drop);
      const same = next.hours === to.hours && next.minutes === to.minutes && next.seconds === to.seconds;
      if (same && next.frames === to.frames) return base;
    }
    return null;
  }

  #rate(drop: boolean): FrameRate {
    if (drop) return { num: 30_000, den: 1001 };
    const [first = 0] = this.#frameStarts;
    const last = this.#frameStarts.at(-1) ?? first;
    const measured = ((this.#frameStarts.length - 1) * this.#sampleRate) / Math.max(1, last - first);
    const nearest = BASES.reduce((best, base) => (Math.abs(base - measured) < Math.abs(best - measured) ? base : best));
    const base = this.#base ?? nearest;
    const pulled = Math.abs(measured / base - PULLED) < PULL_MARGIN && this.#frameStarts.length > SPEED_FRAMES / 2;
    return pulled && base !== 25 ? { num: base * 1000, den: 1001 } : { num: base, den: 1 };
  }
}
