import fc from 'fast-check';
import * as av from 'node-av';
import { describe, expect, test } from 'vitest';
import { NAL, nalType, splitAnnexB } from '../../server/media/rtp/annexb.ts';
import { parseSps } from '../../server/media/rtp/sps.ts';

interface Wanted {
  width: number;
  height: number;
  profile: 'baseline' | 'main' | 'high';
  format?: av.AVPixelFormat;
  tags?: Partial<Pick<av.CodecContext, 'colorSpace' | 'colorPrimaries' | 'colorTrc' | 'colorRange'>>;
}

/** The SPS that x264 writes: the independent source of truth. */
function x264Sps({ width, height, profile, format = av.AV_PIX_FMT_YUV420P, tags = {} }: Wanted): Buffer {
  av.Log.setLevel(av.AV_LOG_ERROR);
  const codec = av.Codec.findEncoderByName(av.FF_ENCODER_LIBX264);
  const context = new av.CodecContext();
  context.allocContext3(codec);
  Object.assign(context, { width, height, pixelFormat: format, ...tags });
  context.timeBase = new av.Rational(1, 30);
  context.setFlags(av.AV_CODEC_FLAG_GLOBAL_HEADER);
  context.setOption('profile', profile);
  if (context.open2Sync(codec, null) < 0) throw new Error('x264 did not open');
  const sps = splitAnnexB(context.extraData ?? Buffer.alloc(0)).find((nal) => nalType(nal) === NAL.sps);
  const copy = Buffer.from(sps as Buffer);
  context.freeContext();
  return copy;
}

describe('sequence parameter sets as x264 writes them', () => {
  test.each([
    [16, 16],
    [640, 360],
    [642, 362],
    [1280, 720],
    [1920, 1080],
    [4096, 2160],
    [322, 182],
  ])('%i×%i', (width, height) => {
    for (const profile of ['baseline', 'main', 'high'] as const) {
      expect(parseSps(x264Sps({ width, height, profile }))).toMatchObject({ width, height });
    }
  });

  test('profiles, constraints and levels', () => {
    expect(parseSps(x264Sps({ width: 1280, height: 720, profile: 'baseline' }))).toMatchObject({ profileIdc: 66 });
    expect(parseSps(x264Sps({ width: 1280, height: 720, profile: 'high' }))).toMatchObject({ profileIdc: 100 });
    expect(parseSps(Buffer.from('6742c01fda014016e8', 'hex'))).toMatchObject({
      profileIdc: 66,
      constraints: 0xc0,
      levelIdc: 31,
    });
  });

  test('colour', () => {
    const picture = { width: 320, height: 180, profile: 'baseline' as const };
    expect(parseSps(x264Sps(picture))?.colour).toEqual({
      matrix: 'unknown',
      primaries: 'unknown',
      transfer: 'unknown',
      range: 'unknown',
    });
    const bt709 = {
      colorSpace: av.AVCOL_SPC_BT709,
      colorPrimaries: av.AVCOL_PRI_BT709,
      colorTrc: av.AVCOL_TRC_BT709,
      colorRange: av.AVCOL_RANGE_MPEG,
    };
    expect(parseSps(x264Sps({ ...picture, tags: bt709 }))?.colour).toEqual({
      matrix: 'bt709',
      primaries: 'bt709',
      transfer: 'bt709',
      range: 'limited',
    });
    const hlg = {
      colorSpace: av.AVCOL_SPC_BT2020_NCL,
      colorPrimaries: av.AVCOL_PRI_BT2020,
      colorTrc: av.AVCOL_TRC_ARIB_STD_B67,
      colorRange: av.AVCOL_RANGE_JPEG,
    };
    expect(parseSps(x264Sps({ ...picture, tags: hlg }))?.colour).toEqual({
      matrix: 'bt2020',
      primaries: 'bt2020',
      transfer: 'hlg',
      range: 'full',
    });
    const full = { colorRange: av.AVCOL_RANGE_JPEG };
    expect(parseSps(x264Sps({ ...picture, tags: full }))?.colour).toMatchObject({ matrix: 'unknown', range: 'full' });
  });

  test('noise and cut-off sets are null, or a picture of a possible size', () => {
    const sps = x264Sps({ width: 1920, height: 1080, profile: 'high' });
    for (let length = 0; length < 8; length++) expect(parseSps(sps.subarray(0, length))).toBeNull();
    const check = (bytes: Uint8Array): void => {
      const info = parseSps(bytes);
      if (!info) return;
      expect(info.width).toBeGreaterThan(0);
      expect(info.width).toBeLessThanOrEqual(16384);
      expect(info.height).toBeGreaterThan(0);
      expect(info.height).toBeLessThanOrEqual(16384);
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => check(Buffer.concat([Buffer.from([0x67]), bytes]))),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.nat(sps.length - 2), fc.nat(255), (at, value) => {
        const broken = Buffer.from(sps);
        broken[at + 1] = value;
        check(broken);
      }),
      { numRuns: 1000 },
    );
  });
});
