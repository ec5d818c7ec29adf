import { chromaSize, type Picture } from '../../server/frame/frame.ts';
import { bilinear } from './measures.ts';
import { Unrolling } from './unroll.ts';

const SIDE = 64;
const TEXELS = SIDE * SIDE;

let known: Unrolling | null = null;

/**
 * A mean face of a clip, unrolled along its landmarks, so that pose and proportions are out of it: what is left is
 * surface, that is brows, lips, skin and its marks. Exposure and broad light are taken off before two are compared.
 */
export class Portrait {
  readonly #sum = new Float32Array(3 * TEXELS);
  readonly #weight = new Float32Array(TEXELS);

  /** @param density the replaced layer's alpha per luma sample: only what it hides is compared. */
  add({ planes, width, height }: Picture, points: Float32Array, density: Float32Array): void {
    known ??= new Unrolling(SIDE);
    const chroma = chromaSize(width);
    for (const [k, texel] of known.texels.entries()) {
      const [x, y] = known.place(k, points);
      if (x < 0 || y < 0 || x >= width - 1 || y >= height - 1) continue;
      if (density[Math.round(y) * width + Math.round(x)]! < 0.9) continue;
      const at = (Math.floor(y) >> 1) * chroma + (Math.floor(x) >> 1);
      this.#weight[texel]! += 1;
      this.#sum[texel]! += bilinear(planes[0], width, x, y);
      this.#sum[TEXELS + texel]! += planes[1][at]!;
      this.#sum[2 * TEXELS + texel]! += planes[2][at]!;
    }
  }

  /**
   * How different two portraits are where both were seen, root mean square code values. Without weights that know faces
   * this tells surface and complexion apart, not bone.
   */
  static distance(a: Portrait, b: Portrait): number {
    const seen: number[] = [];
    for (let i = 0; i < TEXELS; i++) if (a.#weight[i]! > 0 && b.#weight[i]! > 0) seen.push(i);
    if (seen.length < 200) return Number.NaN;
    let total = 0;
    for (let plane = 0; plane < 3; plane++) {
      const [x, y] = [a, b].map((portrait) => portrait.#levelled(plane, seen));
      for (let k = 0; k < seen.length; k++) total += (x![k]! - y![k]!) ** 2;
    }
    return Math.sqrt(total / seen.length);
  }

  /** One plane at the texels seen, less the smooth surface of second order that fits it best (the light), luma as a share of its mean. */
  #levelled(plane: number, seen: readonly number[]): Float32Array {
    const values = seen.map((i) => this.#sum[plane * TEXELS + i]! / this.#weight[i]!);
    const luma = seen.reduce((sum, i) => sum + this.#sum[i]! / this.#weight[i]!, 0) / seen.length;
    const scale = 128 / Math.max(luma, 16);
    const rows = seen.map((i) => {
      const [x, y] = [(i % SIDE) / SIDE - 0.5, Math.floor(i / SIDE) / SIDE - 0.5];
      return [1, x, y, x * y, x * x, y * y];
    });
    const fit = leastSquares(rows, values);
    return Float32Array.from(
      values,
      (value, k) => scale * (value - fit.reduce((sum, weight, j) => sum + weight * rows[k]![j]!, 0)),
    );
  }
}

function leastSquares(rows: readonly number[][], values: readonly number[]): number[] {
  const n = rows[0]?.length ?? 0;
  const m = Array.from({ length: n }, () => new Array<number>(n + 1).fill(0));
  for (const [k, row] of rows.entries()) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) m[i]![j]! += row[i]! * row[j]!;
      m[i]![n]! += row[i]! * values[k]!;
    }
  }
  for (let i = 0; i < n; i++) {
    m[i]![i]! += 1e-6;
    for (let j = 0; j < n; j++) {
      if (j === i) continue;
      const factor = m[j]![i]! / m[i]![i]!;
      for (let k = i; k <= n; k++) m[j]![k]! -= factor * m[i]![k]!;
    }
  }
  return m.map((row, i) => row[n]! / row[i]!);
}
