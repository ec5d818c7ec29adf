import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import type { Publisher } from '../../server/media/peer/publisher.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { feedBecomes, type LiveMonitor, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

let clip: CodedFrame[];
beforeAll(async () => {
  clip = await codedClip({ width: 320, height: 180, frames: 30, bitrate: 500_000, counter: false });
});

const settled = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setImmediate(resolve, false))]);

describe('a server that drains', () => {
  let server: RunningServer;
  let camera: Publisher;
  let monitor: LiveMonitor;
  async function begin(drainSeconds: number): Promise<void> {
    server = await liveServer({ server: { drainSeconds } });
    camera = await liveCamera(server, 'a', clip);
    await feedBecomes(server, 'a', ({ state }) => state === 'live');
    monitor = await liveMonitor(server, 'a');
    await monitor.next();
  }
  afterEach(async () => {
    await monitor?.close();
    await camera?.close();
    await server?.close();
  });

  it('refuses new cameras and monitors, keeps the picture of those who are in, and ends with the last of them', async () => {
    await begin(60);
    const drained = server.drain();
    await expect(liveCamera(server, 'b', clip)).rejects.toMatchObject({ status: 503 });
    await expect(liveMonitor(server, 'a')).rejects.toThrow(/closing and takes no new cameras and monitors/);
    const headers = { authorization: `Bearer ${server.apiToken}`, 'content-type': 'application/sdp' };
    const body =
      'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 H264/90000\r\n';
    const refused = await fetch(`${server.url}/whep/a`, { method: 'POST', headers, body });
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(60);
    expect(await refused.json()).toMatchObject({ code: 'draining' });
    const ready = await fetch(`${server.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'not ready', missing: ['the server is closing'] },
    ]);
    // As a service manager that signals the whole house: main decides.
    process.kill(server.pids().front as number, 'SIGTERM');
    const { rtpTs } = await monitor.next();
    await monitor.next((frame) => frame.rtpTs >= rtpTs + 90_000);
    expect([await settled(drained), monitor.lost]).toEqual([false, null]);
    await monitor.close();
    await drained;
  });

  it('does not wait longer than it was told, and waits no more when it is closed meanwhile', async () => {
    await begin(1);
    const from = performance.now();
    await server.drain();
    expect(performance.now() - from).toBeGreaterThan(950);
    await monitor.next();
    const again = server.drain();
    await server.close();
    await again;
    expect(performance.now() - from).toBeLessThan(10_000);
  });

  it('waits no more when the front is killed meanwhile: its viewers are gone', async () => {
    await begin(60);
    const drained = server.drain();
    process.kill(server.pids().front as number, 'SIGKILL');
    await drained;
  });

  it('waits for no camera that nobody watches', async () => {
    await begin(60);
    await monitor.close();
    await feedBecomes(server, 'a', ({ viewers }) => viewers.program === 0);
    await server.drain();
  });
});

describe('the command serve', () => {
  let child: ChildProcess;
  let server: Pick<RunningServer, 'url' | 'apiToken'>;
  let camera: Publisher;
  let monitor: LiveMonitor;
  let said = '';
  const data = mkdtempSync(join(tmpdir(), 'understudy-'));
  afterAll(() => rmSync(data, { recursive: true }));
  const says = async (wanted: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = wanted.exec(said);
      if (found) return found;
      await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
    }
  };
  beforeEach(async () => {
    said = '';
    child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--no-demo', '--data', data], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [, url = '', apiToken = ''] = await says(/--to (\S+)\/whip\/a --token (\S+)/);
    server = { url, apiToken };
    camera = await liveCamera(server, 'a', clip);
    await feedBecomes(server as RunningServer, 'a', ({ state }) => state === 'live');
    monitor = await liveMonitor(server as RunningServer, 'a');
    await monitor.next();
  });
  afterEach(async () => {
    await monitor.close();
    await camera.close();
    child.kill('SIGKILL');
  });

  it('drains at SIGTERM with a picture, and closes at once at the second one', async () => {
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await says(/No new sessions; closing in 10 s or with the last monitor\./);
    const { rtpTs } = await monitor.next();
    await monitor.next((frame) => frame.rtpTs >= rtpTs + 45_000);
    expect(said).not.toContain('Closing.');
    const from = performance.now();
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    expect(performance.now() - from).toBeLessThan(6000);
  });

  it('closes at once with Ctrl-C', async () => {
    const from = performance.now();
    const exit = once(child, 'exit');
    child.kill('SIGINT');
    expect(await exit).toEqual([0, null]);
    expect(performance.now() - from).toBeLessThan(6000);
    expect(said).not.toContain('No new sessions');
  });
});
