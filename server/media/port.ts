/**
 * What the stage needs of a media engine: cameras in, renditions out. An engine speaks WebRTC and whole coded frames and knows
 * nothing of stages, faces or HTTP. Every method that takes an offer throws `Problem` (server/config/problem.ts) for the client.
 */
import type { PeerOrder, PeerReport } from '../channel/peer-messages.ts';
import type { CodedAudio, CodedFrame, VideoCodec } from '../frame/coded.ts';
import type { StreamShape } from '../frame/h264-level.ts';
import type { RenditionName } from '../wire/messages.ts';

export type LinkState = 'connecting' | 'connected' | 'closed';

export interface IngestStats {
  state: LinkState;
  codec: VideoCodec | null;
  /** Bits per second over the last second. */
  bitrate: number;
  /** Frames per second over the last second. */
  fps: number;
  packets: number;
  /** Packets never recovered. */
  lost: number;
  nacks: number;
  keyRequests: number;
}

export interface IngestSink {
  /**
   * A whole coded frame, in order; after a gap nothing comes until the next key frame. `arrivalMs` (performance.now): when its last
   * packet came.
   */
  frame(frame: CodedFrame, arrivalMs?: number): void;
  /** Sound that comes beside the picture, in order. */
  sound?(audio: CodedAudio): void;
  /** Instead of `frame` where pictures do not pass through here: what the camera sends, about once a second. */
  seen(picture: { width: number; height: number; silentMs: number }): void;
  state(state: LinkState, reason: string): void;
}

export interface SoundStats {
  packets: number;
  /** Packets that never came. */
  lost: number;
  /** Bits per second over the last second. */
  bitrate: number;
}

export interface SoundSink {
  sound(audio: CodedAudio): void;
  state(state: LinkState, reason: string): void;
}

/** An ICE agent's name and key for one ICE session (RFC 8839 §5.4). */
export interface IceCredentials {
  ufrag: string;
  pwd: string;
}

/** The server's end of a restarted ICE session; candidates as "candidate:…". */
export interface RestartedIce extends IceCredentials {
  candidates: string[];
}

/** What every connection can be asked after its answer. */
export interface PeerSession {
  readonly id: string;
  /** The SDP answer. */
  readonly answer: string;
  /** Further candidates of the client, as "candidate:…"; those that cannot be used are passed over. */
  trickle(candidates: readonly string[]): void;
  /**
   * Restarts ICE (RFC 8445 §2.4) with the client's new credentials; DTLS and media go on. What was in use stays in use until
   * the client's checks prove the new credentials. Rejects with `Problem` restart_refused, and then nothing has changed.
   */
  restart(client: IceCredentials): Promise<RestartedIce>;
  /** The client's answer where `answer` is the server's own offer (`MediaEngine.invitation`). Throws `Problem`. */
  accept?(answer: string): void;
}

/** One camera's connection. */
export interface IngestSession extends PeerSession {
  /** Asks the camera for a key frame (paced: at most one request per 300 ms). */
  requestKey(): void;
  stats(): IngestStats;
  /** Null where the camera's offer has no sound that can be taken. */
  soundStats?(): SoundStats | null;
  close(): void;
}

/** A mixer's connection: sound alone. */
export interface SoundSession extends PeerSession {
  readonly state: LinkState;
  stats(): SoundStats;
  close(): void;
}

export interface ViewerStats {
  state: LinkState;
  packets: number;
  nacks: number;
  keyRequests: number;
  /** Frames skipped while this viewer waited for a key frame. */
  skipped: number;
  /** By its last receiver report, 0–1; null or absent while unknown. */
  fractionLost?: number | null;
  /** Milliseconds; null or absent while unknown. */
  roundTripMs?: number | null;
}

/** One viewer's connection. */
export interface ViewerSession extends PeerSession {
  stats(): ViewerStats;
  close(): void;
}

/** One encoder's output, packetized once for all its viewers. */
export interface RenditionOut {
  readonly viewers: number;
  /** Adds a viewer; it gets pictures from the next key frame on. `closed` is called once, whatever ended it. */
  addViewer(offer: string, closed: (reason: string) => void): Promise<ViewerSession>;
  /** Sends a frame to every viewer. Frames carry the camera's RTP timestamps, so plate and program pair up. */
  send(frame: CodedFrame): void;
  /** Sends a sound packet now to every viewer that takes sound. */
  sendSound?(audio: CodedAudio): void;
  close(): void;
}

/** What a viewer has to be able to receive. */
export interface StreamKind extends StreamShape {
  codec: VideoCodec;
}

export interface RenditionOptions {
  /** Whose rendition it is, for a media engine whose peers live in the feed's engine. */
  feed: string;
  name: RenditionName;
  codec: VideoCodec;
  /** What it carries at this moment, so that an answer can tell the level; where left out, the offer's own is answered. */
  stream?(): StreamKind;
  /** Called when a viewer needs a key frame (join, PLI, FIR); already paced. */
  keyWanted(): void;
}

/** How a media engine whose peers live in the feeds' engine processes reaches them. */
export interface PeerRelay {
  /** A feed's engine is ready and takes orders. */
  up(feed: string, send: (order: PeerOrder) => void): void;
  /** It was lost, and every peer with it. */
  down(feed: string): void;
  heard(feed: string, report: PeerReport): void;
}

export interface MediaEngine {
  readonly name: 'rtp' | 'wrtc';
  /** Where the peers live in the feeds' engine processes; null where they live here and coded frames pass through. */
  readonly relay: PeerRelay | null;
  /** @param feed the camera's feed */
  ingest(offer: string, sink: IngestSink, feed: string): Promise<IngestSession>;
  /** Goes for a viewer's offer, so that the session's `answer` is an offer of the server's; null where it makes none. */
  readonly invitation: string | null;
  /** Whether a viewer that offers this can receive such a stream. Throws `Problem` for an offer that cannot be read. */
  takes(offer: string, stream: StreamKind): boolean;
  /** Sound without a picture, from a mixer; absent where an engine takes none. */
  ingestSound?(offer: string, sink: SoundSink): Promise<SoundSession>;
  rendition(options: RenditionOptions): RenditionOut;
  close(): Promise<void>;
}
