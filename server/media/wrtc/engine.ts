import { Problem } from '../../config/problem.ts';
import type { CodedFrame } from '../../frame/coded.ts';
import type {
  IngestSession,
  IngestSink,
  IngestStats,
  MediaEngine,
  PeerRelay,
  PeerSession,
  RenditionOptions,
  RenditionOut,
  StreamKind,
  ViewerSession,
  ViewerStats,
} from '../port.ts';
import type { Announce } from '../rtp/candidates.ts';
import { narrowedOffer, type OfferLimits, servedAnswer, usable } from './offer.ts';
import { FeedRelay, type RelayedPeer } from './relay.ts';

export interface WrtcEngineOptions {
  /** Address that media may use; every address where absent. */
  bindAddress?: string;
  /** UDP ports, inclusive. */
  portRange?: [first: number, last: number];
  announce?: Announce;
  /** Bits per second granted to a camera (default 8 Mbps). */
  rates?: { readonly maxIngestBitrate: number };
  /** Cameras at once (default 8). */
  maxIngests?: number;
  /** Viewers of one rendition (default 64). */
  maxViewers?: number;
}

/** Bits per second where a rendition does not say. */
const VIEWER_BITRATE = 4e6;

const anyAddress = (address: string | undefined): boolean => !address || address === '0.0.0.0' || address === '::';

/**
 * The `wrtc` media engine, the front's side of it: libwebrtc (@roamhq/wrtc) knows raw pictures and no RTP, so its peers live in the
 * process that has the pictures, the feed's engine (server/media/wrtc/peers.ts). Here offers are read and relayed, and sessions kept.
 */
class WrtcEngine implements MediaEngine {
  readonly name = 'wrtc';
  readonly invitation = null;
  readonly relay: PeerRelay;
  readonly options: WrtcEngineOptions;
  readonly #relays = new Map<string, FeedRelay>();
  readonly #cameras = new Map<string, RelayedPeer>();
  readonly #renditions = new Set<WrtcRendition>();
  #ids = 0;
  #opening = 0;
  #closed = false;

  constructor(options: WrtcEngineOptions) {
    this.options = options;
    this.relay = {
      up: (feed, send) => this.relayOf(feed).up(send),
      down: (feed) => this.relayOf(feed).down(),
      heard: (feed, report) => this.relayOf(feed).heard(report),
    };
  }

  nextId(kind: string): string {
    return `${kind}-${this.#ids++}`;
  }

  relayOf(feed: string): FeedRelay {
    const relay = this.#relays.get(feed) ?? new FeedRelay();
    this.#relays.set(feed, relay);
    return relay;
  }

  limits(bitrate: number): OfferLimits {
    const { bindAddress, announce } = this.options;
    return { bitrate, address: anyAddress(bindAddress) ? null : (bindAddress as string), announce };
  }

  async ingest(offer: string, sink: IngestSink, feed: string): Promise<IngestSession> {
    if (this.#closed) throw new Problem('engine_down');
    if (this.#cameras.size + this.#opening >= (this.options.maxIngests ?? 8)) throw new Problem('full');
    const limits = this.limits(this.options.rates?.maxIngestBitrate ?? 8e6);
    const narrowed = narrowedOffer(offer, 'camera', limits);
    const id = this.nextId('camera');
    this.#opening++;
    try {
      const peer = await this.relayOf(feed).open(id, 'camera', narrowed, this.options.portRange ?? null, {
        state: (state, reason) => {
          if (state === 'closed') this.#cameras.delete(id);
          sink.state(state, reason);
        },
        stats: ({ width, height, silentMs }) => {
          if (silentMs !== null) sink.seen({ width, height, silentMs });
        },
      });
      // It may have ended before this line is reached.
      if (peer.state !== 'closed') this.#cameras.set(id, peer);
      return cameraSession(peer, limits);
    } finally {
      this.#opening--;
    }
  }

  takes(offer: string, stream: StreamKind): boolean {
    if (stream.codec !== 'vp8') return false;
    try {
      narrowedOffer(offer, 'viewer', this.limits(stream.bitrate));
      return true;
    } catch (error) {
      if (error instanceof Problem && error.code === 'sdp_unusable') return false;
      throw error;
    }
  }

  rendition(options: RenditionOptions): RenditionOut {
    const rendition: WrtcRendition = new WrtcRendition(this, options, () => this.#renditions.delete(rendition));
    this.#renditions.add(rendition);
    return rendition;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const camera of [...this.#cameras.values()]) camera.close('The server is closing.');
    for (const rendition of [...this.#renditions]) rendition.close();
    for (const relay of this.#relays.values()) relay.down();
  }
}

/** What every relayed connection can be asked after its answer. */
function session(peer: RelayedPeer, use: 'camera' | 'viewer', limits: OfferLimits): PeerSession & { close(): void } {
  return {
    id: peer.id,
    answer: servedAnswer(peer.answer, use, limits),
    trickle: (candidates) => peer.trickle(candidates.filter((candidate) => usable(candidate, limits))),
    restart: () => Promise.reject(new Problem('restart_refused')),
    close: () => peer.close(),
  };
}

function cameraSession(peer: RelayedPeer, limits: OfferLimits): IngestSession {
  return {
    ...session(peer, 'camera', limits),
    // libwebrtc asks by itself whenever its decoder needs one, and offers no way to ask for it.
    requestKey: () => undefined,
    stats: (): IngestStats => {
      const { bitrate, fps, packets, lost, nacks, keyRequests } = peer.stats;
      return { state: peer.state, codec: 'vp8', bitrate, fps, packets, lost, nacks, keyRequests };
    },
  };
}

function viewerSession(peer: RelayedPeer, limits: OfferLimits): ViewerSession {
  return {
    ...session(peer, 'viewer', limits),
    stats: (): ViewerStats => {
      const { packets, nacks, keyRequests } = peer.stats;
      // Every viewer has its own encoder, which begins with a key frame: none waits for one.
      return { state: peer.state, packets, nacks, keyRequests, skipped: 0 };
    },
  };
}

/** A rendition's viewers; each has its own encoder in the feed's engine. */
class WrtcRendition implements RenditionOut {
  readonly #engine: WrtcEngine;
  readonly #options: RenditionOptions;
  readonly #ended: () => void;
  readonly #viewers = new Map<string, RelayedPeer>();
  #opening = 0;
  #closed = false;

  constructor(engine: WrtcEngine, options: RenditionOptions, ended: () => void) {
    this.#engine = engine;
    this.#options = options;
    this.#ended = ended;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  async addViewer(offer: string, closed: (reason: string) => void): Promise<ViewerSession> {
    if (this.#closed) throw new Problem('engine_down');
    const { portRange, maxViewers } = this.#engine.options;
    if (this.#viewers.size + this.#opening >= (maxViewers ?? 64)) throw new Problem('full');
    const limits = this.#engine.limits(this.#options.stream?.().bitrate ?? VIEWER_BITRATE);
    const narrowed = narrowedOffer(offer, 'viewer', limits);
    const { feed, name } = this.#options;
    const id = this.#engine.nextId('viewer');
    this.#opening++;
    try {
      const peer = await this.#engine.relayOf(feed).open(id, name, narrowed, portRange ?? null, {
        state: (state, reason) => {
          if (state !== 'closed') return;
          this.#viewers.delete(id);
          closed(reason);
        },
        stats: () => undefined,
      });
      if (peer.state !== 'closed') this.#viewers.set(id, peer);
      if (this.#closed) peer.close('The rendition was closed.');
      return viewerSession(peer, limits);
    } finally {
      this.#opening--;
    }
  }

  /** Nothing: the pictures of this engine never pass through the front. */
  send(_frame: CodedFrame): void {}

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const viewer of [...this.#viewers.values()]) viewer.close('The rendition was closed.');
    this.#ended();
  }
}

export const createWrtcEngine = (options: WrtcEngineOptions = {}): MediaEngine => new WrtcEngine(options);
