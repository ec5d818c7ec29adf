import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RtpPacket } from '../../server/media/rtp/packet.ts';
import { ReorderBuffer } from '../../server/media/rtp/reorder.ts';

const packet = (seq: number, marker = true): RtpPacket => ({
  seq: seq & 0xffff,
  ts: 0,
  ssrc: 1,
  marker,
  payloadType: 96,
  payload: Buffer.from([1]),
});

function harness() {
  const out: number[] = [];
  const gaps: number[] = [];
  const asked: number[][] = [];
  const lates: number[] = [];
  const buffer = new ReorderBuffer({
    packet: ({ seq }) => out.push(seq),
    gap: (lost) => gaps.push(lost),
    nack: (seqs) => asked.push(seqs),
    late: () => lates.push(out.length),
  });
  return { buffer, out, gaps, asked, lates };
}

describe('reorder buffer', () => {
  test('passes packets in order straight through, over the wrap', () => {
    const { buffer, out, asked } = harness();
    for (const seq of [65534, 65535, 0, 1]) buffer.push(packet(seq), 0);
    expect(out).toEqual([65534, 65535, 0, 1]);
    expect(asked).toEqual([]);
  });

  test('asks for a gap at once, retries, and releases everything when it is filled', () => {
    const { buffer, out, asked, gaps } = harness();
    buffer.push(packet(10), 0);
    buffer.push(packet(13), 1);
    expect(asked).toEqual([[11, 12]]);
    buffer.tick(10);
    expect(asked).toHaveLength(1);
    buffer.tick(40);
    expect(asked).toEqual([
      [11, 12],
      [11, 12],
    ]);
    buffer.push(packet(12), 41);
    expect(out).toEqual([10]);
    buffer.push(packet(11), 42);
    expect(out).toEqual([10, 11, 12, 13]);
    expect(gaps).toEqual([]);
    expect(buffer.stats).toMatchObject({ recovered: 2, lost: 0, reordered: 0 });
  });

  test('says after 150 ms that a repair is late, gives up after 300 with one gap event, and counts the latecomer', () => {
    const { buffer, out, gaps, lates } = harness();
    buffer.push(packet(1), 0);
    buffer.push(packet(4), 0);
    for (let now = 10; now <= 150; now += 10) buffer.tick(now);
    expect(lates).toEqual([]);
    buffer.tick(151);
    expect(lates).toEqual([1]);
    for (let now = 160; now <= 300; now += 10) buffer.tick(now);
    expect(gaps).toEqual([]);
    buffer.tick(301);
    expect(gaps).toEqual([2]);
    expect(out).toEqual([1, 4]);
    buffer.push(packet(3), 310);
    expect(out).toEqual([1, 4]);
    expect(buffer.stats).toMatchObject({ lost: 2, late: 1, duplicates: 0 });
  });

  test('gives up sooner where so many are missing that the link is too weak to bring them', () => {
    const { buffer, gaps } = harness();
    buffer.push(packet(1), 0);
    buffer.push(packet(60), 0);
    for (let now = 10; now <= 150; now += 10) buffer.tick(now);
    expect(gaps).toEqual([]);
    buffer.tick(160);
    expect(gaps).toEqual([58]);
  });

  test('gives nothing up because it was not called for a while: what came meanwhile is still to be read', () => {
    const { buffer, out, gaps, lates } = harness();
    buffer.push(packet(1), 0);
    buffer.push(packet(3), 1);
    buffer.tick(2000);
    expect([gaps, lates]).toEqual([[], []]);
    buffer.push(packet(2), 2001);
    expect(out).toEqual([1, 2, 3]);
    expect(buffer.stats).toMatchObject({ recovered: 1, lost: 0, late: 0 });
  });

  test('counts duplicates, waiting or delivered, and delivers them once', () => {
    const { buffer, out } = harness();
    for (const seq of [5, 5, 7, 7, 6, 6]) buffer.push(packet(seq), 0);
    expect(out).toEqual([5, 6, 7]);
    expect(buffer.stats.duplicates).toBe(3);
  });

  test('notices a lost end of frame by silence, and stops asking after a few tries', () => {
    const { buffer, asked } = harness();
    buffer.push(packet(20, false), 0);
    buffer.tick(10);
    expect(asked).toEqual([]);
    buffer.tick(15);
    expect(asked).toEqual([[21, 22, 23]]);
    for (let now = 20; now < 1000; now += 10) buffer.tick(now);
    expect(asked).toHaveLength(4);
  });

  test('does not wait for the end of a finished frame, whatever probes follow it', () => {
    const { buffer, asked } = harness();
    buffer.push(packet(1, true), 0);
    buffer.push({ ...packet(2, false), payload: Buffer.alloc(0) }, 1);
    buffer.tick(100);
    expect(asked).toEqual([]);
  });

  test('takes a wide jump as an outage, and two packets far behind as a restart', () => {
    const { buffer, out, gaps, asked } = harness();
    buffer.push(packet(1), 0);
    buffer.push(packet(2000), 1);
    expect(gaps).toEqual([1998]);
    buffer.push(packet(100), 2);
    expect(out).toEqual([1, 2000]);
    buffer.push(packet(101), 3);
    buffer.push(packet(102), 4);
    expect(out).toEqual([1, 2000, 101, 102]);
    expect(asked).toEqual([]);
  });

  test('delivers any shuffle with repeats exactly once, in order', () => {
    const shuffles = fc
      .tuple(
        fc.integer({ min: 0, max: 65535 }),
        fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 30, maxLength: 120 }),
      )
      .map(([start, displacements]) => ({
        start,
        order: displacements
          .map((by, i) => ({ i, at: i + by }))
          .sort((a, b) => a.at - b.at)
          .map(({ i }) => i),
      }));
    fc.assert(
      fc.property(shuffles, ({ start, order }) => {
        const { buffer, out } = harness();
        buffer.push(packet(start), 0);
        for (const i of order) {
          buffer.push(packet(start + 1 + i), 1);
          buffer.push(packet(start + 1 + i), 1);
        }
        const expected = Array.from({ length: order.length + 1 }, (_, i) => (start + i) & 0xffff);
        expect(out).toEqual(expected);
        expect(buffer.stats.duplicates).toBe(order.length);
      }),
      { numRuns: 200 },
    );
  });

  test('loses nothing it does not announce: delivered + lost = sent', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 10, maxLength: 400 }), (kept) => {
        const { buffer, out, gaps } = harness();
        buffer.push(packet(0), 0);
        kept.forEach((keep, i) => {
          if (keep) buffer.push(packet(i + 1), i);
          buffer.tick(i);
        });
        const last = kept.lastIndexOf(true) + 1;
        for (let now = kept.length; now < kept.length + 400; now += 10) buffer.tick(now);
        expect(out.length + gaps.reduce((a, b) => a + b, 0)).toBe(last + 1);
        expect([...out].sort((a, b) => a - b)).toEqual(out);
      }),
      { numRuns: 200 },
    );
  });
});
