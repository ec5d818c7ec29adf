import { fork } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import type { FeedInfo } from '../../server/wire/messages.ts';
import { feedBecomes, feedOf, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';

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
      try {
        await monitor.first(({ key }) => key);
        return await feedBecomes(server, 'a', wanted);
      } finally {
        await monitor.close();
      }
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
    const feed = await shown(clip, ({ stageMs }) => (stageMs.total ?? 0) > 0);
    expect(feed.faces).toEqual([]);
    expect(feed.message).toBeNull();
  });

  it('six faces: every one of them is replaced or covered', async () => {
    const clip = await codedClip({ ...LIGHT, width: 960, height: 540, filter: 'crop=400:340:440:90,tile=3x2' });
    const feed = await shown(clip, ({ faces }) => faces.length >= 6);
    expect(feed.faces.filter(({ shown: how }) => how === 'plate')).toEqual([]);
  });
});

const FINGERPRINT = Array.from({ length: 32 }, () => 'AB').join(':');
const AUDIO_ONLY = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=sendonly',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuvwx',
  `a=fingerprint:sha-256 ${FINGERPRINT}`,
  'a=setup:actpass',
  '',
].join('\r\n');

describe('offers and cameras that go wrong, on a real server', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await liveServer();
  }, 30_000);
  afterAll(() => server?.close());

  const post = (body: string, token = server.apiToken) =>
    fetch(`${server.url}/whip/a`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/sdp' },
      body,
    });

  it.each([
    ['malformed', () => 'hello', 400, /malformed/],
    ['audio-only', () => AUDIO_ONLY, 422, /video section/],
    ['oversized', () => `v=0\r\n${'a=x:y\r\n'.repeat(40_000)}`, 413, /128 KiB/],
  ])('refuses an offer that is %s with a clear sentence and goes on', async (_what, offer, status, sentence) => {
    const response = await post(offer());
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/problem\+json/);
    expect(JSON.stringify(await response.json())).toMatch(sentence);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it('refuses a wrong token', async () => {
    const response = await post(AUDIO_ONLY, 'not-the-token-of-this-server');
    expect(response.status).toBe(401);
    expect(JSON.stringify(await response.json())).toMatch(/fresh link/);
  });

  it('says so when a camera vanishes without a word, and lets another take its feed', async () => {
    const script = new URL('../fixtures/vanishing-camera.ts', import.meta.url);
    const camera = fork(script, {
      env: { ...process.env, TEST_URL: `${server.url}/whip/a`, TEST_TOKEN: server.apiToken },
    });
    await feedBecomes(server, 'a', ({ state }) => state === 'live');
    const monitor = await liveMonitor(server, 'a');
    await monitor.first(({ key }) => key);
    camera.kill('SIGKILL');
    const stalled = await feedBecomes(server, 'a', ({ state }) => state === 'stalled');
    expect(stalled.message).toMatch(/No picture from the camera for \d+ s/);
    const clip = await codedClip({ ...LIGHT, width: 320, height: 180 });
    const next = await liveCamera(server, 'a', clip);
    try {
      await monitor.next(({ width }) => width === 320);
      expect(monitor.lost).toBeNull();
      expect((await feedOf(server, 'a'))?.state).toBe('live');
    } finally {
      await monitor.close();
      await next.close();
    }
  });
});
