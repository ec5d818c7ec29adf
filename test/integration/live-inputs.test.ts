import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import type { FeedInfo } from '../../server/wire/messages.ts';
import { feedBecomes, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';

const LIGHT = { frames: 20, bitrate: 2_000_000, counter: false };

/** Pictures that a set brings sooner or later: the server goes on with each, and says what it sees. */
describe('unusual cameras', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await liveServer();
  }, 30_000);
  afterAll(() => server?.close());

  async function shown(
    clip: Awaited<ReturnType<typeof codedClip>>,
    wanted: (feed: FeedInfo) => boolean,
  ): Promise<FeedInfo> {
    const camera = await liveCamera(server, 'a', clip);
    try {
      await feedBecomes(server, 'a', ({ state }) => state === 'live');
      const monitor = await liveMonitor(server, 'a');
      await monitor.first(({ key }) => key);
      await monitor.close();
      return await feedBecomes(server, 'a', wanted);
    } finally {
      await camera.close();
      await feedBecomes(server, 'a', ({ state }) => state === 'idle');
    }
  }

  it('a picture of 16 × 16', async () => {
    const clip = await codedClip({ ...LIGHT, width: 16, height: 16 });
    const feed = await shown(clip, ({ program }) => program.width === 16);
    expect(feed.faces).toEqual([]);
  });

  it('a picture 4096 wide', async () => {
    const clip = await codedClip({
      ...LIGHT,
      frames: 6,
      width: 4096,
      height: 320,
      bitrate: 4_000_000,
      filter: 'crop=1280:100:0:300',
    });
    await shown(clip, ({ program }) => program.width >= 1536);
  });

  it('a picture without a face', async () => {
    const clip = await codedClip({ ...LIGHT, width: 640, height: 360, filter: 'crop=320:180:0:0' });
    const feed = await shown(clip, ({ stageMs }) => (stageMs['total'] ?? 0) > 0);
    expect(feed.faces).toEqual([]);
    expect(feed.message).toBeNull();
  });

  it('six faces: every one of them is replaced or covered', async () => {
    const clip = await codedClip({ ...LIGHT, width: 960, height: 540, filter: 'crop=400:340:440:90,tile=3x2' });
    const feed = await shown(clip, ({ faces }) => faces.length >= 6);
    expect(feed.faces.filter(({ shown: how }) => how === 'plate')).toEqual([]);
  });
});
