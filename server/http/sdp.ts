import { Problem } from '../config/problem.ts';

const MAX_LINES = 5000;
const MAX_LINE = 4096;
const MAX_MEDIA_SECTIONS = 32;
const MAX_CANDIDATES = 64;

/** The most bytes that an SDP body may have. */
export const MAX_SDP_BYTES = 128 * 1024;

/**
 * Refuses what is not an SDP offer with a section of this kind (RFC 8866's outer form) before a native library has to read it.
 * Codecs and attributes are the media engine's to judge.
 */
export function checkOffer(offer: string, kind: 'video' | 'audio' = 'video'): void {
  const lines = offer.split(/\r\n|\n|\r/).filter((line) => line !== '');
  const malformed = (detail: string): never => {
    throw new Problem('sdp_malformed', detail);
  };
  if (lines.length === 0) malformed('The body is empty.');
  if (lines.length > MAX_LINES) malformed(`It has more than ${MAX_LINES} lines.`);
  const odd = lines.findIndex((line) => !/^[a-z]=[^\0]*$/.test(line) || line.length > MAX_LINE);
  if (odd >= 0) malformed(`Line ${odd + 1} is not "letter=value".`);
  if (lines[0] !== 'v=0') malformed('It does not begin with "v=0".');
  if (!lines.some((line) => line.startsWith('o='))) malformed('It has no "o=" line.');
  const sections = lines.filter((line) => line.startsWith('m='));
  if (sections.length === 0) malformed('It has no media section.');
  if (sections.length > MAX_MEDIA_SECTIONS) malformed(`It has more than ${MAX_MEDIA_SECTIONS} media sections.`);
  const candidates = lines.filter((line) => line.startsWith('a=candidate:')).length;
  if (candidates > MAX_CANDIDATES) malformed(`It has more than ${MAX_CANDIDATES} candidates.`);
  if (!sections.some((line) => line.startsWith(`m=${kind} `))) {
    throw new Problem('sdp_unusable', `This offer has no ${kind} section.`);
  }
}
