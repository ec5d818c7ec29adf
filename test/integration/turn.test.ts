import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import { openPublisher } from '../../server/media/peer/publisher.ts';
import { openViewer } from '../../server/media/peer/viewer.ts';
import { startTurn, TURN_ABSENT, type TurnServer } from '../fixtures/coturn.ts';
import { feedBecomes, liveServer } from '../fixtures/live.ts';
import { eventually, steadily } from '../fixtures/peer-loop.ts';

const IPV6_ABSENT = Object.values(networkInterfaces())
  .flat()
  .some((at) => at?.address === '::1')
  ? ''
  : 'this machine has no ::1';
const why = TURN_ABSENT || IPV6_ABSENT;

describe.skipIf(why !== '')(`media.turn (${why || 'a real coturn'})`, () => {
  let turn: TurnServer;
  beforeAll(async () => {
    turn = await startTurn();
  });
  afterAll(() => turn?.close());

  it.concurrent('carries a camera and a monitor that have no other way: they come from ::1, the server listens on 127.0.0.1', async () => {
    const server = await liveServer({ media: { turn: [{ urls: [turn.url6], secret: turn.secret }] } });
    const way = { token: server.apiToken, bindAddress: '::1', relay: true };
    try {
      // Ten seconds until it gives up: meanwhile the others come in.
      const direct = openPublisher({ ...way, relay: false, url: `${server.url}/whip/a` });
      direct.catch(() => null);
      const clip = await codedClip({ width: 320, height: 180, frames: 30, bitrate: 500_000, counter: false });
      let index = 0;
      const publisher = await openPublisher({
        ...way,
        url: `${server.url}/whip/b`,
        onKeyRequest: () => {
          index = 0;
        },
      });
      let sent = 0;
      const sending = steadily(30, () => {
        const frame = clip[index++ % clip.length];
        if (frame) publisher.send({ ...frame, rtpTs: sent++ * 3000 });
      });
      await feedBecomes(server, 'b', ({ state }) => state === 'live');
      let frames = 0;
      const viewer = await openViewer({ ...way, url: `${server.url}/whep/b/plate`, onFrame: () => frames++ });
      await eventually(() => frames > 10, 'pictures at the monitor', 20_000);
      sending.stop();
      await Promise.all([viewer.close(), publisher.close()]);
      const users = new Set(
        [...turn.log().matchAll(/user <(\d+:[\w-]{12})>: .*CHANNEL_BIND processed, success/g)].map(([, user]) => user),
      );
      expect(users.size).toBe(2);
      await expect(direct).rejects.toThrow(/no media connection|The connection/);
    } finally {
      await server.close();
    }
  }, 90_000);

  it.concurrent('refuses who does not know the secret', async () => {
    const server = await liveServer({ media: { turn: [{ urls: [turn.url6], secret: 'not-the-secret' }] } });
    try {
      await expect(
        openPublisher({ token: server.apiToken, bindAddress: '::1', relay: true, url: `${server.url}/whip/a` }),
      ).rejects.toThrow(/no media connection|The connection/);
      expect(turn.log()).toMatch(/ALLOCATE processed, error 401|error 401: Unauthorized/);
    } finally {
      await server.close();
    }
  }, 60_000);
});
