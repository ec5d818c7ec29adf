import { describe, expect, it } from 'vitest';
import { Overload } from '../../server/engine/overload.ts';
import { treatmentOf, veilOf } from '../../server/engine/treatment.ts';
import { LANDMARKS, type Track, type TrackState } from '../../server/face/types.ts';

const track = (state: TrackState, change: Partial<Track> = {}): Track => ({
  id: 1,
  state,
  box: { x: 0, y: 0, w: 10, h: 10 },
  landmarks: { points: new Float32Array(LANDMARKS * 3), presence: 1, crop: { cx: 5, cy: 5, size: 10, rot: 0 } },
  yawDeg: 0,
  pitchDeg: 0,
  rollDeg: 0,
  confidence: 1,
  ageFrames: 10,
  lostFrames: 0,
  ...change,
});
const look = { maxYawDeg: 50 };

describe('what may be seen of a face', () => {
  it('replaces a known face that the look can hold', () => {
    expect(treatmentOf(track('known'), 'look', look)).toEqual({ kind: 'replace' });
  });

  it.each(['new', 'ambiguous', 'lost'] as const)('covers a face that is %s', (state) => {
    expect(treatmentOf(track(state), 'look', look).kind).toBe('cover');
  });

  it('covers a face without landmarks, without a look, or turned beyond it', () => {
    expect(treatmentOf(track('known', { landmarks: null }), 'look', look).kind).toBe('cover');
    expect(treatmentOf(track('known'), 'look', null).kind).toBe('cover');
    expect(treatmentOf(track('known', { yawDeg: -51 }), 'look', look)).toEqual({
      kind: 'cover',
      why: 'turned too far',
    });
    expect(treatmentOf(track('known', { pitchDeg: 60 }), 'look', look).kind).toBe('cover');
  });

  it('holds to 45° and fades into the cover from there to the look’s limit, without a step', () => {
    const veil = (yawDeg: number, pitchDeg = 0) => veilOf(track('known', { yawDeg, pitchDeg }), look);
    expect([veil(0), veil(45), veil(-45)]).toEqual([0, 0, 0]);
    expect(veil(47.5)).toBeCloseTo(0.5);
    expect([veil(50), veil(-50), veil(70)]).toEqual([1, 1, 1]);
    expect([veil(0, -44), veil(10, 50)]).toEqual([0, 1]);
  });

  it('follows the policy for uncast faces in every state', () => {
    for (const state of ['new', 'known', 'ambiguous', 'lost'] as const) {
      expect(treatmentOf(track(state), 'blur', look).kind).toBe('cover');
      expect(treatmentOf(track(state), 'pass', look).kind).toBe('plate');
    }
  });
});

describe('overload', () => {
  const feed = (overload: Overload, workMs: number, pictures: number): (number | null)[] =>
    Array.from({ length: pictures }, () => overload.add(workMs, 33.3)).filter((scale) => scale !== null);

  it('lowers the resolution step by step while work takes longer than the frame interval, and stops at the last step', () => {
    const overload = new Overload();
    expect(feed(overload, 40, 45 * 8)).toEqual([0.75, 0.5, 0.375]);
  });

  it('waits for a second window, unless the machine is far too slow', () => {
    const slow = new Overload();
    expect(feed(slow, 35, 45)).toEqual([]);
    expect(feed(slow, 20, 45)).toEqual([]);
    expect(feed(slow, 35, 90)).toEqual([0.75]);
    expect(feed(new Overload(), 60, 45)).toEqual([0.75]);
  });

  it('leaves a machine alone that keeps up, and passes over single hiccups', () => {
    const overload = new Overload();
    expect(feed(overload, 20, 400)).toEqual([]);
    for (let picture = 0; picture < 300; picture++)
      expect(overload.add(picture % 10 === 0 ? 200 : 20, 33.3)).toBeNull();
  });

  it('raises it again when there is room, and tries less often after a try that failed', () => {
    const overload = new Overload();
    feed(overload, 60, 45);
    expect(overload.scale).toBe(0.75);
    const until = (workMs: number, scale: number): number => {
      for (let pictures = 1; pictures < 10_000; pictures++) if (overload.add(workMs, 33.3) === scale) return pictures;
      return Number.POSITIVE_INFINITY;
    };
    const first = until(10, 1);
    feed(overload, 60, 45);
    expect(overload.scale).toBe(0.75);
    expect(until(10, 1)).toBeGreaterThan(first);
  });

  it('ignores pauses of the camera', () => {
    const overload = new Overload();
    for (let picture = 0; picture < 300; picture++) expect(overload.add(20, 5000)).toBeNull();
  });
});
