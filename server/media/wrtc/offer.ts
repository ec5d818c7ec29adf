/**
 * Offers for libwebrtc, read and narrowed before its parser sees them: video in VP8 only, because this build has no H.264 and its VP9
 * and AV1 cost several times as much. Text only; nothing native is loaded here.
 */
import { Problem } from '../../config/problem.ts';
import { type Announce, withAnnounced } from '../rtp/candidates.ts';
import { type OfferUse, parseOffer, usableCandidates } from '../rtp/sdp.ts';

export interface OfferLimits {
  /** Bits per second: where a sender begins, and its most. */
  bitrate: number;
  /** The one address that media may use; every address where null. */
  address: string | null;
  announce: Announce | undefined;
}

const CRLF = '\r\n';
const linesOf = (sdp: string): string[] => sdp.split(/\r\n|\n/).filter((line) => line.length > 0);

/** The lines of each section: the session's, then one list for each m= line. */
function sectionsOf(sdp: string): string[][] {
  const sections: string[][] = [[]];
  for (const line of linesOf(sdp)) {
    if (line.startsWith('m=')) sections.push([line]);
    else sections.at(-1)?.push(line);
  }
  return sections;
}

const joined = (sections: readonly string[][]): string => `${sections.flat().join(CRLF)}${CRLF}`;

const vp8Types = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => /^a=rtpmap:(\d+) VP8\/90000$/i.exec(line)?.[1] ?? []);

/** Payload types of retransmission (RFC 4588) for the given ones. */
const rtxTypes = (lines: readonly string[], types: readonly string[]): string[] =>
  lines.flatMap((line) => {
    const [, type, of] = /^a=fmtp:(\d+) apt=(\d+)$/.exec(line) ?? [];
    return type && of && types.includes(of) ? [type] : [];
  });

/** A video section with its VP8 formats and their retransmission alone; one that has no VP8 stays as it is. */
function vp8Only(lines: readonly string[]): string[] {
  const [first = '', ...rest] = lines;
  const vp8 = vp8Types(rest);
  if (!first.startsWith('m=video ') || vp8.length === 0) return [...lines];
  const kept = [...vp8, ...rtxTypes(rest, vp8)];
  const [kind, port, protocol, ...listed] = first.split(' ');
  const media = [kind, port, protocol, ...listed.filter((type) => kept.includes(type))].join(' ');
  return [
    media,
    ...rest.filter((line) => {
      const type = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) /.exec(line)?.[1];
      return type === undefined || kept.includes(type);
    }),
  ];
}

/** Tells libwebrtc's sender where its bit rate begins and ends; others pass over the parameters. VP8 has none of its own (RFC 7741). */
function withBitrates(lines: readonly string[], start: number, most: number): string[] {
  const kbps = (bitsPerSecond: number): number => Math.round(bitsPerSecond / 1000);
  const types = vp8Types(lines);
  return lines.flatMap((line) => {
    const [, kind, type = ''] = /^a=(rtpmap|fmtp):(\d+) /.exec(line) ?? [];
    if (!types.includes(type)) return [line];
    if (kind === 'fmtp') return [];
    return [line, `a=fmtp:${type} x-google-start-bitrate=${kbps(start)};x-google-max-bitrate=${kbps(most)}`];
  });
}

const isLoopback = (address: string | null): boolean =>
  address !== null && (address.startsWith('127.') || address === '::1');

/**
 * The offer as the engine's libwebrtc gets it. Throws `Problem`: sdp_too_large, sdp_malformed, or sdp_unusable where no video section
 * has VP8. For a viewer the limits are the sender's: ours.
 */
export function narrowedOffer(
  sdp: string,
  use: 'camera' | 'viewer',
  { bitrate, address }: Omit<OfferLimits, 'announce'>,
): string {
  const role: OfferUse = use === 'camera' ? { sends: true } : { sends: false, codec: 'vp8' };
  const narrowed = joined(sectionsOf(sdp).map(vp8Only));
  // What cannot be read is judged as it came.
  const { codec } = parseOffer(sdp.startsWith('v=0') ? narrowed : sdp, role);
  if (codec !== 'vp8') throw new Problem('sdp_unusable', 'This server runs its wrtc engine, which takes VP8 only.');
  const paced = (lines: string[]): string[] => (use === 'viewer' ? withBitrates(lines, bitrate, bitrate) : lines);
  return usableCandidates(joined(sectionsOf(narrowed).map(paced)), isLoopback(address));
}

/** Whether a client's further candidate, as "candidate:…", may be tried. */
export const usable = (candidate: string, { address }: OfferLimits): boolean =>
  usableCandidates(`a=${candidate}`, isLoopback(address)) !== '';

/** Enough for 1080p to begin at its full size. */
const START_BITRATE = 4e6;

/**
 * The answer as the client gets it: candidates of the one address and the announced ones, and for a camera where its bit rate begins
 * and ends.
 */
export function servedAnswer(
  answer: string,
  use: 'camera' | 'viewer',
  { bitrate, address, announce }: OfferLimits,
): string {
  const served = (line: string): boolean => {
    if (!line.startsWith('a=candidate:')) return true;
    const [, , transport, , from] = line.split(' ');
    return transport === 'udp' && (address === null || from === address);
  };
  const sections = sectionsOf(answer).map((lines) => lines.filter(served));
  return withAnnounced(
    joined(use === 'camera' ? sections.map((lines) => limited(lines, bitrate)) : sections),
    announce,
  );
}

function limited(lines: readonly string[], bitrate: number): string[] {
  if (!lines[0]?.startsWith('m=video ')) return [...lines];
  // RFC 8866 §5: b= follows c=.
  return withBitrates(lines, Math.min(START_BITRATE, bitrate), bitrate).flatMap((line) =>
    line.startsWith('c=') ? [line, `b=AS:${Math.round(bitrate / 1000)}`] : [line],
  );
}
