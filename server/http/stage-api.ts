import type { PeerSession } from '../media/port.ts';
import type {
  CastingOrder,
  ClientMessage,
  FaceInfo,
  FeedInfo,
  RenditionKey,
  RenditionName,
  UncastPolicy,
} from '../wire/messages.ts';
import type { FrameTrace } from '../wire/trace.ts';

/** One viewer that is there now. */
export interface ViewerMeasures {
  /** Counted from 1 within its feed: no part of its address. */
  number: number;
  packets: number;
  skipped: number;
  /** By its last receiver report, 0–1. */
  fractionLost: number | null;
  roundTripMs: number | null;
}

/** One rendition in numbers. */
export interface RenditionMeasures extends RenditionKey {
  viewers: number;
  /** The engine has an encoder for it (a plate may be the camera's own bitstream). */
  encoding: boolean;
  /** Over the last second. */
  fps: number;
  /** Who watches now. */
  sessions: ViewerMeasures[];
  /** Totals over all its viewers so far. */
  packets: number;
  nacks: number;
  keyRequests: number;
  skipped: number;
}

/** One feed in numbers, for /metrics. */
export interface FeedMeasures {
  info: FeedInfo;
  engine: 'absent' | 'warming' | 'ready' | 'lost';
  /** Resident memory of the feed's engine process; null while there is none or it has not said. */
  engineRssBytes: number | null;
  /** The GPU that the engine was placed on, as nvidia-smi counts them; null where its networks run on the processor. */
  engineGpu: number | null;
  /** How often an engine of this feed was lost and started again. */
  engineLosses: number;
  /** How many of those had to be ended because they hung. */
  engineHangs: number;
  /** Totals since this front started, over all cameras, engines and viewers of the feed so far: they never fall. */
  camera: Record<'packets' | 'lost' | 'nacks' | 'keyRequests', number>;
  sound: Record<'packets' | 'lost', number>;
  pictures: Record<'decoded' | 'encoded' | 'skipped' | 'undecodable', number>;
  /** Every rendition there can be, open or not. */
  renditions: RenditionMeasures[];
}

/** What HTTP and the control socket need of a stage; server/stage implements it. Methods throw `Problem`. */
export interface StageApi {
  /** A camera's WHIP offer for a feed (created on demand, under the cap). */
  publish(feed: string, offer: string): Promise<{ session: string; answer: string }>;
  /** A mixer's WHIP offer for a feed: sound alone. */
  publishSound(feed: string, offer: string): Promise<{ session: string; answer: string }>;
  /**
   * A viewer's WHEP offer for a rendition of a feed; it may get a smaller one that its offer can take, which `rendition` then
   * names. Null: `answer` is the server's own offer, and the session's `accept` takes the viewer's answer.
   */
  watch(
    feed: string,
    rendition: RenditionName,
    offer: string | null,
  ): Promise<{ session: string; answer: string; rendition: RenditionName }>;
  /** A session of that id on that feed, for candidates and ICE restarts; null when there is none. */
  session(feed: string, session: string): Pick<PeerSession, 'trickle' | 'restart' | 'accept'> | null;
  /** Ends a session; false when there is none of that id on that feed. */
  end(feed: string, session: string): boolean;
  feeds(): FeedInfo[];
  measures(): FeedMeasures[];
  /** The spare engine; null while there is none. */
  spare(): { ready: boolean; rssBytes: number | null } | null;
  /** What a new camera would have to wait for, in a few words each; empty when the stage is ready. */
  missing(): string[];
  /** The next program frame's way through every stage. */
  trace(feed: string): Promise<FrameTrace>;
  /** Names of the looks that can be set. */
  looks(): string[];
  /** Those of them that have an age dial. */
  dials(): string[];
  /** Casts a performer, changes or ends a casting, says who a face is, captures a neutral face. */
  cast(order: CastingOrder): void;
  set(feed: string, change: { uncast?: UncastPolicy; look?: string; age?: number }): void;
  /** A timecode heard at a feed's camera. */
  timecode(feed: string, heard: Omit<Extract<ClientMessage, { type: 'timecode' }>, 'type' | 'feed'>): void;
  /** Calls back with the faces of a feed's newest picture, about ten times a second. Returns the unsubscriber. */
  follow(feed: string, listener: (faces: readonly FaceInfo[]) => void): () => void;
  /** Calls back whenever feeds() would answer differently (at most ten times a second). Returns the unsubscriber. */
  onChange(listener: () => void): () => void;
  /** Server's monotonic clock, microseconds. */
  nowUs(): number;
}
