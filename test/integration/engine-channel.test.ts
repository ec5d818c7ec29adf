import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import { Deframer, frameHeader, messageBytes } from '../../server/channel/framing.ts';
import { type FromEngine, fromEngine, type ToEngine } from '../../server/channel/messages.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import { FAILURES } from '../../server/inference/failure.ts';
import { CPU_ONLY } from '../../server/inference/settings.ts';
import { compileOrtStub } from '../fixtures/ort-stub.ts';

const ENGINE = fileURLToPath(new URL('../../server/engine/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'understudy-test-'));
const path = join(folder, 'channel');
/** Where trouble with a network is planted (ort-stub.c). */
const trouble = join(folder, 'trouble');
/** How many sessions an engine has created and released (ort-stub.c). */
const sessions = join(folder, 'sessions');
const built = compileOrtStub();
const OPEN: Extract<ToEngine, { type: 'open' }> = {
  type: 'open',
  feed: 'test',
  settings: { look: 'mara', uncast: 'look', age: 0 },
  media: 'rtp',
  programBitrate: 2_000_000,
  lowBitrate: 300_000,
  encoderThreads: 1,
  videoEncoder: 'cpu',
  memoryMb: 128,
  unknownColour: 'bt709',
  passThrough: false,
  inference: CPU_ONLY,
  slates: [],
};

type Heard = { message?: FromEngine; frame?: CodedFrame };

let server: Server;
let engine: ChildProcess;
let socket: Socket;
let heard: Heard[];
let changed: () => void;

async function until(holds: (one: Heard) => boolean, count = 1): Promise<void> {
  while (heard.filter(holds).length < count) await new Promise<void>((resolve) => (changed = resolve));
}
const says =
  (type: FromEngine['type']) =>
  ({ message }: Heard): boolean =>
    message?.type === type;
const frameBytes = (frame: CodedFrame): Buffer => Buffer.concat([frameHeader('ingest', frame), frame.bytes]);
const tell = (message: ToEngine): Buffer => messageBytes(message);
const WANTED = tell({ type: 'wanted', renditions: [{ name: 'program', codec: 'h264' }] });

/** The channel's other end by hand, so that what goes in one write is known. */
beforeAll(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
  if (built.stub) built.remove();
});
beforeEach(async () => {
  heard = [];
  changed = () => undefined;
  const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
  engine = spawn(process.execPath, [ENGINE], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      UNDERSTUDY_CHANNEL: path,
      UNDERSTUDY_KEY: 'key',
      UNDERSTUDY_TEST_ORT_TROUBLE: trouble,
      UNDERSTUDY_TEST_ORT_SESSIONS: sessions,
    },
  });
  socket = await connected;
  const deframer = new Deframer({
    frame: (_role, frame) => heard.push({ frame }),
    message: (message) => heard.push({ message: fromEngine.parse(message) }),
  });
  socket.on('data', (chunk) => {
    deframer.push(chunk);
    changed();
  });
});
afterEach(async () => {
  const ended = new Promise((resolve) => engine.once('exit', resolve));
  socket.destroy();
  if (engine.exitCode === null && engine.signalCode === null) await ended;
});

it('shows the first pictures of a camera whose frames come right behind the goodbye of the one before', async () => {
  socket.write(tell({ ...OPEN, passThrough: true }));
  await until(says('ready'));
  const clip = await codedClip({ width: 320, height: 192, frames: 2, bitrate: 1_000_000 });
  const [key, next] = clip as [CodedFrame, CodedFrame];
  socket.write(Buffer.concat([WANTED, frameBytes({ ...key, rtpTs: 1 })]));
  await until(({ frame }) => frame?.rtpTs === 1);
  const camera = [frameBytes({ ...key, rtpTs: 2 }), frameBytes({ ...next, rtpTs: 3 })];
  socket.write(Buffer.concat([tell({ type: 'cameraGone' }), ...camera]));
  await until(({ frame }) => frame?.rtpTs === 3);
  expect(heard.some(says('needKey'))).toBe(false);
});

it('a spare says that it lives, loads what it is told to, and takes frames right behind the message that names its feed', async () => {
  const inference = { ...CPU_ONLY, library: built.stub?.file ?? null };
  const prepare = { type: 'prepare', media: 'rtp', memoryMb: 128, passThrough: false, inference } as const;
  socket.write(tell({ ...prepare, looks: ['mara'] }));
  await until(says('prepared'));
  await until(says('idle'));
  const held = (): number => {
    if (!built.stub) return Number.NaN;
    const [created = 0, released = 0] = readFileSync(`${sessions}.${engine.pid}`, 'utf8').split(' ').map(Number);
    return created - released;
  };
  const one = held();
  // A look that is broken leaves it good for all others.
  socket.write(tell({ ...prepare, looks: ['mara', 'no-such-look', 'ivo'] }));
  await until(says('prepared'), 2);
  expect(heard.filter(says('trouble')).length).toBe(1);
  if (built.stub) expect(held()).toBeGreaterThan(one);
  // What nobody wears any more it lets go of, with all of its networks.
  socket.write(tell({ ...prepare, looks: ['ivo'] }));
  await until(says('prepared'), 3);
  if (built.stub) expect(held()).toBe(one);
  expect(heard.some(({ frame }) => frame)).toBe(false);
  const [key, next] = (await codedClip({ width: 320, height: 192, frames: 2, bitrate: 1_000_000 })) as [
    CodedFrame,
    CodedFrame,
  ];
  const slates = [{ rendition: { name: 'program' as const, codec: 'h264' as const }, width: 320, height: 192 }];
  const open = tell({ ...OPEN, settings: { look: 'ivo', uncast: 'look', age: 0 }, slates });
  socket.write(Buffer.concat([open, WANTED, frameBytes({ ...key, rtpTs: 1 }), frameBytes({ ...next, rtpTs: 2 })]));
  await until(({ frame }) => frame?.rtpTs === 2);
  expect(heard.filter(({ frame }) => frame).map(({ frame }) => [frame?.rtpTs, frame?.key])).toEqual([
    [1, true],
    [2, false],
  ]);
  expect(heard.some(says('needKey'))).toBe(false);
  expect(heard.some(says('loading'))).toBe(false);
});

it.skipIf(!built.stub)(
  `covers the picture of a network that hangs, says why, and ends so that another takes over${built.stub ? '' : ` (skipped: ${built.why})`}`,
  async () => {
    const library = built.stub?.file ?? null;
    // The stand-in's GPU is the processor, which a loaded machine may hold up: what is planted hangs for ever.
    const inference = { ...CPU_ONLY, providers: ['cuda' as const], library, runLimitMs: 2000 };
    socket.write(tell({ ...OPEN, inference }));
    await until(says('ready'));
    expect(heard.find(says('ready'))?.message).toMatchObject({ provider: 'cuda' });
    const clip = await codedClip({ width: 320, height: 192, frames: 2, bitrate: 1_000_000 });
    const [key] = clip as [CodedFrame];
    socket.write(Buffer.concat([WANTED, frameBytes({ ...key, rtpTs: 1 })]));
    await until(({ frame }) => frame?.rtpTs === 1);
    const ended = once(engine, 'exit');
    writeFileSync(trouble, 'hang');
    socket.write(frameBytes({ ...key, rtpTs: 2 }));
    await until(({ frame }) => frame?.rtpTs === 2);
    await until(({ message }) => message?.type === 'broken' && message.sentence.includes(FAILURES.hung));
    expect((await ended)[1]).toBe('SIGKILL');
  },
);
