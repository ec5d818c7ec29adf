import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LayerChoice } from '../../server/media/rtp/layers.ts';
import { simulcastOf, withSimulcast } from '../../server/media/rtp/simulcast-offer.ts';

const AREAS = [1280 * 720, 640 * 360, 320 * 180];
/** RTP time of each layer at time 0. */
const STARTS = [4_000_000_000, 1000, 77_000];
const FRAME_MS = 1000 / 30;

/** Plays layers at 30 frames a second; says which frame of which layer was shown under which time. */
function play(choice: LayerChoice) {
  let nowMs = 1000;
  const shown: { layer: number; key: boolean; rtpTs: number; nowMs: number }[] = [];
  const asked = new Set<number>();
  return {
    shown,
    asked,
    run(frames: number, sending: readonly number[], keys: readonly number[] = []): void {
      for (let i = 0; i < frames; i++, nowMs += FRAME_MS) {
        // Small frames are there first.
        for (const layer of [...sending].reverse()) {
          const key = (i === 0 && keys.includes(layer)) || asked.delete(layer);
          const rtpTs = ((STARTS[layer] as number) + Math.round(nowMs * 90)) >>> 0;
          const found = choice.frame(layer, { key, area: AREAS[layer] as number, rtpTs }, nowMs);
          if (found === 'key') asked.add(layer);
          else if (found) shown.push({ layer, key, rtpTs: found.rtpTs, nowMs });
        }
      }
    },
  };
}

describe('the layer that is shown', () => {
  it('is the largest that comes, the next one half a second after it stops, and the largest again when it has been back for a while', () => {
    const choice = new LayerChoice(3);
    for (const [layer, start] of STARTS.entries()) choice.report(layer, { ntpMs: 0, rtpTs: start });
    const { shown, run } = play(choice);
    run(10, [2], [2]);
    run(10, [1, 2], [1]);
    run(10, [0, 1, 2], [0]);
    expect(choice.current).toBe(0);
    run(30, [1, 2]);
    expect(choice.current).toBe(1);
    run(20, [0, 1, 2], [0]);
    expect(choice.current, 'not yet trusted').toBe(1);
    run(30, [0, 1, 2]);
    expect(choice.current).toBe(0);
    const changes = shown.filter(({ layer }, index) => layer !== shown[index - 1]?.layer);
    expect(changes.map(({ layer }) => layer)).toEqual([2, 1, 0, 1, 0]);
    expect(changes.every(({ key }) => key)).toBe(true);
    const steps = shown.slice(1).map((one, index) => ({
      ms: one.nowMs - (shown[index]?.nowMs ?? 0),
      ticks: (one.rtpTs - (shown[index]?.rtpTs ?? 0)) | 0,
    }));
    expect(Math.max(...steps.map(({ ms }) => ms))).toBeLessThan(500);
    // By the sender reports the layers are on one clock: a frame's step is the time that passed, or the same picture again.
    for (const { ms, ticks } of steps)
      expect(ticks === 1 || Math.abs(ticks - ms * 90) < 3, `${ticks} in ${ms}`).toBe(true);
  });

  it('keeps one clock by arrival where there are no sender reports', () => {
    const choice = new LayerChoice(3);
    const { shown, run } = play(choice);
    run(10, [2], [2]);
    run(10, [0, 2], [0]);
    const steps = shown.slice(1).map(({ rtpTs }, index) => (rtpTs - (shown[index]?.rtpTs ?? 0)) | 0);
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect(Math.max(...steps)).toBeLessThan(4000);
  });

  it('never begins or changes but with a key frame, and never goes back in time, whatever comes', () => {
    const frame = fc.record({
      layer: fc.integer({ min: 0, max: 3 }),
      key: fc.boolean(),
      area: fc.integer({ min: 1, max: 4 }),
      rtpTs: fc.nat(0xffffffff),
      afterMs: fc.nat(600),
    });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 60 }), (frames) => {
        const choice = new LayerChoice(3);
        let nowMs = 0;
        let before = { layer: -1, rtpTs: 0 };
        for (const { layer, key, area, rtpTs, afterMs } of frames) {
          nowMs += afterMs + 1;
          const found = choice.frame(layer, { key, area, rtpTs }, nowMs);
          if (!found || found === 'key') continue;
          if (layer !== before.layer) expect(key).toBe(true);
          if (before.layer >= 0) expect((found.rtpTs - before.rtpTs) | 0).toBeGreaterThan(0);
          before = { layer, rtpTs: found.rtpTs };
        }
      }),
    );
  });
});

describe('a simulcast offer', () => {
  const RID = 'a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';
  it('names its layers by stream ids, paused ones and alternatives included, or by an old group of SSRCs', () => {
    expect(simulcastOf([RID, 'a=rid:h send', 'a=simulcast:send h;~m,n;l'])).toEqual({
      ids: ['h', 'm', 'l'],
      streamIdId: 10,
    });
    expect(simulcastOf([RID, 'a=simulcast:recv x send h;l'])).toEqual({ ids: ['h', 'l'], streamIdId: 10 });
    expect(simulcastOf(['a=ssrc-group:SIM 11 22 33'])).toEqual({ ssrcs: [11, 22, 33] });
  });

  it('is none where the layers could not be told apart', () => {
    for (const lines of [
      [],
      ['a=simulcast:send h;l'],
      [RID, 'a=simulcast:send h'],
      [RID, 'a=simulcast:recv h;l'],
      ['a=ssrc-group:SIM 11'],
      ['a=ssrc-group:FID 11 22'],
    ])
      expect(simulcastOf(lines)).toBeNull();
  });

  it('is accepted with its ids, in its order', () => {
    const answer = withSimulcast('a=mid:1\r\n', '1', { ids: ['h', 'l'], streamIdId: 10 });
    expect(answer).toBe(`a=mid:1\r\n${RID}\r\na=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l\r\n`);
    expect(withSimulcast('a=mid:1\r\n', '1', { ssrcs: [1, 2] })).toBe('a=mid:1\r\n');
  });
});
