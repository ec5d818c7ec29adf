import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { FormatContext } from 'node-av';
import { afterEach, expect, test } from 'vitest';
import { API_TOKEN } from '../contract/http-fixture.ts';
import { eventually } from '../fixtures/peer-loop.ts';
import { serveLoop } from '../fixtures/served-loop.ts';

/** FFmpeg's WHIP muxer (8.0 and newer) as a camera. */

const CAMERA = fileURLToPath(new URL('../fixtures/ffmpeg-whip.ts', import.meta.url));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function hasMuxer(): boolean {
  try {
    new FormatContext().allocOutputContext2(null, 'whip', 'http://127.0.0.1:9/whip/a');
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!hasMuxer())(
  'FFmpeg publishes (skipped where its build has no WHIP muxer)',
  async () => {
    const server = await serveLoop();
    closers.push(() => server.close());
    const camera = spawn(process.execPath, [CAMERA, `http://127.0.0.1:${server.port}/whip/a`, API_TOKEN], {
      stdio: 'ignore',
    });
    closers.push(() => camera.kill('SIGKILL'));
    const { loop } = server;
    await eventually(() => loop.frames.length > 30, 'thirty frames from FFmpeg', 30_000);
    expect(loop.frames.find(({ key }) => key)).toMatchObject({ codec: 'h264', width: 640, height: 360 });
    const times = loop.frames.map(({ rtpTs }) => rtpTs);
    expect(times.slice(1).every((ts, i) => ((ts - (times[i] as number)) | 0) > 0)).toBe(true);
  },
  60_000,
);
