import type { CodedFrame, VideoCodec } from '../frame/coded.ts';
import { UNKNOWN_COLOUR } from '../frame/frame.ts';
import type { RenditionOut } from '../media/port.ts';

const RTP_PER_MS = 90;
/** Repeated, so that a viewer that joins meanwhile, or lost a packet, has it too. */
const REPEAT_MS = 400;
/**
 * The slate's clock stays this far behind: a new engine on a loaded machine takes longer for a picture than the last one did, and its
 * first pictures, captured before the slate was sent, must not go back in RTP time.
 */
const BEHIND_MS = 500;

/** Shows the kept slate on a rendition while its engine is lost, going on with the rendition's own timestamps. */
export class SlateShow {
  readonly #out: RenditionOut;
  readonly #codec: VideoCodec;
  #slate: { bytes: Uint8Array; width: number; height: number } | null = null;
  #last = { rtpTs: 0, captureUs: 0, atMs: 0 };
  /** RTP time of the slate that was sent last, beyond that of the last frame. */
  #after = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(out: RenditionOut, codec: VideoCodec) {
    this.#out = out;
    this.#codec = codec;
  }

  get showing(): boolean {
    return this.#timer !== null;
  }

  keep(slate: { bytes: Uint8Array; width: number; height: number }): void {
    this.#slate = slate;
  }

  /** Notes a frame that went out, so that the slate's timestamps follow on. */
  passed(frame: CodedFrame): void {
    this.#last = { rtpTs: frame.rtpTs, captureUs: frame.captureUs, atMs: performance.now() };
    this.#after = 0;
  }

  start(): void {
    if (this.#timer || !this.#slate || this.#last.atMs === 0) return;
    this.#send();
    this.#timer = setInterval(() => this.#send(), REPEAT_MS);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  #send(): void {
    if (!this.#slate) return;
    const sinceMs = Math.max(0, performance.now() - this.#last.atMs - BEHIND_MS);
    const rtpTs = Math.max(this.#after + 1, Math.round(sinceMs * RTP_PER_MS));
    this.#after = rtpTs;
    this.#out.send({
      codec: this.#codec,
      key: true,
      rtpTs: (this.#last.rtpTs + rtpTs) >>> 0,
      captureUs: this.#last.captureUs + sinceMs * 1000,
      width: this.#slate.width,
      height: this.#slate.height,
      colour: UNKNOWN_COLOUR,
      bytes: this.#slate.bytes,
    });
  }
}
