import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LtcDecoder, type LtcFrame } from '../../server/wire/ltc.ts';
import {
  countsTo,
  type FrameRate,
  fromFrames,
  laterBy,
  type Timecode,
  timecodeText,
  toFrames,
} from '../../server/wire/timecode.ts';
import { type LtcOptions, ltcSound } from '../fixtures/ltc.ts';

const RATES: Record<string, FrameRate & { drop: boolean }> = {
  '24': { num: 24, den: 1, drop: false },
  '23.976': { num: 24_000, den: 1001, drop: false },
  '25': { num: 25, den: 1, drop: false },
  '29.97 drop-frame': { num: 30_000, den: 1001, drop: true },
  '29.97': { num: 30_000, den: 1001, drop: false },
  '30': { num: 30, den: 1, drop: false },
};

const at = (text: string, drop = false): Timecode => {
  const [hours = 0, minutes = 0, seconds = 0, frames = 0] = text.split(/[:;]/).map(Number);
  return { hours, minutes, seconds, frames, drop };
};

/** Decodes in uneven pieces, as sound comes. */
function decode(samples: Float32Array, sampleRate = 48_000): LtcFrame[] {
  const told: LtcFrame[] = [];
  const decoder = new LtcDecoder(sampleRate, (frame) => told.push(frame));
  for (let from = 0, size = 1; from < samples.length; from += size, size = (size * 7 + 3) % 1000)
    decoder.push(samples.subarray(from, from + size));
  return told;
}

/** All frames but the first are told: the first has none before it that fits. */
function expectAll(options: LtcOptions): LtcFrame[] {
  const { samples, codes, starts } = ltcSound(options);
  const told = decode(samples, options.sampleRate);
  expect(told.map(timecodeText)).toEqual(codes.slice(1).map(timecodeText));
  for (const [i, { sample }] of told.entries()) expect(Math.abs(sample - (starts[i + 1] ?? 0))).toBeLessThan(3);
  return told;
}

describe.each(Object.entries(RATES))('LTC at %s', (_, { num, den, drop }) => {
  const rate = { num, den };

  test('across minutes, tens of minutes and midnight', () => {
    for (const start of ['00:00:58:00', '00:08:58:10', '00:09:59:00', '11:59:59:00', '23:59:58:20']) {
      const told = expectAll({ start: at(start, drop), rate, frames: 75 });
      expect(told.at(-1)?.rate).toEqual(rate);
      expect(told.every((frame) => frame.drop === drop)).toBe(true);
    }
  });

  test.each([44_100, 48_000, 88_200, 96_000])('at %i Hz, quick and slow', (sampleRate) => {
    for (const speed of [0.9, 0.97, 1.1]) {
      const told = expectAll({ start: at('01:00:59:00', drop), rate, frames: 70, sampleRate, speed });
      // Once a second has turned, what it counts to is known, whatever the speed.
      expect(countsTo(told.at(-1)?.rate ?? { num: 0, den: 1 })).toBe(countsTo(rate));
    }
  });
});

describe('LTC as it is found', () => {
  const base: LtcOptions = { start: at('10:20:30:00'), rate: { num: 25, den: 1 }, frames: 60 };

  test('very low, very loud, with an offset, and after silence', () => {
    expectAll({ ...base, level: 0.003 });
    expectAll({ ...base, level: 1 });
    expectAll({ ...base, level: 0.2, offset: 0.3, lead: 0.5 });
  });

  test('under noise 15 dB below it nothing is missing, and nothing wrong', () => {
    expectAll({ ...base, noise: 0.15 });
  });

  test('under noise as loud as itself nothing wrong is told', () => {
    const { samples, codes } = ltcSound({ ...base, frames: 400, noise: 0.6 });
    const right = new Set(codes.map(timecodeText));
    for (const frame of decode(samples)) expect(right).toContain(timecodeText(frame));
  });

  test('backwards', () => {
    const told = expectAll({ ...base, start: at('00:01:00:05'), frames: 40, reverse: true });
    expect(told.every(({ reverse }) => reverse)).toBe(true);
    expectAll({ start: at('00:01:00;10', true), rate: { num: 30_000, den: 1001 }, frames: 40, reverse: true });
  });

  test('with user bits', () => {
    const userBits = [1, 2, 3, 4, 15, 0, 9, 8];
    for (const frame of expectAll({ ...base, userBits })) expect(frame.userBits).toEqual(userBits);
  });

  test('a jump is followed from its third frame at the latest', () => {
    const one = ltcSound(base);
    const two = ltcSound({ ...base, start: at('20:00:00:00') });
    const both = new Float32Array(one.samples.length + two.samples.length);
    both.set(one.samples);
    both.set(two.samples, one.samples.length);
    const told = decode(both).map(timecodeText);
    expect(told).toContain('20:00:00:02');
    expect(told.length).toBeGreaterThanOrEqual(117);
  });

  test('speech-like noise, tones and nonsense are no timecode', () => {
    const noise = ltcSound({ ...base, level: 0, noise: 0.8 }).samples;
    expect(decode(noise)).toEqual([]);
    expect(decode(Float32Array.from({ length: 96_000 }, (_, i) => Math.sin(i / 4)))).toEqual([]);
    expect(decode(new Float32Array(48_000).fill(Number.NaN))).toEqual([]);
  });
});

describe('timecodes as numbers', () => {
  test('drop-frame leaves out ;00 and ;01 but at every tenth minute, and keeps up with the clock', () => {
    expect(timecodeText(fromFrames(1799, 30, true))).toBe('00:00:59;29');
    expect(timecodeText(fromFrames(1800, 30, true))).toBe('00:01:00;02');
    expect(timecodeText(fromFrames(17_982, 30, true))).toBe('00:10:00;00');
    expect(timecodeText(fromFrames(107_892, 30, true))).toBe('01:00:00;00');
  });

  test('there and back', () => {
    fc.assert(
      fc.property(fc.constantFrom(24, 25, 30), fc.boolean(), fc.nat(2_589_407), (base, drop, count) => {
        const dropped = drop && base === 30;
        const day = dropped ? 2_589_408 : 86_400 * base;
        expect(toFrames(fromFrames(count % day, base, dropped), base)).toBe(count % day);
      }),
    );
  });

  test('later and earlier', () => {
    expect(timecodeText(laterBy(at('23:59:59:24'), { num: 25, den: 1 }, 40))).toBe('00:00:00:00');
    expect(timecodeText(laterBy(at('00:00:00:00'), { num: 24, den: 1 }, -1))).toBe('23:59:59:23');
  });
});
