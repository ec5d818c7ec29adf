import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TakeFile } from '../../server/cli/take-file.ts';
import { VideoFile } from '../../server/cli/video-file.ts';
import { createRtpEngine } from '../../server/media/rtp/engine.ts';
import { SyntheticCamera } from '../fixtures/peer-clip.ts';
import { eventually, PassThrough } from '../fixtures/peer-loop.ts';
import { servePassThrough } from '../fixtures/peer-server.ts';

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url));
const TOKEN = 'test-token';
const FRAMES = 45;
const folder = mkdtempSync(join(tmpdir(), 'understudy-cli-'));
const clip = join(folder, 'clip.mp4');

let loop: PassThrough;
let base: string;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  const camera = new SyntheticCamera({ width: 322, height: 182 });
  const take = new TakeFile(clip);
  for (let i = 0; i < FRAMES; i++) take.add(camera.next());
  await take.close();
  camera.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(async () => {
  const engine = createRtpEngine({ bindAddress: '127.0.0.1' });
  loop = new PassThrough(engine);
  const server = await servePassThrough(loop, TOKEN);
  base = server.base;
  closers.push(
    () => engine.close(),
    () => server.close(),
  );
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Runs `understudy …` as a person would; `stop` sends Ctrl-C. */
function understudy(...args: string[]): { ended: Promise<Ended>; stop(): void } {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  closers.push(() => child.kill('SIGKILL'));
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    said.out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said.err += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...said })));
  return { ended, stop: () => child.kill('SIGINT') };
}

const publish = (...more: string[]) => understudy('camera', '--to', `${base}/whip/a`, '--token', TOKEN, ...more);

async function timesOf(path: string): Promise<number[]> {
  const file = await VideoFile.open(path);
  const times: number[] = [];
  for await (const { time } of file.pictures()) times.push(time);
  await file.close();
  return times;
}

/** Half a second, 90 kHz: behind by more than that, a camera's schedule moves (server/cli/pace.ts). */
const GIVE_UP = 45_000;

/** Times go on step by step, but where this machine held the camera up for longer than it may catch up: once at most. */
function expectSteady(times: readonly number[], step: number): void {
  const steps = times.slice(1).map((time, i) => time - times[i]!);
  const others = steps.filter((one) => one !== step);
  expect(others.filter((one) => one < GIVE_UP)).toEqual([]);
  expect(others.length).toBeLessThanOrEqual(1);
}

describe('a file as a camera, a take as a file', () => {
  test.each([
    ['encoded', []],
    ['copied', ['--copy']],
    ['scaled, at 15 fps', ['--size', '160x90', '--fps', '15', '--bitrate', '500k']],
  ] as const)('%s: every frame arrives, at its time', async (name, options) => {
    const began = performance.now();
    const { code, err } = await publish('--file', clip, ...options).ended;
    expect(code, err).toBe(0);
    const step = name.startsWith('scaled') ? 6000 : 3000;
    expect(performance.now() - began).toBeGreaterThan((FRAMES * step) / 90 - 100);
    const times = loop.frames.map(({ rtpTs }) => (rtpTs - (loop.frames[0]?.rtpTs ?? 0)) >>> 0);
    expect(times).toHaveLength(FRAMES);
    expectSteady(times, step);
    const size = name.startsWith('scaled') ? { width: 160, height: 90 } : { width: 322, height: 182 };
    expect(loop.frames[0]).toMatchObject(size);
    expect(loop.states.at(-1)).toMatch(/^closed/);
  });

  test('a looping camera and a monitor that writes a take, until Ctrl-C', async () => {
    const camera = publish('--file', clip, '--loop');
    await eventually(() => loop.frames.length > 5, 'the camera is on', 20_000);
    const take = join(folder, 'take.mp4');
    const monitor = understudy(
      'monitor',
      '--from',
      `${base}/whep/a`,
      '--token',
      TOKEN,
      '--out',
      take,
      '--seconds',
      '3',
    );
    const { code, out, err } = await monitor.ended;
    expect(code, err).toBe(0);
    expect(out).toMatch(/322×182 +\d+ fps/);
    const written = Number(/Wrote (\d+) frames/.exec(out)?.[1]);
    const times = await timesOf(take);
    expect(times).toHaveLength(written);
    expect(written).toBeGreaterThan(60);
    // The loop's seam is inside: time goes on without a step.
    expectSteady(times, 3000);
    camera.stop();
    const ended = await camera.ended;
    expect(ended.code, ended.err).toBe(0);
    expect(ended.err).toMatch(/Sent \d+ frames/);
    expect(loop.states.at(-1)).toMatch(/^closed/);
  });
});

describe('mistakes get a sentence and exit code 1', () => {
  async function refusal(...args: string[]): Promise<string> {
    const { code, err } = await understudy(...args).ended;
    expect(code).toBe(1);
    expect(err).not.toMatch(/\n {4}at /);
    return err;
  }

  test('files, addresses, options', async () => {
    const notes = join(folder, 'notes.txt');
    writeFileSync(notes, 'no video in here\n');
    const to = ['--to', 'http://127.0.0.1:9/whip/a'];
    const said = await Promise.all([
      refusal('camera', ...to, '--file', join(folder, 'none.mp4')),
      refusal('camera', ...to, '--file', notes),
      refusal('camera', ...to, '--file', clip),
      refusal('camera', '--file', clip),
      refusal('camera', ...to, '--file', clip, '--size', 'large'),
      refusal('camera', ...to, '--file', clip, '--nonsense'),
      refusal('monitor', '--from', 'somewhere'),
    ]);
    const expected = [
      /There is no file/,
      /not a video file|holds no video/,
      /No server answers/,
      /needs --file and --to/,
    ];
    expected.push(/not a size/, /nonsense/, /not an address/);
    said.forEach((sentence, i) => {
      expect(sentence).toMatch(expected[i] as RegExp);
    });
  });

  test('a wrong token, a busy feed', async () => {
    expect(await refusal('monitor', '--from', `${base}/whep/a`, '--token', 'wrong')).toMatch(
      /link or token is not valid/,
    );
    publish('--file', clip, '--loop');
    await eventually(() => loop.frames.length > 0, 'the first camera is on', 20_000);
    const second = ['camera', '--file', clip, '--to', `${base}/whip/a`, '--token', TOKEN];
    expect(await refusal(...second)).toMatch(/Another camera is already on this feed/);
  });
});
