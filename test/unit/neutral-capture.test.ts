import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Capture, type Seen } from '../../server/engine/casting/capture.ts';
import { readHead } from '../../server/engine/casting/head.ts';
import { type Sight, sightOf } from '../../server/engine/casting/sight.ts';
import { LANDMARKS, type Track } from '../../server/face/types.ts';
import { UNKNOWN_COLOUR } from '../../server/frame/frame.ts';

/** What counts as a face at rest, and what an operator is told where there was none. */

const head = readHead(fileURLToPath(new URL('../../models', import.meta.url)));
const WELL: Sight = { width: 120, level: 110, detail: 0.2 };

interface Shown {
  yaw?: number;
  pitch?: number;
  /** Canonical units that the lower lip hangs lower than in the canonical face, whose lips are 0.58 apart. */
  mouth?: number;
  /** That the upper lids do. */
  lids?: number;
  /** That everything lies beside its place: a hand before the face. */
  off?: number;
  sight?: Sight;
}

function seen({ yaw = 0, pitch = 0, mouth = 0, lids = 0, off = 0, sight = WELL }: Shown): Seen {
  const points = new Float32Array(3 * LANDMARKS);
  points.set(head.canonical);
  if (off) for (let k = 1; k < points.length; k += 3) points[k]! += off * Math.sin(k);
  for (const lip of [13, 14]) points[3 * lip + 1] = head.canonical[3 * lip + 1]!;
  points[3 * 14 + 1]! += mouth;
  for (const lid of [159, 386]) points[3 * lid + 1]! += lids;
  return { track: { yawDeg: yaw, pitchDeg: pitch }, points, sight };
}

/** @returns what came of it, and after how many seconds. */
function capture(shown: (frame: number) => Shown | null, fps = 30): { result: string; seconds: number } {
  const one = new Capture();
  for (let i = 0; ; i++) {
    const now = shown(i);
    const result = one.add(now && seen(now), (i * 1e6) / fps);
    if (result === 'more') continue;
    return { result: typeof result === 'string' ? result : 'kept', seconds: i / fps };
  }
}

describe('a face at rest', () => {
  test.each([
    ['holds still', () => ({})],
    ['blinks', (i: number) => ({ lids: i % 20 < 6 ? 0.7 : 0 })],
    ['nods once', (i: number) => ({ pitch: i > 10 && i < 20 ? 12 : 0 })],
    ['has a hand before it for a moment', (i: number) => (i > 8 && i < 18 ? { off: 0.6 } : {})],
    ['is lost for a moment', (i: number) => (i === 5 || i === 6 ? null : {})],
    ['is seen from a camera that hangs high', () => ({ pitch: -28 })],
    ['is seen from a camera that stands low and aside', () => ({ pitch: 25, yaw: -15 })],
    ['rests with its lips a little apart', () => ({ mouth: -0.15 })],
  ] as const)('that %s is captured in a second or a little more', (_what, shown) => {
    const { result, seconds } = capture(shown);
    expect(result).toBe('kept');
    expect(seconds).toBeLessThan(1.6);
  });

  test('is captured by a machine that sees five pictures a second, and after a restless beginning', () => {
    expect(capture(() => ({}), 5).result).toBe('kept');
    const late = capture((i) => (i < 50 ? { yaw: 40 * Math.sin(i / 5) } : {}));
    expect([late.result, late.seconds < 3]).toEqual(['kept', true]);
  });

  test.each([
    ['turned', () => ({ yaw: 30 })],
    ['turned', () => ({ pitch: 40 })],
    ['mouth', (i: number) => ({ mouth: i % 8 < 4 ? 1 : 0 })],
    ['mouth', () => ({ mouth: 1 })],
    ['moved', (i: number) => ({ yaw: 18 * Math.sin(i / 4) })],
    ['moved', (i: number) => ({ off: Math.sin(i / 3) })],
    ['gone', (i: number) => (i % 4 < 3 ? null : {})],
    ['small', () => ({ sight: { ...WELL, width: 20 } })],
    ['dark', () => ({ sight: { ...WELL, level: 25 } })],
    ['soft', () => ({ sight: { ...WELL, detail: 0.04 } })],
  ] as const)('is not found where it was %s, which is said', (why, shown) => {
    expect(capture(shown).result).toBe(why);
  });

  test('is the mean of the calm pictures: neither a hand nor a blink is in it', () => {
    const one = new Capture();
    for (let i = 0; ; i++) {
      const result = one.add(seen(i % 10 < 2 ? { off: 0.8, lids: 0.5 } : {}), i * 33_333);
      if (typeof result === 'string') continue;
      expect(result.spread).toBeLessThan(0.001);
      expect(
        Math.max(...result.points.slice(0, 1404).map((value, k) => Math.abs(value - head.canonical[k]!))),
      ).toBeLessThan(1e-3);
      break;
    }
  });
});

describe('how well a face is seen', () => {
  const [width, height] = [320, 240];
  const at = { x: 100, y: 60, w: 100, h: 120 };
  const points = new Float32Array(3 * LANDMARKS);
  for (let k = 0; k < LANDMARKS; k++) {
    points[3 * k] = 150 + 6 * (head.canonical[3 * k] ?? 0);
    points[3 * k + 1] = 120 + 6 * (head.canonical[3 * k + 1] ?? 0);
  }
  const track = { box: at, landmarks: { points, presence: 1, crop: { cx: 150, cy: 120, size: 150, rot: 0 } } } as Track;
  const picture = (luma: (x: number) => number, format: 'i420' | 'i010' = 'i420') => ({
    planes: [
      Uint8Array.from({ length: width * height }, (_, k) => luma(k % width)),
      new Uint8Array(),
      new Uint8Array(),
    ] as const,
    format,
    width,
    height,
    colour: UNKNOWN_COLOUR,
    id: { feed: 'a', rtpTs: 0, captureUs: 0 },
  });

  test('is its size, its light and how sharp its edges are', () => {
    const edge = (sigma: number) => (x: number) => 40 + 80 / (1 + Math.exp((-1.7 * (x - 150)) / sigma));
    const [sharp, soft] = [0.5, 8].map((sigma) => sightOf(picture(edge(sigma)), track));
    expect(sharp).toMatchObject({ width: 100 });
    expect(sharp?.level).toBeGreaterThan(60);
    expect(sharp?.level).toBeLessThan(100);
    expect(sharp?.detail).toBeGreaterThan(3 * (soft?.detail ?? 1));
    expect(sightOf(picture(edge(1), 'i010'), track)).toBeNull();
    expect(sightOf(picture(edge(1)), { ...track, landmarks: null })).toBeNull();
    const outside = { ...track.landmarks!, points: points.map((value) => value - 1000) };
    expect(sightOf(picture(edge(1)), { ...track, landmarks: outside })).toBeNull();
  });
});
