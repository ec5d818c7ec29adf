import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import type { Publisher } from '../../server/media/peer/publisher.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { feedBecomes, feedOf, type LiveMonitor, liveCamera, liveMonitor } from '../fixtures/live.ts';

/** `kill -HUP` of a real server with a camera and a monitor on it. */

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

let dir: string;
let child: ChildProcess;
let said = '';
let server: RunningServer;
let camera: Publisher;
let monitor: LiveMonitor;

const write = (text: string): void => writeFileSync(join(dir, 'my.yaml'), text);

async function says(wanted: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = wanted.exec(said);
    if (found) return found;
    await Promise.race([
      once(child.stdout as object as EventTarget, 'data'),
      once(child.stderr as object as EventTarget, 'data'),
    ]);
  }
}

/** Sends SIGHUP and waits for what is said about it. */
async function reload(wanted: RegExp): Promise<void> {
  said = '';
  child.kill('SIGHUP');
  await says(wanted);
}

beforeEach(async () => {
  said = '';
  dir = mkdtempSync(join(tmpdir(), 'understudy-reload-'));
  write('server: { port: 0 }\nstage: { demo: false, uncast: look }\nlog: { pretty: false }\n');
  child = spawn(process.execPath, [MAIN, 'serve', '--config', join(dir, 'my.yaml'), '--data', join(dir, 'data')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const [, url = '', apiToken = ''] = await says(/--to (\S+)\/whip\/a --token (\S+)/);
  await says(/kill -HUP \d+ reads .*my\.yaml again/);
  server = { url, apiToken } as RunningServer;
  const clip = await codedClip({ width: 640, height: 360, frames: 60, bitrate: 1_000_000, counter: false });
  camera = await liveCamera(server, 'a', clip);
  await feedBecomes(server, 'a', ({ state }) => state === 'live');
  monitor = await liveMonitor(server, 'a');
  await monitor.next();
});
afterEach(async () => {
  await monitor.close();
  await camera.close();
  const gone = once(child, 'exit');
  child.kill('SIGINT');
  await gone;
  rmSync(dir, { recursive: true });
});

it('reads its configuration again with every picture kept: a mistake changes nothing, what can holds at once, the rest is named', async () => {
  const before = monitor.frames.length;
  await feedBecomes(server, 'a', ({ faces }) => faces.some(({ shown }) => shown === 'replaced'));
  write('stage: { uncast: blurr }\n');
  await reload(/my\.yaml cannot be used\. stage\.uncast: .* Nothing was changed\./);
  expect((await feedOf(server, 'a'))?.uncast).toBe('look');
  write('server: { port: 0 }\nstage: { demo: false, look: nobody }\n');
  await reload(/stage\.look: there is no look \\?"nobody\\?": choose one of .* Nothing was changed\./);

  write(
    [
      'server: { port: 0, host: 0.0.0.0 }',
      'media: { programBitrate: 300k }',
      'stage: { demo: false, uncast: blur, feeds: [{ name: new, look: ivo }] }',
      'log: { pretty: false, level: warn }',
    ].join('\n'),
  );
  await reload(
    /These hold now: media\.programBitrate, stage\.feeds, stage\.uncast, log\.level\. These need a restart: server\.host\./,
  );
  const feed = await feedBecomes(server, 'a', ({ uncast }) => uncast === 'blur');
  expect(feed.state).toBe('live');
  // The engine has it: what was replaced is covered, and the encoder with another rate begins with a key frame.
  await feedBecomes(server, 'a', ({ faces }) => faces.length > 0 && faces.every(({ shown }) => shown === 'covered'));
  expect(await feedOf(server, 'new')).toMatchObject({ look: 'ivo', uncast: 'blur' });
  const { rtpTs } = await monitor.next();
  await monitor.next((frame) => frame.rtpTs >= rtpTs + 90_000);

  // Back again: the file has spoken last.
  write(
    'server: { port: 0, host: 0.0.0.0 }\nstage: { demo: false, uncast: look }\nlog: { pretty: false, level: info }\n',
  );
  await reload(
    /These hold now: .*stage\.uncast, log\.level\. These need a restart: server\.host, stage\.feeds without new\./,
  );
  await feedBecomes(server, 'a', ({ uncast }) => uncast === 'look');

  expect(monitor.lost).toBeNull();
  const times = monitor.frames.slice(before).map((frame) => frame.rtpTs);
  const gaps = times.slice(1).map((rtpTs, index) => (rtpTs - (times[index] as number)) / 3000);
  // Frames in order, and none missing but what a loaded machine skips.
  expect(Math.min(...gaps)).toBeGreaterThan(0);
  expect(Math.max(...gaps)).toBeLessThan(30);
});
