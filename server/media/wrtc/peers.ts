/** The engine's side of the `wrtc` media engine: cameras' pictures come out here as they are, renditions' pictures go in. */
import type { PeerOrder, PeerReport } from '../../channel/peer-messages.ts';
import { Problem } from '../../config/problem.ts';
import { i420Bytes, type Picture } from '../../frame/frame.ts';
import type { RenditionName } from '../../wire/messages.ts';
import { CameraPeer } from './camera-peer.ts';
import type { PeerEvents, Wrtc } from './peer.ts';
import type { RawPicture } from './upright.ts';
import { ViewerPeer } from './viewer-peer.ts';

const STATS_MS = 1000;

export interface WrtcPeersEvents {
  report(report: PeerReport): void;
  /** A camera's picture; its memory is the caller's. */
  picture(picture: RawPicture): void;
}

interface Source {
  onFrame(frame: { width: number; height: number; data: Uint8Array }): void;
  createTrack(): MediaStreamTrack;
}

/** A rendition's source: one for all its viewers, kept for good, because libwebrtc has no way to give one back. */
class RenditionSource {
  readonly #source: Source;
  viewers = 0;
  /** The binding takes a whole ArrayBuffer, never a part of one such as kernel memory, and copies it. */
  #scratch = new Uint8Array(0);

  constructor(wrtc: Wrtc) {
    this.#source = new wrtc.nonstandard.RTCVideoSource() as unknown as Source;
  }

  track(): MediaStreamTrack {
    return this.#source.createTrack();
  }

  show({ planes, width, height }: Picture): void {
    const bytes = i420Bytes(width, height);
    if (this.#scratch.length !== bytes) this.#scratch = new Uint8Array(bytes);
    let at = 0;
    for (const plane of planes) {
      this.#scratch.set(plane, at);
      at += plane.length;
    }
    this.#source.onFrame({ width, height, data: this.#scratch });
  }
}

/** Owns every peer of a feed's engine, the renditions' sources, and the timer of the reports. */
export class WrtcPeers {
  readonly #wrtc: Wrtc;
  readonly #events: WrtcPeersEvents;
  readonly #peers = new Map<string, CameraPeer | ViewerPeer>();
  readonly #sources = new Map<RenditionName, RenditionSource>();
  readonly #reporting: NodeJS.Timeout;
  #counting = false;

  constructor(wrtc: Wrtc, events: WrtcPeersEvents) {
    this.#wrtc = wrtc;
    this.#events = events;
    this.#reporting = setInterval(() => void this.#count(), STATS_MS);
  }

  obey(order: PeerOrder): void {
    if (order.type === 'peerClose') this.#peers.get(order.id)?.close('The front closed it.');
    else if (order.type === 'peerCandidates') this.#peers.get(order.id)?.trickle(order.candidates);
    else void this.#offer(order);
  }

  /** Gives a rendition's viewers a picture; it is read before this returns. */
  show(rendition: RenditionName, picture: Picture): void {
    const source = this.#sources.get(rendition);
    if (source && source.viewers > 0) source.show(picture);
  }

  close(): void {
    clearInterval(this.#reporting);
    for (const peer of [...this.#peers.values()]) peer.close('The engine is closing.');
  }

  async #offer({ id, use, offer, portRange }: Extract<PeerOrder, { type: 'peerOffer' }>): Promise<void> {
    let answered = false;
    const events: PeerEvents = {
      connected: () => this.#events.report({ type: 'peerState', id, state: 'connected', reason: 'It is connected.' }),
      closed: (reason) => {
        this.#peers.delete(id);
        // What was never answered is told by the refusal.
        if (answered) this.#events.report({ type: 'peerState', id, state: 'closed', reason });
      },
    };
    const peer = use === 'camera' ? this.#camera(id, portRange, events) : this.#viewer(id, use, portRange, events);
    this.#peers.set(id, peer);
    try {
      const answer = await peer.answer(offer);
      answered = true;
      this.#events.report({ type: 'peerAnswer', id, answer });
    } catch (error) {
      peer.close('The offer was refused.');
      const { code, detail } = error instanceof Problem ? error : new Problem('internal');
      this.#events.report({ type: 'peerRefused', id, code, ...(detail ? { detail } : {}) });
    }
  }

  #camera(id: string, portRange: readonly [number, number] | null, events: PeerEvents): CameraPeer {
    const camera: CameraPeer = new CameraPeer(this.#wrtc, id, portRange, {
      ...events,
      picture: (picture) => this.#events.picture(picture),
      sized: () => this.#events.report({ type: 'peerStats', peers: [camera.now()] }),
    });
    return camera;
  }

  #viewer(
    id: string,
    rendition: RenditionName,
    portRange: readonly [number, number] | null,
    events: PeerEvents,
  ): ViewerPeer {
    const source = this.#sources.get(rendition) ?? new RenditionSource(this.#wrtc);
    this.#sources.set(rendition, source);
    source.viewers++;
    return new ViewerPeer(this.#wrtc, id, portRange, source.track(), {
      connected: events.connected,
      closed: (reason) => {
        source.viewers--;
        events.closed(reason);
      },
    });
  }

  async #count(): Promise<void> {
    if (this.#counting || this.#peers.size === 0) return;
    this.#counting = true;
    try {
      const peers = [...this.#peers.values()];
      // A peer that closes meanwhile has no numbers any more.
      await Promise.allSettled(peers.map((peer) => peer.count()));
      this.#events.report({ type: 'peerStats', peers: peers.map((peer) => peer.now()) });
    } finally {
      this.#counting = false;
    }
  }
}
