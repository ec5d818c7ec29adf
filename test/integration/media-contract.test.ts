import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import { readCounter } from '../../scripts/bench/counter.ts';
import { Decoder } from '../../server/engine/decoder.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { Arena } from '../../server/frame/arena.ts';
import type { CodedFrame, VideoCodec } from '../../server/frame/coded.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { BAD_OFFERS } from '../fixtures/bad-offers.ts';
import { feedBecomes, feedOf, type LiveMonitor, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';

/** What a whole server does with either media engine, through real peers. Both may differ in speed and in what they survive, not in this. */

const SIZE = { width: 640, height: 360 };
/** The middle of the demo performer's face in the first second, in shares of the picture. */
const FACE = { x: 0.47, y: 0.36, w: 0.06, h: 0.14 };
/** Luma is compared as means over so many pixels across and down: what an encoder short of bits leaves out is finer. */
const CELL = 4;
/** Mean difference from the camera's own picture: coding twice stays below (1.3 on a loaded machine), a replaced or covered face is above (11). */
const CODING = 4;

const pictures = new Pictures(new Arena(64));

interface Seen {
  /** The number in the picture; null where it cannot be read. */
  number: number | null;
  face: number[];
  width: number;
  height: number;
}

/** Decodes frames in order; each picture's number and the luma of the performer's face, in CELLs. */
async function decoded(frames: readonly CodedFrame[]): Promise<Seen[]> {
  const decoder = new Decoder(pictures, 'test');
  const seen: Seen[] = [];
  for (const frame of frames) {
    const result = await decoder.decode(frame);
    if (!('picture' in result)) throw new Error(result.why);
    const { planes, width, height } = result.picture;
    const [x0, y0] = [Math.round(FACE.x * width), Math.round(FACE.y * height)];
    const [columns, rows] = [Math.floor((FACE.w * width) / CELL), Math.floor((FACE.h * height) / CELL)];
    const face = Array.from({ length: columns * rows }, (_, i) => {
      const [x, y] = [x0 + CELL * (i % columns), y0 + CELL * Math.floor(i / columns)];
      let sum = 0;
      for (let v = 0; v < CELL; v++) for (let u = 0; u < CELL; u++) sum += planes[0][(y + v) * width + x + u] ?? 0;
      return sum / CELL ** 2;
    });
    seen.push({ number: readCounter(planes[0], width, width), face, width, height });
    pictures.give(result.picture);
  }
  decoder.close();
  return seen;
}

const difference = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;

/** Settles when so many frames have come. */
async function frames(monitor: LiveMonitor, count: number): Promise<readonly CodedFrame[]> {
  while (monitor.frames.length < count) await monitor.next(() => true, 30_000);
  return [...monitor.frames];
}

describe.each([
  { engine: 'rtp', codec: 'h264' },
  { engine: 'wrtc', codec: 'vp8' },
] as const)(
  'a server with media.engine $engine',
  ({ engine, codec }: { engine: 'rtp' | 'wrtc'; codec: VideoCodec }) => {
    let server: RunningServer;
    let clip: CodedFrame[];
    let plates: Seen[];
    beforeAll(async () => {
      clip = await codedClip({ ...SIZE, frames: 30, bitrate: 2_000_000, codec });
      plates = await decoded(clip);
      server = await liveServer({ media: { engine }, stage: { maxFeeds: 2, feeds: [{ name: 'a' }] } });
      await feedBecomes(server, 'a', ({ provider }) => provider !== '');
    }, 60_000);
    afterAll(() => server?.close());

    const camera = (feed = 'a') => liveCamera(server, feed, clip);
    const monitor = (rendition: 'program' | 'plate' | 'low' = 'program') =>
      liveMonitor(server, 'a', rendition, { codec });
    const idle = () => feedBecomes(server, 'a', ({ state }) => state === 'idle');
    const ask = (path: string, method: string, body?: string) =>
      fetch(`${server.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${server.apiToken}`,
          'content-type': 'application/sdp',
          // A sentence instead of an offer of the server's own.
          accept: 'application/sdp, application/problem+json',
        },
        ...(body === undefined ? {} : { body }),
      });

    /** The pictures of the camera's size: a machine that is too slow lowers it, and the first ones always have it. */
    async function comparable(coded: readonly CodedFrame[]): Promise<Seen[]> {
      const shown = (await decoded(coded)).filter(({ width }) => width === SIZE.width);
      expect(shown.length).toBeGreaterThan(2);
      return shown;
    }

    function plateOf(number: number | null): Seen {
      const plate = plates[number ?? -1];
      if (!plate) throw new Error(`No picture of the camera has the number ${number}.`);
      return plate;
    }

    /** Every picture that the program shows, checked against the camera's picture of the same number. */
    async function expectNoRawFace(program: LiveMonitor): Promise<void> {
      const shown = await comparable(program.frames);
      expect(shown.filter(({ number, face }) => difference(face, plateOf(number).face) < CODING)).toEqual([]);
    }

    it('brings the program to a monitor and the plate to another: no face of the program is the camera’s own, every one of the plate is', async () => {
      const source = await camera();
      const live = await feedBecomes(server, 'a', ({ state, camera: known }) => state === 'live' && known !== null);
      expect(live.camera).toMatchObject({ codec, ...SIZE });
      const [program, plate] = [await monitor('program'), await monitor('plate')];
      try {
        await feedBecomes(server, 'a', ({ faces }) => faces.some(({ shown }) => shown === 'replaced'));
        await frames(program, 30);
        await frames(plate, 30);
        await expectNoRawFace(program);
        for (const { number, face } of await comparable(plate.frames))
          expect(difference(face, plateOf(number).face)).toBeLessThan(CODING);
        const feed = await feedBecomes(
          server,
          'a',
          ({ camera: seen, program: made }) => (seen?.fps ?? 0) > 10 && made.fps > 1,
        );
        expect(feed).toMatchObject({ state: 'live', look: 'mara', viewers: { program: 1, plate: 1, low: 0 } });
        expect(feed.program.width / feed.program.height).toBeCloseTo(SIZE.width / SIZE.height, 1);
        expect(feed.camera?.bitrate).toBeGreaterThan(100_000);
      } finally {
        await program.close();
        await plate.close();
        await source.close();
      }
      await idle();
    });

    it('lets a monitor join in the middle and leave, and disturbs nobody', async () => {
      const source = await camera();
      await feedBecomes(server, 'a', ({ state }) => state === 'live');
      const first = await monitor();
      try {
        await frames(first, 5);
        const second = await monitor();
        expect((await second.first(() => true)).key).toBe(true);
        await feedBecomes(server, 'a', ({ viewers }) => viewers.program === 2);
        await second.close();
        await feedBecomes(server, 'a', ({ viewers }) => viewers.program === 1);
        await first.next();
        expect(first.lost).toBeNull();
      } finally {
        await first.close();
        await source.close();
      }
      await idle();
    });

    it('sends the low rendition at half size', async () => {
      const source = await camera();
      await feedBecomes(server, 'a', ({ state }) => state === 'live');
      const low = await monitor('low');
      try {
        const [picture] = await decoded([await low.first(({ key }) => key)]);
        expect((picture?.width ?? 0) / (picture?.height ?? 1)).toBeCloseTo(SIZE.width / SIZE.height, 1);
        expect(picture?.width).toBeLessThanOrEqual(SIZE.width / 2);
      } finally {
        await low.close();
        await source.close();
      }
      await idle();
    });

    it('stands a phone’s picture upright', async () => {
      const held = clip.map((frame) => ({ ...frame, rotation: 90 as const }));
      const source = await liveCamera(server, 'a', held);
      await feedBecomes(server, 'a', ({ state }) => state === 'live');
      const watcher = await monitor();
      try {
        const standing = (frame: { key: boolean; width: number; height: number }) =>
          frame.key && frame.height > frame.width;
        const [picture] = await decoded([await watcher.first(standing)]);
        expect((picture?.height ?? 0) / (picture?.width ?? 1)).toBeCloseTo(SIZE.width / SIZE.height, 1);
      } finally {
        await watcher.close();
        await source.close();
      }
      await idle();
    });

    it('keeps a monitor connected while the camera goes and another comes', async () => {
      const before = await camera();
      await feedBecomes(server, 'a', ({ state }) => state === 'live');
      const watcher = await monitor();
      try {
        await frames(watcher, 3);
        await before.close();
        await idle();
        const after = await camera();
        try {
          await feedBecomes(server, 'a', ({ state }) => state === 'live');
          await watcher.next();
          expect(watcher.lost).toBeNull();
          await expectNoRawFace(watcher);
        } finally {
          await after.close();
        }
      } finally {
        await watcher.close();
      }
      await idle();
    });

    it('refuses a second camera, a monitor where no camera is, and one feed too many', async () => {
      await expect(monitor()).rejects.toThrow(/No camera/);
      const source = await camera();
      try {
        await feedBecomes(server, 'a', ({ state }) => state === 'live');
        await expect(camera()).rejects.toThrow(/already on this feed/);
        const second = await camera('b');
        await expect(camera('c')).rejects.toThrow(/has its 2 feeds/);
        await second.close();
      } finally {
        await source.close();
      }
      await idle();
    });

    it('refuses offers that are none, each with its code, from monitors and from cameras', async () => {
      const refused = async (path: string): Promise<object[]> => {
        const answers: object[] = [];
        for (const { what, offer } of BAD_OFFERS) {
          const answer = await ask(path, 'POST', offer);
          const { code } = (await answer.json()) as { code: string };
          answers.push({ what, status: answer.status, code });
        }
        return answers;
      };
      const expected = BAD_OFFERS.map(({ what, status, code }) => ({ what, status, code }));
      const source = await camera();
      await feedBecomes(server, 'a', ({ state }) => state === 'live');
      try {
        expect(await refused('/whep/a')).toEqual(expected);
      } finally {
        await source.close();
      }
      await idle();
      expect(await refused('/whip/a')).toEqual(expected);
      expect((await feedOf(server, 'a'))?.state).toBe('idle');
    });

    it(
      engine === 'rtp'
        ? 'keeps its monitors when an engine is killed'
        : 'tells when an engine is killed that its connections are gone, and takes camera and monitor again',
      async () => {
        const source = await camera();
        await feedBecomes(server, 'a', ({ state }) => state === 'live');
        const watcher = await monitor();
        await frames(watcher, 3);
        const killed = server.pids().engines.a as number;
        process.kill(killed, 'SIGKILL');
        if (engine === 'rtp') {
          await feedBecomes(server, 'a', ({ state, faces }) => state === 'live' && faces.length > 0);
          await watcher.next();
          expect(watcher.lost).toBeNull();
          await source.close();
        } else {
          const told = await feedBecomes(server, 'a', ({ viewers }) => viewers.program === 0);
          expect(told).toMatchObject({
            state: 'idle',
            message: expect.stringMatching(/cameras and monitors connect again/),
          });
          await source.close();
          const next = await camera();
          await feedBecomes(server, 'a', ({ state }) => state === 'live');
          const again = await monitor();
          await frames(again, 5);
          await expectNoRawFace(again);
          await again.close();
          await next.close();
        }
        expect(server.pids().engines.a).not.toBe(killed);
        await watcher.close();
        await idle();
      },
    );

    it.skipIf(process.platform !== 'linux')('loads into its processes only what this engine needs', async () => {
      const source = await camera();
      await feedBecomes(server, 'a', ({ state }) => state === 'live');
      const { front, engines } = server.pids();
      const loaded = (pid: number | undefined): string => readFileSync(`/proc/${pid}/maps`, 'utf8');
      expect(/wrtc\.node/.test(loaded(engines.a))).toBe(engine === 'wrtc');
      expect(/node-av/.test(loaded(engines.a))).toBe(engine === 'rtp');
      expect(/wrtc\.node|node-av/.test(loaded(front))).toBe(false);
      expect(/node_datachannel/.test(loaded(front))).toBe(engine === 'rtp');
      await source.close();
      await idle();
    });

    it('closes in order with everybody connected, and ends every connection', async () => {
      const source = await camera();
      await feedBecomes(server, 'a', ({ state }) => state === 'live');
      const watcher = await monitor();
      await frames(watcher, 3);
      const { front, engines } = server.pids();
      const began = performance.now();
      await server.close();
      // A process that does not end is killed after five seconds.
      expect(performance.now() - began).toBeLessThan(5000);
      for (const pid of [front, ...Object.values(engines)]) expect(() => process.kill(pid as number, 0)).toThrow();
      await watcher.close();
      await source.close();
    });
  },
);
