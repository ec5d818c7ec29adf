import { describe, expect, it } from 'vitest';
import { describeFeed, type FeedFacts, stateOf } from '../../server/stage/feed-info.ts';
import { FeedTimecode } from '../../server/stage/timecode.ts';
import { feedInfo } from '../../server/wire/messages.ts';
import { engineStats as stats } from '../fixtures/engine-stats.ts';

const facts = (change: Partial<FeedFacts> = {}): FeedFacts => ({
  name: 'a',
  look: 'mara',
  uncast: 'look',
  age: null,
  cast: [],
  engine: 'ready',
  ingest: {
    state: 'connected',
    codec: 'h264',
    bitrate: 4e6,
    fps: 30,
    packets: 990,
    lost: 10,
    nacks: 0,
    keyRequests: 0,
  },
  silentMs: 10,
  camera: { width: 1280, height: 720 },
  stats: null,
  programFps: 30,
  skippedPerSecond: 0,
  trouble: null,
  viewers: { program: 1, plate: 0, low: 0 },
  sound: null,
  timecode: null,
  pictureDelayMs: null,
  anchor: null,
  ...change,
});

const STATS = stats(1280, 720);

describe('what a feed says of itself', () => {
  it.each([
    ['idle', { ingest: null }],
    ['connecting', { silentMs: null }],
    ['warming', { engine: 'warming' as const }],
    ['slate', { engine: 'lost' as const }],
    ['stalled', { silentMs: 4200 }],
    ['live', {}],
  ])('is %s', (state, change) => {
    expect(stateOf(facts(change))).toBe(state);
    expect(feedInfo.parse(describeFeed(facts(change))).state).toBe(state);
  });

  it('says who is cast and what became of them, never the face by which they are known', () => {
    const casting = { id: 'c1', performer: 'Anna', look: 'mara', age: 0 };
    const neutral = { points: Array<number>(3 * 478).fill(0.12345), spread: 0.1, atMs: 1 };
    const castings = (change: Partial<FeedFacts>) => feedInfo.parse(describeFeed(facts(change))).castings;
    const cast = [{ casting, neutral }];
    expect(castings({ cast })).toEqual([{ ...casting, track: null, neutral: 'kept', missed: null }]);
    expect(castings({ cast: [{ casting, neutral: null }] })).toEqual([
      { ...casting, track: null, neutral: 'none', missed: null },
    ]);
    const stats = { ...STATS, castings: [{ id: 'c1', track: 4, neutral: 'kept' as const, missed: 'moved' as const }] };
    expect(castings({ cast, stats })).toEqual([{ ...casting, track: 4, neutral: 'kept', missed: 'moved' }]);
    // An engine that has been lost follows nobody.
    expect(castings({ cast, stats, engine: 'lost' })).toEqual([
      { ...casting, track: null, neutral: 'kept', missed: null },
    ]);
    expect(JSON.stringify(describeFeed(facts({ cast, stats })))).not.toContain('0.12345');
  });

  it('says in a sentence what is wrong and what to do', () => {
    expect(describeFeed(facts({ silentMs: 4200 })).message).toMatch(/4 s.*cable/);
    expect(describeFeed(facts({ engine: 'lost' })).message).toMatch(/slate/);
    expect(describeFeed(facts()).message).toBeNull();
  });

  it('counts lost packets in percent', () => {
    expect(describeFeed(facts()).camera?.lostPct).toBe(1);
  });
});

describe('the timecode of a feed', () => {
  const heard = {
    code: { hours: 0, minutes: 0, seconds: 59, frames: 29, drop: true },
    rate: { num: 30_000, den: 1001 },
    userBits: '12345678',
    captureUs: 5_000_000,
  };

  it('is counted on, and told to be stale after a second without', () => {
    const kept = new FeedTimecode();
    expect(kept.info(0)).toBeNull();
    kept.hear(heard, 5_000_000);
    expect(kept.info(5_000_000)).toMatchObject({ code: heard.code, userBits: '12345678', stale: false });
    expect(kept.info(5_034_000)).toMatchObject({ code: { minutes: 1, seconds: 0, frames: 2 }, captureUs: 5_034_000 });
    expect(kept.info(5_990_000)?.stale).toBe(false);
    expect(kept.info(6_010_000)?.stale).toBe(true);
    kept.clear();
    expect(kept.info(6_010_000)).toBeNull();
  });

  it('of another clock is refused', () => {
    expect(() => new FeedTimecode().hear(heard, 500_000_000)).toThrow('clock');
  });
});
