/**
 * Lowers the program's resolution step by step before pictures pile up, and raises it again when there is room. Pure: it is fed
 * how long each picture took and how far apart pictures come.
 */
export const SCALES = [1, 0.75, 0.5, 0.375] as const;

/** Share of the frame interval that work may take before a step down, and under which a step up is tried. */
const TOO_BUSY = 0.95;
const ROOM = 0.45;
/** Beyond this share there is no waiting for a second window. */
const FAR_TOO_BUSY = 1.3;
/** Pictures looked at at once; being too busy must last two such windows, so that a browser that starts beside us lowers nothing. */
const WINDOW = 45;
/** A step up that failed makes the next try wait this many times longer. */
const BACKOFF = 2;

export class Overload {
  #step = 0;
  #busy: number[] = [];
  #calm = 0;
  #patience = 4;
  #wasBusy = false;

  get scale(): number {
    return SCALES[this.#step] as number;
  }

  /** Back to full size: another camera, another size. */
  reset(): void {
    this.#step = 0;
    this.#busy = [];
    this.#calm = 0;
    this.#patience = 4;
    this.#wasBusy = false;
  }

  /**
   * @param workMs time the picture occupied the pipeline
   * @param intervalMs time to the picture before it
   * @returns the new scale when it changed, else null
   */
  add(workMs: number, intervalMs: number): number | null {
    if (!(intervalMs > 0 && intervalMs < 1000)) return null;
    this.#busy.push(workMs / intervalMs);
    if (this.#busy.length < WINDOW) return null;
    const median = this.#busy.sort((a, b) => a - b)[WINDOW >> 1] as number;
    this.#busy = [];
    const busyBefore = this.#wasBusy;
    this.#wasBusy = median > TOO_BUSY;
    if (this.#step < SCALES.length - 1 && (median > FAR_TOO_BUSY || (this.#wasBusy && busyBefore))) {
      this.#wasBusy = false;
      if (this.#calm > 0) this.#patience *= BACKOFF;
      this.#calm = 0;
      this.#step++;
      return this.scale;
    }
    this.#calm = median < ROOM ? this.#calm + 1 : 0;
    if (this.#step > 0 && this.#calm >= this.#patience) {
      // Counting on from one lets a step down right after this be seen as a failed try.
      this.#calm = 1;
      this.#step--;
      return this.scale;
    }
    return null;
  }
}
