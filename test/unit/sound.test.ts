import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CodedAudio } from '../../server/frame/coded.ts';
import { AudioAlign } from '../../server/media/rtp/audio-align.ts';
import { AudioOrder, type OrderedPacket } from '../../server/media/rtp/audio-order.ts';
import { CaptureClock } from '../../server/media/rtp/clock.ts';
import { opusTicks } from '../../server/media/rtp/opus.ts';
import type { RtpPacket } from '../../server/media/rtp/packet.ts';
import { MAX_HOLD_US, PictureDelay, SoundHold } from '../../server/stage/sound-hold.ts';

describe('the length of an Opus packet (RFC 6716 §3)', () => {
  test.each([
    ['SILK 10 ms', [0 << 3], 480],
    ['SILK 60 ms', [3 << 3], 2880],
    ['hybrid 20 ms', [13 << 3], 960],
    ['CELT 2.5 ms', [16 << 3], 120],
    ['CELT 20 ms', [31 << 3], 960],
    ['two frames of 20 ms', [(31 << 3) | 1], 1920],
    ['six frames of 20 ms', [(31 << 3) | 3, 6], 5760],
    ['seven would be longer than any', [(31 << 3) | 3, 7], 0],
    ['nothing', [], 0],
  ])('%s', (_, bytes, ticks) => expect(opusTicks(Uint8Array.from(bytes))).toBe(ticks));
});

describe('sound packets in order', () => {
  const packet = (seq: number): RtpPacket => ({
    seq: seq & 0xffff,
    ts: seq * 960,
    ssrc: 1,
    marker: false,
    payloadType: 111,
    payload: Buffer.from([1]),
  });
  const collect = () => {
    const out: OrderedPacket[] = [];
    return { out, order: new AudioOrder((ordered) => out.push(ordered)), seqs: () => out.map((one) => one.packet.seq) };
  };

  test('swapped ones are put right, copies are left out, across the end of the numbers', () => {
    const { order, seqs, out } = collect();
    [65_534, 0, 65_535, 65_535, 1].forEach((seq, i) => {
      order.push(packet(seq), i * 1000);
    });
    expect(seqs()).toEqual([65_534, 65_535, 0, 1]);
    expect(out.every(({ lostBefore }) => lostBefore === 0)).toBe(true);
    expect(order.stats).toEqual({ received: 5, lost: 0, reordered: 1, dropped: 1 });
  });

  test('a missing one is waited for 30 ms and no longer; it comes too late then', () => {
    const { order, seqs, out } = collect();
    order.push(packet(10), 0);
    order.push(packet(13), 20_000);
    order.flush(49_000);
    expect(seqs()).toEqual([10]);
    expect(order.holds).toBe(true);
    order.flush(51_000);
    expect(seqs()).toEqual([10, 13]);
    expect(out[1]?.lostBefore).toBe(2);
    order.push(packet(12), 60_000);
    expect(seqs()).toEqual([10, 13]);
    expect(order.stats).toMatchObject({ lost: 2, dropped: 1 });
  });

  test('a wide jump begins anew without a count of losses', () => {
    const { order, seqs } = collect();
    for (const seq of [10, 30_000, 30_001, 11]) order.push(packet(seq), 0);
    expect(seqs()).toEqual([10, 30_000, 30_001, 11]);
    expect(order.stats.lost).toBe(0);
  });
});

describe('sound on its picture’s timeline', () => {
  const SOUND_LATE_US = 80_000;
  /** A sender whose sound arrives 80 ms later against its picture than it was captured. */
  function sender() {
    const [video, audio] = [new CaptureClock(), new CaptureClock(48_000)];
    for (let ms = 0; ms <= 2000; ms += 20) {
      video.captureUs(ms * 90, 1e9 + ms * 1000);
      audio.captureUs(ms * 48, 1e9 + ms * 1000 + SOUND_LATE_US);
    }
    const align = new AudioAlign(video, audio);
    const report = (ms: number, hz: number, wildUs = 0) => ({
      ssrc: 1,
      ntpUs: 5e15 + ms * 1000 + wildUs,
      rtpTs: (ms * hz) / 1000,
    });
    return {
      align,
      reports: (ms: number, wildUs = 0) => {
        align.videoReport(report(ms, 90_000));
        align.audioReport(report(ms + 7, 48_000, wildUs));
      },
    };
  }

  test('arrival alone counts without reports, and the reports of both put it right at once', () => {
    const { align, reports } = sender();
    expect(align.correctionUs()).toBe(0);
    reports(1000);
    expect(align.correctionUs()).toBeCloseTo(-SOUND_LATE_US, -2);
  });

  test('a wild report changes nothing, and nor do two; three that agree are followed, slowly', () => {
    const { align, reports } = sender();
    reports(1000);
    const right = align.correctionUs();
    reports(1200, 3_600_000_000);
    reports(1300, 200_000);
    reports(1400);
    expect(align.correctionUs()).toBeCloseTo(right, -2);
    for (const ms of [1500, 1600, 1700]) reports(ms, 200_000);
    expect(align.correctionUs() - right).toBeLessThanOrEqual(500);
    for (let packet = 0; packet < 500; packet++) align.correctionUs();
    expect(align.correctionUs() - right).toBeCloseTo(200_000, -2);
  });
});

describe('sound that is held back', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const audio = (n: number): CodedAudio => ({
    rtpTs: n * 960,
    captureUs: n * 20_000,
    marker: false,
    lostBefore: 0,
    bytes: Uint8Array.of(n),
  });
  function held() {
    const began = performance.now();
    const nowUs = (): number => Math.round((performance.now() - began) * 1000);
    const delay = new PictureDelay();
    const out: { n: number; atUs: number }[] = [];
    const hold = new SoundHold(delay, ({ rtpTs }) => out.push({ n: rtpTs / 960, atUs: nowUs() }), nowUs);
    return { delay, hold, out, nowUs };
  }

  test('follows a delay that wanders without a gap or a repeat, within half a picture once it is steady', () => {
    const { delay, hold, out, nowUs } = held();
    let wanted = 60_000;
    for (let ms = 0; ms < 6000; ms++) {
      if (ms === 2000) wanted = 200_000;
      if (ms === 4000) wanted = 30_000;
      if (ms % 33 === 0) delay.passed(nowUs() - wanted, nowUs());
      if (ms % 20 === 0) hold.push(audio(ms / 20));
      vi.advanceTimersByTime(1);
    }
    expect(out.map(({ n }) => n)).toEqual(out.map((_, i) => i));
    expect(out.length).toBeGreaterThan(295);
    const lateness = (from: number, to: number): number[] =>
      out.filter(({ atUs }) => atUs > from && atUs < to).map(({ n, atUs }) => atUs - n * 20_000);
    for (const us of lateness(500_000, 2_000_000)) expect(Math.abs(us - 60_000)).toBeLessThan(5000);
    for (const us of lateness(3_500_000, 4_000_000)) expect(Math.abs(us - 200_000)).toBeLessThan(16_000);
    for (const us of lateness(5_500_000, 6_000_000)) expect(Math.abs(us - 30_000)).toBeLessThan(16_000);
    hold.close();
  });

  test('one late picture changes nothing', () => {
    const { delay } = held();
    for (let i = 0; i < 30; i++) delay.passed(0, i === 20 ? 900_000 : 50_000);
    expect(delay.us).toBe(50_000);
  });

  test('is bounded in time and number', () => {
    const { delay, hold, out } = held();
    delay.passed(0, 60_000_000);
    expect(delay.us).toBe(MAX_HOLD_US);
    for (let n = 0; n < 700; n++) hold.push({ ...audio(n), captureUs: 1e12 });
    expect(hold.held).toBe(600);
    expect(hold.dropped).toBe(100);
    vi.advanceTimersByTime(1001);
    expect(out).toHaveLength(0);
    hold.clear();
    hold.push({ ...audio(1), captureUs: 0 });
    vi.advanceTimersByTime(1001);
    expect(out).toHaveLength(1);
    hold.close();
    hold.push(audio(2));
    expect(hold.held).toBe(0);
  });
});
