import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { frameTrace } from '../../server/wire/trace.ts';
import { feedBecomes, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';

/** One frame's way through a real server. */

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

let server: RunningServer;
let clip: CodedFrame[];
beforeAll(async () => {
  clip = await codedClip({ width: 640, height: 360, frames: 60, bitrate: 1_000_000, counter: false });
  server = await liveServer();
});
afterAll(() => server?.close());

const ask = (feed: string): Promise<Response> =>
  fetch(`${server.url}/api/feeds/${feed}/trace`, { headers: { authorization: `Bearer ${server.apiToken}` } });

async function command(...args: string[]): Promise<{ code: number | null; said: string; complained: string }> {
  const child = spawn(process.execPath, [MAIN, 'trace', ...args], {
    env: { ...process.env, UNDERSTUDY_TOKEN: server.apiToken },
  });
  let said = '';
  let complained = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complained += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, said, complained };
}

it('is told with both ends of each stage, in order and without holes, for whoever asks', async () => {
  expect((await ask('nobody')).status).toBe(404);
  const camera = await liveCamera(server, 'a', clip);
  await feedBecomes(server, 'a', ({ state }) => state === 'live');

  const unwatched = await ask('a');
  expect(unwatched.status).toBe(504);
  expect(await unwatched.json()).toMatchObject({ code: 'no_frame', detail: expect.stringContaining('Nobody watches') });

  const monitor = await liveMonitor(server, 'a');
  await monitor.next();
  const answers = await Promise.all([ask('a'), ask('a')]);
  const [trace, same] = await Promise.all(answers.map(async (answer) => frameTrace.parse(await answer.json())));
  if (!trace) throw new Error('No trace.');
  expect(same).toEqual(trace);
  expect(trace).toMatchObject({ feed: 'a', rendition: 'program', viewers: 1 });
  expect(trace.stages.map(({ stage }) => stage)).toEqual([
    'assemble',
    'hand to engine',
    'to engine',
    'wait',
    'decode',
    'perceive',
    'replace',
    'composite',
    'encoder wait',
    'encode',
    'to front',
    'send',
  ]);
  for (const [index, { stage, beginUs, endUs }] of trace.stages.entries()) {
    expect(endUs, stage).toBeGreaterThanOrEqual(beginUs);
    // Rounded in two processes.
    expect(beginUs, stage).toBeGreaterThanOrEqual((trace.stages[index - 1]?.endUs ?? beginUs) - 1000);
  }
  const [first, last] = [trace.stages[0], trace.stages.at(-1)];
  expect(trace.totalUs).toBe((last?.endUs ?? 0) - (first?.beginUs ?? 0));
  expect(trace.stages.find(({ stage }) => stage === 'decode')?.endUs).toBeGreaterThan(trace.captureUs);
  // The very frame that a monitor shows under this RTP time.
  await monitor.first(({ rtpTs }) => rtpTs === trace.rtpTs);

  const { code, said } = await command('a', '--server', server.url);
  expect(code).toBe(0);
  for (const { stage } of trace.stages)
    expect(said).toMatch(new RegExp(`^${stage} +(front|engine) +\\d+\\.\\d\\d`, 'm'));
  expect(said).toMatch(/ms from the camera's last packet to the last packet out, program to 1 viewers\./);
  const refused = await command('nobody', '--server', server.url);
  expect([refused.code, refused.complained]).toEqual([1, expect.stringContaining('There is no feed with this name')]);

  await Promise.all([monitor.close(), camera.close()]);
}, 60_000);
