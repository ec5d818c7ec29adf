import { randomBytes } from 'node:crypto';
import { Problem } from '../../config/problem.ts';
import type {
  IngestSession,
  IngestSink,
  MediaEngine,
  RenditionOptions,
  RenditionOut,
  SoundSession,
  SoundSink,
  StreamKind,
} from '../port.ts';
import { RtpSoundIngest } from './audio-ingest.ts';
import { RtpIngest } from './ingest.ts';
import { INVITATION } from './invitation.ts';
import type { IceOptions } from './link.ts';
import { RtpRendition } from './rendition.ts';
import { parseOffer } from './sdp.ts';
import { holdSharedPort, PortRange } from './udp-ports.ts';

export interface RtpEngineOptions extends Omit<IceOptions, 'places' | 'sharedPort'> {
  /** One UDP port for all peers (0: any free one); a port each where absent. */
  port?: number;
  /** Bits per second granted to a camera (default 8 Mbps). */
  rates?: { readonly maxIngestBitrate: number };
  /** Cameras at once (default 8). */
  maxIngests?: number;
  /** A peer that sends nothing for this long is gone, however it went (default 30 s: until then it may restart ICE). */
  silenceMs?: number;
  /** Viewers of one rendition (default 64). */
  maxViewers?: number;
}

/** As long as consent to send lasts (RFC 7675 §5.1). */
const SILENCE_MS = 30_000;

/** The `rtp` media engine: node-datachannel for ICE, DTLS and SRTP; RTP and RTCP here. It owns its sessions. */
class RtpEngine implements MediaEngine {
  readonly name = 'rtp';
  readonly invitation = INVITATION;
  readonly relay = null;
  readonly #options: RtpEngineOptions;
  readonly #ice: IceOptions;
  readonly #ingests = new Set<RtpIngest>();
  readonly #sounds = new Set<RtpSoundIngest>();
  readonly #renditions = new Set<RtpRendition>();
  #ids = 0;
  #opening = 0;
  #closed = false;

  constructor(options: RtpEngineOptions) {
    this.#options = options;
    const { bindAddress, portRange, announce, port } = options;
    const sharedPort = port === undefined ? null : holdSharedPort(port, bindAddress);
    this.#ice = {
      ...(bindAddress ? { bindAddress } : {}),
      ...(announce ? { announce } : {}),
      ...(sharedPort ? { sharedPort } : {}),
      ...(portRange && !sharedPort ? { portRange, places: new PortRange(portRange) } : {}),
    };
  }

  async ingest(offer: string, sink: IngestSink): Promise<IngestSession> {
    if (this.#closed) throw new Problem('engine_down');
    if (this.#ingests.size + this.#opening >= (this.#options.maxIngests ?? 8)) throw new Problem('full');
    let ingest: RtpIngest | null = null;
    this.#opening++;
    try {
      ingest = await RtpIngest.open(this.#nextId('camera'), offer, {
        ice: this.#ice,
        maxBitrate: this.#options.rates?.maxIngestBitrate ?? 8e6,
        silenceMs: this.#options.silenceMs ?? SILENCE_MS,
        sink,
        closed: () => {
          if (ingest) this.#ingests.delete(ingest);
        },
      });
    } finally {
      this.#opening--;
    }
    this.#ingests.add(ingest);
    return ingest;
  }

  takes(offer: string, stream: StreamKind): boolean {
    try {
      parseOffer(offer, { sends: false, codec: stream.codec, stream });
      return true;
    } catch (error) {
      if (error instanceof Problem && error.code === 'sdp_unusable') return false;
      throw error;
    }
  }

  async ingestSound(offer: string, sink: SoundSink): Promise<SoundSession> {
    if (this.#closed) throw new Problem('engine_down');
    // As many mixers as cameras: each feed has one of either.
    if (this.#sounds.size + this.#opening >= (this.#options.maxIngests ?? 8)) throw new Problem('full');
    let sound: RtpSoundIngest | null = null;
    this.#opening++;
    try {
      sound = await RtpSoundIngest.open(`sound-${this.#ids++}`, offer, {
        ice: this.#options,
        silenceMs: this.#options.silenceMs ?? SILENCE_MS,
        sink,
        closed: () => {
          if (sound) this.#sounds.delete(sound);
        },
      });
    } finally {
      this.#opening--;
    }
    this.#sounds.add(sound);
    return sound;
  }

  rendition(options: RenditionOptions): RenditionOut {
    const rendition: RtpRendition = new RtpRendition({
      ...options,
      ice: this.#ice,
      silenceMs: this.#options.silenceMs ?? SILENCE_MS,
      maxViewers: this.#options.maxViewers ?? 64,
      nextId: () => this.#nextId('viewer'),
      closed: () => this.#renditions.delete(rendition),
    });
    this.#renditions.add(rendition);
    return rendition;
  }

  /** Part of a session's address: not to be guessed (RFC 9725 §5). */
  #nextId(kind: string): string {
    return `${kind}-${this.#ids++}-${randomBytes(9).toString('base64url')}`;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const ingest of [...this.#ingests]) ingest.close('The server is closing.');
    for (const sound of [...this.#sounds]) sound.close('The server is closing.');
    for (const rendition of [...this.#renditions]) rendition.close();
    // Links close their peers in the next turn of the loop.
    await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  }
}

/** @throws `ConfigError` with a sentence where `port` cannot be had. */
export const createRtpEngine = (options: RtpEngineOptions = {}): MediaEngine => new RtpEngine(options);
