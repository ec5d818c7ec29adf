import { randomBytes } from 'node:crypto';
import { Problem } from '../config/problem.ts';
import type { IceCredentials, PeerSession } from '../media/port.ts';
import { type Candidate, type Fragment, MAX_CANDIDATES, parseFragment, writeFragment } from './fragment.ts';

/** What a client may do against RFC 9725 where `media.signalling` is `compatible`; each time is counted. */
export const LENIENCIES = ['if_match_missing', 'joined_candidates', 'component_zero', 'bracketed_address'] as const;
export type Leniency = (typeof LENIENCIES)[number];

export type IceSession = Pick<PeerSession, 'trickle' | 'restart' | 'accept'>;

/** 204, or 200 with the server's end of the restarted ICE session. */
export interface Patched {
  tag: string | null;
  fragment: string | null;
}

interface State {
  /** Strong entity tag of the current ICE session, quoted. */
  tag: string;
  client: IceCredentials | null;
  candidates: number;
  /** The media section that carries the transport. */
  section: { kind: string; mid: string };
}

const newTag = (): string => `"${randomBytes(9).toString('base64url')}"`;
const find = (sdp: string, pattern: RegExp): string => pattern.exec(sdp)?.[1]?.trim() ?? '';

function stateOf(offer: string): State {
  const ufrag = find(offer, /^a=ice-ufrag:([^\r\n]*)/m);
  const pwd = find(offer, /^a=ice-pwd:([^\r\n]*)/m);
  return {
    tag: newTag(),
    client: ufrag && pwd ? { ufrag, pwd } : null,
    candidates: offer.split(/^a=candidate:/m).length - 1,
    section: { kind: find(offer, /^m=(\w+) /m) || 'video', mid: find(offer, /^a=mid:([^\r\n]*)/m) || '0' },
  };
}

/** "*" in quotes is how RFC 9725's own example writes it. */
const matchesAny = (ifMatch: string): boolean => ['*', '"*"'].includes(ifMatch.trim());
/** Strong comparison (RFC 9110 §8.8.3.2): a weak tag never matches. */
const matches = (ifMatch: string, tag: string): boolean => ifMatch.split(',').some((one) => one.trim() === tag);

/** The ICE session behind each session's address: its entity tag, and what a PATCH makes of it (RFC 9725 §4.3). */
export class IceSessions {
  /** A session that ends is forgotten with its object. */
  readonly #states = new WeakMap<IceSession, State>();
  readonly #compatible: boolean;
  readonly #lenient: (leniency: Leniency) => void;

  constructor({ compatible, lenient }: { compatible: boolean; lenient(leniency: Leniency): void }) {
    this.#compatible = compatible;
    this.#lenient = lenient;
  }

  /** A session begins with this description of the client's; its entity tag comes back. */
  begin(session: IceSession, offer: string): string {
    const state = stateOf(offer);
    this.#states.set(session, state);
    return state.tag;
  }

  /** The client's answer to an offer of the server's; a new entity tag comes back. Throws `Problem`. */
  answer(session: IceSession, ifMatch: string | undefined, answer: string): string {
    const state = this.#states.get(session);
    if (!session.accept || !state) throw new Problem('media_type_wrong');
    if (ifMatch !== undefined && !matchesAny(ifMatch) && !matches(ifMatch, state.tag))
      throw new Problem('ice_outdated');
    session.accept(answer);
    return this.begin(session, answer);
  }

  /**
   * Candidates, or a restart where If-Match is "*" and the credentials are new. Throws `Problem`: fragment_malformed,
   * candidates_too_many, if_match_missing, ice_outdated, restart_refused; the session then goes on as it was.
   */
  async patch(session: IceSession, ifMatch: string | undefined, body: string): Promise<Patched> {
    const state = this.#states.get(session);
    if (!state) throw new Problem('session_unknown');
    const fragment = parseFragment(body, this.#compatible);
    const known = !fragment.credentials || sameIce(fragment.credentials, state.client);
    if (ifMatch === undefined) {
      // Without a tag only the credentials could say which ICE session is meant.
      if (!this.#compatible || !known) throw new Problem('if_match_missing');
      this.#lenient('if_match_missing');
    } else if (matchesAny(ifMatch)) {
      if (fragment.credentials && !known) return this.#restart(session, state, fragment.credentials, fragment);
    } else if (!matches(ifMatch, state.tag)) throw new Problem('ice_outdated');
    else if (!known) throw new Problem('fragment_malformed', 'A restart asks with If-Match: *.');
    this.#trickle(session, state, fragment);
    return { tag: null, fragment: null };
  }

  #trickle(session: IceSession, state: State, fragment: Fragment): void {
    const candidates = candidatesOf(fragment, state.client);
    if (state.candidates + candidates.length > MAX_CANDIDATES) throw new Problem('candidates_too_many');
    state.candidates += candidates.length;
    this.#take(session, fragment, candidates);
  }

  async #restart(session: IceSession, state: State, client: IceCredentials, fragment: Fragment): Promise<Patched> {
    const candidates = candidatesOf(fragment, client);
    const own = await session.restart(client);
    state.client = client;
    state.candidates = candidates.length;
    state.tag = newTag();
    this.#take(session, fragment, candidates);
    return { tag: state.tag, fragment: writeFragment(own, state.section) };
  }

  #take(session: IceSession, { leniencies }: Fragment, candidates: readonly Candidate[]): void {
    for (const leniency of leniencies) this.#lenient(leniency);
    // RTP and RTCP share one component here (RFC 8834 §4.5).
    session.trickle(candidates.filter(({ component }) => component === 1).map(({ line }) => line));
  }
}

/** The fragment's candidates. Throws `Problem` ice_outdated where one is of another ICE session than this one. */
function candidatesOf(fragment: Fragment, client: IceCredentials | null): Candidate[] {
  const candidates = fragment.sections.flatMap((section) => section.candidates);
  if (client && candidates.some(({ ufrag }) => ufrag !== null && ufrag !== client.ufrag))
    throw new Problem('ice_outdated', 'A candidate names another ufrag.');
  return candidates;
}

const sameIce = (one: IceCredentials, other: IceCredentials | null): boolean =>
  other !== null && one.ufrag === other.ufrag && one.pwd === other.pwd;
