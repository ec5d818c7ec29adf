import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import { Deframer, frameHeader, messageBytes } from '../../server/channel/framing.ts';
import { type FromEngine, fromEngine, type ToEngine } from '../../server/channel/messages.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';

const ENGINE = fileURLToPath(new URL('../../server/engine/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'understudy-test-'));

let server: Server;
let engine: ChildProcess;
let socket: Socket;
let heard: { message?: FromEngine; frame?: CodedFrame }[];
let changed: () => void = () => undefined;

async function until(holds: (one: (typeof heard)[number]) => boolean): Promise<void> {
  while (!heard.some(holds)) await new Promise<void>((resolve) => (changed = resolve));
}
const frameBytes = (frame: CodedFrame): Buffer => Buffer.concat([frameHeader('ingest', frame), frame.bytes]);
const tell = (message: ToEngine): Buffer => messageBytes(message);

/** The channel's other end by hand, so that what goes in one write is known. */
beforeAll(async () => {
  heard = [];
  const path = join(folder, 'channel');
  server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
  engine = spawn(process.execPath, [ENGINE], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, UNDERSTUDY_CHANNEL: path, UNDERSTUDY_KEY: 'key' },
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
  socket.write(
    tell({
      type: 'open',
      feed: 'test',
      settings: { look: 'mara', uncast: 'look' },
      media: 'rtp',
      programBitrate: 2_000_000,
      lowBitrate: 300_000,
      encoderThreads: 1,
      memoryMb: 128,
      unknownColour: 'bt709',
      passThrough: true,
      slates: [],
    }),
  );
  await until(({ message }) => message?.type === 'ready');
});
afterAll(async () => {
  const ended = new Promise((resolve) => engine.once('exit', resolve));
  socket.destroy();
  await ended;
  server.close();
  rmSync(folder, { recursive: true });
});

it('shows the first pictures of a camera whose frames come right behind the goodbye of the one before', async () => {
  const clip = await codedClip({ width: 320, height: 192, frames: 2, bitrate: 1_000_000 });
  const [key, next] = clip as [CodedFrame, CodedFrame];
  socket.write(
    Buffer.concat([
      tell({ type: 'wanted', renditions: [{ name: 'program', codec: 'h264' }] }),
      frameBytes({ ...key, rtpTs: 1 }),
    ]),
  );
  await until(({ frame }) => frame?.rtpTs === 1);
  const camera = [frameBytes({ ...key, rtpTs: 2 }), frameBytes({ ...next, rtpTs: 3 })];
  socket.write(Buffer.concat([tell({ type: 'cameraGone' }), ...camera]));
  await until(({ frame }) => frame?.rtpTs === 3);
  expect(heard.some(({ message }) => message?.type === 'needKey')).toBe(false);
});
