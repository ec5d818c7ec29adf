import type { Rotation } from '../../frame/coded.ts';

/** RTP header extensions (RFC 8285): what an offer names them, and how they are read in place. */

export const PLAYOUT_DELAY_URI = 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay';
/** Coordination of video orientation, 3GPP TS 26.114 §7.4.5: phones send their sensor's picture and say how it is held. */
export const ORIENTATION_URI = 'urn:3gpp:video-orientation';
/** Which layer of a simulcast a packet belongs to (RFC 8852). */
export const STREAM_ID_URI = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';

/** The id under which a section's lines offer an extension; 0 where they do not. One-byte extensions hold ids 1–14. */
export function extensionId(lines: readonly string[], uri: string): number {
  const line = lines.find((text) => text.startsWith('a=extmap:') && text.split(' ')[1] === uri);
  const id = Number(line?.slice('a=extmap:'.length).split(/[/ ]/)[0] ?? 0);
  return id >= 1 && id <= 14 ? id : 0;
}

/** Puts an extension into the section `mid` of an answer or offer; as it is for id 0. */
export const withExtension = (sdp: string, mid: string, id: number, uri: string): string =>
  // A function: a section's name may hold what `replace` would take for a pattern.
  id === 0 ? sdp : sdp.replace(`a=mid:${mid}\r\n`, () => `a=mid:${mid}\r\na=extmap:${id} ${uri}\r\n`);

const ONE_BYTE = 0xbede;
/** Two-byte headers: these twelve bits, and four for the application. */
const TWO_BYTE = 0x100;

/** An extension's bytes in an RTP packet, as a view; null where it has none of this id or is cut off. */
export function headerExtension(datagram: Buffer, id: number): Buffer | null {
  const first = datagram[0] ?? 0;
  let at = 12 + (first & 0x0f) * 4;
  if (!(first & 0x10) || at + 4 > datagram.length) return null;
  const profile = datagram.readUInt16BE(at);
  const end = Math.min(datagram.length, at + 4 + datagram.readUInt16BE(at + 2) * 4);
  at += 4;
  const short = profile === ONE_BYTE;
  if (!short && profile >> 4 !== TWO_BYTE) return null;
  while (at < end) {
    const head = datagram[at++] as number;
    if (head === 0) continue;
    const found = short ? head >> 4 : head;
    // 15 ends a block of one-byte extensions (RFC 8285 §4.2).
    if (short && found === 15) return null;
    const length = short ? (head & 0x0f) + 1 : (datagram[at++] ?? 0);
    if (at + length > end) return null;
    if (found === id) return datagram.subarray(at, at + length);
    at += length;
  }
  return null;
}

/**
 * How many degrees clockwise a packet's picture is to be turned to stand upright; null where it does not say. A mirrored front camera
 * (the flip bit) is left as it is, as browsers leave it.
 */
export function orientationOf(datagram: Buffer, id: number): Rotation | null {
  const byte = headerExtension(datagram, id)?.[0];
  return byte === undefined ? null : (((byte & 3) * 90) as Rotation);
}
