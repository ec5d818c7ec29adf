import type { ShownFrame } from '../shared/latency.ts';
import { counterBox, readCounter, sinceDrawn } from '../shared/testcard.ts';

export interface CounterReading {
  /** The picture's number; null where its marks could not be read. */
  count: number | null;
  rtpTs: number | null;
  /** Drawing on the camera page to (expected) showing here, ms; both pages on one machine. */
  glassMs: number | null;
  /** performance.now() of the showing. */
  shownMs: number;
  ageMs: number | null;
}

/** Reads test marks from shown frames. Only the marks' corner is copied, so that reading costs little. */
export class CounterReader {
  readonly #context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true, alpha: false });

  read(video: HTMLVideoElement, frame: ShownFrame): CounterReading {
    const { rtpTs, shownMs, ageMs, width } = frame;
    const mark = this.#mark(video, width);
    const glassMs = mark && sinceDrawn(mark, performance.timeOrigin + shownMs);
    return { count: mark?.count ?? null, rtpTs, glassMs, shownMs, ageMs };
  }

  #mark(video: HTMLVideoElement, pictureWidth: number) {
    const context = this.#context;
    if (!context) return null;
    const { width, height } = counterBox(pictureWidth);
    if (context.canvas.width !== width) Object.assign(context.canvas, { width, height });
    context.drawImage(video, 0, 0, width, height, 0, 0, width, height);
    return readCounter(context.getImageData(0, 0, width, height).data, width, pictureWidth);
  }
}
