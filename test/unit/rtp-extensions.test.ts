import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extensionId, headerExtension, orientationOf, withExtension } from '../../server/media/rtp/extensions.ts';

/** An RTP packet with an extension block of this profile and body (a multiple of four bytes). */
function packet(profile: number, body: number[], csrcs = 0): Buffer {
  const header = Buffer.alloc(12 + 4 * csrcs);
  header[0] = 0x90 | csrcs;
  const extension = Buffer.alloc(4 + body.length);
  extension.writeUInt16BE(profile, 0);
  extension.writeUInt16BE(body.length / 4, 2);
  Buffer.from(body).copy(extension, 4);
  return Buffer.concat([header, extension, Buffer.from([1, 2, 3])]);
}

describe('RTP header extensions', () => {
  it('are found among others, behind padding, in one-byte and two-byte form (RFC 8285)', () => {
    const oneByte = packet(0xbede, [0x12, 1, 2, 3, 0, 0x40, 0x03, 0]);
    expect([...(headerExtension(oneByte, 4) ?? [])]).toEqual([3]);
    expect([...(headerExtension(oneByte, 1) ?? [])]).toEqual([1, 2, 3]);
    expect(headerExtension(oneByte, 2)).toBeNull();
    const twoByte = packet(0x1000, [20, 2, 7, 8, 0, 4, 1, 9], 2);
    expect([...(headerExtension(twoByte, 20) ?? [])]).toEqual([7, 8]);
    expect([...(headerExtension(twoByte, 4) ?? [])]).toEqual([9]);
  });

  it('are none where there is none, and none where they are cut off', () => {
    expect(headerExtension(Buffer.alloc(20, 0x80), 4)).toBeNull();
    expect(headerExtension(packet(0xbede, [0x4f, 1, 2, 3]), 4)).toBeNull();
    expect(headerExtension(packet(0xbede, [0xf0, 0, 0x40, 1]), 4)).toBeNull();
    expect(headerExtension(packet(0xabcd, [0x40, 1, 0, 0]), 4)).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 255 }), (bytes, id) => {
        headerExtension(Buffer.from(bytes), id);
      }),
    );
  });

  it('say how a picture is held, whatever the camera and flip bits', () => {
    for (const [byte, rotation] of [
      [0, 0],
      [1, 90],
      [2, 180],
      [0x0f, 270],
    ] as const)
      expect(orientationOf(packet(0xbede, [0x40, byte, 0, 0]), 4)).toBe(rotation);
    expect(orientationOf(packet(0xbede, [0x50, 1, 0, 0]), 4)).toBeNull();
  });

  it('are negotiated under the offer’s id, 1 to 14, behind the section’s mid', () => {
    expect(extensionId(['a=mid:0', 'a=extmap:7/sendonly urn:x', 'a=extmap:3 urn:y'], 'urn:x')).toBe(7);
    expect(extensionId(['a=extmap:15 urn:x'], 'urn:x')).toBe(0);
    expect(withExtension('a=mid:0\r\na=mid:1\r\n', '1', 5, 'urn:x')).toBe('a=mid:0\r\na=mid:1\r\na=extmap:5 urn:x\r\n');
    expect(withExtension('a=mid:0\r\n', '0', 0, 'urn:x')).toBe('a=mid:0\r\n');
  });
});
