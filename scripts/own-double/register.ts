import type { Texels } from './texels.ts';
import type { Unrolled } from './unroll.ts';

/** Texels between two places where a displacement is sought, and how far around each is looked. */
const STEP = 24;
const REACH = 22;
/** Further than this the landmark model is never off, texels. */
const MOST = 7;
/** What a flat piece of skin, in which nothing can be found again, is held by: squared slope of log brightness. */
const HOLD = 2e-5;

interface Slopes {
  value: Float32Array;
  x: Float32Array;
  y: Float32Array;
}

/** A face, how it is displaced (x and y at each place, texels), and what comes of it. */
export interface Laid {
  face: Unrolled;
  moves: Float32Array;
  laid: Unrolled;
}

/**
 * Landmarks tremble by a pixel or two, and a mean of what trembles is a blur. Each rolled-out face is laid onto the mean by a displacement that
 * varies slowly over the face, found patch by patch by least squares on the slopes (Lucas and Kanade 1981), in logs, so that a patch's own light
 * does not matter.
 */
export class Registration {
  readonly #side: number;
  readonly #at: Int32Array;
  /** Which texel lies at each place of the texture; −1 for none. */
  readonly #index: Int32Array;
  readonly #nodes: number;

  constructor({ side, at }: Texels) {
    this.#side = side;
    this.#at = at;
    this.#index = new Int32Array(side * side).fill(-1);
    for (const [k, i] of at.entries()) this.#index[i] = k;
    this.#nodes = Math.ceil(side / STEP) + 1;
  }

  begin(face: Unrolled): Laid {
    return { face, moves: new Float32Array(2 * this.#nodes * this.#nodes), laid: face };
  }

  /** Log brightness and its slopes at every texel of the mean. */
  slopesOf(mean: Unrolled): Slopes {
    const value = logs(mean);
    const slope = (step: number): Float32Array =>
      Float32Array.from(this.#at, (i) => {
        const [before, after] = [this.#index[i - step] ?? -1, this.#index[i + step] ?? -1];
        const seen = before >= 0 && after >= 0 && mean.weight[before] && mean.weight[after];
        return seen ? (value[after]! - value[before]!) / 2 : 0;
      });
    return { value, x: slope(1), y: slope(this.#side) };
  }

  /** Lays a face better onto the mean whose slopes are given; always from the face itself, so that nothing is sampled twice. */
  align(one: Laid, mean: Slopes): void {
    const value = logs(one.laid);
    for (let row = 0; row < this.#nodes; row++)
      for (let column = 0; column < this.#nodes; column++) {
        const [u, v] = this.#moveAt(column * STEP, row * STEP, value, one.laid.weight, mean);
        const at = 2 * (row * this.#nodes + column);
        one.moves[at] = limited(one.moves[at]! + u);
        one.moves[at + 1] = limited(one.moves[at + 1]! + v);
      }
    one.laid = this.#moved(one.face, one.moves);
  }

  /** The step that brings a patch of the face nearer to the mean. */
  #moveAt(cx: number, cy: number, value: Float32Array, weight: Float32Array, mean: Slopes): [number, number] {
    const most = this.#side - 1;
    let [n, sx, sy, sd, xx, xy, yy, xd, yd] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
    for (let y = Math.max(1, cy - REACH); y < Math.min(most, cy + REACH); y += 2)
      for (let x = Math.max(1, cx - REACH); x < Math.min(most, cx + REACH); x += 2) {
        const k = this.#index[y * this.#side + x]!;
        if (k < 0 || !weight[k]) continue;
        const [gx, gy, d] = [mean.x[k]!, mean.y[k]!, mean.value[k]! - value[k]!];
        const w = weight[k]! / (1 + (d / 0.3) ** 2);
        n += w;
        sx += w * gx;
        sy += w * gy;
        sd += w * d;
        xx += w * gx * gx;
        xy += w * gx * gy;
        yy += w * gy * gy;
        xd += w * gx * d;
        yd += w * gy * d;
      }
    if (n === 0) return [0, 0];
    // Without the patch's mean: light, not place.
    const a = (xx - (sx * sx) / n) / n + HOLD;
    const b = (xy - (sx * sy) / n) / n;
    const c = (yy - (sy * sy) / n) / n + HOLD;
    const [p, q] = [(xd - (sx * sd) / n) / n, (yd - (sy * sd) / n) / n];
    const determinant = a * c - b * b;
    return [limited((c * p - b * q) / determinant), limited((a * q - b * p) / determinant)];
  }

  #moved({ colour, weight }: Unrolled, moves: Float32Array): Unrolled {
    const out: Unrolled = { colour: new Float32Array(colour.length), weight: new Float32Array(weight.length) };
    for (const [k, i] of this.#at.entries()) {
      const [x, y] = [i % this.#side, Math.floor(i / this.#side)];
      this.#take(colour, weight, x + this.#moveIn(moves, x, y, 0), y + this.#moveIn(moves, x, y, 1), k, out);
    }
    return out;
  }

  #moveIn(moves: Float32Array, x: number, y: number, axis: 0 | 1): number {
    const [column, row] = [Math.floor(x / STEP), Math.floor(y / STEP)];
    const [fx, fy] = [x / STEP - column, y / STEP - row];
    const move = (r: number, c: number): number => moves[2 * (r * this.#nodes + c) + axis]!;
    const top = move(row, column) * (1 - fx) + move(row, column + 1) * fx;
    return top * (1 - fy) + (move(row + 1, column) * (1 - fx) + move(row + 1, column + 1) * fx) * fy;
  }

  /** Bilinear, over those of the four texels that were seen. */
  #take(colour: Float32Array, weight: Float32Array, x: number, y: number, k: number, out: Unrolled): void {
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    const [fx, fy] = [x - x0, y - y0];
    let [total, seen] = [0, 0];
    for (let corner = 0; corner < 4; corner++) {
      const [u, v] = [corner & 1, corner >> 1];
      const from = this.#index[(y0 + v) * this.#side + x0 + u] ?? -1;
      if (from < 0 || !weight[from]) continue;
      const share = (u ? fx : 1 - fx) * (v ? fy : 1 - fy);
      total += share;
      seen += share * weight[from]!;
      for (let c = 0; c < 3; c++) out.colour[3 * k + c]! += share * colour[3 * from + c]!;
    }
    // Less than a third of a texel was seen: not at all.
    const known = total >= 0.3;
    for (let c = 0; c < 3; c++) out.colour[3 * k + c] = known ? out.colour[3 * k + c]! / total : 0;
    out.weight[k] = known ? seen / total : 0;
  }
}

const limited = (value: number): number => Math.min(MOST, Math.max(-MOST, value));

const logs = ({ colour, weight }: Unrolled): Float32Array =>
  Float32Array.from(weight, (seen, k) =>
    seen > 0
      ? Math.log(Math.max(0.02, 0.25 * colour[3 * k]! + 0.6 * colour[3 * k + 1]! + 0.15 * colour[3 * k + 2]!))
      : 0,
  );
