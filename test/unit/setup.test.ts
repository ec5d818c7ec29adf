import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findBrowser } from '../../scripts/setup/browser.mjs';
import { whyInstallFailed } from '../../scripts/setup/install.mjs';
import { withLock } from '../../scripts/setup/lock.mjs';
import { hashSources } from '../../scripts/setup/outputs.mjs';
import { pinnedNodePath, unsupported } from '../../scripts/setup/platform.mjs';

const scripts = fileURLToPath(new URL('../../scripts', import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-setup-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe('unsupported', () => {
  const linux = { platform: 'linux', arch: 'x64', nodeVersion: '20.19.0', glibc: '2.36' };

  test.each([
    linux,
    { ...linux, arch: 'arm64' },
    { ...linux, platform: 'darwin', arch: 'arm64', glibc: null },
    { ...linux, platform: 'win32', glibc: null },
    { ...linux, nodeVersion: '26.1.0' },
  ])('takes $platform $arch, Node $nodeVersion', (host) => {
    expect(unsupported(host)).toBeNull();
    expect(pinnedNodePath(host)).toMatch(/bin\/node(\.exe)?$/);
  });

  test.each([
    [{ ...linux, nodeVersion: '18.20.4' }, 'Node 20 or newer'],
    [{ ...linux, glibc: null }, 'glibc'],
    [{ ...linux, glibc: '2.31' }, '2.31'],
    [{ ...linux, arch: 'riscv64' }, 'riscv64'],
    [{ ...linux, platform: 'freebsd' }, 'freebsd'],
    [{ ...linux, platform: 'darwin' }, 'Intel'],
    [{ ...linux, platform: 'win32', arch: 'arm64' }, 'win32 arm64'],
  ])('refuses %o in one sentence that says why', (host, why) => {
    const sentence = unsupported(host) ?? '';
    expect(sentence).toContain(why);
    expect(sentence).toMatch(/^[^\n]+\.$/);
  });
});

describe('withLock', () => {
  test('lets one work at a time', async () => {
    const file = join(folder, 'deep', 'setup.lock');
    const log: string[] = [];
    const work = (name: string) =>
      withLock(file, async () => {
        log.push(`${name} in`);
        await new Promise((done) => setTimeout(done, 20));
        log.push(`${name} out`);
      });
    await Promise.all([work('a'), work('b'), work('c')]);
    expect(log.map((line) => line.split(' ')[1])).toEqual(['in', 'out', 'in', 'out', 'in', 'out']);
    expect(existsSync(file)).toBe(false);
  });

  test('takes over from a holder that died, and from a failed one', async () => {
    const file = join(folder, 'setup.lock');
    writeFileSync(file, '999999 dead');
    utimesSync(file, new Date(0), new Date(0));
    await expect(withLock(file, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await expect(withLock(file, () => Promise.resolve('done'))).resolves.toBe('done');
  });

  test('waits for a holder that lives, and says for whom', async () => {
    const file = join(folder, 'setup.lock');
    writeFileSync(file, '4711 alive');
    const onWait = vi.fn(() => rmSync(file));
    await withLock(file, () => Promise.resolve(), { onWait });
    expect(onWait).toHaveBeenCalledExactlyOnceWith('4711');
  });
});

test('hashSources changes with a file’s content, its name and its absence', () => {
  mkdirSync(join(folder, 'pages/deep'), { recursive: true });
  const hash = () => hashSources(folder, ['pages', 'package.json', 'absent']);
  const seen = new Set([hash()]);
  for (const [file, content] of [
    ['pages/deep/a.ts', '1'],
    ['pages/deep/a.ts', '2'],
    ['pages/b.ts', '2'],
    ['package.json', ''],
  ]) {
    writeFileSync(join(folder, file ?? ''), content ?? '');
    expect(hash()).toBe(hash());
    seen.add(hash());
  }
  expect(seen.size).toBe(5);
});

test('findBrowser does not put another browser in the place of a wrong CHROME_PATH', () => {
  vi.stubEnv('CHROME_PATH', join(folder, 'no-such-browser'));
  expect(findBrowser()).toEqual({ path: null, why: expect.stringContaining('no-such-browser') });
});

test.skipIf(process.platform === 'win32')(
  'findBrowser takes a program on the PATH, and not a script that only advertises one',
  () => {
    vi.stubEnv('CHROME_PATH', '');
    vi.stubEnv('PATH', folder);
    writeFileSync(join(folder, 'chromium-browser'), '#!/bin/sh\necho run: snap install chromium', { mode: 0o755 });
    expect(findBrowser().path).not.toBe(join(folder, 'chromium-browser'));
    writeFileSync(join(folder, 'google-chrome'), '#!/bin/sh', { mode: 0o755 });
    expect(findBrowser()).toEqual({ path: join(folder, 'google-chrome') });
  },
);

test('whyInstallFailed tells a missing network from a full disk and from the unknown', () => {
  expect(whyInstallFailed('npm error code EAI_AGAIN', 1)).toMatch(/network/);
  expect(whyInstallFailed('npm error code ENOSPC', 1)).toMatch(/disk/);
  expect(whyInstallFailed('npm error something else', 7)).toMatch(/exit code 7.*something else/s);
});

describe.skipIf(process.platform === 'win32')('a fresh clone', () => {
  /** A stand-in for npm: writes down what it was asked, and puts this Node where the pinned one belongs. */
  const fakeNpm = `
    const { appendFileSync, mkdirSync, rmSync, symlinkSync } = require('node:fs');
    const command = process.argv[2];
    appendFileSync('npm.log', command + '\\n');
    if (process.env.FAKE_NPM_FAILS) { console.error(process.env.FAKE_NPM_FAILS); process.exit(1); }
    if (command === 'ping') process.exit(0);
    rmSync('node_modules', { recursive: true, force: true });
    setTimeout(() => {
      const at = 'node_modules/${pinnedNodePath()}';
      mkdirSync(require('node:path').dirname(at), { recursive: true });
      symlinkSync(process.execPath, at);
    }, 200);`;

  beforeEach(() => {
    cpSync(join(scripts, 'setup'), join(folder, 'scripts/setup'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(
      join(folder, 'package-lock.json'),
      '{ "packages": { "": {}, "node_modules/a": { "version": "1.0.0" } } }',
    );
    writeFileSync(join(folder, 'hello.mjs'), 'console.log("hello", ...process.argv.slice(2)); process.exitCode = 3;');
    mkdirSync(join(folder, 'npm'));
    writeFileSync(join(folder, 'npm/package.json'), '{ "type": "commonjs" }');
    writeFileSync(join(folder, 'npm/npm-cli.js'), fakeNpm);
  });

  const npmCalls = () => (existsSync(join(folder, 'npm.log')) ? readFileSync(join(folder, 'npm.log'), 'utf8') : '');

  async function start(env: NodeJS.ProcessEnv = {}): Promise<{ code: number | null; out: string; err: string }> {
    const child = spawn(process.execPath, ['scripts/setup/run.mjs', 'check', 'hello.mjs', 'world'], {
      cwd: folder,
      env: { PATH: process.env.PATH, npm_execpath: join(folder, 'npm/npm-cli.js'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number | null>((done) => child.on('close', done)),
    ]);
    return { code, out, err };
  }

  test('installs once, runs the command with its exit code, and skips the setup from then on', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    expect([one.code, two.code]).toEqual([3, 3]);
    expect([one.out, two.out]).toEqual(['hello world\n', 'hello world\n']);
    expect(npmCalls()).toBe('ping\nci\n');
    const third = await start();
    expect(third).toEqual({ code: 3, out: 'hello world\n', err: '' });
    writeFileSync(
      join(folder, 'package-lock.json'),
      '{ "packages": { "": {}, "node_modules/a": { "version": "1.0.1" } } }',
    );
    await start();
    expect(npmCalls()).toBe('ping\nci\nping\nci\n');
  });

  test('keeps packages that somebody installed by hand', async () => {
    const at = join(folder, 'node_modules', pinnedNodePath() ?? '');
    mkdirSync(join(at, '..'), { recursive: true });
    symlinkSync(process.execPath, at);
    cpSync(join(folder, 'package-lock.json'), join(folder, 'node_modules/.package-lock.json'));
    expect(await start()).toEqual({ code: 3, out: 'hello world\n', err: '' });
    expect(npmCalls()).toBe('');
  });

  test('ends the command when npm is ended, though the shell between them passes nothing on', async () => {
    await start();
    const waiting = "process.once('SIGTERM', () => { console.log('closed'); process.exit(0); }); console.log('ready');";
    writeFileSync(join(folder, 'hello.mjs'), `${waiting} setInterval(() => {}, 1000);`);
    // As npm does it: a shell of its own, and not its last command, so that the shell does not become the program.
    const shell = spawn('sh', ['-c', `${process.execPath} scripts/setup/run.mjs check hello.mjs; true`], {
      cwd: folder,
      env: { PATH: process.env.PATH, npm_lifecycle_event: 'start' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const said: string[] = [];
    for await (const chunk of shell.stdout) {
      said.push(String(chunk));
      if (said.join('') === 'ready\n') shell.kill('SIGTERM');
    }
    expect(said.join('')).toBe('ready\nclosed\n');
    expect(shell.signalCode).toBe('SIGTERM');
  });

  test('says in one sentence that there is no network', async () => {
    const { code, out, err } = await start({ FAKE_NPM_FAILS: 'npm error code ENOTFOUND' });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err.trim().split('\n').at(-1)).toMatch(/^The packages could not be fetched.*network.*\.$/);
    expect(err).not.toContain('    at ');
    expect(npmCalls()).toBe('ping\n');
  });
});
