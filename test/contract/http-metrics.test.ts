import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROBLEMS } from '../../server/config/problem.ts';
import { feedInfo } from '../fixtures/feed-info.ts';
import {
  AUTHORIZED,
  feedMeasures,
  OFFER,
  openSocket,
  startServer,
  type TestServer,
  trySocket,
} from './http-fixture.ts';

/** Metrics, health and readiness over real HTTP; the stage behind them is a fake. */

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
});

async function scrape(): Promise<{ text: string; value(series: string): number | undefined }> {
  const answer = await server.ask('/metrics', { headers: AUTHORIZED });
  expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
  expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = answer.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const values = new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
  return { text: answer.text, value: (series) => values.get(series) };
}

const VIEWERS = [
  { number: 3, packets: 900, skipped: 2, fractionLost: 0.25, roundTripMs: 12.5 },
  { number: 4, packets: 5, skipped: 0, fractionLost: null, roundTripMs: null },
];
const box = { x: 0.4, y: 0.3, w: 0.2, h: 0.3 };
const LIVE = feedMeasures(
  feedInfo('a', {
    state: 'live',
    camera: { codec: 'h264', width: 1280, height: 720, fps: 29.9, bitrate: 4_000_000, lostPct: 0.1 },
    program: { width: 960, height: 540, fps: 29.5, scale: 0.75, skipped: 2 },
    faces: [
      { track: 1, shown: 'replaced', why: null, casting: null, neck: { program: 2.5, plate: 1.5 }, box },
      { track: 2, shown: 'replaced', why: null, casting: null, neck: { program: 3.5, plate: 1 }, box },
      { track: 3, shown: 'covered', why: 'unknown', casting: null, neck: null, box },
    ],
    viewers: { program: 3, plate: 1, low: 0 },
    stageMs: { decode: 3, total: 24.5 },
  }),
  {
    engineRssBytes: 321e6,
    engineGpu: 1,
    engineLosses: 2,
    engineHangs: 1,
    camera: { packets: 1000, lost: 7, nacks: 12, keyRequests: 3 },
    pictures: { decoded: 500, encoded: 490, skipped: 9, undecodable: 1 },
    renditions: feedMeasures(feedInfo('a')).renditions.map((one) =>
      one.name === 'program' && one.codec === 'h264'
        ? {
            ...one,
            viewers: 3,
            encoding: true,
            fps: 29,
            packets: 3000,
            nacks: 40,
            keyRequests: 5,
            skipped: 6,
            sessions: VIEWERS,
          }
        : one,
    ),
  },
);

describe('/metrics', () => {
  test('needs a token or a session, like the API', async () => {
    const before = (await scrape()).value('understudy_refusals_total{code="token_wrong"}') ?? Number.NaN;
    expect((await server.ask('/metrics')).status).toBe(401);
    expect((await server.ask('/metrics', { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await server.ask('/metrics', { headers: { cookie: await server.cookie() } })).status).toBe(200);
    expect((await server.ask('/metrics', { method: 'POST', headers: AUTHORIZED })).status).toBe(405);
    expect((await scrape()).value('understudy_refusals_total{code="token_wrong"}')).toBe(before + 2);
  });

  test('tells a feed’s numbers, in base units', async () => {
    server.fake.measures = [LIVE, feedMeasures(feedInfo('b'), { engine: 'warming' })];
    const { value } = await scrape();
    const told: Record<string, number> = {
      'understudy_viewer_sent_packets_total{feed="a",rendition="program",codec="h264",viewer="3"}': 900,
      'understudy_viewer_skipped_frames_total{feed="a",rendition="program",codec="h264",viewer="3"}': 2,
      'understudy_viewer_lost_ratio{feed="a",rendition="program",codec="h264",viewer="3"}': 0.25,
      'understudy_viewer_round_trip_seconds{feed="a",rendition="program",codec="h264",viewer="3"}': 0.0125,
      'understudy_viewer_sent_packets_total{feed="a",rendition="program",codec="h264",viewer="4"}': 5,
      'understudy_feed_state{feed="a",state="live"}': 1,
      'understudy_feed_state{feed="a",state="idle"}': 0,
      'understudy_feed_state{feed="b",state="idle"}': 1,
      'understudy_feed_camera_frames_per_second{feed="a"}': 29.9,
      'understudy_feed_camera_frames_per_second{feed="b"}': 0,
      'understudy_feed_camera_bits_per_second{feed="a"}': 4e6,
      'understudy_feed_camera_lost_packets_total{feed="a"}': 7,
      'understudy_feed_camera_nacks_total{feed="a"}': 12,
      'understudy_feed_camera_key_requests_total{feed="a"}': 3,
      'understudy_feed_program_frames_per_second{feed="a"}': 29.5,
      'understudy_feed_skipped_pictures_total{feed="a"}': 9,
      'understudy_feed_undecodable_frames_total{feed="a"}': 1,
      'understudy_feed_scale_ratio{feed="a"}': 0.75,
      'understudy_feed_neck_delta_e{feed="a"}': 3.5,
      'understudy_feed_plate_neck_delta_e{feed="a"}': 1.5,
      'understudy_feed_faces{feed="a",shown="replaced"}': 2,
      'understudy_feed_faces{feed="a",shown="covered"}': 1,
      'understudy_feed_faces{feed="a",shown="plate"}': 0,
      'understudy_feed_stage_seconds{feed="a",stage="total"}': 0.0245,
      'understudy_feed_engine_ready{feed="a"}': 1,
      'understudy_feed_engine_ready{feed="b"}': 0,
      'understudy_feed_engine_resident_memory_bytes{feed="a"}': 321e6,
      'understudy_feed_engine_restarts_total{feed="a"}': 2,
      'understudy_rendition_viewers{feed="a",rendition="program",codec="h264"}': 3,
      'understudy_rendition_viewers{feed="a",rendition="low",codec="vp8"}': 0,
      'understudy_rendition_encoding{feed="a",rendition="program",codec="h264"}': 1,
      'understudy_rendition_encoding{feed="a",rendition="program",codec="vp8"}': 0,
      'understudy_rendition_frames_per_second{feed="a",rendition="program",codec="h264"}': 29,
      'understudy_rendition_nacks_total{feed="a",rendition="program",codec="h264"}': 40,
      'understudy_rendition_skipped_frames_total{feed="a",rendition="program",codec="h264"}': 6,
    };
    for (const [series, wanted] of Object.entries(told)) expect(value(series), series).toBe(wanted);
    expect(
      value('understudy_feed_engine_resident_memory_bytes{feed="b"}'),
      'unknown is left out, not 0',
    ).toBeUndefined();
  });

  test('a feed that has gone is told no more, and a second scrape adds nothing up', async () => {
    server.fake.measures = [LIVE];
    expect((await scrape()).value('understudy_feed_camera_nacks_total{feed="a"}')).toBe(12);
    const again = await scrape();
    expect(again.value('understudy_feed_camera_nacks_total{feed="a"}')).toBe(12);
    expect(again.text).not.toContain('feed="b"');
    server.fake.measures = null;
  });

  test('counts requests by route pattern, never by address: no session, token or odd path becomes a label', async () => {
    const headers = { ...AUTHORIZED, 'content-type': 'application/sdp' };
    const made = await server.ask('/whip/a-cam', { method: 'POST', headers, body: OFFER });
    const session = String(made.headers.location).split('/').at(-1) ?? '';
    await server.ask(`/whip/a-cam/${session}`, { method: 'DELETE', headers: AUTHORIZED });
    await server.ask('/enter?token=zebra-token');
    await server.ask('/zebra-nothing');
    const { text, value } = await scrape();
    expect(value('understudy_http_requests_total{method="POST",route="/whip/:feed",status="201"}')).toBe(1);
    expect(value('understudy_http_requests_total{method="DELETE",route="/whip/:feed/:session",status="200"}')).toBe(1);
    expect(value('understudy_http_requests_total{method="GET",route="/enter",status="401"}')).toBe(1);
    expect(value('understudy_http_requests_total{method="GET",route="none",status="404"}')).toBe(1);
    expect(text).not.toContain('zebra');
    expect(text).not.toContain(session);
    expect(text).not.toContain('a-cam');
  });

  test('a request that fails again and again is one line in the log and a number here', async () => {
    const failures = async () => (await scrape()).value('understudy_reports_total{level="error"}') ?? Number.NaN;
    const before = await failures();
    const headers = { ...AUTHORIZED, 'content-type': 'application/sdp' };
    for (let count = 0; count < 20; count++) {
      server.fake.refuse = new Error('boom');
      expect((await server.ask('/whep/demo', { method: 'POST', headers, body: OFFER })).status).toBe(500);
    }
    expect(await failures()).toBe(before + 20);
    expect(server.logged.filter((line) => line.includes('boom'))).toHaveLength(1);
  });

  test('counts control sockets and those that were refused', async () => {
    const before = (await scrape()).value('understudy_refusals_total{code="token_wrong"}') ?? Number.NaN;
    const { socket, next } = await openSocket(server.port, AUTHORIZED);
    await next('feeds');
    await trySocket(server.port, {});
    const { value } = await scrape();
    expect(value('understudy_control_sockets')).toBe(1);
    expect(value('understudy_refusals_total{code="token_wrong"}')).toBe(before + 1);
    socket.terminate();
  });

  test('tells of the front process', async () => {
    const { value } = await scrape();
    expect(value('understudy_front_cpu_seconds_total')).toBeGreaterThan(0);
    expect(value('understudy_front_resident_memory_bytes')).toBeGreaterThan(20e6);
    expect(value('understudy_front_active_resources')).toBeGreaterThan(0);
    const end = performance.now() + 60;
    while (performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const worst = (await scrape()).value('understudy_front_loop_delay_seconds{quantile="1"}') ?? Number.NaN;
    expect(worst).toBeGreaterThan(0.045);
    expect(worst).toBeLessThan(5);
  });

  test('every family has help, a unit or _total where it counts, and a line in the docs', async () => {
    server.fake.measures = [LIVE];
    const { text } = await scrape();
    server.fake.measures = null;
    const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({ name, type }));
    expect(families.length).toBeGreaterThan(25);
    for (const { name, type } of families) {
      expect(name).toMatch(/^understudy_[a-z_]+$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(text).toContain(`# HELP ${name} `);
    }
    const { readFileSync } = await import('node:fs');
    const docs = readFileSync(new URL('../../server/docs/metrics.md', import.meta.url), 'utf8');
    const documented = [...docs.matchAll(/^\| `(understudy_\w+)` \| (gauge|counter) \|/gm)].map(([, name, type]) => ({
      name,
      type,
    }));
    const sorted = (list: typeof documented) => list.map(({ name, type }) => `${name} ${type}`).sort();
    expect(sorted(documented)).toEqual(sorted(families));
  });

  test('holds a series for every refusal from the start, so that a first one is a step and not a birth', async () => {
    const { value } = await scrape();
    for (const code of Object.keys(PROBLEMS))
      expect(value(`understudy_refusals_total{code="${code}"}`), code).toBeDefined();
  });
});

describe('health and readiness, without a token', () => {
  test('healthz answers while the process does', async () => {
    server.fake.missing = ['engine of feed a (warming)'];
    expect((await server.ask('/healthz')).status).toBe(200);
  });

  test('readyz names what is missing, then turns 200', async () => {
    server.fake.missing = ['engine of feed a (warming)'];
    const waiting = await server.ask('/readyz');
    expect([waiting.status, waiting.headers['retry-after']]).toEqual([503, '1']);
    expect(JSON.parse(waiting.text)).toEqual({ status: 'not ready', missing: ['engine of feed a (warming)'] });
    server.fake.missing = [];
    const ready = await server.ask('/readyz');
    expect([ready.status, JSON.parse(ready.text), ready.headers['cache-control']]).toEqual([
      200,
      { status: 'ready' },
      'no-store',
    ]);
  });
});
