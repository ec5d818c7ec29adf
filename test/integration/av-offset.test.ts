import { afterAll, beforeAll, expect, test } from 'vitest';
import { measureAvOffset } from '../../scripts/bench/av-offset.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { feedOf, liveServer } from '../fixtures/live.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await liveServer();
}, 60_000);
afterAll(() => server.close());

test('flash and beep of one instant stay within a frame through the engine, by the clock that players play by', async () => {
  const measured = await measureAvOffset({ seconds: 4, server, feed: 'av', settleMs: 1000 });
  expect(measured.offsets.length).toBeGreaterThan(0);
  expect(measured.offsetFramesMax).toBeLessThanOrEqual(1);
  expect((await feedOf(server, 'av'))?.pictureDelayMs).toBeGreaterThan(0);
}, 90_000);

test('a mixer’s beep too, though its machine has another clock', async () => {
  const measured = await measureAvOffset({ seconds: 4, server, feed: 'mixed', mixer: true, settleMs: 1000 });
  expect(measured.offsets.length).toBeGreaterThan(0);
  expect(measured.offsetFramesMax).toBeLessThanOrEqual(1);
}, 90_000);
