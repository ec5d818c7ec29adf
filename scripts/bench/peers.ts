/**
 * One of the bench's peers, in a process of its own, so that what is timed is not disturbed by who times it. Roles: `camera` plays a
 * coded clip at an exact rate; `monitor` receives, and may decode and read the counters.
 */
import { Decoder } from '../../server/engine/decoder.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { quietCodecs } from '../../server/engine/quiet.ts';
import { Arena } from '../../server/frame/arena.ts';
import type { CodedFrame, VideoCodec } from '../../server/frame/coded.ts';
import { openPublisher, type Publisher } from '../../server/media/peer/publisher.ts';
import { openViewer, type Viewer } from '../../server/media/peer/viewer.ts';
import { type ClipOptions, codedClip } from './clip.ts';
import { readCounter } from './counter.ts';
import { ThroughRelay } from './through-relay.ts';

export interface Rate {
  num: number;
  den: number;
}

export type PeerOrder =
  | { order: 'camera'; url: string; token: string; clip: ClipOptions; rate: Rate; relayed: boolean }
  | { order: 'play' }
  | {
      order: 'monitor';
      url: string;
      token: string;
      /** H.264 where left out. */
      codec?: VideoCodec;
      decode: boolean;
      rate: Rate;
      clipFrames: number;
      relayed: boolean;
    }
  /** The relay's answer to an earlier `relay` question. */
  | { order: 'relayed'; port: number }
  | { order: 'take' }
  | { order: 'close' };

export interface MonitorCounts {
  frames: number;
  /** Coded bytes of the frames. */
  bytes: number;
  /** Frames whose timestamp went back. */
  reordered: number;
  /** Counters read that were, and were not, the picture that the timestamp names; and unreadable ones. */
  right: number;
  wrong: number;
  unread: number;
  /** First and last RTP timestamp, unwrapped. */
  firstTs: number;
  lastTs: number;
  keyFrames: number;
  width: number;
  height: number;
}

/** The number drawn in a frame's picture, and the frame's timestamp on this peer's connection. */
export interface FrameNumber {
  rtpTs: number;
  number: number;
}

export type PeerAnswer =
  | { answer: 'ready' }
  | { answer: 'relay'; host: string; port: number }
  | { answer: 'taken'; sent: number; counts: MonitorCounts; numbers: FrameNumber[] }
  | { answer: 'failed'; sentence: string };

const CLOCK = 90_000;
const say = (answer: PeerAnswer): void => void process.send?.(answer);
const noCounts = (): MonitorCounts => ({
  frames: 0,
  bytes: 0,
  reordered: 0,
  right: 0,
  wrong: 0,
  unread: 0,
  firstTs: -1,
  lastTs: -1,
  keyFrames: 0,
  width: 0,
  height: 0,
});

let publisher: Publisher | null = null;
let viewer: Viewer | null = null;
let play: () => void = () => undefined;
let sent = 0;
let counts = noCounts();
/** Of the frames that were sent, or received and decoded. */
let numbers: FrameNumber[] = [];
const relay = new ThroughRelay((host, port) => say({ answer: 'relay', host, port }));

async function camera(order: Extract<PeerOrder, { order: 'camera' }>): Promise<void> {
  const clip = await codedClip(order.clip);
  let restart = false;
  publisher = await openPublisher({
    url: order.url,
    token: order.token,
    codec: order.clip.codec ?? 'h264',
    onKeyRequest: () => {
      restart = true;
    },
    ...(order.relayed ? { rewriteAnswer: relay.rewrite } : {}),
  });
  const { num, den } = order.rate;
  let index = 0;
  play = () => {
    const began = performance.now();
    const tick = (): void => {
      // Frame k leaves at k frame intervals; its place in the clip starts anew when the server needs a key frame.
      if (restart) index = 0;
      restart = false;
      const frame = clip[index] as CodedFrame;
      const rtpTs = Math.round((sent * CLOCK * den) / num) >>> 0;
      publisher?.send({ ...frame, rtpTs });
      numbers.push({ rtpTs, number: index });
      index = (index + 1) % clip.length;
      sent++;
      const due = began + (sent * 1000 * den) / num;
      setTimeout(tick, Math.max(0, due - performance.now() - 0.5));
    };
    tick();
  };
  say({ answer: 'ready' });
}

/** Reads counters in order; the n-th picture of a run must carry the n-th number (a restart of the clip is seen as its key frame). */
class CounterCheck {
  readonly #decoder: Decoder;
  readonly #clipFrames: number;
  #before: { ts: number; value: number } | null = null;
  #chain: Promise<void> = Promise.resolve();
  readonly #step: number;
  readonly #pictures: Pictures;

  constructor(clipFrames: number, step: number) {
    this.#clipFrames = clipFrames;
    this.#step = step;
    const arena = new Arena(128);
    this.#pictures = new Pictures(arena);
    this.#decoder = new Decoder(this.#pictures, 'bench');
  }

  push(frame: CodedFrame): void {
    this.#chain = this.#chain.then(() => this.#check(frame)).catch(() => undefined);
  }

  async #check(frame: CodedFrame): Promise<void> {
    const decoded = await this.#decoder.decode(frame);
    if (!('picture' in decoded)) return;
    const { picture } = decoded;
    const value = readCounter(picture.planes[0], picture.width, picture.width);
    this.#pictures.give(picture);
    if (value === null) {
      counts.unread++;
      return;
    }
    numbers.push({ rtpTs: frame.rtpTs, number: value });
    const steps = this.#before ? Math.round((frame.rtpTs - this.#before.ts) / this.#step) : 0;
    const expected = this.#before ? (this.#before.value + steps) % this.#clipFrames : value;
    // A restart of the clip on a key request begins with small numbers again.
    if (value === expected || value < steps + 1) counts.right++;
    else counts.wrong++;
    this.#before = { ts: frame.rtpTs, value };
  }
}

async function monitor(order: Extract<PeerOrder, { order: 'monitor' }>): Promise<void> {
  const check = order.decode ? new CounterCheck(order.clipFrames, (CLOCK * order.rate.den) / order.rate.num) : null;
  viewer = await openViewer({
    url: order.url,
    token: order.token,
    codec: order.codec ?? 'h264',
    onFrame: (frame) => {
      counts.frames++;
      counts.bytes += frame.bytes.length;
      if (counts.firstTs < 0) counts.firstTs = frame.rtpTs;
      else if (frame.rtpTs <= counts.lastTs) counts.reordered++;
      counts.lastTs = frame.rtpTs;
      if (frame.key) counts.keyFrames++;
      if (frame.width) Object.assign(counts, { width: frame.width, height: frame.height });
      check?.push(frame);
    },
    ...(order.relayed ? { rewriteAnswer: relay.rewrite } : {}),
  });
  say({ answer: 'ready' });
}

async function obey(order: PeerOrder): Promise<void> {
  if (order.order === 'camera') await camera(order);
  else if (order.order === 'monitor') await monitor(order);
  else if (order.order === 'play') play();
  else if (order.order === 'relayed') relay.answered(order.port);
  else if (order.order === 'take') {
    say({ answer: 'taken', sent, counts, numbers });
    counts = noCounts();
    numbers = [];
  } else {
    await viewer?.close();
    await publisher?.close();
    process.exit(0);
  }
}

if (process.send) {
  quietCodecs();
  process.on('message', (order: PeerOrder) => {
    obey(order).catch((error: unknown) =>
      say({ answer: 'failed', sentence: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
