import { Problem } from '../../config/problem.ts';
import type { VideoCodec } from '../../frame/coded.ts';
import { levelOf, type StreamShape } from '../../frame/h264-level.ts';
import { extensionId, ORIENTATION_URI, PLAYOUT_DELAY_URI, withExtension } from './extensions.ts';
import { type SimulcastOffer, simulcastOf } from './simulcast-offer.ts';

/** Reads from an SDP offer (RFC 8866, RFC 8829) what an answer needs; everything else is left to libdatachannel. */

export const MAX_OFFER_BYTES = 128 * 1024;
export const MAX_CANDIDATES = 64;

export interface OfferFormat {
  payloadType: number;
  /** As in rtpmap, upper case: H264, VP8, OPUS … */
  name: string;
  fmtp: string;
}

export interface OfferSection {
  kind: string;
  mid: string;
  /** Refused by the offerer itself (port 0 without bundle-only). */
  removed: boolean;
  sends: boolean;
  receives: boolean;
  /** In the offerer's order of preference. */
  formats: OfferFormat[];
  /** Ids of header extensions, 0 where they are not offered. */
  playoutDelayId: number;
  orientationId: number;
  /** The layers it sends; null where it sends one stream. */
  simulcast: SimulcastOffer | null;
}

/** The section that Opus goes through, in the direction that the offer is for. */
export interface SoundPart {
  section: OfferSection;
  format: OfferFormat;
}

export interface Offer {
  sections: OfferSection[];
  /** The section that the video goes through. */
  video: OfferSection;
  format: OfferFormat;
  codec: VideoCodec;
  /** Null where the offer has no sound, or another than Opus. */
  sound: SoundPart | null;
}

/** An offer of sound alone. */
export interface SoundOffer {
  sections: OfferSection[];
  sound: SoundPart;
}

/** What the other side of an offer is for: a camera sends, a viewer receives one codec (of this shape, where it is known). */
export type OfferUse = { sends: true } | { sends: false; codec: VideoCodec; stream?: StreamShape | undefined };

const malformed = (detail: string): Problem => new Problem('sdp_malformed', detail);

function splitSections(sdp: string): { session: string[]; media: string[][] } {
  const lines = sdp.split(/\r\n|\n/).filter((line) => line.length > 0);
  if (lines[0] !== 'v=0') throw malformed('It does not begin with v=0.');
  if (lines.some((line) => !/^[a-z]=/.test(line))) throw malformed('A line is not of the form x=….');
  const session: string[] = [];
  const media: string[][] = [];
  for (const line of lines) {
    if (line.startsWith('m=')) media.push([line]);
    else (media.at(-1) ?? session).push(line);
  }
  return { session, media };
}

const attribute = (lines: readonly string[], name: string): string | null =>
  lines
    .find((line) => line.startsWith(`a=${name}:`))
    ?.slice(name.length + 3)
    .trim() ?? null;

function parseFormats(lines: readonly string[], listed: readonly string[]): OfferFormat[] {
  const formats: OfferFormat[] = [];
  for (const type of listed) {
    const map = lines.find((line) => line.startsWith(`a=rtpmap:${type} `));
    const name = map?.slice(`a=rtpmap:${type} `.length).split('/')[0]?.toUpperCase();
    const payloadType = Number(type);
    if (!name || !Number.isInteger(payloadType) || payloadType < 0 || payloadType > 127) continue;
    formats.push({ payloadType, name, fmtp: fmtpOf(lines, type) });
  }
  return formats;
}

const fmtpOf = (lines: readonly string[], type: string): string =>
  lines
    .find((line) => line.startsWith(`a=fmtp:${type} `))
    ?.slice(`a=fmtp:${type} `.length)
    .trim() ?? '';

function parseSection(lines: string[], session: readonly string[]): OfferSection {
  const [kind = '', port = '', , ...listed] = (lines[0] as string).slice(2).split(' ');
  const direction = ['sendrecv', 'sendonly', 'recvonly', 'inactive'].find(
    (name) => lines.includes(`a=${name}`) || session.includes(`a=${name}`),
  );
  return {
    kind,
    mid: attribute(lines, 'mid') ?? '',
    removed: port === '0' && !lines.includes('a=bundle-only'),
    sends: direction !== 'recvonly' && direction !== 'inactive',
    receives: direction !== 'sendonly' && direction !== 'inactive',
    formats: kind === 'audio' || kind === 'video' ? parseFormats(lines, listed) : [],
    playoutDelayId: extensionId(lines, PLAYOUT_DELAY_URI),
    orientationId: extensionId(lines, ORIENTATION_URI),
    simulcast: simulcastOf(lines),
  };
}

/** The value of one parameter of an fmtp line, or null. */
export const fmtpValue = (fmtp: string, name: string): string | null =>
  fmtp
    .split(';')
    .map((pair) => pair.trim().split('='))
    .find(([key]) => key?.toLowerCase() === name)
    ?.slice(1)
    .join('=') ?? null;

/** Baseline (42), main (4d) and high (64) in packetization mode 1. */
function usableH264(format: OfferFormat): boolean {
  if (format.name !== 'H264' || fmtpValue(format.fmtp, 'packetization-mode') !== '1') return false;
  const profile = fmtpValue(format.fmtp, 'profile-level-id')?.slice(0, 2).toLowerCase();
  return profile === undefined || profile === '42' || profile === '4d' || profile === '64';
}

const isConstrainedBaseline = (format: OfferFormat): boolean =>
  /^42[4-7c-f]/i.test(fmtpValue(format.fmtp, 'profile-level-id') ?? '');

const levelIdc = (value: string | null): number | null => {
  const level = Number.parseInt(value?.slice(-2) ?? '', 16);
  return Number.isNaN(level) ? null : level;
};

/** What an offer without a level is taken to mean; RFC 6184's default, level 1, is meant by nobody. */
const USUAL_LEVEL = 31;

/**
 * The highest level that may be sent to whoever offers this format. Browsers and tablets write 3.1 with level-asymmetry-allowed=1
 * whatever they decode, and mean "not a limit"; without that word it is one (server/docs/decisions/h264-level.md).
 */
function highestLevel({ fmtp }: OfferFormat): number {
  if (fmtpValue(fmtp, 'level-asymmetry-allowed') === '1') return Number.POSITIVE_INFINITY;
  const offered = levelIdc(fmtpValue(fmtp, 'profile-level-id')) ?? USUAL_LEVEL;
  return Math.max(offered, levelIdc(fmtpValue(fmtp, 'max-recv-level')) ?? 0);
}

/** The format parameters to answer a viewer with: the level is raised to the stream's where that is higher than the offered one. */
export function sendingFmtp(fmtp: string, stream: StreamShape): string {
  const offered = levelIdc(fmtpValue(fmtp, 'profile-level-id'));
  const level = levelOf(stream);
  if (offered === null || level <= offered) return fmtp;
  return fmtp.replace(/(profile-level-id=[0-9a-f]{4})[0-9a-f]{2}/i, `$1${level.toString(16).padStart(2, '0')}`);
}

function pickFormat(section: OfferSection, use: OfferUse): { format: OfferFormat; codec: VideoCodec } | null {
  const h264 = section.formats.filter(usableH264);
  const vp8 = section.formats.find((format) => format.name === 'VP8');
  if (use.sends) {
    if (h264[0]) return { format: h264[0], codec: 'h264' };
    return vp8 ? { format: vp8, codec: 'vp8' } : null;
  }
  if (use.codec === 'vp8') return vp8 ? { format: vp8, codec: 'vp8' } : null;
  const { stream } = use;
  const taken = stream ? h264.filter((format) => levelOf(stream) <= highestLevel(format)) : h264;
  // Every browser decodes constrained baseline; what it lists first may be a profile it only prefers.
  const format = taken.find(isConstrainedBaseline) ?? taken[0];
  return format ? { format, codec: 'h264' } : null;
}

function checkTransport(sdp: string, session: string[], media: string[][]): void {
  if (media.length === 0) throw malformed('It has no media section.');
  for (const name of ['ice-ufrag', 'ice-pwd', 'fingerprint']) {
    if (attribute(session, name) === null && media.every((lines) => attribute(lines, name) === null)) {
      throw malformed(`It has no a=${name}.`);
    }
  }
  const candidates = sdp.split('\na=candidate:').length - 1;
  if (candidates > MAX_CANDIDATES) throw malformed(`It has ${candidates} candidates; ${MAX_CANDIDATES} are the most.`);
}

function findSound(sections: readonly OfferSection[], sends: boolean): SoundPart | null {
  for (const section of sections) {
    if (section.kind !== 'audio' || section.removed || !(sends ? section.sends : section.receives)) continue;
    const format = section.formats.find(({ name }) => name === 'OPUS');
    if (format) return { section, format };
  }
  return null;
}

function readSections(sdp: string): OfferSection[] {
  if (Buffer.byteLength(sdp) > MAX_OFFER_BYTES) throw new Problem('sdp_too_large');
  const { session, media } = splitSections(sdp);
  checkTransport(sdp, session, media);
  const sections = media.map((lines) => parseSection(lines, session));
  const mids = sections.map((section) => section.mid);
  if (mids.includes('') || new Set(mids).size !== mids.length) throw malformed('Every section needs its own a=mid.');
  return sections;
}

/** A sender's offer with Opus. Throws `Problem`: sdp_too_large, sdp_malformed, or sdp_unusable where it has none. */
export function parseSoundOffer(sdp: string): SoundOffer {
  const sections = readSections(sdp);
  const sound = findSound(sections, true);
  if (sound) return { sections, sound };
  throw new Problem('sdp_unusable', 'Sound comes in an audio section that sends Opus.');
}

/** Throws `Problem`: sdp_too_large, sdp_malformed, or sdp_unusable where no section suits. */
export function parseOffer(sdp: string, use: OfferUse): Offer {
  const sections = readSections(sdp);
  for (const section of sections) {
    if (section.kind !== 'video' || section.removed || !(use.sends ? section.sends : section.receives)) continue;
    const picked = pickFormat(section, use);
    if (picked) return { sections, video: section, ...picked, sound: findSound(sections, use.sends) };
  }
  const seen = sections.map((section) => section.kind).join(', ');
  throw new Problem('sdp_unusable', `Its sections are: ${seen}.`);
}

/**
 * Whether a candidate ("candidate:…") can be used: not TCP, not a name (mDNS: looking one up may block; the browser's own
 * checks reach us without), and, where only the loopback is bound, nothing outside it.
 */
export function usableCandidate(candidate: string, loopbackOnly: boolean): boolean {
  const [, , transport, , address = ''] = candidate.split(' ');
  if (transport?.toLowerCase() !== 'udp' || !/^[\d.]+$|:/.test(address)) return false;
  return !loopbackOnly || address.startsWith('127.') || address === '::1';
}

/** The offer without candidates that cannot be used. */
export const usableCandidates = (sdp: string, loopbackOnly: boolean): string =>
  sdp
    .split(/\r\n|\n/)
    .filter((line) => !line.startsWith('a=candidate:') || usableCandidate(line.slice(2), loopbackOnly))
    .join('\r\n');

/** Puts the playout-delay extension into the answer's section `mid`. */
export const withPlayoutDelay = (answer: string, mid: string, id: number): string =>
  withExtension(answer, mid, id, PLAYOUT_DELAY_URI);

/**
 * Tells libwebrtc's senders where to begin: without it a browser starts at 0.3 Mbps, scales the picture down to a third,
 * and takes ten seconds and more to come back. Others pass over the parameter.
 */
export function withStartBitrate(answer: string, payloadType: number, bitsPerSecond: number): string {
  const start = `x-google-start-bitrate=${Math.round(bitsPerSecond / 1000)}`;
  const fmtp = new RegExp(`(a=fmtp:${payloadType} [^\\r]*)\\r\\n`);
  if (fmtp.test(answer)) return answer.replace(fmtp, `$1;${start}\r\n`);
  return answer.replace(
    new RegExp(`(a=rtpmap:${payloadType} VP8/90000\\r\\n)`),
    `$1a=fmtp:${payloadType} ${start}\r\n`,
  );
}

/** Parameter sets from an fmtp's sprop-parameter-sets (base64, comma-separated). */
export const parameterSets = (fmtp: string): Buffer[] =>
  (fmtpValue(fmtp, 'sprop-parameter-sets') ?? '')
    .split(',')
    .map((set) => Buffer.from(set, 'base64'))
    .filter((set) => set.length > 3 && set.length < 1024);
