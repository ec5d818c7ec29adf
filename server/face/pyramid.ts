import type { Arena } from '../frame/arena.ts';
import { chromaSize, i420Bytes, type Picture } from '../frame/frame.ts';
import { type Kernels, matrixOf } from '../frame/kernels.ts';
import type { Affine } from './crop.ts';

/** Halving stops once the longer side is at most this: the detector's whole-picture view then shrinks at most twofold. */
const SMALLEST_SIDE = 384;

interface Level {
  at: number;
  width: number;
  height: number;
}

/**
 * A picture and its halves, so that a bilinear cut-out never skips pixels: without them a small network's input of a large picture
 * is aliased, and landmarks shimmer. Owns its memory until `close()`.
 */
export class Pyramid {
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  #levels: Level[] = [];
  #picture: Picture | null = null;
  #built = 0;

  constructor(arena: Arena, kernels: Kernels) {
    this.#arena = arena;
    this.#kernels = kernels;
  }

  /** Takes the next picture; its halves are made when a cut-out needs them. */
  use(picture: Picture): void {
    const own = this.#levels[0];
    if (!own || own.width !== picture.width || own.height !== picture.height) {
      this.#release();
      this.#levels = levelsOf(picture.width, picture.height);
      for (const level of this.#levels.slice(1)) level.at = this.#arena.allocate(i420Bytes(level.width, level.height));
    }
    if (this.#levels[0]) this.#levels[0].at = picture.at;
    this.#picture = picture;
    this.#built = 0;
  }

  /**
   * Cuts a square of `size`² out of the picture into `out` (planar float32 RGB, value · mul + add).
   * @param affine output pixel → picture pixel, centres at integers; its scale picks the level.
   */
  cut(affine: Affine, size: number, out: number, mul: number, add: number): void {
    const picture = this.#picture;
    if (!picture) throw new Error('The pyramid has no picture yet.');
    const [a, b, c, d, e, f] = affine;
    const step = Math.hypot(a, d);
    const wanted = Math.ceil(Math.log2(Math.max(step, 1)) - 1 + 1e-9);
    const depth = Math.min(Math.max(wanted, 0), this.#levels.length - 1);
    this.#build(depth);
    const level = this.#levels[depth];
    if (!level) return;
    const k = 1 / 2 ** depth;
    // A level's pixel x covers picture pixels 2ⁿx … 2ⁿ(x+1) − 1.
    const shift = (v: number): number => (v + 0.5) * k - 0.5;
    const [kr, kb, full] = matrixOf(picture.colour);
    this.#kernels.warp(
      level.at,
      level.width,
      level.height,
      a * k,
      b * k,
      shift(c),
      d * k,
      e * k,
      shift(f),
      size,
      out,
      mul,
      add,
      kr,
      kb,
      full,
    );
  }

  #build(depth: number): void {
    for (; this.#built < depth; this.#built++) {
      const from = this.#levels[this.#built];
      const to = this.#levels[this.#built + 1];
      if (from && to) this.#kernels.half(from.at, from.width, from.height, to.at);
    }
  }

  #release(): void {
    for (const { at, width, height } of this.#levels.slice(1)) this.#arena.release(at, i420Bytes(width, height));
    this.#levels = [];
  }

  close(): void {
    this.#release();
    this.#picture = null;
  }
}

function levelsOf(width: number, height: number): Level[] {
  const levels = [{ at: 0, width, height }];
  let w = width;
  let h = height;
  while (Math.max(w, h) > SMALLEST_SIDE) {
    w = chromaSize(w);
    h = chromaSize(h);
    levels.push({ at: 0, width: w, height: h });
  }
  return levels;
}
