import { afterEach, describe, expect, test } from 'vitest';
import type { CodedAudio, CodedFrame } from '../../server/frame/coded.ts';
import { openPublisher, type Publisher, type PublisherOptions } from '../../server/media/peer/publisher.ts';
import type { Signal } from '../../server/media/peer/signal.ts';
import { openViewer, type ReceivedFrame, type ReceivedSound } from '../../server/media/peer/viewer.ts';
import type { IngestSession, IngestSink, SoundSession } from '../../server/media/port.ts';
import { monotonicUs } from '../../server/media/rtp/clock.ts';
import { createRtpEngine } from '../../server/media/rtp/engine.ts';
import type { SenderReport } from '../../server/media/rtp/rtcp.ts';
import { FeedSound } from '../../server/stage/sound.ts';
import { SoundOut } from '../../server/stage/sound-hold.ts';
import { SyntheticCamera } from '../fixtures/peer-clip.ts';
import { eventually, steadily } from '../fixtures/peer-loop.ts';
import { play, tone } from '../fixtures/sound.ts';
import { UdpRelay } from '../fixtures/udp-relay.ts';

const TONE = tone(1);
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A stage without an engine process: pictures go out again after a delay of its own. */
function stage(pictureDelayMs = 0) {
  const engine = createRtpEngine({ bindAddress: '127.0.0.1' });
  closers.push(() => engine.close());
  const rendition = engine.rendition({
    feed: 'a',
    name: 'program',
    codec: 'h264',
    keyWanted: () => ingest.session?.requestKey(),
  });
  const held = new SoundOut(rendition);
  const out = { sendSound: (audio: CodedAudio) => held.push(audio), dropSound: () => held.clear() };
  const sessions: string[] = [];
  const session = ({ kind }: { kind: string }) => {
    sessions.push(`${kind} began`);
    return (why: string, { packets }: Record<string, number>) =>
      void sessions.push(`${kind} ended: ${why} ${packets === 0 ? 'It sent nothing.' : ''}`.trim());
  };
  const sound = new FeedSound({ feed: 'a', media: engine, changed: () => undefined, session, out });
  closers.push(() => held.close());
  closers.push(() => sound.close());
  const ingest: { session: IngestSession | null; frames: CodedFrame[]; heard: CodedAudio[] } = {
    session: null,
    frames: [],
    heard: [],
  };
  const show = (frame: CodedFrame): void => {
    rendition.send(frame);
    held.passed(frame);
  };
  const whip: Signal = async (offer) => {
    const sink: IngestSink = {
      frame: (frame) => {
        ingest.frames.push(frame);
        if (pictureDelayMs > 0) setTimeout(() => show(frame), pictureDelayMs);
        else show(frame);
      },
      sound: (audio) => {
        ingest.heard.push(audio);
        sound.fromCamera(audio);
      },
      state: (state) => {
        if (state === 'closed') sound.cameraGone();
      },
      seen: () => undefined,
    };
    const session = await engine.ingest(offer, sink, 'a');
    ingest.session = session;
    sound.cameraCame();
    return { answer: session.answer, end: async () => session.close() };
  };
  const whep: Signal = async (offer) => {
    const session = await rendition.addViewer(offer, () => undefined);
    return { answer: session.answer, end: async () => session.close() };
  };
  const mixer: { session: SoundSession | null } = { session: null };
  const whipSound: Signal = async (offer) => {
    const session = await sound.publish(offer);
    mixer.session = session;
    return { answer: session.answer, end: async () => session.close() };
  };
  return { held, sound, sessions, ingest, mixer, whip, whep, whipSound };
}

async function camera(signal: Signal, change: Partial<PublisherOptions> = {}, edit: (sdp: string) => string = String) {
  const source = new SyntheticCamera();
  const publisher = await openPublisher({
    signal: (offer) => signal(edit(offer)),
    bindAddress: '127.0.0.1',
    sound: 'beside',
    onKeyRequest: () => source.requestKey(),
    ...change,
  });
  const beganUs = monotonicUs();
  const ticking = steadily(30, () => {
    const frame = source.next();
    publisher.send({ ...frame, captureUs: beganUs + Math.round((frame.rtpTs * 1000) / 90) });
  });
  closers.push(async () => {
    ticking.stop();
    source.close();
    await publisher.close();
  });
  return { publisher, beganUs };
}

async function ears(signal: Signal) {
  const heard: ReceivedSound[] = [];
  const frames: ReceivedFrame[] = [];
  const reports = new Map<string, SenderReport>();
  const viewer = await openViewer({
    signal,
    bindAddress: '127.0.0.1',
    onFrame: (frame) => frames.push(frame),
    onSound: (packet) => heard.push(packet),
    onSenderReport: (of, report) => reports.set(of, report),
  });
  closers.push(() => viewer.close());
  return { viewer, heard, frames, reports };
}

const playing = (publisher: Publisher, options: { firstTs?: number; beganUs?: number } = {}) => {
  const running = play(publisher, TONE, options);
  closers.push(() => running.stop());
  return running;
};

/** Distances between neighbours on the 32-bit circle. */
const steps = (packets: readonly { rtpTs: number }[]): Set<number> =>
  new Set(packets.slice(1).map(({ rtpTs }, i) => (rtpTs - (packets[i]?.rtpTs ?? 0)) >>> 0));

describe('a camera’s sound', () => {
  test('reaches a viewer byte for byte, in order, with the camera’s own times', async () => {
    const loop = stage();
    const { publisher, beganUs } = await camera(loop.whip);
    const { sent } = playing(publisher, { firstTs: 0xffff_f000, beganUs });
    const { heard, viewer } = await ears(loop.whep);
    await eventually(() => heard.length >= 40, '40 packets of sound');
    const first = sent.findIndex(({ rtpTs }) => rtpTs === heard[0]?.rtpTs);
    expect(first).toBeGreaterThanOrEqual(0);
    heard.forEach(({ rtpTs, bytes, lostBefore }, i) => {
      expect(rtpTs).toBe(sent[first + i]?.rtpTs);
      expect(Buffer.compare(bytes, sent[first + i]?.bytes as Uint8Array)).toBe(0);
      expect(lostBefore).toBe(0);
    });
    expect(viewer.soundStats()).toMatchObject({ lost: 0 });
    expect(loop.sound.info(loop.ingest.session?.soundStats?.() ?? null)).toMatchObject({
      source: 'camera',
      lostPct: 0,
      silent: false,
    });
  });

  test('is kept where the offer names no SSRC', async () => {
    const loop = stage();
    const bare = (sdp: string): string => sdp.replace(/a=ssrc.*\r\n/g, '');
    const { publisher } = await camera(loop.whip, {}, bare);
    playing(publisher);
    const { heard, frames } = await ears(loop.whep);
    await eventually(() => heard.length >= 10 && frames.length >= 10, 'sound and picture');
  });

  test('that was lost on the way is counted, told to the viewer as missing, and never waited for', async () => {
    const loop = stage();
    const relay = new UdpRelay();
    closers.push(() => relay.close());
    const { publisher } = await camera(loop.whip, { rewriteAnswer: (answer) => relay.rewrite(answer) });
    playing(publisher);
    const { heard } = await ears(loop.whep);
    await eventually(() => heard.length >= 10, 'the first sound');
    let dropped = 0;
    relay.toAnswerer = { drop: (datagram) => ((datagram[1] ?? 0) & 0x7f) === 111 && dropped < 2 && ++dropped > 0 };
    await eventually(() => heard.some(({ lostBefore }) => lostBefore === 2), 'the viewer knows of the gap');
    expect(loop.ingest.session?.soundStats?.()).toMatchObject({ lost: 2 });
    expect([...steps(heard)].sort((a, b) => a - b)).toEqual([960, 3 * 960]);
  });

  test('leaves with the picture of its time', async () => {
    const delayMs = 120;
    const loop = stage(delayMs);
    const { publisher, beganUs } = await camera(loop.whip);
    playing(publisher, { beganUs });
    const { heard, frames, reports } = await ears(loop.whep);
    await eventually(() => heard.length >= 120 && frames.length >= 60, 'two seconds', 15_000);
    await eventually(() => reports.size === 2, 'both streams report');
    const at = (of: string, rtpTs: number, hz: number): number => {
      const { ntpUs = 0, rtpTs: known = 0 } = reports.get(of) ?? {};
      return ntpUs + (((rtpTs - known) | 0) * 1e6) / hz;
    };
    // On a slow machine it may leave later, with its picture; never sooner.
    const clockMs = performance.now() - monotonicUs() / 1000;
    const ages = heard
      .slice(-60)
      .map(({ arrivalMs, rtpTs }) => arrivalMs - clockMs - beganUs / 1000 - (rtpTs | 0) / 48);
    expect(Math.min(...ages)).toBeGreaterThan(delayMs - 35);
    expect(loop.held.delayUs).toBeGreaterThan((delayMs - 20) * 1000);
    expect(steps(heard)).toEqual(new Set([960]));
    // The reports put what was captured together at one time.
    const offset = at('sound', heard[0]?.rtpTs ?? 0, 48_000) - at('picture', frames[0]?.rtpTs ?? 0, 90_000);
    const truth = ((heard[0]?.rtpTs ?? 0) * 1e6) / 48_000 - ((frames[0]?.rtpTs ?? 0) * 1e6) / 90_000;
    expect(Math.abs(offset - truth)).toBeLessThan(17_000);
  });
});

describe('a mixer', () => {
  test('is heard instead of the camera while it is connected, without a leap in time', async () => {
    const loop = stage();
    const { publisher } = await camera(loop.whip);
    playing(publisher);
    const { heard } = await ears(loop.whep);
    await eventually(() => heard.length >= 10, 'the camera’s sound');
    const mixer = await openPublisher({ signal: loop.whipSound, bindAddress: '127.0.0.1', sound: 'alone' });
    closers.push(() => mixer.close());
    // A peer that did not connect at once tries again, which leaves sessions that sent nothing before this one.
    const failedTries = loop.sessions.length - 1;
    const { sent } = playing(mixer, { firstTs: 0x1234_5678 });
    await eventually(() => sent.length > 0 && loop.sound.info(null)?.silent === false, 'the mixer is heard');
    expect(loop.sound.info(null)?.source).toBe('mixer');
    await expect(
      openPublisher({ signal: loop.whipSound, bindAddress: '127.0.0.1', sound: 'alone' }),
    ).rejects.toMatchObject({ code: 'feed_busy' });
    const before = heard.length;
    await eventually(() => heard.length >= before + 20, 'more sound');
    await mixer.close();
    await eventually(() => loop.mixer.session?.state === 'closed', 'the mixer has gone');
    expect(loop.sessions.slice(failedTries)).toEqual(['mixer began', 'mixer ended: It was closed.']);
    const after = heard.length;
    await eventually(() => heard.length >= after + 20, 'the camera’s sound again');
    // A change of source takes as long as it takes, but time goes on: no step back, none beyond what passed.
    for (const step of steps(heard)) expect(step).toBeLessThan(48_000 * 3);
  });

  test('waits for a camera', async () => {
    const loop = stage();
    const mixer = await openPublisher({ signal: loop.whipSound, bindAddress: '127.0.0.1', sound: 'alone' });
    closers.push(() => mixer.close());
    playing(mixer);
    await camera(loop.whip, { sound: 'none' });
    const { heard } = await ears(loop.whep);
    await eventually(() => heard.length >= 10, 'the mixer’s sound');
    await expect(loop.sound.publish('v=0\r\n')).rejects.toMatchObject({ code: 'feed_busy' });
  });
});
