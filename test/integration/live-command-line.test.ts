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

  const understudy = (...args: string[]) => {
    const child = spawn(process.execPath, [MAIN, ...args, '--token', server.apiToken], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    return { child, ended, said: () => said };
  };

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
    const early = camera.ended.then((code) => {
      throw new Error(`The camera ended with ${code}: ${camera.said()}`);
    });
    early.catch(() => undefined);
    await Promise.race([feedBecomes(server, 'a', ({ state }) => state === 'live'), early]);
    const files = { program: join(folder, 'program.mp4'), plate: join(folder, 'plate.mp4') };
    const codes = await Promise.all(
      Object.entries(files).map(
        ([rendition, out]) =>
          understudy('monitor', '--from', `${server.url}/whep/a/${rendition}`, '--out', out, '--seconds', '3').ended,
      ),
    );
    expect(codes).toEqual([0, 0]);
    camera.child.kill('SIGTERM');
    expect(await camera.ended).toBe(0);
    for (const file of Object.values(files)) {
      const video = await decodeVideo(file);
      expect([video.width, video.height]).toEqual([640, 360]);
      // How many of the ninety come through says how fast the machine is, which the benches measure.
      expect(video.pictures.length).toBeGreaterThan(8);
      expect(video.timesUs).toEqual([...video.timesUs].sort((a, b) => a - b));
    }
  }, 40_000);
});
