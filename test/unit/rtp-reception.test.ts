import { expect, test } from 'vitest';
import { ntpMiddleNow } from '../../server/media/rtp/audio-sender.ts';
import { Reception } from '../../server/media/rtp/reception.ts';

const report = (lastSr: number, delaySinceLastSr: number, fractionLost = 0) => ({
  ssrc: 1,
  fractionLost,
  cumulativeLost: 0,
  extendedHighest: 0,
  jitter: 0,
  lastSr,
  delaySinceLastSr,
});

test('RFC 3550’s own example: 6.125 s there and back', () => {
  const reception = new Reception();
  reception.note(report(0xb705_2000, 0x0005_4000), 0xb710_8000);
  expect(reception.roundTripMs).toBe(6125);
});

test('the clock’s middle bits run over', () => {
  const reception = new Reception();
  reception.note(report(0xffff_f000, 0x800), 0x0000_0800);
  expect(reception.roundTripMs).toBe(1000 / 16);
});

test('a report before any of ours tells the loss alone, and nonsense no round trip', () => {
  const reception = new Reception();
  expect([reception.fractionLost, reception.roundTripMs]).toEqual([null, null]);
  reception.note(report(0, 0, 64), 5);
  reception.note(report(0x4000_0000, 0, 64), 0x1000_0000);
  expect([reception.fractionLost, reception.roundTripMs]).toEqual([0.25, null]);
  reception.note(report(1000, 10), 1009);
  expect([reception.fractionLost, reception.roundTripMs]).toEqual([0, 0]);
});

test('the clock’s middle bits advance 65,536 a second', async () => {
  const [before, beganMs] = [ntpMiddleNow(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 50));
  const ticks = (ntpMiddleNow() - before) | 0;
  expect(Math.abs(ticks - ((performance.now() - beganMs) * 65_536) / 1000)).toBeLessThan(400);
});
