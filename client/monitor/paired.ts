/** The program is a few frames behind the plate; more than this and the pair is lost, rather than memory. */
const KEEP = 12;

/**
 * The last plate pictures by RTP timestamp: program frames carry the same timestamps, so each finds its own plate.
 * Owns the frames it keeps; `close()` frees them. Where the browser has no VideoFrame it keeps none.
 */
export class PairedFrames {
  readonly #frames = new Map<number, VideoFrame>();

  keep(rtpTs: number, video: HTMLVideoElement): void {
    if (!('VideoFrame' in globalThis)) return;
    this.#frames.get(rtpTs)?.close();
    this.#frames.set(rtpTs, new VideoFrame(video));
    for (const [oldest] of this.#frames) {
      if (this.#frames.size <= KEEP) break;
      this.#drop(oldest);
    }
  }

  /** The plate of this instant, still owned here; older ones are freed. Null when it never came. */
  take(rtpTs: number): VideoFrame | null {
    const found = this.#frames.get(rtpTs) ?? null;
    for (const kept of [...this.#frames.keys()]) if (((kept - rtpTs) | 0) < 0) this.#drop(kept);
    return found;
  }

  #drop(rtpTs: number): void {
    this.#frames.get(rtpTs)?.close();
    this.#frames.delete(rtpTs);
  }

  close(): void {
    for (const rtpTs of [...this.#frames.keys()]) this.#drop(rtpTs);
  }
}
