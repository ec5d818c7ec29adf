import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { Signal } from '../../server/media/peer/signal.ts';
import { createRtpEngine } from '../../server/media/rtp/engine.ts';
import { startCamera, startViewer } from '../fixtures/peer-camera.ts';
import type { ChildReport } from '../fixtures/peer-child.ts';
import { eventually, PassThrough } from '../fixtures/peer-loop.ts';
import { UdpRelay } from '../fixtures/udp-relay.ts';

const CHILD = fileURLToPath(new URL('../fixtures/peer-child.ts', import.meta.url));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function stage(codec: 'h264' | 'vp8'): PassThrough {
  const engine = createRtpEngine({ bindAddress: '127.0.0.1', silenceMs: 2500 });
  closers.push(() => engine.close());
  return new PassThrough(engine, codec);
}

/** Starts a peer in its own process and answers its offer. */
function startPeer(role: string, signal: Signal): { child: ChildProcess; last: ChildReport } {
  const child = fork(CHILD, [role]);
  const peer = { child, last: {} as ChildReport };
  closers.push(() => child.kill('SIGKILL'));
  child.on('message', (report: ChildReport) => {
    if (report.offer) void signal(report.offer).then(({ answer }) => child.send({ answer }));
    else peer.last = report;
  });
  return peer;
}

describe('libwebrtc, an independent implementation', () => {
  test('publishes VP8 and views it, audio offered beside it', async () => {
    const loop = stage('vp8');
    startPeer('wrtc-camera', loop.whip);
    await eventually(() => loop.frames.length > 0, 'a frame from libwebrtc', 20_000);
    const viewer = startPeer('wrtc-viewer', loop.whep);
    await eventually(() => (viewer.last.frames ?? 0) > 30, 'libwebrtc shows 30 frames', 20_000);
    expect(viewer.last).toMatchObject({ width: 320, height: 180 });
    expect(loop.frames[0]).toMatchObject({ key: true, codec: 'vp8', width: 320, height: 180 });
    expect(loop.viewers[0]?.answer).toMatch(/m=audio [1-9]/);
    const times = loop.frames.map(({ rtpTs }) => rtpTs);
    expect(times.slice(1).every((ts, i) => ((ts - (times[i] as number)) | 0) > 0)).toBe(true);
  }, 60_000);
});

describe('peers that are killed', () => {
  test('a camera that vanishes ends its session', async () => {
    const loop = stage('h264');
    const doomed = startPeer('node-camera', loop.whip);
    await eventually(() => loop.frames.length > 5, 'frames from the other process', 20_000);
    // A peer whose first try came to nothing has told more than one state by now.
    await eventually(() => loop.states.at(-1)?.startsWith('connected') ?? false, 'the camera is connected', 20_000);
    doomed.child.kill('SIGKILL');
    await eventually(() => loop.states.at(-1)?.startsWith('closed') ?? false, 'the session has ended', 15_000);
    expect(loop.states.at(-1)).toMatch(/^closed: Nothing came from the camera/);
    await startCamera(loop).then((camera) => camera.close());
  }, 60_000);

  test('a viewer is pruned for want of reports, and disturbs nobody', async () => {
    const loop = stage('h264');
    const camera = await startCamera(loop);
    closers.push(() => camera.close());
    const steady = await startViewer(loop);
    closers.push(() => steady.viewer.close());
    const doomed = startPeer('node-viewer', loop.whep);
    await eventually(() => (doomed.last.frames ?? 0) > 5, 'the other process has pictures', 20_000);
    expect(loop.rendition.viewers).toBe(2);
    // A peer whose first try came to nothing has left already.
    const before = loop.closedViewers.length;
    doomed.child.kill('SIGKILL');
    await eventually(() => loop.rendition.viewers === 1, 'the killed viewer is gone', 15_000);
    expect(loop.closedViewers).toHaveLength(before + 1);
    const times = steady.frames.map(({ rtpTs }) => rtpTs);
    expect(times).toEqual(camera.sent.slice(camera.sent.indexOf(times[0] as number)).slice(0, times.length));
  }, 60_000);
});

test('a camera that waits for the last of its frames to have arrived loses none by ending', async () => {
  const loop = stage('h264');
  // Ending the session goes another, faster way.
  const relay = new UdpRelay();
  closers.push(() => relay.close());
  const camera = await startCamera(loop, {}, relay);
  await eventually(() => loop.frames.length > 0, 'the first frame');
  relay.toAnswerer = { delayMs: 300 };
  await eventually(() => camera.sent.length > 15, 'some frames on their way');
  camera.stop();
  await camera.publisher.arrived(20_000);
  await camera.publisher.close();
  expect(loop.frames.at(-1)?.rtpTs).toBe(camera.sent.at(-1));
  expect(loop.frames.length).toBe(camera.sent.length);
});
