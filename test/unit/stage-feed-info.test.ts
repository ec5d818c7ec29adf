import { describe, expect, it } from 'vitest';
import { describeFeed, type FeedFacts, stateOf } from '../../server/stage/feed-info.ts';
import { FeedTimecode } from '../../server/stage/timecode.ts';
import { feedInfo } from '../../server/wire/messages.ts';

const facts = (change: Partial<FeedFacts> = {}): FeedFacts => ({
  name: 'a',
  look: 'mara',
  uncast: 'look',
  age: null,
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
