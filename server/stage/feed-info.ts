import type { EngineStats, FeedSettings } from '../channel/messages.ts';
import type { IngestStats } from '../media/port.ts';
import type { FeedInfo } from '../wire/messages.ts';

/** What a feed knows of itself, from which its public description is made. */
export interface FeedFacts {
  name: string;
  look: string;
  uncast: FeedInfo['uncast'];
  age: FeedInfo['age'];
  cast: NonNullable<FeedSettings['castings']>;
  engine: 'absent' | 'warming' | 'ready' | 'lost';
  ingest: IngestStats | null;
  /** Milliseconds since the camera's last frame; null before the first. */
  silentMs: number | null;
  camera: { width: number; height: number } | null;
  stats: EngineStats | null;
  /** Program frames and skips in the last second. */
  programFps: number;
  skippedPerSecond: number;
  trouble: string | null;
  viewers: FeedInfo['viewers'];
  sound: FeedInfo['sound'];
  timecode: FeedInfo['timecode'];
  pictureDelayMs: number | null;
  anchor: FeedInfo['anchor'];
}

/** A camera that has sent nothing for this long is said to be stalled, and another may take its feed. */
export const STALLED_MS = 2000;

export function stateOf(facts: FeedFacts): FeedInfo['state'] {
  if (!facts.ingest || facts.ingest.state === 'closed') return 'idle';
  if (facts.engine === 'lost') return 'slate';
  if (facts.ingest.state === 'connecting') return 'connecting';
  if (facts.engine !== 'ready') return 'warming';
  if (facts.silentMs === null) return 'connecting';
  return facts.silentMs > STALLED_MS ? 'stalled' : 'live';
}

/** The sentence a person needs when something is wrong; null when all is well. */
function messageOf(facts: FeedFacts, state: FeedInfo['state']): string | null {
  if (state === 'slate') return 'The engine of this feed was lost and is starting again: showing the slate.';
  if (state === 'stalled') {
    const seconds = Math.round((facts.silentMs ?? 0) / 1000);
    return `No picture from the camera for ${seconds} s: check its cable or network.`;
  }
  const { stats } = facts;
  if (stats && stats.scale < 1) {
    return `Resolution lowered to ${stats.width}×${stats.height}: this machine is too slow for the full size.`;
  }
  return facts.trouble;
}

/** The public description of a feed. Pure. */
export function describeFeed(facts: FeedFacts): FeedInfo {
  const state = stateOf(facts);
  const { ingest, stats, camera } = facts;
  const showing = state === 'live' || state === 'stalled';
  return {
    name: facts.name,
    state,
    message: messageOf(facts, state),
    camera:
      ingest?.codec && camera
        ? {
            codec: ingest.codec,
            width: camera.width,
            height: camera.height,
            fps: round(ingest.fps),
            bitrate: Math.round(ingest.bitrate),
            lostPct: round(ingest.packets > 0 ? (100 * ingest.lost) / (ingest.packets + ingest.lost) : 0),
          }
        : null,
    program: {
      width: stats?.width ?? 0,
      height: stats?.height ?? 0,
      fps: round(facts.programFps),
      scale: stats?.scale ?? 1,
      skipped: facts.skippedPerSecond,
    },
    look: facts.look,
    uncast: facts.uncast,
    age: facts.age,
    castings: castingsOf(facts.cast, showing ? stats : null),
    provider: stats?.provider ?? 'cpu',
    faces: showing ? (stats?.faces ?? []) : [],
    viewers: facts.viewers,
    stageMs: showing ? (stats?.stageMs ?? {}) : {},
    sound: facts.sound,
    timecode: facts.timecode,
    pictureDelayMs: facts.pictureDelayMs,
    anchor: facts.anchor,
  };
}

/** Who is cast, and what became of them in the last picture; the face by which they are known is not told. */
function castingsOf(cast: FeedFacts['cast'], stats: EngineStats | null): FeedInfo['castings'] {
  return cast.map(({ casting, neutral }) => {
    const { track, ...state } = stats?.castings.find(({ id }) => id === casting.id) ?? { track: null };
    // An engine that has just been told does not say so yet.
    return { neutral: neutral ? 'kept' : 'none', missed: null, ...casting, ...state, track };
  });
}

const round = (value: number): number => Math.round(value * 10) / 10;
