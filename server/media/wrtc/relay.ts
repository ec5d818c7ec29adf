import type { PeerOrder, PeerReport, PeerStats, PeerUse } from '../../channel/peer-messages.ts';
import { Problem } from '../../config/problem.ts';
import type { LinkState } from '../port.ts';

/** An engine that has not answered by then is as good as gone: gathering candidates takes it 1.5 s at most. */
const ANSWER_MS = 5000;
const LOST = 'The engine of this feed was lost, and the connection with it: connect again.';

export interface RelayedEvents {
  state(state: LinkState, reason: string): void;
  stats(stats: PeerStats): void;
}

/** A peer in a feed's engine, as the front sees it. `state` says `closed` once, last. */
export class RelayedPeer {
  readonly id: string;
  readonly answer: string;
  readonly #relay: FeedRelay;
  readonly #events: RelayedEvents;
  #state: LinkState = 'connecting';
  #stats: PeerStats;

  constructor(id: string, answer: string, relay: FeedRelay, events: RelayedEvents) {
    this.id = id;
    this.answer = answer;
    this.#relay = relay;
    this.#events = events;
    this.#stats = {
      id,
      packets: 0,
      lost: 0,
      nacks: 0,
      keyRequests: 0,
      bitrate: 0,
      fps: 0,
      width: 0,
      height: 0,
      silentMs: null,
    };
  }

  get state(): LinkState {
    return this.#state;
  }

  get stats(): PeerStats {
    return this.#stats;
  }

  trickle(candidates: string[]): void {
    if (candidates.length > 0) this.#relay.send({ type: 'peerCandidates', id: this.id, candidates });
  }

  close(reason = 'It was closed.'): void {
    if (this.#state === 'closed') return;
    this.#relay.send({ type: 'peerClose', id: this.id });
    this.heard('closed', reason);
  }

  heard(state: LinkState, reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = state;
    this.#events.state(state, reason);
  }

  counted(stats: PeerStats): void {
    if (this.#state === 'closed') return;
    this.#stats = stats;
    this.#events.stats(stats);
  }
}

interface Pending {
  events: RelayedEvents;
  resolve(peer: RelayedPeer): void;
  reject(problem: Problem): void;
  timer: NodeJS.Timeout;
}

/** One feed's way to the peers in its engine: takes offers there, and ends everything when the engine is lost. */
export class FeedRelay {
  readonly #peers = new Map<string, RelayedPeer>();
  readonly #pending = new Map<string, Pending>();
  #send: ((order: PeerOrder) => void) | null = null;

  up(send: (order: PeerOrder) => void): void {
    this.down();
    this.#send = send;
  }

  down(): void {
    this.#send = null;
    for (const id of [...this.#pending.keys()]) this.#refuse(id, new Problem('engine_down'));
    for (const peer of [...this.#peers.values()]) peer.heard('closed', LOST);
    this.#peers.clear();
  }

  send(order: PeerOrder): void {
    this.#send?.(order);
    if (order.type === 'peerClose') this.#peers.delete(order.id);
  }

  /** Rejects with `Problem`: engine_down while the engine is not ready, or what the engine says of the offer. */
  open(id: string, use: PeerUse, offer: string, portRange: [number, number] | null, events: RelayedEvents) {
    return new Promise<RelayedPeer>((resolve, reject) => {
      if (!this.#send) {
        reject(new Problem('engine_down'));
        return;
      }
      const timer = setTimeout(() => {
        this.send({ type: 'peerClose', id });
        this.#refuse(id, new Problem('engine_down', 'It did not answer the offer in time.'));
      }, ANSWER_MS);
      this.#pending.set(id, { events, resolve, reject, timer });
      this.#send({ type: 'peerOffer', id, use, offer, portRange });
    });
  }

  heard(report: PeerReport): void {
    if (report.type === 'peerAnswer') {
      const pending = this.#settle(report.id);
      if (!pending) return;
      const peer = new RelayedPeer(report.id, report.answer, this, pending.events);
      this.#peers.set(peer.id, peer);
      pending.resolve(peer);
    } else if (report.type === 'peerRefused') {
      this.#refuse(report.id, new Problem(report.code, report.detail));
    } else if (report.type === 'peerState') {
      const peer = this.#peers.get(report.id);
      if (report.state === 'closed') this.#peers.delete(report.id);
      peer?.heard(report.state, report.reason);
    } else {
      for (const stats of report.peers) this.#peers.get(stats.id)?.counted(stats);
    }
  }

  #refuse(id: string, problem: Problem): void {
    this.#settle(id)?.reject(problem);
  }

  #settle(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending) clearTimeout(pending.timer);
    return pending;
  }
}
