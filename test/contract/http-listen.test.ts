import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ConfigInput, loadConfig } from '../../server/config/config.ts';
import { createApp, listen } from '../../server/http/app.ts';
import { createTokens } from '../../server/http/tokens.ts';
import { createLog } from '../../server/observe/log.ts';
import { createReports } from '../../server/observe/reports.ts';
import { ask, fakeStage } from './http-fixture.ts';

/** The app without a folder of pages, over a fake stage. */
async function appFor(overrides: ConfigInput) {
  const config = loadConfig(undefined, overrides);
  const log = createLog({ level: 'silent', pretty: false });
  const tokens = createTokens({ life: { sessionHours: 1 } });
  const { stage, store } = fakeStage();
  return {
    config,
    tokens,
    app: await createApp({
      stage,
      store,
      config,
      clientDir: '/nowhere/client',
      log,
      reports: createReports(log),
      tokens,
    }),
  };
}

test('a busy port is a sentence', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const { app, config } = await appFor({ server: { port } });
  await expect(listen(app, config)).rejects.toThrow(
    `Port ${port} is taken by another program: stop it or start with --port N.`,
  );
  await app.close();
  holder.close();
});

test('an address that is not this machine’s is a sentence', async () => {
  const { app, config } = await appFor({ server: { host: '192.0.2.1', port: 0 } });
  await expect(listen(app, config)).rejects.toThrow('This machine has no address 192.0.2.1');
  await app.close();
});

test('pages that were never built say so, and the rest works', async () => {
  const { app, config, tokens } = await appFor({ server: { port: 0 } });
  const url = new URL(await listen(app, config));
  const port = Number(url.port);
  expect(url.href).toBe(`http://127.0.0.1:${port}/`);
  const entered = await ask(port, tokens.link('/monitor'));
  const cookie = entered.headers['set-cookie']?.[0]?.split(';')[0];
  const page = await ask(port, '/monitor', { headers: { cookie, accept: 'text/html' } });
  expect([page.status, page.text]).toEqual([503, expect.stringContaining('npm run build')]);
  await app.close();
});

test('a certificate that is not there or not one is a sentence', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-tls-'));
  const file = join(folder, 'not-a-certificate.pem');
  writeFileSync(file, 'hello');
  await expect(appFor({ server: { tls: { cert: join(folder, 'none.pem'), key: file } } })).rejects.toThrow(
    'cannot be read',
  );
  await expect(appFor({ server: { tls: { cert: file, key: file } } })).rejects.toThrow(/not a certificate and its key/);
  rmSync(folder, { recursive: true, force: true });
});
