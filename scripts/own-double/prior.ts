import { join } from 'node:path';
import sharp from 'sharp';
import { bundledLayout } from './bundled.ts';
import { between, type Texels } from './texels.ts';

/** The doubles whose skin is lit evenly, so that from their mean a first guess of anybody's can be had. */
const GIVEN = ['mara', 'ivo'];
const SKIN_POINTS = [9, 151, 50, 280, 205, 425];

/**
 * The pattern of an average face's colours (lips, brows, the shade under the chin) over plain skin, in light from everywhere: what remains of
 * the light in footage is told from the face by it. Three numbers a texel, encoded colour over the skin's.
 */
export async function averagePattern(texels: Texels): Promise<Float32Array> {
  const sum = new Float32Array(3 * texels.at.length);
  for (const name of GIVEN) {
    const { dir, uv } = bundledLayout(name);
    const { data, info } = await sharp(join(dir, 'texture.png'))
      .removeAlpha()
      .blur(2)
      .raw()
      .toBuffer({ resolveWithObject: true });
    const read = (u: number, v: number, c: number): number => {
      const x = Math.min(info.width - 1, Math.max(0, Math.floor(u * info.width)));
      const y = Math.min(info.height - 1, Math.max(0, Math.floor(v * info.height)));
      return Math.max(4, data[info.channels * (y * info.width + x) + c]!);
    };
    const flat = uv.flat();
    const skin = [0, 1, 2].map((c) => SKIN_POINTS.reduce((s, i) => s + read(...uv[i]!, c), 0) / SKIN_POINTS.length);
    for (let k = 0; k < texels.at.length; k++) {
      const [u, v] = [between(texels, k, flat, 2, 0), between(texels, k, flat, 2, 1)];
      for (let c = 0; c < 3; c++) sum[3 * k + c]! += Math.log(read(u, v, c) / skin[c]!) / GIVEN.length;
    }
  }
  return sum.map(Math.exp);
}
