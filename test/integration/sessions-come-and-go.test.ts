import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import type { Publisher } from '../../server/media/peer/publisher.ts';
import { httpSignal } from '../../server/media/peer/signal.ts';
import { createRtpEngine } from '../../server/media/rtp/engine.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { feedBecomes, feedOf, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';
import { offerNamed } from '../fuzz/broken-offers.ts';

/** What `bench soak` does with a thousand sessions, with thirty. */

let server: RunningServer;
let camera: Publisher;
let clip: CodedFrame[];
beforeAll(async () => {
  clip = await codedClip({ width: 320, height: 180, frames: 30, bitrate: 300_000, counter: false });
  server = await liveServer({ engine: { spare: false } });
  camera = await liveCamera(server, 'a', clip);
  await feedBecomes(server, 'a', ({ state }) => state === 'live');
});
afterAll(async () => {
  await camera?.close();
  await server?.close();
});

const viewers = async (): Promise<number> =>
  Object.values((await feedOf(server, 'a'))?.viewers ?? {}).reduce((sum, count) => sum + count, 0);
const handles = (): number => readdirSync(`/proc/${server.pids().front}/fd`).length;

async function viewer(index: number): Promise<void> {
  const monitor = await liveMonitor(server, 'a', index % 2 === 0 ? 'program' : 'plate');
  await monitor.next();
  await monitor.close();
}

/** The answer is taken and nothing else is heard of the client; or it hangs up before it has an answer. */
async function leave(index: number): Promise<void> {
  const url = `${server.url}/whep/a/program`;
  if (index % 2 === 0) {
    await httpSignal(url, server.apiToken)(offerNamed('obs-viewer'));
    return;
  }
  const headers = { authorization: `Bearer ${server.apiToken}`, 'content-type': 'application/sdp' };
  const asking = request(url, { method: 'POST', headers, agent: false });
  const gone = new Promise<void>((resolve) => asking.on('close', () => resolve()));
  asking.on('error', () => undefined);
  asking.end(offerNamed('obs-viewer'), () => setImmediate(() => asking.destroy()));
  await gone;
}

it.skipIf(process.platform !== 'linux')(
  'thirty sessions come and go, and nothing of them stays open',
  async () => {
    await viewer(0);
    await viewer(1);
    await expect.poll(viewers, { timeout: 15_000 }).toBe(0);
    const before = handles();
    // One that never connected is given up after ten seconds: meanwhile the others come and go.
    for (let index = 0; index < 10; index++) await leave(index);
    for (let index = 0; index < 20; index++) await viewer(index);
    // This process's own HTTP connections close by themselves.
    await expect.poll(viewers, { timeout: 30_000 }).toBe(0);
    await expect.poll(handles, { timeout: 30_000 }).toBeLessThanOrEqual(before);
    expect(await feedOf(server, 'a')).toMatchObject({ state: 'live' });
  },
  120_000,
);

it('a session that has ended is let go by everything, libdatachannel included', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const engine = createRtpEngine({ bindAddress: '127.0.0.1' });
  const rendition = engine.rendition({ feed: 'a', name: 'program', codec: 'h264', keyWanted: () => undefined });
  const deaf = { frame: () => undefined, seen: () => undefined, state: () => undefined };
  const ended: WeakRef<object>[] = [];
  const open = async (index: number): Promise<void> => {
    const session =
      index % 2 === 0
        ? await rendition.addViewer(offerNamed('obs-viewer'), () => undefined)
        : await engine.ingest(offerNamed('obs-camera'), deaf, 'a');
    ended.push(new WeakRef(session));
    session.close();
  };
  for (let index = 0; index < 20; index++) await open(index);
  const alive = async (): Promise<number> => {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
    return ended.filter((session) => session.deref() !== undefined).length;
  };
  // The last ones may still stand on somebody's stack.
  await expect.poll(alive, { timeout: 10_000 }).toBeLessThanOrEqual(2);
  await engine.close();
});
