import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPublisher } from '../../server/media/peer/publisher.ts';
import { httpSignal } from '../../server/media/peer/signal.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { feedBecomes, feedOf, liveServer } from '../fixtures/live.ts';

/** A feed, and with it an engine process, begins with a camera that can come in: never with an offer that is refused. */

let server: RunningServer;
beforeAll(async () => {
  server = await liveServer({ stage: { maxFeeds: 2 } });
});
afterAll(() => server?.close());

const TRANSPORT = 'a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n';
const FINGERPRINT = `a=fingerprint:sha-256 ${Array(32).fill('5F').join(':')}\r\n`;
const offer = (lines: string): string =>
  `v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\n${lines}`;
const H264 = 'a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42e01f\r\n';

it.each([
  ['without credentials', offer(H264), 400],
  ['without a codec of ours', offer(`${TRANSPORT}${FINGERPRINT}a=rtpmap:96 AV1/90000\r\n`), 422],
  [
    'that only the library refuses',
    offer(`${TRANSPORT}${H264}a=fingerprint:sha-256 not-one\r\na=setup:actpass\r\n`),
    400,
  ],
])('an offer %s opens no feed under any name', async (_, body, status) => {
  for (const feed of ['one', 'two', 'three']) {
    const response = await fetch(`${server.url}/whip/${feed}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.apiToken}`, 'content-type': 'application/sdp' },
      body,
    });
    expect(response.status).toBe(status);
    expect(await feedOf(server, feed)).toBeUndefined();
  }
  expect(Object.keys(server.pids().engines)).toEqual([]);
});

it('two cameras that come at once on a new name: one is in, the other is told that the feed is busy', async () => {
  const url = `${server.url}/whip/new`;
  const answers: Promise<unknown>[] = [];
  const real = httpSignal(url, server.apiToken);
  const publisher = await openPublisher({
    signal: (sdp) => {
      const first = real(sdp);
      answers.push(real(sdp).catch((error: unknown) => error));
      return first;
    },
  });
  expect(await answers[0]).toMatchObject({ status: 409 });
  await feedBecomes(server, 'new', ({ state }) => state !== 'idle');
  await publisher.close();
});
