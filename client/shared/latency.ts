import type { FeedInfo } from '../../server/wire/messages.ts';

/** What a page knows of one shown frame (requestVideoFrameCallback). */
export interface ShownFrame {
  /** 90 kHz, 32 bits, as the camera sent it; null in browsers that do not say. */
  rtpTs: number | null;
  /** When it is (expected to be) on the screen, performance.now() ms. */
  shownMs: number;
  width: number;
  height: number;
  /** Counts every frame presented, also those this page's code never saw. */
  presented: number;
  /** Capture (its arrival at the server, without the way there) to screen, ms; null when it cannot be known. */
  ageMs: number | null;
}

export interface Shown {
  /** p50 over the last second. */
  latencyMs: number | null;
  latencyFrames: number | null;
  fps: number;
  width: number;
  height: number;
  /** No frame for a second: these numbers are old. */
  stale: boolean;
}

const WINDOW_MS = 1_000;
/** Ages beyond this come from a wrong anchor (a camera that has just changed), not from a slow picture. */
const PLAUSIBLE_MS = 10_000;

/**
 * Age of a frame at a moment, ms: capture time from the feed's anchor, over the 32-bit RTP clock (90 kHz, wraps),
 * against the server's clock. `offsetUs`: see ServerClock.
 */
export function frameAgeMs(
  rtpTs: number,
  shownMs: number,
  anchor: { rtpTs: number; captureUs: number },
  offsetUs: number,
): number {
  const ticks = (rtpTs - anchor.rtpTs) | 0;
  const captureUs = anchor.captureUs + (ticks * 100) / 9;
  return (shownMs * 1000 + offsetUs - captureUs) / 1000;
}

/** Watches what a video element really shows. Owns its callback; `close()` stops it. */
export class FrameMeter {
  readonly #video: HTMLVideoElement;
  readonly #context: () => { anchor: FeedInfo['anchor']; offsetUs: number | null };
  readonly #seen: ((frame: ShownFrame, metadata: VideoFrameCallbackMetadata) => void) | undefined;
  #frames: ShownFrame[] = [];
  #handle = 0;
  #open = true;

  constructor(
    video: HTMLVideoElement,
    context: () => { anchor: FeedInfo['anchor']; offsetUs: number | null },
    seen?: (frame: ShownFrame, metadata: VideoFrameCallbackMetadata) => void,
  ) {
    this.#video = video;
    this.#context = context;
    this.#seen = seen;
    this.#next();
  }

  #next(): void {
    if (!this.#open) return;
    this.#handle = this.#video.requestVideoFrameCallback((_now, metadata) => {
      this.#add(metadata);
      this.#next();
    });
  }

  #add(metadata: VideoFrameCallbackMetadata): void {
    const { anchor, offsetUs } = this.#context();
    const rtpTs = metadata.rtpTimestamp ?? null;
    const shownMs = metadata.expectedDisplayTime;
    const age = rtpTs !== null && anchor && offsetUs !== null ? frameAgeMs(rtpTs, shownMs, anchor, offsetUs) : null;
    const frame: ShownFrame = {
      rtpTs,
      shownMs,
      width: metadata.width,
      height: metadata.height,
      presented: metadata.presentedFrames,
      ageMs: age !== null && Math.abs(age) < PLAUSIBLE_MS ? age : null,
    };
    this.#frames.push(frame);
    while (this.#frames.length > 1 && (this.#frames[0]?.shownMs ?? shownMs) < shownMs - WINDOW_MS) this.#frames.shift();
    this.#seen?.(frame, metadata);
  }

  get last(): ShownFrame | null {
    return this.#frames.at(-1) ?? null;
  }

  read(nowMs = performance.now()): Shown {
    const first = this.#frames[0];
    const last = this.#frames.at(-1);
    if (!first || !last) return { latencyMs: null, latencyFrames: null, fps: 0, width: 0, height: 0, stale: true };
    const stale = nowMs - last.shownMs > WINDOW_MS;
    const spanMs = last.shownMs - first.shownMs;
    const fps = stale || spanMs <= 0 ? 0 : ((last.presented - first.presented) * 1000) / spanMs;
    const ages = this.#frames.flatMap((frame) => (frame.ageMs === null ? [] : [frame.ageMs])).sort((a, b) => a - b);
    const latencyMs = ages[Math.floor(ages.length / 2)] ?? null;
    return {
      latencyMs,
      latencyFrames: latencyMs === null || fps === 0 ? null : (latencyMs * fps) / 1000,
      fps,
      width: last.width,
      height: last.height,
      stale,
    };
  }

  /** Another picture comes: the old one's frames say nothing about it. */
  clear(): void {
    this.#frames = [];
  }

  close(): void {
    this.#open = false;
    this.#video.cancelVideoFrameCallback(this.#handle);
  }
}
