import type { Extra, HeadView } from './head-view.ts';
import { PART_SHIFT, TRIANGLE_MASK } from './raster.ts';

/** Share of each pixel that shows the face proper. */
export function maskFace(v: HeadView, weights: Float32Array, out: Float32Array, width: number, height: number): void {
  const { id, b1, b2, width: w } = v.gbuffer;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let j = 0; j < 4; j++) {
        const k = (2 * y + (j >> 1)) * w + 2 * x + (j & 1);
        if (id[k]! < 0) continue;
        const part = v.parts[id[k]! >> PART_SHIFT]!;
        const t = 3 * (id[k]! & TRIANGLE_MASK);
        const [a, b, c] = [part.triangles[t]!, part.triangles[t + 1]!, part.triangles[t + 2]!];
        sum += weights[a]! * (1 - b1[k]! - b2[k]!) + weights[b]! * b1[k]! + weights[c]! * b2[k]!;
      }
      out[y * width + x] = sum / 4;
    }
}

/** Below this the mask of the face is its faded rim, where nothing needs to be kept. */
const RIM = 0.02;

/** Share of each pixel where hair, cloth or the extra thing lies before the double's face. */
export function maskKept(
  plate: HeadView,
  truth: HeadView,
  extra: Extra | null,
  face: Float32Array,
  out: Float32Array,
  width: number,
  height: number,
): void {
  const { id, near, width: w } = plate.gbuffer;
  const behind = truth.gbuffer.near;
  const cloth = plate.parts.findIndex((p) => p.name === 'garment');
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (face[i]! < RIM) {
        out[i] = 0;
        continue;
      }
      let solid = 0;
      for (let j = 0; j < 4; j++) {
        const k = (2 * y + (j >> 1)) * w + 2 * x + (j & 1);
        if (id[k]! < 0) continue;
        const part = id[k]! >> PART_SHIFT;
        if ((extra && part === plate.extraPart) || (part === cloth && near[k]! > behind[k]!)) solid += 0.25;
      }
      out[i] = solid + (1 - solid) * plate.hair[i]!;
    }
}
