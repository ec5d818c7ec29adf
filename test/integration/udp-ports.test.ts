import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openPublisher } from '../../server/media/peer/publisher.ts';
import { openViewer, type Viewer } from '../../server/media/peer/viewer.ts';
import type { RtpEngineOptions } from '../../server/media/rtp/engine.ts';
import { createRtpEngine } from '../../server/media/rtp/engine.ts';
import { liveServer } from '../fixtures/live.ts';
import { startCamera } from '../fixtures/peer-camera.ts';
import { SyntheticCamera } from '../fixtures/peer-clip.ts';
import { eventually, PassThrough, steadily } from '../fixtures/peer-loop.ts';

/** The ports and addresses that peers meet: one shared port, a short range, a NAT before the server. */

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function stage(options: RtpEngineOptions): PassThrough {
  const engine = createRtpEngine({ bindAddress: '127.0.0.1', ...options });
  closers.push(() => engine.close());
  return new PassThrough(engine);
}

async function boundSocket(address: string, port = 0): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, resolve);
  });
  closers.push(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return socket;
}

const told = (answer: string): string[] => [
  ...new Set([...answer.matchAll(/^a=candidate:\S+ 1 UDP \d+ (\S+ \d+) typ host/gm)].map(([, found]) => found ?? '')),
];

/** Settles with the viewer's first frame. */
async function firstFrame(loop: PassThrough, bindAddress = '127.0.0.1'): Promise<Viewer> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const viewer = await openViewer({ bindAddress, signal: loop.whep, onFrame: () => resolve() });
  await promise;
  return viewer;
}

describe('media.port', () => {
  test('carries a camera and many viewers that come and go, all at once', async () => {
    const loop = stage({ port: 0 });
    const camera = await startCamera(loop);
    closers.push(() => camera.close());
    const port = Number(told(loop.ingest?.answer ?? '')[0]?.split(' ')[1]);
    for (let round = 0; round < 5; round++) {
      const viewers = await Promise.all(Array.from({ length: 8 }, () => firstFrame(loop)));
      await Promise.all(viewers.map((viewer) => viewer.close()));
    }
    for (const { answer } of loop.viewers) expect(told(answer)).toEqual([`127.0.0.1 ${port}`]);
    // An offerer's second try (connect.ts) counts as one more.
    expect(loop.viewers.length).toBeGreaterThanOrEqual(40);
    expect(loop.closedViewers.length).toBe(loop.viewers.length);
  }, 60_000);

  test('is not let go between two peers', async () => {
    const loop = stage({ port: 0 });
    const camera = await startCamera(loop);
    const port = Number(told(loop.ingest?.answer ?? '')[0]?.split(' ')[1]);
    await camera.close();
    await eventually(() => loop.states.at(-1)?.startsWith('closed') === true, 'the camera has gone');
    await expect(boundSocket('127.0.0.1', port)).rejects.toThrow('EADDRINUSE');
  });

  test('is free again when the server has closed', async () => {
    const { port } = (await boundSocket('127.0.0.1')).address();
    for (const close of closers.splice(0)) await close();
    const server = await liveServer({ media: { port } });
    await expect(boundSocket('127.0.0.1', port)).rejects.toThrow('EADDRINUSE');
    await server.close();
    await boundSocket('127.0.0.1', port);
  }, 30_000);

  test('that another program holds is told in a sentence when the server starts', async () => {
    const { port } = (await boundSocket('127.0.0.1')).address();
    await expect(liveServer({ media: { port } })).rejects.toThrow(
      new RegExp(`^UDP port ${port} on 127\\.0\\.0\\.1 cannot be had: another program holds it`),
    );
  }, 30_000);
});

test('media.portRange refuses who comes when it is full, and takes others when somebody has left', async () => {
  const { port } = (await boundSocket('127.0.0.1')).address();
  for (const close of closers.splice(0)) await close();
  // Five: some more than two, because an offerer's second try (connect.ts) finds the first one's port still closing.
  const loop = stage({ portRange: [port, port + 4] });
  const camera = await startCamera(loop);
  closers.push(() => camera.close());
  const inside: Viewer[] = [];
  const refused = await (async () => {
    for (;;) inside.push(await firstFrame(loop));
  })().catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'full' });
  expect(inside.length).toBeGreaterThan(0);
  expect(inside.length).toBeLessThan(5);
  await inside.pop()?.close();
  const back = await vi.waitFor(() => firstFrame(loop), { timeout: 10_000 });
  await Promise.all([back, ...inside].map((viewer) => viewer.close()));
}, 30_000);

/** A port forwarding of a router: what comes to `outside` goes to the server, answers come from where it came to. */
async function forward(outside: string, port: number, inside: string): Promise<{ forwarded: number }> {
  const seen = { forwarded: 0 };
  const near = await boundSocket(outside, port);
  const ways = new Map<string, Promise<Socket>>();
  const way = async ({ address, port: from }: RemoteInfo): Promise<Socket> => {
    const far = await boundSocket(inside);
    far.on('message', (datagram) => near.send(datagram, from, address));
    return far;
  };
  near.on('message', (datagram, from) => {
    const key = `${from.address}:${from.port}`;
    const far = ways.get(key) ?? way(from);
    ways.set(key, far);
    seen.forwarded++;
    void far.then((socket) => socket.send(datagram, port, inside));
  });
  return seen;
}

// Linux answers on all of 127.0.0.0/8; elsewhere 127.0.0.2 must be set up first.
const twoLoopbacks = process.platform === 'linux';

describe.skipIf(!twoLoopbacks)(
  `media.announce (${twoLoopbacks ? 'a NAT between two loopback addresses' : '127.0.0.2 exists on Linux only'})`,
  () => {
    test('camera and viewer that know only the announced address come in through the NAT', async () => {
      const { port } = (await boundSocket('127.0.0.1')).address();
      for (const close of closers.splice(0)) await close();
      const loop = stage({ port, announce: { addresses: ['127.0.0.2'], only: true } });
      const router = await forward('127.0.0.2', port, '127.0.0.1');
      const camera = new SyntheticCamera();
      // An answer that is taken as it is: what matters is that the offer then tells no address that would lead past the NAT.
      const throughNat = { bindAddress: '127.0.0.1', rewriteAnswer: (answer: string) => answer };
      const publisher = await openPublisher({
        ...throughNat,
        signal: loop.whip,
        onKeyRequest: () => camera.requestKey(),
      });
      const sending = steadily(30, () => publisher.send(camera.next()));
      closers.push(async () => {
        sending.stop();
        camera.close();
        await publisher.close();
      });
      expect(told(loop.ingest?.answer ?? '')).toEqual([`127.0.0.2 ${port}`]);
      await eventually(() => loop.frames.length > 0, 'a frame from the camera');
      const before = router.forwarded;
      const frames: number[] = [];
      const viewer = await openViewer({
        ...throughNat,
        signal: loop.whep,
        onFrame: ({ rtpTs }) => frames.push(rtpTs),
      });
      await eventually(() => frames.length > 5, 'frames at the viewer');
      expect(told(loop.viewers[0]?.answer ?? '')).toEqual([`127.0.0.2 ${port}`]);
      expect(router.forwarded).toBeGreaterThan(before);
      await viewer.close();
    }, 30_000);
  },
);
