import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_CLIP } from '../../scripts/bench/clip.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { feedBecomes, liveServer } from '../fixtures/live.ts';
import { decodeVideo } from '../fixtures/video.ts';

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

describe('the README’s headless camera and monitor, with a VP8 camera', () => {
  let server: RunningServer;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'understudy-test-'));
    server = await liveServer();
  }, 30_000);
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const understudy = (...args: string[]) =>
    spawn(process.execPath, [MAIN, ...args, '--token', server.apiToken], { stdio: 'ignore' });
  const ended = (child: ReturnType<typeof understudy>): Promise<number | null> =>
    new Promise((resolve) => child.once('exit', resolve));

  it('brings program and, encoded anew, the plate into files', async () => {
    const camera = understudy(
      'camera',
      '--file',
      DEMO_CLIP,
      '--to',
      `${server.url}/whip/a`,
      '--loop',
      '--codec',
      'vp8',
      '--size',
      '640x360',
    );
    await feedBecomes(server, 'a', ({ state }) => state === 'live');
    const files = { program: join(folder, 'program.mp4'), plate: join(folder, 'plate.mp4') };
    const codes = await Promise.all(
      Object.entries(files).map(([rendition, out]) =>
        ended(understudy('monitor', '--from', `${server.url}/whep/a/${rendition}`, '--out', out, '--seconds', '3')),
      ),
    );
    expect(codes).toEqual([0, 0]);
    camera.kill('SIGTERM');
    expect(await ended(camera)).toBe(0);
    for (const file of Object.values(files)) {
      const video = await decodeVideo(file);
      expect([video.width, video.height]).toEqual([640, 360]);
      // How many of the ninety come through says how fast the machine is, which the benches measure.
      expect(video.pictures.length).toBeGreaterThan(8);
      expect(video.timesUs).toEqual([...video.timesUs].sort((a, b) => a - b));
    }
  }, 40_000);
});
