import type { ReplacedFace, Replacer } from '../../server/double/replacer.ts';
import { coverEllipse } from '../../server/face/cover.ts';
import type { Track } from '../../server/face/types.ts';
import type { Arena } from '../../server/frame/arena.ts';
import type { Picture } from '../../server/frame/frame.ts';

/** What a replacer laid over a face, copied before the next face is replaced. */
export interface Layer {
  trackId: number;
  size: number;
  toCrop: ReplacedFace['toCrop'];
  /** As it was drawn. */
  alpha: Float32Array;
  /** As it was laid over the picture: without what stands before the face. */
  laid: Float32Array;
}

/** Listens in on a replacer, so that a measure knows exactly where each layer was and how dense. */
export class LayerRecorder {
  readonly replacer: Replacer;
  #layers: Layer[] = [];
  /** Reads what became of the last layer, before another is drawn in its place. */
  #settle: () => void = () => undefined;

  constructor(inner: Replacer, arena: Arena) {
    this.replacer = {
      name: inner.name,
      provider: inner.provider,
      maxYawDeg: inner.maxYawDeg,
      replace: async (face) => {
        this.#settle();
        const made = await inner.replace(face);
        const pixels = made.size * made.size;
        const read = (): Float32Array => arena.floats(made.at + 3 * pixels * 4, pixels).slice();
        const alpha = read();
        const layer: Layer = { trackId: face.trackId, size: made.size, toCrop: made.toCrop, alpha, laid: alpha };
        this.#layers.push(layer);
        this.#settle = () => {
          layer.laid = read();
          this.#settle = () => undefined;
        };
        return made;
      },
      forget: (trackId) => inner.forget(trackId),
      close: () => inner.close(),
    };
  }

  /** The layers since the last call; of several for one track only the last was shown. */
  take(): Layer[] {
    this.#settle();
    const layers = [...new Map(this.#layers.map((layer) => [layer.trackId, layer])).values()];
    this.#layers = [];
    return layers;
  }
}

/** Per luma sample 0 (untouched by any treatment) or 1, wide enough for the compositor's own filters and no wider. */
export function touchedMask(
  { width, height }: Picture,
  layers: readonly Layer[],
  covered: readonly Track[],
): Uint8Array {
  const mask = new Uint8Array(width * height);
  for (const layer of layers) {
    const [a, b, c, d, e, f] = layer.toCrop;
    // A chroma sample stands for 2×2 luma samples and is read through a bilinear filter of up to twice its own step.
    const reach = Math.ceil(4 * Math.max(1, Math.hypot(a, d)) + 1);
    const wide = dilated(layer.alpha, layer.size, reach);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const u = Math.round(a * x + b * y + c);
        const v = Math.round(d * x + e * y + f);
        if (u >= 0 && v >= 0 && u < layer.size && v < layer.size && wide[v * layer.size + u]) mask[y * width + x] = 1;
      }
    }
  }
  for (const track of covered) markCover(mask, width, height, track);
  return mask;
}

function markCover(mask: Uint8Array, width: number, height: number, track: Track): void {
  const { cx, cy, rx, ry, rot } = coverEllipse(track);
  // The feather is a share of the smaller radius, measured along each axis in that axis' own radius.
  const grown = 1 + Math.max(0.22, 7 / Math.min(rx, ry));
  const [cos, sin] = [Math.cos(rot), Math.sin(rot)];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x - cx, y - cy];
      const u = (dx * cos + dy * sin) / (rx * grown);
      const v = (dy * cos - dx * sin) / (ry * grown);
      if (u * u + v * v <= 1) mask[y * width + x] = 1;
    }
  }
}

/** 1 where any alpha within `reach` is above 0 (a square: rows, then columns). */
function dilated(alpha: Float32Array, size: number, reach: number): Uint8Array {
  let from = Uint8Array.from(alpha, (value) => (value > 0 ? 1 : 0));
  for (const step of [1, size]) {
    const to = new Uint8Array(from.length);
    for (let i = 0; i < from.length; i++) {
      if (!from[i]) continue;
      const place = step === 1 ? i % size : Math.floor(i / size);
      for (let k = -Math.min(reach, place); k <= Math.min(reach, size - 1 - place); k++) to[i + k * step] = 1;
    }
    from = to;
  }
  return from;
}

/** Per luma sample the layer's alpha, nearest, 0–1, and the box it lies in. */
export function densityOf(
  { width, height }: Picture,
  { size, toCrop: [a, b, c, d, e, f] }: Layer,
  alpha: Float32Array,
): Float32Array {
  const density = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = Math.round(a * x + b * y + c);
      const v = Math.round(d * x + e * y + f);
      if (u >= 0 && v >= 0 && u < size && v < size) density[y * width + x] = alpha[v * size + u]!;
    }
  }
  return density;
}
