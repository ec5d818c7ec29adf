import { describe, expect, it } from 'vitest';
import { levelOf } from '../../server/frame/h264-level.ts';
import { lowSize } from '../../server/frame/low-size.ts';
import { parseOffer, sendingFmtp } from '../../server/media/rtp/sdp.ts';

const stream = (width: number, height: number, fps = 30, bitrate = 4e6) => ({ width, height, fps, bitrate });
const FULL_HD = stream(1920, 1080);

const offer = (...formats: string[]): string =>
  [
    'v=0',
    'o=- 1 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=ice-ufrag:abcd',
    'a=ice-pwd:abcdefghijklmnopqrstuv',
    'a=fingerprint:sha-256 00',
    `m=video 9 UDP/TLS/RTP/SAVPF ${formats.map((_, index) => 96 + index).join(' ')}`,
    'c=IN IP4 0.0.0.0',
    'a=mid:0',
    'a=recvonly',
    ...formats.flatMap((fmtp, index) =>
      fmtp === 'VP8'
        ? [`a=rtpmap:${96 + index} VP8/90000`]
        : [`a=rtpmap:${96 + index} H264/90000`, `a=fmtp:${96 + index} packetization-mode=1;${fmtp}`],
    ),
    '',
  ].join('\r\n');
const taken = (sdp: string, of = FULL_HD): number | null => {
  try {
    return parseOffer(sdp, { sends: false, codec: 'h264', stream: of }).format.payloadType;
  } catch {
    return null;
  }
};

describe('the level of a picture (ITU-T H.264 table A-1)', () => {
  it.each([
    ['1280×720 at 30', stream(1280, 720), 31],
    ['1280×720 at 29.97', stream(1280, 720, 29.97), 31],
    ['1280×720 at 60', stream(1280, 720, 59.94), 32],
    ['1920×1080 at 30', FULL_HD, 40],
    ['1080×1920 at 25, a phone upright', stream(1080, 1920, 25), 40],
    ['1920×1080 at 60', stream(1920, 1080, 60), 42],
    ['3840×2160 at 30', stream(3840, 2160), 51],
    ['640×360 at 30 with few bits', stream(640, 360, 30, 500e3), 30],
    ['1280×720 with very many bits', stream(1280, 720, 30, 60e6), 50],
    ['a size beyond every level', stream(9000, 9000), 52],
  ])('%s', (_, of, level) => {
    expect(levelOf(of)).toBe(level);
  });

  it('the low rendition is half, even, and not narrower than 320 unless the program is', () => {
    expect(lowSize(1920, 1080)).toEqual({ width: 960, height: 540 });
    expect(lowSize(480, 270)).toEqual({ width: 320, height: 180 });
    expect(lowSize(1080, 1920)).toEqual({ width: 540, height: 960 });
    expect(lowSize(160, 90)).toEqual({ width: 160, height: 90 });
  });
});

describe('what a viewer’s offer allows', () => {
  it('any level where it allows asymmetry, as every browser does; the answer says what is sent', () => {
    const fmtp = 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f';
    expect(taken(offer('level-asymmetry-allowed=1;profile-level-id=42e01f'))).toBe(96);
    expect(sendingFmtp(fmtp, FULL_HD)).toBe(fmtp.replace('42e01f', '42e028'));
    expect(sendingFmtp(fmtp, stream(640, 360)), 'a lower level is not told').toBe(fmtp);
  });

  it('its own level, or max-recv-level, where it does not', () => {
    expect(taken(offer('profile-level-id=42e01f'))).toBeNull();
    expect(taken(offer('profile-level-id=42e01f'), stream(1280, 720))).toBe(96);
    expect(taken(offer('profile-level-id=42e028'))).toBe(96);
    expect(taken(offer('profile-level-id=42e01f;max-recv-level=e028'))).toBe(96);
    expect(taken(offer('profile-level-id=42e01f', 'profile-level-id=640028')), 'a higher profile that fits').toBe(97);
    expect(taken(offer('VP8'))).toBeNull();
  });
});
