/**
 * One answered connection of libwebrtc, in an engine's process. It is closed when it does not come about, when it breaks, or when it
 * is told to; `closed` is called once.
 */
import type wrtcModule from '@roamhq/wrtc';
import { Problem } from '../../config/problem.ts';

export type Wrtc = typeof wrtcModule;

/** The native library, loaded into this process with the first call and never before: only one thread of a process may hold it. */
export const loadWrtc = async (): Promise<Wrtc> => (await import('@roamhq/wrtc')).default;

const GATHER_MS = 1500;
const CONNECT_MS = 10_000;
/** ICE comes back by itself within this time, or not at all; libwebrtc says so about 5 s after the last packet. */
const DISCONNECTED_MS = 4000;

export interface PeerEvents {
  connected(): void;
  closed(reason: string): void;
}

export class Peer {
  readonly pc: RTCPeerConnection;
  readonly #events: PeerEvents;
  #timer: NodeJS.Timeout | null;
  #connected = false;
  #closed = false;

  constructor(wrtc: Wrtc, portRange: readonly [number, number] | null, events: PeerEvents) {
    this.#events = events;
    const [min, max] = portRange ?? [];
    // `portRange` is the binding's own; the standard has no word for it.
    this.pc = new wrtc.RTCPeerConnection({ iceServers: [], ...(portRange ? { portRange: { min, max } } : {}) });
    this.pc.onconnectionstatechange = () => this.#changed();
    this.#timer = setTimeout(() => this.close('It did not connect within 10 s.'), CONNECT_MS);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Answers an offer; `prepare` runs between the two. Throws `Problem` sdp_malformed for what libwebrtc refuses. */
  async answer(offer: string, prepare: () => Promise<void>): Promise<string> {
    try {
      await this.pc.setRemoteDescription({ type: 'offer', sdp: offer });
      await prepare();
      // Sound would be decoded for nobody.
      for (const transceiver of this.pc.getTransceivers())
        if (transceiver.receiver.track.kind === 'audio') transceiver.direction = 'inactive';
      await this.pc.setLocalDescription(await this.pc.createAnswer());
      await this.#gathered();
      const sdp = this.pc.localDescription?.sdp;
      if (!sdp || this.#closed) throw new Error('The answer could not be built.');
      return sdp;
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw new Problem('sdp_malformed', error instanceof Error ? error.message : undefined);
    }
  }

  /** Takes further candidates of the client; those that cannot be used are passed over. */
  trickle(candidates: readonly string[]): void {
    // Everything is bundled: the first section's transport is the only one.
    for (const candidate of candidates) this.pc.addIceCandidate({ candidate, sdpMLineIndex: 0 }).catch(() => undefined);
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopTimer();
    this.pc.onconnectionstatechange = null;
    this.pc.close();
    this.#events.closed(reason);
  }

  #changed(): void {
    const state = this.pc.connectionState;
    if (state === 'connected') {
      this.#stopTimer();
      if (!this.#connected) this.#events.connected();
      this.#connected = true;
    } else if (state === 'failed' || state === 'closed') this.close(`The connection was lost (${state}).`);
    else if (state === 'disconnected')
      this.#timer ??= setTimeout(() => this.close('Nothing came from it any more.'), DISCONNECTED_MS);
  }

  #stopTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #gathered(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, GATHER_MS);
      const look = (): void => {
        if (this.pc.iceGatheringState !== 'complete') return;
        clearTimeout(timer);
        resolve();
      };
      this.pc.onicegatheringstatechange = look;
      look();
    });
  }
}
