import { Problem } from '../config/problem.ts';
import type { IceCredentials } from '../media/port.ts';

/**
 * ICE fragments, application/trickle-ice-sdpfrag (RFC 8840 §9): what a client PATCHes on its session's address, and what a
 * restart is answered with. Reading is strict and pure: a line that the grammar does not know is refused.
 */

const MAX_LINES = 1000;
const MAX_LINE = 1024;
const MAX_SECTIONS = 32;
/** The most candidates of one session. */
export const MAX_CANDIDATES = 64;

/** One candidate (RFC 8839 §5.1). */
export interface Candidate {
  /** As it stood there, "candidate:…", for a media engine to read. */
  line: string;
  foundation: string;
  component: number;
  /** Small letters: udp, tcp. */
  transport: string;
  priority: number;
  /** An address or a name (mDNS). */
  address: string;
  port: number;
  type: 'host' | 'srflx' | 'prflx' | 'relay';
  /** The ICE session that it belongs to, where it says so. */
  ufrag: string | null;
}

export interface FragmentSection {
  mid: string;
  candidates: Candidate[];
  endOfCandidates: boolean;
}

export interface Fragment {
  /** Null where the fragment does not name them. */
  credentials: IceCredentials | null;
  sections: FragmentSection[];
  /** What reading it took beyond the grammar, each once. */
  leniencies: FragmentLeniency[];
}

/** Candidates in one line with commas between; RTP's component counted from 0; an IPv6 address in brackets. */
export type FragmentLeniency = 'joined_candidates' | 'component_zero' | 'bracketed_address';

const ICE_CHARS = '[A-Za-z0-9+/]';
const UFRAG = new RegExp(`^${ICE_CHARS}{4,256}$`);
const PWD = new RegExp(`^${ICE_CHARS}{22,256}$`);
const CANDIDATE = new RegExp(
  `^candidate:(${ICE_CHARS}{1,32}) (\\d{1,3}) ([A-Za-z0-9-]{1,16}) (\\d{1,10}) ([A-Za-z0-9.:%_-]{1,255}) (\\d{1,5}) typ (host|srflx|prflx|relay)((?: [\\x21-\\x7e]+ [\\x21-\\x7e]+)*)$`,
);
const MEDIA = /^m=(audio|video|text|application|message|image) \d{1,5}(?:\/\d{1,5})? [\x21-\x7e]+(?: [\x21-\x7e]+)+$/;
const TOKEN = /^[\x21-\x7e]{1,64}$/;

const malformed = (detail: string): Problem => new Problem('fragment_malformed', detail);

/** One candidate, "candidate:…". Throws `Problem` fragment_malformed. */
export function parseCandidate(line: string): Candidate {
  const found = CANDIDATE.exec(line);
  if (!found) throw malformed('A candidate is not as RFC 8839 lays it down.');
  const [, foundation = '', component, transport = '', priority, address = '', port, type, rest = ''] = found;
  const candidate: Candidate = {
    line,
    foundation,
    component: Number(component),
    transport: transport.toLowerCase(),
    priority: Number(priority),
    address,
    port: Number(port),
    type: type as Candidate['type'],
    ufrag: / ufrag (\S+)/.exec(rest)?.[1] ?? null,
  };
  if (candidate.component < 1 || candidate.component > 256) throw malformed('A candidate’s component is not 1 to 256.');
  if (candidate.priority < 1 || candidate.priority > 2 ** 32 - 1)
    throw malformed('A candidate’s priority is too large.');
  if (candidate.port > 65535) throw malformed('A candidate’s port is above 65535.');
  return candidate;
}

interface Reading {
  ufrag: string | null;
  pwd: string | null;
  sections: { mid: string | null; candidates: Candidate[]; endOfCandidates: boolean }[];
  leniencies: Set<FragmentLeniency>;
}

function once(before: string | null, value: string, name: string): string {
  // Sections of one bundle share their ICE session: they may repeat it, and must not differ.
  if (before !== null && before !== value) throw malformed(`It has two different a=${name}.`);
  return value;
}

function readAttribute(reading: Reading, line: string, lenient: boolean): void {
  const section = reading.sections.at(-1);
  const [, name = '', value = ''] = /^a=([a-z-]+)(?::(.*))?$/.exec(line) ?? [];
  if (name === 'ice-ufrag' && UFRAG.test(value)) reading.ufrag = once(reading.ufrag, value, name);
  else if (name === 'ice-pwd' && PWD.test(value)) reading.pwd = once(reading.pwd, value, name);
  else if (section && name === 'mid' && TOKEN.test(value) && section.mid === null) section.mid = value;
  else if (section && line === 'a=end-of-candidates') section.endOfCandidates = true;
  else if (section && name === 'candidate') {
    section.candidates.push(...(lenient ? mended(reading, line.slice(2)) : [line.slice(2)]).map(parseCandidate));
  } else if (!section && line === 'a=end-of-candidates') return;
  else if (!known(name, line))
    throw malformed(`This line does not belong there: ${JSON.stringify(line.slice(0, 60))}.`);
}

/** What some clients write, as they meant it; noted. */
function mended(reading: Reading, line: string): string[] {
  const split = line.split(/,(?:a=)?(?=candidate:)/);
  if (split.length > 1) reading.leniencies.add('joined_candidates');
  return split.map((one) => {
    const counted = one.replace(/^(candidate:\S{1,32}) 0 /, '$1 1 ');
    if (counted !== one) reading.leniencies.add('component_zero');
    const bare = counted.replace(/^(candidate:(?:\S+ ){4})\[([\da-f:.]+)\] /i, '$1$2 ');
    if (bare !== counted) reading.leniencies.add('bracketed_address');
    return bare;
  });
}

/** What says nothing that this server needs: RFC 8840 §9 and RFC 8839 let it stand there. */
const known = (name: string, line: string): boolean =>
  line === 'a=ice-lite' ||
  ((name === 'ice-options' || name === 'group' || name === 'ice-pacing') && line.includes(':'));

/**
 * Reads a fragment. `lenient` takes candidates that a comma joins, a component 0, and an address in brackets. Throws `Problem`: fragment_malformed, or
 * candidates_too_many above 64.
 */
export function parseFragment(text: string, lenient = false): Fragment {
  const lines = text.split(/\r\n|\n/);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw malformed('The body is empty.');
  if (lines.length > MAX_LINES) throw malformed(`It has more than ${MAX_LINES} lines.`);
  const reading: Reading = { ufrag: null, pwd: null, sections: [], leniencies: new Set() };
  for (const line of lines) {
    if (line.length > (lenient ? MAX_LINE * MAX_CANDIDATES : MAX_LINE)) throw malformed('A line is too long.');
    if (line.startsWith('a=')) readAttribute(reading, line, lenient);
    else if (MEDIA.test(line)) reading.sections.push({ mid: null, candidates: [], endOfCandidates: false });
    else throw malformed(`This line does not belong there: ${JSON.stringify(line.slice(0, 60))}.`);
  }
  return checked(reading);
}

function checked({ ufrag, pwd, sections, leniencies }: Reading): Fragment {
  if (sections.length > MAX_SECTIONS) throw malformed(`It has more than ${MAX_SECTIONS} media sections.`);
  if ((ufrag === null) !== (pwd === null)) throw malformed('a=ice-ufrag and a=ice-pwd come together.');
  const named = sections.map(({ mid, ...section }) => {
    if (mid === null) throw malformed('Every media section needs an a=mid.');
    return { mid, ...section };
  });
  const count = named.reduce((sum, { candidates }) => sum + candidates.length, 0);
  if (count > MAX_CANDIDATES) throw new Problem('candidates_too_many');
  const credentials = ufrag !== null && pwd !== null ? { ufrag, pwd } : null;
  return { credentials, sections: named, leniencies: [...leniencies] };
}

/** A fragment with one media section: what a restart is answered with. */
export function writeFragment(
  { ufrag, pwd, candidates }: IceCredentials & { candidates: readonly string[] },
  { kind, mid }: { kind: string; mid: string },
): string {
  const lines = [
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    `m=${kind} 9 UDP/TLS/RTP/SAVPF 0`,
    `a=mid:${mid}`,
    ...candidates.map((candidate) => `a=${candidate}`),
    'a=end-of-candidates',
  ];
  return `${lines.join('\r\n')}\r\n`;
}
