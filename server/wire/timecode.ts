import { z } from 'zod';

/** Time and control code (SMPTE ST 12-1). Pure: used by the server, its pages and its command line. */

export const timecode = z.object({
  hours: z.number().int().min(0).max(23),
  minutes: z.number().int().min(0).max(59),
  seconds: z.number().int().min(0).max(59),
  frames: z.number().int().min(0).max(29),
  /** Drop-frame: numbers 0 and 1 are left out at each minute but every tenth, so that 29.97 frames a second keep up with the clock. */
  drop: z.boolean(),
});
export type Timecode = z.infer<typeof timecode>;

/** Frames a second, a rational: 24, 25, 30, or those over 1.001. */
export const frameRate = z.object({ num: z.number().int().min(1).max(60_000), den: z.number().int().min(1).max(1001) });
export type FrameRate = z.infer<typeof frameRate>;

/** What a timecode counts to before a second is over: 24, 25 or 30. */
export const countsTo = ({ num, den }: FrameRate): number => Math.round(num / den);

const DROPPED = 2;
const MINUTES = 60 * 24;

/** Frames since midnight. `base`: 24, 25 or 30. */
export function toFrames({ hours, minutes, seconds, frames, drop }: Timecode, base: number): number {
  const whole = hours * 60 + minutes;
  const left = drop ? DROPPED * (whole - Math.floor(whole / 10)) : 0;
  return (whole * 60 + seconds) * base + frames - left;
}

/** The timecode of a frame since midnight; wraps at 24 hours. */
export function fromFrames(count: number, base: number, drop: boolean): Timecode {
  const day = MINUTES * 60 * base - (drop ? DROPPED * (MINUTES - MINUTES / 10) : 0);
  let number = ((Math.floor(count) % day) + day) % day;
  if (drop) {
    const ten = 600 * base - 9 * DROPPED;
    const minute = 60 * base - DROPPED;
    const rest = number % ten;
    // The first minute of ten drops nothing: it is two frames longer.
    const minutes = rest < 60 * base ? 0 : Math.floor((rest - DROPPED) / minute);
    number += DROPPED * (9 * Math.floor(number / ten) + minutes);
  }
  const total = Math.floor(number / base);
  return {
    hours: Math.floor(total / 3600),
    minutes: Math.floor(total / 60) % 60,
    seconds: total % 60,
    frames: number % base,
    drop,
  };
}

/** `ms` later (or earlier) at this rate. */
export function laterBy(from: Timecode, rate: FrameRate, ms: number): Timecode {
  const base = countsTo(rate);
  return fromFrames(toFrames(from, base) + Math.floor((ms * rate.num) / (1000 * rate.den) + 1e-6), base, from.drop);
}

const two = (value: number): string => String(value).padStart(2, '0');

/** HH:MM:SS:FF, with a semicolon before the frames of drop-frame code. */
export const timecodeText = ({ hours, minutes, seconds, frames, drop }: Timecode): string =>
  `${two(hours)}:${two(minutes)}:${two(seconds)}${drop ? ';' : ':'}${two(frames)}`;
