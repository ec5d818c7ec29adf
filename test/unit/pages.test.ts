import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { withMetadata } from '../../client/camera/aid-model.ts';
import { advise, type FoundFace, NO_FACE, SteadyAdvice } from '../../client/camera/aid-words.ts';
import { ServerClock } from '../../client/shared/clock.ts';
import { frameAgeMs } from '../../client/shared/latency.ts';
import { sinceDrawn } from '../../client/shared/testcard.ts';
import { feedWarning, loweredWords } from '../../client/shared/words.ts';
import type { FeedInfo } from '../../server/wire/messages.ts';

describe('age of a shown frame', () => {
  const offsetUs = 5_000_000;
  const anchor = { rtpTs: 90_000, captureUs: 6_000_000 };

  it('is the server’s time at showing minus the capture time', () => {
    // Captured half a second after the anchor; shown at server time 6.55 s.
    expect(frameAgeMs(90_000 + 45_000, 1_550, anchor, offsetUs)).toBeCloseTo(50, 6);
  });

  it('knows frames before the anchor', () => {
    expect(frameAgeMs(90_000 - 9_000, 1_000, anchor, offsetUs)).toBeCloseTo(100, 6);
  });

  it('does not stumble where 32 bits of RTP time wrap', () => {
    const before = { rtpTs: 0xffff_fff0, captureUs: 6_000_000 };
    expect(frameAgeMs((0xffff_fff0 + 900) >>> 0, 1_030, before, offsetUs)).toBeCloseTo(20, 6);
  });
});

describe('the server’s clock', () => {
  it('trusts the ping with the shortest round trip', () => {
    const clock = new ServerClock();
    expect(clock.offsetUs).toBeNull();
    clock.add(0, 100, 1_080_000); // delayed on one way: 30 ms off
    clock.add(200, 202, 1_201_000 + 50_000); // 1 ms each way: right
    clock.add(300, 390, 1_400_000);
    expect(clock.offsetUs).toBe(1_050_000);
    expect(clock.rttMs).toBe(2);
  });

  it('forgets old samples, so that drift does not stay', () => {
    const clock = new ServerClock();
    clock.add(0, 1, 0);
    for (let i = 1; i <= 16; i++) clock.add(i * 10, i * 10 + 2, i * 10_000 + 7_001_000);
    expect(clock.offsetUs).toBe(7_000_000);
  });
});

describe('the framing aid', () => {
  const face = (change: Partial<FoundFace> = {}): FoundFace => ({
    left: 0.4,
    top: 0.25,
    width: 0.2,
    height: 0.35,
    score: 0.9,
    luma: 120,
    ...change,
  });

  it.each([
    [null, NO_FACE],
    [face(), 'Good'],
    [face({ height: 0.1 }), 'Closer'],
    [face({ height: 0.8 }), 'Further back'],
    [face({ left: 0.05, width: 0.1 }), 'To your left'],
    [face({ left: 0.85, width: 0.1 }), 'To your right'],
    [face({ top: -0.02 }), 'Camera up'],
    [face({ top: 0.6 }), 'Camera down'],
    [face({ luma: 30 }), 'More light'],
    [face({ luma: 240 }), 'Less light'],
    [face({ luma: null }), 'Good'],
  ])('says of %o: %s', (seen, word) => {
    expect(advise(seen)).toEqual({ word, good: word === 'Good' });
  });

  it('does not flicker for a look that missed the face', () => {
    const steady = new SteadyAdvice();
    const small = face({ height: 0.1 });
    expect(steady.look(face())).toEqual({ advice: { word: 'Good', good: true }, face: face() });
    expect(steady.look(null)).toEqual({ advice: { word: 'Good', good: true }, face: face() });
    expect(steady.look(small).advice.word).toBe('Good');
    expect(steady.look(small)).toEqual({ advice: { word: 'Closer', good: false }, face: small });
    for (let i = 0; i < 4; i++) expect(steady.look(null).advice.word).toBe('Closer');
    expect(steady.look(null)).toEqual({ advice: { word: NO_FACE, good: false }, face: null });
  });

  it('frames no face while it says that none is seen', () => {
    const steady = new SteadyAdvice();
    steady.look(null);
    expect(steady.look(face())).toEqual({ advice: { word: NO_FACE, good: false }, face: null });
    expect(steady.look(face())).toEqual({ advice: { word: 'Good', good: true }, face: face() });
  });

  it('puts the metadata that the task asks for before the detector of its npm package, which stays as it is', () => {
    const file = createRequire(import.meta.url).resolve('@mediapipe/face_detection/face_detection_short_range.tflite');
    const original = new Uint8Array(readFileSync(file));
    const patched = withMetadata(original);
    expect(Buffer.from(patched).includes('TFLITE_METADATA')).toBe(true);
    expect(Buffer.from(patched.subarray(patched.length - original.length)).equals(Buffer.from(original))).toBe(true);
    expect(String.fromCharCode(...patched.subarray(4, 8))).toBe('TFL3');
  });
});

describe('test marks', () => {
  it('tell how long ago they were drawn, over the wrap of their 24 bits', () => {
    const day = 1_700_000_000_000;
    const mark = (ms: number) => ({ count: 0, drawnMs: Math.round(ms) & 0xffffff });
    expect(sinceDrawn({ count: 0, drawnMs: day % 0x1000000 }, day + 40)).toBeCloseTo(40);
    const wrap = Math.ceil(day / 0x1000000) * 0x1000000;
    expect(sinceDrawn(mark(wrap - 30), wrap + 25)).toBeCloseTo(55);
    expect(sinceDrawn(mark(wrap + 5), wrap + 2)).toBeCloseTo(-3);
  });
});

describe('warnings', () => {
  const feed: FeedInfo = {
    name: 'a-cam',
    state: 'live',
    message: null,
    camera: { codec: 'h264', width: 1280, height: 720, fps: 30, bitrate: 4e6, lostPct: 0 },
    program: { width: 1280, height: 720, fps: 30, scale: 1, skipped: 0 },
    look: 'mara',
    uncast: 'look',
    age: null,
    provider: 'cpu',
    faces: [],
    castings: [],
    viewers: { program: 1, plate: 0, low: 0 },
    stageMs: {},
    sound: null,
    timecode: null,
    pictureDelayMs: null,
    anchor: null,
  };
  const lowered = { ...feed, program: { ...feed.program, width: 960, height: 540, scale: 0.75 } };

  it('are silent when all is well', () => {
    expect(feedWarning(feed, null)).toBeNull();
  });

  it('say what was lowered and what to do', () => {
    expect(loweredWords(lowered)).toContain('Resolution lowered to 960×540: the machine is too slow for 1280×720.');
    expect(loweredWords({ ...lowered, camera: null })).toContain('too slow for 1280×720');
  });

  it('put what hides the picture before what only lowers it', () => {
    expect(feedWarning({ ...lowered, state: 'stalled' }, 4)).toContain('No picture from the camera for 4 s');
    expect(feedWarning(lowered, 3)).toContain('No new picture for 3 s');
    expect(feedWarning(lowered, null)).toBe(loweredWords(lowered));
    expect(feedWarning({ ...feed, message: 'The disk is full: delete takes.' }, null)).toBe(
      'The disk is full: delete takes.',
    );
  });
});
