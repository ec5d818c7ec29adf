import { describe, expect, it } from 'vitest';
import { KeyAllowance } from '../../server/media/rtp/pacer.ts';

/** Times at which a viewer that asks every 300 ms from `fromMs` gets its way. */
function granted(allowance: KeyAllowance, fromMs: number, seconds: number): number[] {
  const times: number[] = [];
  for (let atMs = fromMs; atMs < fromMs + seconds * 1000; atMs += 300)
    if (allowance.take(atMs)) times.push(atMs - fromMs);
  return times;
}

describe('a viewer’s share of key frames', () => {
  it('is quick for a stumble', () => {
    expect(granted(new KeyAllowance(), 5000, 1.2)).toEqual([0, 300, 600, 900]);
  });

  it('of one that keeps asking stays under one frame in a hundred at 30 frames a second, and never ends', () => {
    const times = granted(new KeyAllowance(), 0, 120);
    expect(times.filter((atMs) => atMs < 30_000).length).toBeLessThan(9);
    const later = times.filter((atMs) => atMs > 20_000);
    for (const [index, atMs] of later.entries()) {
      const gapMs = atMs - (later[index - 1] ?? atMs - 8000);
      expect(gapMs).toBeGreaterThanOrEqual(8000);
      expect(gapMs).toBeLessThan(8400);
    }
    expect(later.length).toBeGreaterThan(10);
  });

  it('is whole again when nothing was asked for ten seconds', () => {
    const allowance = new KeyAllowance();
    granted(allowance, 0, 60);
    expect(granted(allowance, 71_000, 1.2)).toEqual([0, 300, 600, 900]);
  });
});
