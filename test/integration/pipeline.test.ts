import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import { readCounter } from '../../scripts/bench/counter.ts';
import { Decoder } from '../../server/engine/decoder.ts';
import { Encoder } from '../../server/engine/encoder.ts';
import { Encoders } from '../../server/engine/encoders.ts';
import { FaceStage } from '../../server/engine/face-stage.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { Pipeline } from '../../server/engine/pipeline.ts';
import type { Perceiver } from '../../server/face/perceiver.ts';
import type { Track } from '../../server/face/types.ts';
import { Arena } from '../../server/frame/arena.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import { loadKernels } from '../../server/frame/kernels.ts';

const SIZE = { width: 320, height: 192 };
const TICKS = 3000;
const PROGRAM = { name: 'program', codec: 'h264' } as const;

interface Bench {
  pipeline: Pipeline;
  pictures: Pictures;
  out: CodedFrame[];
  needKeys: number;
  troubles: string[];
  /** Settles when so many frames have come out. */
  frames(count: number): Promise<void>;
  close(): Promise<void>;
}

/** @param perceiver finds the faces; without one pictures are decoded and encoded only. */
function open(perceiver: Perceiver | null = null): Bench {
  const arena = new Arena(64);
  const kernels = loadKernels(arena);
  const pictures = new Pictures(arena);
  const parts = {
    pictures,
    decoder: new Decoder(pictures, 'test'),
    encoders: new Encoders({
      pictures,
      kernels,
      openEncoder: ({ name, codec }) =>
        new Encoder({ codec, bitrate: name === 'low' ? 300_000 : 3_000_000, threads: 1 }),
    }),
  };
  const waiting: { count: number; resolve(): void }[] = [];
  const bench: Bench = {
    pictures,
    out: [],
    needKeys: 0,
    troubles: [],
    frames: (count) => new Promise((resolve) => waiting.push({ count, resolve })),
    close: async () => {
      await bench.pipeline.close();
      parts.decoder.close();
      parts.encoders.close();
    },
    pipeline: new Pipeline({
      ...parts,
      kernels,
      faces: perceiver && new FaceStage({ arena, kernels, perceiver }),
      unknownMatrix: 'bt709',
      events: {
        frame: (_rendition, frame) => {
          bench.out.push(frame);
          for (const { count, resolve } of waiting) if (bench.out.length >= count) resolve();
        },
        needKey: () => bench.needKeys++,
        size: () => undefined,
        trouble: (sentence) => bench.troubles.push(sentence),
      },
    }),
  };
  bench.pipeline.want([PROGRAM]);
  return bench;
}

describe('the frame loop, with real codecs', () => {
  let clip: CodedFrame[];
  let bench: Bench;
  beforeAll(async () => {
    clip = (await codedClip({ ...SIZE, frames: 60, bitrate: 3_000_000 })).map((frame, index) => ({
      ...frame,
      rtpTs: index * TICKS,
      captureUs: index * 33_333,
    }));
  });
  afterEach(() => bench.close());

  it('gives every picture out under its own timestamp and gives its memory back', async () => {
    bench = open();
    for (const [index, frame] of clip.entries()) {
      bench.pipeline.push(frame);
      await bench.frames(index + 1);
    }
    expect(bench.out.map(({ rtpTs }) => rtpTs)).toEqual(clip.map(({ rtpTs }) => rtpTs));
    expect(bench.pipeline.counts).toEqual({ decoded: 60, encoded: 60, skipped: 0, undecodable: 0 });
    await bench.pipeline.close();
    expect(bench.pictures.out).toBe(0);
    const decoder = new Decoder(bench.pictures, 'check');
    for (const frame of bench.out) {
      const decoded = await decoder.decode(frame);
      if (!('picture' in decoded)) throw new Error(decoded.why);
      expect(readCounter(decoded.picture.planes[0], SIZE.width, SIZE.width)).toBe(frame.rtpTs / TICKS);
      bench.pictures.give(decoded.picture);
    }
    decoder.close();
  });

  it('asks for no picture of memory outside the heap with each frame: V8 collects everything when there has been much of it', async () => {
    bench = open();
    const frames = clip.entries();
    const pass = async (until: number): Promise<number> => {
      while (bench.out.length < until) {
        const [index, frame] = frames.next().value as [number, CodedFrame];
        bench.pipeline.push(frame);
        await bench.frames(index + 1);
      }
      return process.memoryUsage().external;
    };
    const before = await pass(20);
    const grown = (await pass(50)) - before;
    const picture = (SIZE.width * SIZE.height * 3) / 2;
    expect(grown / 30).toBeLessThan(picture / 2);
  });

  it('decodes all of a burst, skips pictures between decode and faces, and ends with the newest', async () => {
    bench = open();
    const burst = clip.slice(0, 12);
    const newest = new Promise<void>((resolve) => {
      const wait = (): void =>
        bench.out.at(-1)?.rtpTs === burst.at(-1)?.rtpTs
          ? resolve()
          : void bench.frames(bench.out.length + 1).then(wait);
      wait();
    });
    for (const frame of burst) bench.pipeline.push(frame);
    await newest;
    const { decoded, skipped, encoded } = bench.pipeline.counts;
    expect(decoded).toBe(12);
    expect(skipped).toBeGreaterThan(0);
    expect(skipped + encoded).toBe(12);
  });

  it('starts anew with a key frame when decoding itself has fallen far behind', async () => {
    bench = open();
    for (const frame of clip.slice(0, 40)) bench.pipeline.push(frame);
    expect(bench.needKeys).toBe(1);
    expect(bench.troubles[0]).toMatch(/smaller size/);
    bench.pipeline.push({ ...(clip[0] as CodedFrame), rtpTs: 90 * TICKS, captureUs: 3e6 });
    await new Promise<void>((resolve) => {
      const wait = (): void =>
        bench.out.at(-1)?.rtpTs === 90 * TICKS ? resolve() : void bench.frames(bench.out.length + 1).then(wait);
      wait();
    });
    expect(bench.out.at(-1)?.rtpTs).toBe(90 * TICKS);
  });

  it('names the frame that a network hangs in until it lets go, however many wait behind it', async () => {
    let letGo: (tracks: Track[]) => void = () => undefined;
    const answer = new Promise<Track[]>((resolve) => {
      letGo = resolve;
    });
    bench = open({
      perceive: () => ({ tracked: answer, complete: answer }),
      reset: () => undefined,
      close: () => undefined,
    });
    expect(bench.pipeline.working).toBeNull();
    for (const frame of clip.slice(0, 2)) bench.pipeline.push(frame);
    await expect.poll(() => bench.pipeline.counts.decoded).toBe(1);
    expect(bench.pipeline.working).toBe(1);
    for (const frame of clip.slice(2, 40)) bench.pipeline.push(frame);
    expect(bench.pipeline.working).toBe(1);
    letGo([]);
    await bench.frames(1);
    await expect.poll(() => bench.pipeline.working).toBeNull();
  });

  it('makes only what is watched: nothing, the plate alone, then the program from its next picture on', async () => {
    bench = open();
    bench.pipeline.want([]);
    for (const frame of clip.slice(0, 3)) bench.pipeline.push(frame);
    await expect.poll(() => bench.pipeline.counts.decoded).toBe(3);
    bench.pipeline.want([{ name: 'plate', codec: 'h264' }]);
    bench.pipeline.push(clip[3] as CodedFrame);
    await bench.frames(1);
    expect(bench.pipeline.counts).toMatchObject({ decoded: 4, encoded: 0 });
    bench.pipeline.want([PROGRAM]);
    bench.pipeline.push(clip[4] as CodedFrame);
    await bench.frames(2);
    expect(bench.out.at(-1)?.rtpTs).toBe(4 * TICKS);
    expect(bench.pipeline.counts.encoded).toBe(1);
  });

  it('asks for a key frame instead of showing a damaged picture, and recovers', async () => {
    bench = open();
    bench.pipeline.push({ ...(clip[5] as CodedFrame) });
    bench.pipeline.push({ ...(clip[0] as CodedFrame), rtpTs: 7 * TICKS });
    await bench.frames(1);
    expect(bench.needKeys).toBeGreaterThan(0);
    expect(bench.out[0]?.rtpTs).toBe(7 * TICKS);
  });

  it('shows the very next key frame after damaged ones, under its own name', async () => {
    bench = open();
    const [key] = clip as [CodedFrame];
    for (let round = 0; round < 4; round++) {
      const bytes = Buffer.from(key.bytes).fill(0x5a, Math.floor(key.bytes.length * (0.3 + 0.2 * round)));
      bench.pipeline.push({ ...key, bytes, rtpTs: 1000 * TICKS });
      bench.pipeline.push({ ...key, bytes: Buffer.from([0, 0, 1, 0x65, 0x88]), rtpTs: 1000 * TICKS });
      const { counts } = bench.pipeline;
      while (counts.decoded + counts.undecodable < 2 * round + 2) await new Promise((resolve) => setImmediate(resolve));
    }
    bench.pipeline.push({ ...key, rtpTs: 9 * TICKS });
    await new Promise<void>((resolve) => {
      const wait = (): void =>
        bench.out.at(-1)?.rtpTs === 9 * TICKS ? resolve() : void bench.frames(bench.out.length + 1).then(wait);
      wait();
    });
    const decoder = new Decoder(bench.pictures, 'check');
    const decoded = await decoder.decode({ ...(bench.out.at(-1) as CodedFrame) });
    if (!('picture' in decoded)) throw new Error(decoded.why);
    expect(readCounter(decoded.picture.planes[0], SIZE.width, SIZE.width)).toBe(0);
    bench.pictures.give(decoded.picture);
    decoder.close();
    // Half a face is not found, and would be shown: what the decoder patched up stays here.
    expect(bench.out.map(({ rtpTs }) => rtpTs)).toEqual([9 * TICKS]);
    expect(bench.needKeys).toBeGreaterThan(0);
  });

  it('refuses a picture that says it is far too large before it is decoded, and goes on', async () => {
    bench = open();
    const [key] = clip as [CodedFrame];
    bench.pipeline.push({ ...key, width: 16_384, height: 16_384, rtpTs: TICKS });
    bench.pipeline.push({ ...key, rtpTs: 2 * TICKS });
    await bench.frames(1);
    expect(bench.out.map(({ rtpTs }) => rtpTs)).toEqual([2 * TICKS]);
    expect(bench.troubles).toEqual([expect.stringMatching(/16384×16384: sizes from 16×16 to 4096×4096/)]);
  });

  it('says so when a camera never sends anything that can be decoded', async () => {
    bench = open();
    for (let index = 0; index < 60; index++) {
      bench.pipeline.push({ ...(clip[5] as CodedFrame), rtpTs: index * TICKS });
      if (index % 20 === 19) await new Promise((resolve) => setImmediate(resolve));
    }
    await bench.pipeline.close();
    expect(bench.troubles.filter((sentence) => /No picture of the camera can be decoded/.test(sentence))).toHaveLength(
      2,
    );
    expect(bench.pictures.out).toBe(0);
  });

  it('survives a camera that goes in the middle of a frame, and one that comes back', async () => {
    bench = open();
    for (let round = 0; round < 5; round++) {
      for (const frame of clip.slice(0, 4)) bench.pipeline.push(frame);
      bench.pipeline.reset();
    }
    const seen = bench.out.length;
    bench.pipeline.push(clip[0] as CodedFrame);
    await bench.frames(seen + 1);
    expect(bench.pipeline.counts.encoded).toBeGreaterThan(0);
  });
});
