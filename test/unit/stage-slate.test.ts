import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CodedFrame } from '../../server/frame/coded.ts';
import { UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import type { RenditionOut } from '../../server/media/port.ts';
import { SlateShow } from '../../server/stage/slate.ts';

/** The slate's RTP times, with a clock that the test turns. */

const frame = (rtpTs: number): CodedFrame => ({
  codec: 'h264',
  key: false,
  rtpTs,
  captureUs: 0,
  width: 64,
  height: 64,
  colour: UNKNOWN_COLOUR,
  bytes: new Uint8Array(1),
});

function show() {
  const sent: number[] = [];
  const out = { send: ({ rtpTs }: CodedFrame) => void sent.push(rtpTs) } as unknown as RenditionOut;
  const slate = new SlateShow(out, 'h264');
  slate.keep({ bytes: new Uint8Array(1), width: 64, height: 64 });
  return { slate, sent };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.advanceTimersByTime(1000);
});
afterEach(() => void vi.useRealTimers());

describe('the slate', () => {
  test('goes on in RTP time, but leaves room for pictures that were captured before it was sent', () => {
    const { slate, sent } = show();
    slate.passed(frame(90_000));
    slate.start();
    vi.advanceTimersByTime(2000);
    slate.stop();
    expect(sent).toHaveLength(6);
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
    expect(new Set(sent).size).toBe(6);
    expect(sent[0]).toBeGreaterThan(90_000);
    // A picture captured when the last slate went out, less half a second, may still follow it.
    expect(sent.at(-1)).toBeLessThanOrEqual(90_000 + 1500 * 90);
  });

  test('wraps with the clock of RTP', () => {
    const { slate, sent } = show();
    slate.passed(frame(0xffffffff));
    slate.start();
    slate.stop();
    expect(sent).toEqual([0]);
  });
});
