import { once } from 'node:events';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { codedClip } from '../../scripts/bench/clip.ts';
import type { CastingOrder } from '../../server/wire/messages.ts';
import { feedBecomes, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';

/** From the operator's word to the engine's pictures and back, through every process. */
it('a performer who is cast by a tap wears the casting’s look and age, gives a face at rest, and is let go by another tap', async () => {
  // Before the performance begins the demo's performer holds still.
  const clip = await codedClip({ width: 640, height: 360, frames: 12, bitrate: 2_000_000, counter: false });
  const server = await liveServer();
  const closing: { close(): Promise<void> }[] = [server];
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/control`, {
    headers: { authorization: `Bearer ${server.apiToken}` },
  });
  const say = (order: CastingOrder): void => socket.send(JSON.stringify(order));
  try {
    await once(socket, 'open');
    closing.push(await liveCamera(server, 'a', clip));
    await feedBecomes(server, 'a', ({ state }) => state === 'live');
    closing.push(await liveMonitor(server, 'a'));
    const { faces } = await feedBecomes(server, 'a', (feed) => feed.faces[0]?.shown === 'replaced');
    const [face] = faces;
    expect(face?.casting).toBeNull();
    expect(face?.box.w).toBeGreaterThan(0.02);
    say({ type: 'cast', feed: 'a', track: face?.track ?? -1, performer: 'Anna', look: 'retouch', age: -20 });
    const dressed = await feedBecomes(server, 'a', (feed) => feed.faces[0]?.shown === 'changed');
    const casting = dressed.castings[0]?.id ?? '';
    expect(dressed.faces[0]).toMatchObject({ casting, why: null });
    // A machine that is too slow for the pictures sees too few of them in the time: then as an operator would, again.
    for (let kept = false; !kept; ) {
      say({ type: 'neutral', feed: 'a', casting });
      await feedBecomes(server, 'a', (feed) => feed.castings[0]?.neutral === 'capturing');
      const { castings } = await feedBecomes(server, 'a', (feed) => feed.castings[0]?.neutral !== 'capturing');
      kept = castings[0]?.neutral === 'kept';
    }
    say({ type: 'bind', feed: 'a', casting: null, track: face?.track ?? -1 });
    await feedBecomes(server, 'a', (feed) => feed.faces[0]?.shown === 'replaced' && feed.faces[0].casting === null);
  } finally {
    socket.close();
    for (const one of closing.toReversed()) await one.close();
  }
});
