import type { PeerStats } from '../../channel/peer-messages.ts';
import { Problem } from '../../config/problem.ts';
import { Rates } from '../rtp/rates.ts';
import { Peer, type PeerEvents, type Wrtc } from './peer.ts';
import { type RawPicture, uprightSize } from './upright.ts';

export interface CameraPeerEvents extends PeerEvents {
  /** The picture's memory is the caller's. */
  picture(picture: RawPicture): void;
  /** The first picture, or one of another size: worth telling at once. */
  sized(): void;
}

interface Sink {
  onframe: ((event: { frame: RawPicture }) => void) | null;
  stop(): void;
}

/** A camera: owns its connection and the sink that its pictures come out of. */
export class CameraPeer {
  readonly #peer: Peer;
  readonly #wrtc: Wrtc;
  readonly #id: string;
  readonly #events: CameraPeerEvents;
  readonly #rates = new Rates();
  #sink: Sink | null = null;
  #size = { width: 0, height: 0 };
  #lastMs: number | null = null;
  #received = { packets: 0, lost: 0, nacks: 0, keyRequests: 0, bytes: 0 };

  constructor(wrtc: Wrtc, id: string, portRange: readonly [number, number] | null, events: CameraPeerEvents) {
    this.#wrtc = wrtc;
    this.#id = id;
    this.#events = events;
    this.#peer = new Peer(wrtc, portRange, {
      connected: events.connected,
      closed: (reason) => {
        this.#sink?.stop();
        this.#sink = null;
        events.closed(reason);
      },
    });
    this.#peer.pc.ontrack = ({ track }) => {
      if (track.kind === 'video' && !this.#sink) this.#watch(track);
    };
  }

  answer(offer: string): Promise<string> {
    return this.#peer.answer(offer, async () => {
      if (!this.#sink) throw new Problem('sdp_unusable', 'Its video section sends nothing.');
    });
  }

  trickle(candidates: readonly string[]): void {
    this.#peer.trickle(candidates);
  }

  close(reason: string): void {
    this.#peer.close(reason);
  }

  /** What has come, with rates over the last second. */
  now(): PeerStats {
    const nowMs = performance.now();
    const { bytes: _, ...received } = this.#received;
    return {
      id: this.#id,
      ...received,
      ...this.#rates.perSecond(nowMs),
      ...this.#size,
      silentMs: this.#lastMs === null ? null : nowMs - this.#lastMs,
    };
  }

  /** Reads libwebrtc's counters. */
  async count(): Promise<void> {
    if (this.#peer.closed) return;
    for (const entry of (await this.#peer.pc.getStats()).values() as Iterable<Record<string, unknown>>) {
      if (entry.type !== 'inbound-rtp' || entry.kind !== 'video') continue;
      const of = (name: string): number => Number(entry[name] ?? 0);
      const bytes = of('bytesReceived') + of('headerBytesReceived');
      this.#rates.bytes(bytes - this.#received.bytes, performance.now());
      this.#received = {
        packets: of('packetsReceived'),
        lost: Math.max(0, of('packetsLost')),
        nacks: of('nackCount'),
        keyRequests: of('pliCount') + of('firCount'),
        bytes,
      };
    }
  }

  #watch(track: MediaStreamTrack): void {
    const sink = new this.#wrtc.nonstandard.RTCVideoSink(track) as unknown as Sink;
    sink.onframe = ({ frame }) => {
      if (this.#peer.closed) return;
      const nowMs = performance.now();
      this.#lastMs = nowMs;
      this.#rates.frame(nowMs);
      this.#events.picture(frame);
      const size = uprightSize(frame);
      if (size.width === this.#size.width && size.height === this.#size.height) return;
      this.#size = size;
      this.#events.sized();
    };
    this.#sink = sink;
  }
}
