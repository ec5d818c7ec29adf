import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { seeded } from '../../scripts/bench/chaos-impair.ts';
import { UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { VideoReceiver } from '../../server/media/rtp/receiver.ts';
import { parseRtcp } from '../../server/media/rtp/rtcp.ts';
import { FrameSender } from '../../server/media/rtp/sender.ts';

/**
 * A minute of a stream over a bad way, on a clock that the test turns: what the receiver makes of lost packets, lost requests for them
 * and lost requests for key frames does not depend on how busy this machine is.
 */

const SECONDS = 60;
const FPS = 30;
/** 6 Mbps; a key frame has more packets to lose. */
const BYTES = { key: 80_000, delta: 24_000 };

interface Way {
  /** Share of packets lost, each way, 0–1. */
  loss: number;
  delayMs: number;
  seed: number;
}

const START = Buffer.from([0, 0, 0, 1]);
const PARAMETERS = [
  [0x67, 0x42, 0xc0, 0x1f, 0x8c],
  [0x68, 0xce, 0x3c, 0x80],
].flatMap((unit) => [START, Buffer.from(unit)]);

/** Something that the depacketizer takes for a frame: one slice, before it the parameter sets of a key frame. */
function coded(key: boolean): Buffer {
  const slice = Buffer.alloc(key ? BYTES.key : BYTES.delta, 0xaa);
  slice.set(key ? [0x65, 0x80] : [0x41, 0x80]);
  return Buffer.concat([...(key ? PARAMETERS : []), START, slice]);
}

/** The sending end: answers requests for packets and for key frames as soon as they reach it. */
function play({ loss, delayMs, seed }: Way) {
  const random = seeded(seed);
  const passes = (deliver: () => void): void => {
    if (random() >= loss) setTimeout(deliver, delayMs);
  };
  const kept = new Map<number, Buffer>();
  const shownAtMs: number[] = [];
  let keyWanted = true;
  const receiver = new VideoReceiver({
    codec: 'h264',
    payloadType: 96,
    sendRtcp: (packet) => passes(() => answer(packet)),
    frame: () => shownAtMs.push(performance.now()),
  });
  const send = (packet: Buffer): void => passes(() => receiver.datagram(packet));
  const answer = (rtcp: Buffer): void => {
    for (const message of parseRtcp(rtcp)) {
      if (message.kind === 'pli') keyWanted = true;
      if (message.kind !== 'nack') continue;
      for (const seq of message.seqs) {
        const packet = kept.get(seq);
        if (packet) send(packet);
      }
    }
  };
  const target = {
    payloadType: 96,
    ssrc: 77,
    playoutDelayId: 0,
    seq: 0,
    send: (view: Buffer) => {
      const packet = Buffer.from(view);
      kept.set(packet.readUInt16BE(2), packet);
      send(packet);
    },
  };
  const sender = new FrameSender('h264');
  const fromMs = performance.now();
  for (let frame = 0; frame < SECONDS * FPS; frame++) {
    setTimeout(
      () => {
        const key = keyWanted;
        keyWanted = false;
        const head = { codec: 'h264' as const, captureUs: 0, width: 0, height: 0, colour: UNKNOWN_COLOUR };
        sender.send({ ...head, key, rtpTs: frame * 3000, bytes: coded(key) }, [target]);
      },
      (frame * 1000) / FPS,
    );
  }
  vi.advanceTimersByTime(SECONDS * 1000);
  const { lost, keyRequests } = receiver.stats();
  receiver.close();
  const times = [fromMs, ...shownAtMs, fromMs + SECONDS * 1000];
  const longestGapMs = Math.max(...times.slice(1).map((ms, index) => ms - (times[index] as number)));
  return { longestGapMs, shown: shownAtMs.length, lost, keyRequests };
}

describe('a minute of 30 frames a second', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    { loss: 0.05, delayMs: 1, seed: 1, gapMs: 120, keys: 0 },
    { loss: 0.05, delayMs: 20, seed: 1, gapMs: 300, keys: 3 },
    { loss: 0.1, delayMs: 20, seed: 3, gapMs: 350, keys: 25 },
    { loss: 0.05, delayMs: 40, seed: 2, gapMs: 350, keys: 5 },
  ])(
    'with $loss of the packets lost each way of $delayMs ms never stands still for long',
    ({ gapMs, keys, ...way }) => {
      const { longestGapMs, shown, lost, keyRequests } = play(way);
      expect(longestGapMs).toBeLessThan(gapMs);
      expect(shown).toBeGreaterThan(SECONDS * FPS - 15);
      expect(lost).toBeLessThan(3);
      expect(keyRequests).toBeLessThanOrEqual(keys);
    },
  );
});
