import { describe, expect, it } from 'vitest';
import { describeFeed, type FeedFacts, stateOf } from '../../server/stage/feed-info.ts';
import { feedInfo } from '../../server/wire/messages.ts';

const facts = (change: Partial<FeedFacts> = {}): FeedFacts => ({
  name: 'a',
  look: 'mara',
  uncast: 'look',
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
