import type { PeerStats } from '../../channel/peer-messages.ts';
import { Problem } from '../../config/problem.ts';
import { Rates } from '../rtp/rates.ts';
import { Peer, type PeerEvents, type Wrtc } from './peer.ts';

/** A viewer: owns its connection and its track of the rendition; libwebrtc encodes for it alone. */
export class ViewerPeer {
  readonly #peer: Peer;
  readonly #id: string;
  readonly #track: MediaStreamTrack;
  readonly #rates = new Rates();
  #sent = { packets: 0, nacks: 0, keyRequests: 0, bytes: 0, fps: 0, width: 0, height: 0 };

  /** Takes the track over. */
  constructor(
    wrtc: Wrtc,
    id: string,
    portRange: readonly [number, number] | null,
    track: MediaStreamTrack,
    events: PeerEvents,
  ) {
    this.#id = id;
    this.#track = track;
    this.#peer = new Peer(wrtc, portRange, {
      connected: events.connected,
      closed: (reason) => {
        this.#track.stop();
        events.closed(reason);
      },
    });
  }

  answer(offer: string): Promise<string> {
    return this.#peer.answer(offer, async () => {
      const video = this.#peer.pc
        .getTransceivers()
        .find(({ receiver, direction }) => receiver.track.kind === 'video' && direction !== 'stopped');
      if (!video) throw new Problem('sdp_unusable', 'It has no video section that receives.');
      await video.sender.replaceTrack(this.#track);
      video.direction = 'sendonly';
    });
  }

  trickle(candidates: readonly string[]): void {
    this.#peer.trickle(candidates);
  }

  close(reason: string): void {
    this.#peer.close(reason);
  }

  now(): PeerStats {
    const { bytes: _, ...sent } = this.#sent;
    const { bitrate } = this.#rates.perSecond(performance.now());
    return { id: this.#id, ...sent, lost: 0, bitrate, silentMs: null };
  }

  async count(): Promise<void> {
    if (this.#peer.closed) return;
    for (const entry of (await this.#peer.pc.getStats()).values() as Iterable<Record<string, unknown>>) {
      if (entry.type !== 'outbound-rtp' || entry.kind !== 'video') continue;
      const of = (name: string): number => Number(entry[name] ?? 0);
      const bytes = of('bytesSent') + of('headerBytesSent');
      this.#rates.bytes(bytes - this.#sent.bytes, performance.now());
      this.#sent = {
        packets: of('packetsSent'),
        nacks: of('nackCount'),
        keyRequests: of('pliCount') + of('firCount'),
        bytes,
        fps: of('framesPerSecond'),
        width: of('frameWidth'),
        height: of('frameHeight'),
      };
    }
  }
}
