import * as av from 'node-av';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codedClip } from '../../scripts/bench/clip.ts';
import { drawCounter, readCounter } from '../../scripts/bench/counter.ts';
import { tryEncoder } from '../../server/cli/doctor-encoder.ts';
import { Decoder } from '../../server/engine/decoder.ts';
import { Encoder } from '../../server/engine/encoder.ts';
import { type EncoderMake, makeOf } from '../../server/engine/encoder-makes.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { quietCodecs } from '../../server/engine/quiet.ts';
import { Arena } from '../../server/frame/arena.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import { UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { feedBecomes, liveCamera, liveMonitor, liveServer } from '../fixtures/live.ts';

const SIZE = { width: 640, height: 360 };
const CODING = { ...SIZE, fps: 30, bitrate: 2_000_000 };
const pictures = new Pictures(new Arena(32));
const decoder = new Decoder(pictures, 'test');
beforeAll(quietCodecs);
afterAll(() => decoder.close());

async function encode(encoder: Encoder, rtpTs: number): Promise<CodedFrame> {
  const picture = pictures.take(SIZE.width, SIZE.height, UNKNOWN_COLOUR, { feed: '', rtpTs, captureUs: 0 });
  try {
    picture.planes[0].fill(90);
    picture.planes[1].fill(128);
    picture.planes[2].fill(128);
    drawCounter(picture.planes[0], SIZE.width, rtpTs);
    return await encoder.encode(picture);
  } finally {
    pictures.give(picture);
  }
}

/** What a decoder that comes with the first of these sees. */
async function seen(frames: readonly CodedFrame[]): Promise<number[]> {
  const counters: number[] = [];
  for (const frame of frames) {
    const decoded = await decoder.decode(frame);
    if (!('picture' in decoded)) throw new Error(decoded.why);
    counters.push(readCounter(decoded.picture.planes[0], SIZE.width, SIZE.width) ?? -1);
    pictures.give(decoded.picture);
  }
  return counters;
}

test.each([
  ['h264', null],
  ['h264', 0],
  ['vp8', null],
] as const)('%s (GPU: %s): FFmpeg knows every setting', (codec, gpu) => {
  const { name, settings } = makeOf(codec, gpu);
  const found = av.Codec.findEncoderByName(name);
  // There is no NVIDIA driver for macOS, and no encoder in FFmpeg's build.
  if (gpu !== null && process.platform === 'darwin') return;
  expect(found).not.toBeNull();
  const context = new av.CodecContext();
  context.allocContext3(found);
  for (const [key, value] of settings(CODING)) expect([key, context.setOption(key, value) >= 0]).toEqual([key, true]);
  expect(context.setOption('no-such-setting', '1')).toBeLessThan(0);
  context.freeContext();
});

test('where there is no GPU that encodes, the processor does: the same picture, a key frame, and the reason once', async () => {
  const said: string[] = [];
  // The 15th GPU: not there on any machine that runs this test.
  const encoder = new Encoder({ bitrate: 2_000_000, threads: 1, gpu: 15, fellBack: (text) => said.push(text) });
  const frames = [await encode(encoder, 1), await encode(encoder, 2)];
  encoder.bitrate = 1_000_000;
  frames.push(await encode(encoder, 3));
  encoder.close();
  expect(frames.map(({ key }) => key)).toEqual([true, false, true]);
  expect(await seen(frames)).toEqual([1, 2, 3]);
  expect(said).toEqual([expect.stringMatching(/^GPU 15: .*h264_nvenc/)]);
});

test('doctor’s trial of a GPU that is not there says why', async () => {
  expect(await tryEncoder(15)).toEqual({ why: expect.stringContaining('GPU 15') });
});

/** No GPU can be had: x264 stands in for its encoder, and does after a few pictures what one might. */
test.each([
  // Opened anew for another bit rate, it looks ahead.
  { what: 'keeps a picture back', preset: 'medium', why: 'gave no frame' },
  // Or it cannot be opened any more.
  { what: 'is refused', preset: 'none-such', why: 'could not be opened' },
] as const)(
  'an encoder that $what in the midst of a take is left for the processor, with no picture lost',
  async ({ preset, why }) => {
    let opened = 0;
    const makes = (codec: CodedFrame['codec'], gpu: number | null): EncoderMake => {
      const { name, settings } = makeOf(codec, null);
      if (gpu === null || opened++ === 0) return { name, settings };
      return { name, settings: () => [['preset', preset]] };
    };
    const said: string[] = [];
    const encoder = new Encoder({ bitrate: 2_000_000, threads: 1, gpu: 0, makes, fellBack: (text) => said.push(text) });
    const frames = [await encode(encoder, 1), await encode(encoder, 2)];
    expect(said).toEqual([]);
    encoder.bitrate = 1_000_000;
    for (const counter of [3, 4, 5]) frames.push(await encode(encoder, counter));
    encoder.close();
    expect(frames.map(({ rtpTs, key }) => [rtpTs, key])).toEqual([
      [1, true],
      [2, false],
      [3, true],
      [4, false],
      [5, false],
    ]);
    expect(await seen(frames)).toEqual([1, 2, 3, 4, 5]);
    expect(said).toEqual([expect.stringContaining(why)]);
  },
);

test('a feed that is to encode on a GPU that is not there says so once, shows every rendition, and leaves it alone when its engine is lost', async () => {
  const server = await liveServer({ engine: { videoEncoder: 'nvenc' }, inference: { providers: ['cpu'], device: 15 } });
  try {
    const clip = await codedClip({ width: 320, height: 192, frames: 30, bitrate: 500_000, counter: false });
    const camera = await liveCamera(server, 'a', clip);
    await feedBecomes(server, 'a', ({ state }) => state === 'live');
    const monitors = [await liveMonitor(server, 'a'), await liveMonitor(server, 'a', 'low')];
    await Promise.all(monitors.map((monitor) => monitor.first(({ key }) => key)));
    await feedBecomes(server, 'a', ({ message }) => /encodes (program|low).*NVENC.*GPU 15/.test(message ?? ''));
    const { engines } = server.pids();
    process.kill(engines.a as number, 'SIGKILL');
    await feedBecomes(server, 'a', ({ message }) => /encoded on the GPU \(NVENC\) was lost/.test(message ?? ''));
    await Promise.all(monitors.map((monitor) => monitor.next()));
    for (const peer of [...monitors, camera]) await peer.close();
  } finally {
    await server.close();
  }
});
