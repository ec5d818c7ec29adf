import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import { BROWSER_ABSENT, browserPath, launchBrowser } from '../fixtures/browser.ts';
import { ensurePages } from '../fixtures/browser-pages.ts';
import { enterPage } from '../fixtures/enter.ts';
import { feedBecomes, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';

const DEMO = fileURLToPath(new URL('../../models/demo/demo.mp4', import.meta.url));
const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

const absent = await new Promise<string>((resolve) => {
  const socket = createSocket('udp6');
  socket.once('error', () => resolve('this machine has no ::1'));
  socket.bind(0, '::1', () => socket.close(() => resolve('')));
});

interface Ran {
  code: number | null;
  said: string;
}

function command(token: string, ...args: string[]): { done: Promise<Ran>; stop(): void } {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, UNDERSTUDY_TOKEN: token } });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  const done = new Promise<Ran>((resolve) => child.once('close', (code) => resolve({ code, said })));
  return { done, stop: () => child.kill('SIGTERM') };
}

describe.skipIf(absent !== '')(`IPv6 (${absent || 'everything over [::1]'})`, () => {
  it.each([
    ['::1', {}],
    ['::', {}],
    ['::', { port: 0 }],
  ])(
    'a server on %s, media %j: a whole session over [::1]',
    async (host, media) => {
      const clip = await codedClip({ width: 320, height: 180, frames: 60, bitrate: 500_000, counter: false });
      const server = await liveServer({ server: { host }, media });
      try {
        const url = server.url.replace('localhost', '[::1]');
        expect(new URL(url).hostname).toBe('[::1]');
        for (const link of server.links) expect(URL.canParse(link.url)).toBe(true);
        const over = { ...server, url };
        const camera = await liveCamera(over, 'six', clip);
        await feedBecomes(server, 'six', ({ state }) => state === 'live');
        const monitor = await liveMonitor(over, 'six');
        await monitor.next();
        await Promise.all([monitor.close(), camera.close()]);
      } finally {
        await server.close();
      }
    },
    60_000,
  );

  it('camera and monitor from the command line', async () => {
    const server = await liveServer({ server: { host: '::1' } });
    try {
      const { apiToken: token, url } = server;
      const camera = command(token, 'camera', '--file', DEMO, '--to', `${url}/whip/six`, '--copy', '--loop');
      await feedBecomes(server, 'six', ({ state }) => state === 'live');
      const monitor = await command(token, 'monitor', '--from', `${url}/whep/six/plate`, '--seconds', '1').done;
      expect(monitor.said).toMatch(/^\d+ frames \(\d+ key frames\)/m);
      expect(monitor.code).toBe(0);
      camera.stop();
      expect((await camera.done).code).toBe(0);
    } finally {
      await server.close();
    }
  }, 60_000);

  it.skipIf(!browserPath)(
    `our pages (${browserPath ? 'real Chromium' : BROWSER_ABSENT})`,
    async () => {
      ensurePages();
      const [server, browser] = await Promise.all([liveServer({ server: { host: '::1' } }), launchBrowser()]);
      try {
        await enterPage(browser, server, '/camera?source=counter&size=640x360&feed=six&go=1');
        await feedBecomes(server, 'six', ({ state }) => state === 'live');
        const monitor = await enterPage(browser, server, '/monitor?feed=six');
        await expect.poll(() => monitor.locator('.slate').count(), { timeout: 30_000 }).toBe(0);
      } finally {
        await browser.close();
        await server.close();
      }
    },
    90_000,
  );
});
