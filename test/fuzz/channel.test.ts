import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Deframer, type FrameRole, frameHeader, messageBytes } from '../../server/channel/framing.ts';
import { Link } from '../../server/channel/link.ts';
import { fromEngine, toEngine } from '../../server/channel/messages.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import { CAMPAIGN_MS, campaign } from './campaign.ts';

/** The wire between front and engine, both ways, over real sockets. */

const frame: fc.Arbitrary<CodedFrame> = fc.record({
  codec: fc.constantFrom<CodedFrame['codec'][]>('h264', 'vp8'),
  key: fc.boolean(),
  rtpTs: fc.nat(0xffff_ffff),
  captureUs: fc.double({ noNaN: true, noDefaultInfinity: true }),
  width: fc.nat(65_535),
  height: fc.nat(65_535),
  colour: fc.record({
    matrix: fc.constantFrom('bt709' as const, 'bt601' as const, 'bt2020' as const, 'unknown' as const),
    primaries: fc.constantFrom('bt709' as const, 'bt601' as const, 'bt2020' as const, 'unknown' as const),
    transfer: fc.constantFrom('bt709' as const, 'srgb' as const, 'pq' as const, 'hlg' as const, 'unknown' as const),
    range: fc.constantFrom('limited' as const, 'full' as const, 'unknown' as const),
  }),
  bytes: fc.uint8Array({ maxLength: 300 }),
});
const role = fc.constantFrom<FrameRole[]>('ingest', 'program', 'plate');
const toEngineMessage = fc.oneof(
  fc.constant({ type: 'cameraGone' }),
  fc.record({ type: fc.constant('keyRequest'), rendition: fc.constantFrom('program', 'plate') }),
  fc.record({ type: fc.constant('settings'), settings: fc.record({ look: fc.string(), uncast: fc.constant('blur') }) }),
);
const fromEngineMessage = fc.oneof(
  fc.record({ type: fc.constant('needKey') }),
  fc.record({ type: fc.constant('ready'), provider: fc.string() }),
  fc.record({
    type: fc.constant('broken'),
    sentence: fc.string({ unit: 'binary' }),
    why: fc.constantFrom('hung', 'gpu_gone', 'other'),
  }),
  fc.record({ type: fc.constant('trouble'), sentence: fc.string({ unit: 'binary' }) }),
  fc.record({ type: fc.constant('hello'), key: fc.string(), pid: fc.nat() }),
);

type Item = { role: FrameRole; frame: CodedFrame } | { message: unknown };
const bytesOf = (item: Item): Buffer =>
  'frame' in item ? Buffer.concat([frameHeader(item.role, item.frame), item.frame.bytes]) : messageBytes(item.message);
const plain = (item: Item): unknown =>
  'frame' in item ? { ...item, frame: { ...item.frame, bytes: Buffer.from(item.frame.bytes).toString('hex') } } : item;

test('what is written is read, however the stream is cut', { timeout: CAMPAIGN_MS }, () =>
  campaign<{ items: Item[]; cuts: number[] }>({
    name: 'channel-round',
    cases: fc.record({
      items: fc.array(fc.oneof(fc.record({ role, frame }), fc.record({ message: fc.jsonValue() })), { maxLength: 6 }),
      cuts: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
    }),
    check({ items, cuts }) {
      const stream = Buffer.concat(items.map(bytesOf));
      const got: unknown[] = [];
      const deframer = new Deframer({
        frame: (which, read) => got.push(plain({ role: which, frame: read })),
        message: (message) => got.push({ message }),
      });
      for (let at = 0, cut = 0; at < stream.length; cut++) {
        const next = at + (cuts[cut % cuts.length] as number);
        deframer.push(stream.subarray(at, next));
        at = next;
      }
      expect(got).toEqual(items.map((item) => ('frame' in item ? plain(item) : JSON.parse(JSON.stringify(item)))));
    },
  }),
);

interface Bad {
  before: Item[];
  /** What follows the good part: flips in a good item, or bytes. */
  flips: { at: number; to: number }[];
  noise: Uint8Array;
}

const folder = mkdtempSync(join(tmpdir(), 'understudy-fuzz-'));
const path = process.platform === 'win32' ? `\\\\.\\pipe\\understudy-fuzz-${process.pid}` : join(folder, 'channel');
let server: Server;
beforeAll(async () => {
  server = createServer().listen(path);
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

async function pair(): Promise<[near: Socket, far: Socket]> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const far = connect(path);
  const [near] = await accepted;
  // The writer is hung up on in the middle: that is the point.
  far.on('error', () => undefined);
  return [near, far];
}

/** Everything that a link says when these bytes come. */
async function hear(parse: (message: unknown) => unknown, bytes: Buffer): Promise<{ got: unknown[]; ends: unknown[] }> {
  const [near, far] = await pair();
  const got: unknown[] = [];
  const ends: unknown[] = [];
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const link = new Link<unknown, unknown>(near, parse, {
    frame: (which, read) => got.push(plain({ role: which, frame: read })),
    message: (message) => got.push({ message }),
    closed: (reason) => {
      ends.push(reason);
      resolve();
    },
  });
  far.end(bytes);
  await over;
  const heard = got.length;
  await new Promise((settled) => setImmediate(settled));
  expect(got.length, 'nothing comes after the end').toBe(heard);
  link.close();
  link.send({ type: 'cameraGone' });
  far.destroy();
  return { got, ends };
}

const SIDES = [
  ['an engine hears the front', toEngineMessage, (message: unknown) => toEngine.parse(message)],
  ['the front hears an engine', fromEngineMessage, (message: unknown) => fromEngine.parse(message)],
] as const;

test.each(SIDES)(
  'bad bytes close the link once, with a reason, after everything good before them: %s',
  {
    timeout: CAMPAIGN_MS,
  },
  (_, messages, parse) =>
    campaign<Bad>({
      name: 'channel-bad',
      cases: fc.record({
        before: fc.array(fc.oneof(fc.record({ role, frame }), fc.record({ message: messages })), { maxLength: 4 }),
        flips: fc.array(fc.record({ at: fc.nat(400), to: fc.nat(255) }), { maxLength: 4 }),
        noise: fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.constant(Uint8Array.of(0, 0, 0, 0))),
      }),
      async check({ before, flips, noise }) {
        const good = Buffer.concat(before.map(bytesOf));
        const bad = Buffer.concat([bytesOf(before.at(-1) ?? { message: { type: 'x' } }), noise]);
        for (const { at, to } of flips) bad[at % bad.length] = to;
        const { got, ends } = await hear(parse, Buffer.concat([good, bad]));
        expect(ends).toHaveLength(1);
        expect(ends[0] === null || (typeof ends[0] === 'string' && ends[0].length > 0)).toBe(true);
        // A replayed case of the other side brings messages that this one refuses.
        const ours = before.every((item) => 'frame' in item || messageIsOurs(parse, item.message));
        if (ours) expect(got.slice(0, before.length)).toEqual(before.map(plain));
      },
    }),
);

function messageIsOurs(parse: (message: unknown) => unknown, message: unknown): boolean {
  try {
    parse(message);
    return true;
  } catch {
    return false;
  }
}

test('bytes that can be no body end the link with a sentence', async () => {
  const { ends } = await hear((message) => message, Buffer.from([0xff, 0xff, 0xff, 0x7f, 1, 2, 3, 4]));
  expect(ends[0]).toMatch(/damaged/);
});
