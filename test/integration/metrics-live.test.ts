import { afterAll, beforeAll, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { feedBecomes, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';

/** The numbers of /metrics against what the peers of a real server saw. */

let server: RunningServer;
let clip: CodedFrame[];
beforeAll(async () => {
  clip = await codedClip({ width: 640, height: 360, frames: 60, bitrate: 1_000_000, counter: false });
  server = await liveServer();
});
afterAll(() => server?.close());

async function scrape(): Promise<(series: string) => number> {
  const response = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.apiToken}` } });
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const values = new Map(lines.map((line) => line.split(/ (?=[^ ]+$)/) as [string, string]));
  return (series) => Number(values.get(`understudy_${series}`));
}

async function until(wanted: (value: (series: string) => number) => boolean): Promise<(series: string) => number> {
  for (let tries = 0; ; tries++) {
    const value = await scrape();
    if (wanted(value)) return value;
    if (tries === 200) throw new Error('The metrics did not get there within 20 s.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

it('a live feed’s numbers move as its peers do, totals outlive camera, viewer and engine, and readiness follows the engine', async () => {
  const camera = await liveCamera(server, 'a', clip);
  await feedBecomes(server, 'a', ({ state }) => state === 'live');
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  const monitor = await liveMonitor(server, 'a');
  const live = await until(
    (value) =>
      value('feed_faces{feed="a",shown="replaced"}') === 1 && value('feed_program_frames_per_second{feed="a"}') > 10,
  );
  expect(live('feed_state{feed="a",state="live"}')).toBe(1);
  expect(live('rendition_viewers{feed="a",rendition="program",codec="h264"}')).toBe(1);
  expect(live('feed_camera_bits_per_second{feed="a"}')).toBeGreaterThan(100_000);
  expect(live('feed_engine_resident_memory_bytes{feed="a"}')).toBeGreaterThan(50e6);
  expect(live('feed_stage_seconds{feed="a",stage="total"}')).toBeGreaterThan(0.001);
  expect(live('feed_stage_seconds{feed="a",stage="total"}')).toBeLessThan(1);
  expect(live('feed_engine_restarts_total{feed="a"}')).toBe(0);

  const viewer = '{feed="a",rendition="program",codec="h264",viewer="1"}';
  const reported = await until((value) => value(`viewer_round_trip_seconds${viewer}`) >= 0);
  expect(reported(`viewer_round_trip_seconds${viewer}`)).toBeLessThan(5);
  expect(reported(`viewer_lost_ratio${viewer}`)).toBeLessThan(1);
  expect(reported(`viewer_sent_packets_total${viewer}`)).toBeGreaterThan(10);

  process.kill(server.pids().engines.a as number, 'SIGKILL');
  const lost = await until((value) => value('feed_engine_restarts_total{feed="a"}') === 1);
  expect(lost('feed_decoded_pictures_total{feed="a"}')).toBeGreaterThanOrEqual(
    live('feed_decoded_pictures_total{feed="a"}'),
  );
  const encoded = lost('feed_encoded_pictures_total{feed="a"}');
  await until((value) => value('feed_encoded_pictures_total{feed="a"}') > encoded);
  expect(await fetch(`${server.url}/readyz`)).toHaveProperty('status', 200);
  await monitor.next();

  const seen = monitor.stats().packets;
  const sentByCamera = camera.stats().packets;
  await monitor.close();
  await camera.close();
  await feedBecomes(server, 'a', ({ state, viewers }) => state === 'idle' && viewers.program === 0);
  const after = await scrape();
  expect(after('feed_state{feed="a",state="idle"}')).toBe(1);
  expect(after('rendition_viewers{feed="a",rendition="program",codec="h264"}')).toBe(0);
  expect(after('rendition_sent_packets_total{feed="a",rendition="program",codec="h264"}')).toBeGreaterThanOrEqual(seen);
  expect(after('feed_camera_packets_total{feed="a"}')).toBeGreaterThanOrEqual(0.9 * sentByCamera);
  expect(after('feed_camera_bits_per_second{feed="a"}')).toBe(0);
  expect(after(`viewer_sent_packets_total${viewer}`)).toBeNaN();
});
