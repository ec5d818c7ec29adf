/** A layer that has been silent this long has stopped: another carries on. */
const STOPPED_MS = 350;
/** A layer that stopped once must have come steadily for this long before it is trusted again. */
const STEADY_MS = 1000;
/** Frames of a steady layer are not further apart. */
const BREAK_MS = 250;
const TICKS_PER_MS = 90;

export interface LayerFrame {
  key: boolean;
  /** Pixels. */
  area: number;
  rtpTs: number;
}

/** When a sender says that a stream's RTP time was; milliseconds of the sender's own clock. */
export interface LayerInstant {
  ntpMs: number;
  rtpTs: number;
}

interface Layer {
  area: number;
  lastMs: number;
  /** Since when its frames have come without a break. */
  sinceMs: number;
  stopped: boolean;
  instant: LayerInstant | null;
  /** Added to its RTP times they are the feed's; known once it has been used. */
  offset: number | null;
}

/**
 * Which layer of a simulcast is shown (RFC 8853): the largest that arrives. It changes only at a key frame of the new layer, up when a
 * larger one comes, down when the one in use stops; frames of two layers are never mixed. Layers count RTP time from different
 * starting points: they are brought to that of the first layer by their sender reports, or by their arrival. Pure: times are given.
 */
export class LayerChoice {
  readonly #layers: Layer[];
  #current = -1;
  #last = { rtpTs: 0, atMs: 0 };

  constructor(count: number) {
    this.#layers = Array.from({ length: count }, () => ({
      area: 0,
      lastMs: -Infinity,
      sinceMs: -Infinity,
      stopped: false,
      instant: null,
      offset: null,
    }));
  }

  /** The layer in use; -1 before the first key frame. */
  get current(): number {
    return this.#current;
  }

  /** Whether a layer's key frames are of use: it is larger than the one in use, or may be. */
  needed(index: number): boolean {
    const [layer, current] = [this.#layers[index], this.#layers[this.#current]];
    return !layer || !current || layer === current || layer.area === 0 || layer.area > current.area;
  }

  /** What a sender report says of a layer. */
  report(index: number, instant: LayerInstant): void {
    const layer = this.#layers[index];
    if (layer) layer.instant = instant;
  }

  /** A layer's RTP time in the feed's. */
  mapped(index: number, rtpTs: number): number {
    return (rtpTs + (this.#layers[index]?.offset ?? 0)) >>> 0;
  }

  /** What becomes of a whole frame: its RTP time in the feed's where it is shown, `key` where its layer should send a key frame, else null. */
  frame(index: number, frame: LayerFrame, nowMs: number): { rtpTs: number } | 'key' | null {
    const layer = this.#layers[index];
    if (!layer) return null;
    if (nowMs - layer.lastMs > BREAK_MS) layer.sinceMs = nowMs;
    layer.lastMs = nowMs;
    if (frame.key) layer.area = frame.area;
    if (index !== this.#current) {
      if (!this.#wants(layer, nowMs)) return null;
      if (!frame.key) return 'key';
      this.#use(index, frame.rtpTs, nowMs);
    }
    return { rtpTs: this.#stamp(index, frame.rtpTs, nowMs) };
  }

  #wants(layer: Layer, nowMs: number): boolean {
    const current = this.#layers[this.#current];
    if (!current) return true;
    if (nowMs - current.lastMs > STOPPED_MS) {
      const larger = (other: Layer): boolean => other.area > layer.area && nowMs - other.lastMs < BREAK_MS;
      return !this.#layers.some((other) => other !== current && larger(other));
    }
    return layer.area > current.area && (!layer.stopped || nowMs - layer.sinceMs > STEADY_MS);
  }

  #use(index: number, rtpTs: number, nowMs: number): void {
    const [before, layer] = [this.#layers[this.#current], this.#layers[index] as Layer];
    layer.offset ??= before ? this.#offset(before, layer, rtpTs, nowMs) : 0;
    if (before && nowMs - before.lastMs > STOPPED_MS) before.stopped = true;
    layer.stopped = false;
    this.#current = index;
  }

  #offset(before: Layer, layer: Layer, rtpTs: number, nowMs: number): number {
    if (before.instant && layer.instant) {
      const ticks = (layer.instant.ntpMs - before.instant.ntpMs) * TICKS_PER_MS;
      return Math.round(before.instant.rtpTs + ticks - layer.instant.rtpTs) + (before.offset ?? 0);
    }
    return this.#last.rtpTs + Math.round((nowMs - this.#last.atMs) * TICKS_PER_MS) - rtpTs;
  }

  /** Strictly later than the frame before: a layer's key frame may show what another has shown already. */
  #stamp(index: number, rtpTs: number, nowMs: number): number {
    let out = this.mapped(index, rtpTs);
    const first = this.#last.atMs === 0;
    if (!first && ((out - this.#last.rtpTs) | 0) <= 0) out = (this.#last.rtpTs + 1) >>> 0;
    this.#last = { rtpTs: out, atMs: nowMs };
    return out;
  }
}
