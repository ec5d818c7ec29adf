import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { codedClip } from '../../scripts/bench/clip.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { feedBecomes, liveCamera, liveMonitor } from '../fixtures/live.ts';

/** A whole day in a minute at level trace, and then every secret of it looked for in what all processes wrote. */

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url));
const secret = (): string => randomBytes(18).toString('base64url');
const TOKEN = secret();
const TURN_SECRET = secret();

let dir: string;
let child: ChildProcess;
let told = '';
let logged = '';
const secrets = new Map<string, string>([
  ['the API token', TOKEN],
  ['the secret shared with the TURN server', TURN_SECRET],
]);

async function until(stream: 'stdout' | 'stderr', text: () => string, wanted: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = wanted.exec(text());
    if (found) return found;
    await once(child[stream] as NonNullable<ChildProcess['stdout']>, 'data');
  }
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-log-'));
  writeFileSync(
    join(dir, 'my.yaml'),
    [
      'server: { port: 0 }',
      `auth: { token: ${TOKEN} }`,
      `media: { turn: [{ urls: ["turn:127.0.0.1:3478"], secret: ${TURN_SECRET} }] }`,
      'stage: { demo: false }',
      'log: { level: trace, pretty: false }',
    ].join('\n'),
  );
  child = spawn(process.execPath, [MAIN, 'serve', '--config', join(dir, 'my.yaml'), '--data', join(dir, 'data')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout?.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    logged += chunk.toString();
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** Every ICE credential in what our own peers send and get, and every credential of a TURN server. */
function listen(): void {
  const real = globalThis.fetch;
  const note = (text: unknown): void => {
    if (typeof text !== 'string') return;
    for (const [, kind, value] of text.matchAll(/a=(ice-pwd|ice-ufrag):(\S+)/g))
      if (value && value.length > 12) secrets.set(`an ${kind} ${secrets.size}`, value);
  };
  vi.stubGlobal('fetch', async (...[input, init]: Parameters<typeof fetch>) => {
    note(init?.body);
    const response = await real(input, init);
    if (response.headers.get('content-type')?.includes('sdp')) note(await response.clone().text());
    for (const [, credential] of (response.headers.get('link') ?? '').matchAll(/credential="([^"]+)"/g))
      secrets.set('a TURN credential', credential as string);
    return response;
  });
}

it('no token, cookie, ICE credential or performer’s name is ever written, at any level', async () => {
  const [, url = ''] = await until('stdout', () => told, /--to (\S+)\/whip\/a --token/);
  listen();
  const server = { url, apiToken: TOKEN } as RunningServer;
  const bearer = { authorization: `Bearer ${TOKEN}` };

  // People: a link, its cookie, a page, the control socket with both.
  const [, link = ''] = /(\/enter\?token=\S+)/.exec(told) as RegExpExecArray;
  secrets.set('a one-time link', /token=([^&]+)/.exec(link)?.[1] as string);
  const entered = await fetch(url + link, { redirect: 'manual' });
  const cookie = entered.headers.get('set-cookie')?.split(';')[0] ?? '';
  secrets.set('a session cookie', cookie.split('=')[1] as string);
  expect((await fetch(`${url}/api/feeds`, { headers: { cookie } })).status).toBe(200);
  expect((await fetch(url + link, { redirect: 'manual' })).status).toBe(401);
  const made = (await (await fetch(`${url}/api/links`, { method: 'POST', headers: bearer })).json()) as {
    link: string;
  };
  secrets.set('a made link', /token=([^&]+)/.exec(made.link)?.[1] as string);

  // What goes wrong, with secrets where they do not belong.
  const stray = secret();
  secrets.set('a token that is wrong', stray);
  const headers = { authorization: `Bearer ${stray}` };
  expect((await fetch(`${url}/api/feeds?token=${stray}`, { headers })).status).toBe(401);
  expect((await fetch(`${url}/${stray}?access_token=${stray}`)).status).toBe(404);
  const broken = `v=0\r\na=ice-pwd:${stray}\r\nm=video 9 nonsense`;
  const sdp = { ...bearer, 'content-type': 'application/sdp' };
  expect((await fetch(`${url}/whip/a?token=${stray}`, { method: 'POST', headers: sdp, body: broken })).status).toBe(
    400,
  );
  const refused = new WebSocket(`${url.replace('http', 'ws')}/api/control?token=${stray}`, { headers });
  await once(refused, 'error');
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/control`, { headers: bearer });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'feed', feed: 'nobody', look: stray.slice(0, 40), token: stray }));
  await once(socket, 'message');
  const performer = `Anna ${secret()}`;
  secrets.set('a performer’s name', performer);

  // Cameras and monitors, an engine, a keeper and the front lost, the configuration read again, the end.
  const clip = await codedClip({ width: 320, height: 180, frames: 30, bitrate: 500_000, counter: false });
  const camera = await liveCamera(server, 'a', clip);
  await feedBecomes(server, 'a', ({ state }) => state === 'live');
  const monitor = await liveMonitor(server, 'a');
  await monitor.next();
  socket.send(JSON.stringify({ type: 'cast', feed: 'a', performer, look: 'ivo' }));
  const { castings } = await feedBecomes(server, 'a', (feed) => feed.castings.length === 1);
  socket.send(JSON.stringify({ type: 'neutral', feed: 'a', casting: castings[0]?.id }));
  socket.send(JSON.stringify({ type: 'recast', feed: 'a', casting: castings[0]?.id, look: performer }));
  await fetch(`${url}/metrics`, { headers: bearer });
  await fetch(`${url}/api/sessions`, { headers: bearer });
  child.kill('SIGHUP');
  await until('stderr', () => logged, /The configuration was read again/);
  writeFileSync(join(dir, 'my.yaml'), `auth: { token: ${stray}, tokn: ${TOKEN} }`);
  child.kill('SIGHUP');
  await until('stderr', () => logged, /Nothing was changed/);
  await monitor.close();
  await camera.close();
  const gone = once(child, 'exit');
  child.kill('SIGINT');
  await gone;
  socket.terminate();

  expect([...secrets.keys()].filter((name) => name.startsWith('an ice-pwd')).length).toBeGreaterThan(3);
  expect(secrets.has('a TURN credential')).toBe(true);
  expect(logged).toContain('"level":20');
  expect(logged).toContain('/whip/:feed');
  const leaked = [...secrets].filter(([, value]) => logged.includes(value)).map(([name]) => name);
  expect(leaked, logged).toEqual([]);
});
