import type { PeerConnection } from 'node-datachannel';
import { Problem } from '../../config/problem.ts';
import type { IceCredentials, RestartedIce } from '../port.ts';
import { Detour, movedCandidates } from './detour.ts';
import type { IceOptions } from './link.ts';
import { usableCandidate } from './sdp.ts';
import { plainAddress } from './stun.ts';

/** The first of an attribute in an SDP, session or media level: in a bundle all sections share one transport. */
const first = (sdp: string, name: string): string =>
  new RegExp(`^a=${name}:([^\\r\\n]*)`, 'm').exec(sdp)?.[1]?.trim() ?? '';

export const credentialsOf = (sdp: string): IceCredentials => ({
  ufrag: first(sdp, 'ice-ufrag'),
  pwd: first(sdp, 'ice-pwd'),
});

export interface LinkIceOptions {
  peer: PeerConnection;
  ice: IceOptions;
  mid: string;
  /** Only this machine is reached. */
  loopbackOnly: boolean;
  /** The client's description as libdatachannel got it. */
  remote: string;
  /** The description that the client got. */
  told(): string;
  /** Ours was the offer. */
  invited: boolean;
}

/** What a session's ICE can be asked after the answer: further candidates, a restart. Owns the detour, once there is one. */
export class LinkIce {
  readonly #options: LinkIceOptions;
  #detour: Promise<Detour> | null = null;
  #givePort: () => void = () => undefined;
  #closed = false;

  constructor(options: LinkIceOptions) {
    this.#options = options;
  }

  /** Candidates of the client, as "candidate:…". Those that cannot be used are passed over. */
  trickle(candidates: readonly string[]): void {
    // Behind a detour the client's own checks say where it is.
    if (this.#closed || this.#detour) return;
    const { peer, mid, loopbackOnly } = this.#options;
    for (const candidate of candidates.filter((one) => usableCandidate(one, loopbackOnly))) {
      try {
        peer.addRemoteCandidate(candidate, mid);
      } catch {
        // libjuice keeps a limited number: the client's checks then teach it the others.
      }
    }
  }

  /** Throws `Problem` restart_refused where no port is free for it; nothing has changed then. */
  async restart(client: IceCredentials): Promise<RestartedIce> {
    // Then libjuice is the controlling agent, and nobody else can nominate.
    if (this.#options.invited) throw new Problem('restart_refused', 'It began with the server’s offer.');
    const opened = this.#detour ?? this.#open();
    this.#detour = opened;
    let detour: Detour;
    try {
      detour = await opened;
    } catch {
      this.#detour = null;
      this.#givePort();
      throw new Problem('restart_refused', 'There is no UDP port left for it.');
    }
    if (this.#closed) throw new Problem('session_unknown');
    return { ...detour.restart(client), candidates: movedCandidates(this.#options.told(), detour.port) };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#givePort();
    void this.#detour?.then(
      (detour) => detour.close(),
      () => undefined,
    );
  }

  async #open(): Promise<Detour> {
    const { peer, ice, remote } = this.#options;
    // A port beside the shared one is most likely closed in the firewall: the client is better off with a new session.
    if (ice.sharedPort) throw new Error('media.port leaves no other port.');
    this.#givePort = ice.places?.take() ?? this.#givePort;
    const local = peer.localDescription()?.sdp ?? '';
    const port = Number(/^a=candidate:\S+ \d+ udp \d+ \S+ (\d+) typ host/im.exec(local)?.[1]);
    if (!(port > 0)) throw new Error('The peer has no host candidate.');
    const { bindAddress, portRange } = ice;
    const everywhere = bindAddress === undefined || bindAddress === '0.0.0.0' || bindAddress === '::';
    return Detour.open({
      peer: { ...credentialsOf(local), address: everywhere ? '127.0.0.1' : plainAddress(bindAddress), port },
      client: credentialsOf(remote),
      bindAddress,
      portRange,
    });
  }
}
