import { CELL, CELLS, COLUMNS, FINE, WINDOW } from './cells.ts';

/** What the network finds of a frame is little, where that is thinner than its pixels: so many times as much is left out. */
const GAIN = 2.5;
/** Each picture's share of what is remembered, about four. */
const SHARE = 0.25;
/** From how much on a cell counts. */
const STANDS = 0.4;
const WITHIN = CELL / FINE;
const ACROSS = WINDOW.width / FINE;

/**
 * The frame of one performer's spectacles, over a few pictures: it moves with the head, so that what is found of it in one picture and not in the
 * next is still there. Only while a frame is found is any of it remembered.
 */
export class Spectacles {
  readonly #cells = new Float32Array(CELLS);
  readonly #fine = new Float32Array((WINDOW.height / FINE) * ACROSS);
  #worn = false;

  /** @param frames cells of a frame that is found now, or null. @param fine what the network says, made whole in place. Answers the frame's cells. */
  see(frames: Uint8Array | null, fine: Float32Array): number[] {
    if (!frames?.includes(1)) {
      if (this.#worn) this.#forget();
      return [];
    }
    this.#worn = true;
    const worn: number[] = [];
    for (let i = 0; i < CELLS; i++) {
      const now = frames[i]!;
      const before = this.#cells[i]!;
      if (!now && before < 0.01) continue;
      this.#cells[i] = before + (now - before) * SHARE;
      const stands = now > 0 || this.#cells[i]! >= STANDS;
      if (stands) worn.push(i);
      const first = WITHIN * (Math.floor(i / COLUMNS) * ACROSS + (i % COLUMNS));
      for (let k = first; k < first + WITHIN * ACROSS; k += ACROSS)
        for (let p = k; p < k + WITHIN; p++) {
          const seen = Math.min(1, GAIN * fine[p]!);
          this.#fine[p]! += (seen - this.#fine[p]!) * SHARE;
          if (stands) fine[p] = Math.max(seen, Math.min(1, 1.5 * this.#fine[p]!));
        }
    }
    return worn;
  }

  #forget(): void {
    this.#worn = false;
    this.#cells.fill(0);
    this.#fine.fill(0);
  }
}
