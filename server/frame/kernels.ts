import { readFileSync } from 'node:fs';
import type { Arena } from './arena.ts';

/**
 * The SIMD kernels (server/frame/kernels/*.ts, AssemblyScript, built to dist/kernels.wasm by the setup), over an arena.
 * All addresses are byte offsets in kernel memory. Each kernel's meaning stands beside its source.
 */
export interface Kernels {
  /**
   * Cuts a square (size × size) out of an 8-bit 4:2:0 picture, as planar float32 RGB: out = rgb(0–255)·mul + add; outside the picture `add`.
   * Output pixel (x, y) samples the picture at (a·x + b·y + c, d·x + e·y + f), bilinear, pixel centres at integers.
   * kr, kb: the luma weights of the matrix (BT.709: 0.2126, 0.0722); full: 1 for full range.
   */
  warp(
    picture: number,
    width: number,
    height: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    size: number,
    out: number,
    mul: number,
    add: number,
    kr: number,
    kb: number,
    full: number,
  ): void;
  /** As `warp`, of the part x0 ≤ x < x1, y0 ≤ y < y1 of the square only; x0 and x1 are multiples of 4. The rest of `out` stays. */
  warpPart(...args: [...Parameters<Kernels['warp']>, x0: number, y0: number, x1: number, y1: number]): void;
  /** Halves a picture by 2×2 averaging; the result is (w+1)>>1 × (h+1)>>1. */
  half(picture: number, width: number, height: number, out: number): void;
  /** Resamples a picture to another size (area-weighted bilinear), for the overload steps. */
  scale(picture: number, width: number, height: number, out: number, outWidth: number, outHeight: number): void;
  /**
   * Changes a picture's matrix, into limited range; the coefficients are Q15 (server/engine/recolour.ts): Y' = scale·(Y − black) + yu·U + yv·V + 16,
   * U' = uu·U + uv·V, V' = vu·U + vv·V, chroma around 128. In and out must not overlap.
   */
  recolour(
    picture: number,
    width: number,
    height: number,
    out: number,
    black: number,
    scale: number,
    yu: number,
    yv: number,
    uu: number,
    uv: number,
    vu: number,
    vv: number,
  ): void;
  /** Turns a picture by 1, 2 or 3 quarters clockwise; the result of 1 and 3 is height × width. In and out must not overlap. */
  turn(picture: number, width: number, height: number, quarters: number, out: number): void;
  /**
   * Moves samples of a planar R, G, B float32 square: out(x, y) = source at (places.x, places.y), bilinear, for x0 ≤ x < x1 and y0 ≤ y < y1
   * where the third plane of `places` is not 0 (the raster's coverage); elsewhere `out` stays.
   */
  remap(
    source: number,
    places: number,
    size: number,
    out: number,
    x0: number,
    y0: number,
    x1: number,
    y1: number,
  ): void;
  /** Covers a rotated ellipse with a coarse mosaic and a soft edge, in place. scratch: ≥ 64 KiB. At strength 1 nothing of the face's detail survives, below it that much of the mosaic is laid over it; outside the ellipse and its feather nothing changes. */
  cover(
    picture: number,
    width: number,
    height: number,
    cx: number,
    cy: number,
    rx: number,
    ry: number,
    rot: number,
    feather: number,
    strength: number,
    scratch: number,
  ): void;
  /**
   * Rasterises triangles: for every pixel of a size × size crop the interpolated attributes of the nearest triangle.
   * vertices: float32 (x, y, z, u, v) × n in crop pixels; triangles: int32 × 3 × count; out: planar float32 u, v, coverage (0 or 1), facing (cosine of the normal to the view axis); depth: scratch float32 size².
   */
  raster(vertices: number, triangles: number, count: number, size: number, out: number, depth: number): void;
  /**
   * Draws a textured face from its raster: texture(u, v) · light(rotation · normal(u, v)) · gain(x, y), softened, before what shines
   * through its openings.
   *
   *   alpha = opening(u, v) · rim(coverage),  base = behind + (colour − behind) · alpha
   *
   * surface: the raster's planes. texture: side² × (R, G, B encoded 0–1, opening), normals: normalSide² × (x, y, z, 0), of a head that looks at the
   * camera. rotation: 3×3, head → camera. light: 3 × 9 terms of the normal, by channel (1, x, y, z, xy, xz, yz, x² − y², 3z² − 1). gain: 3 × 8 × 8,
   * over the crop by cubic convolution (Keys 1981). softness: 0 sharp; up to 1 towards means of 5×5, up to 2 towards means of 7×7 of those.
   * behind: planar R, G, B, 0–1. out: planar base R, G, B, rim, alpha; rim is 0 on the face's outline and 1 some nine pixels of 256 inside it.
   * colour: the same base interleaved, size² × (R, G, B, 0). scratch: ≥ 54·size² bytes. size: a multiple of 16, at least 64.
   */
  paint(
    surface: number,
    size: number,
    texture: number,
    side: number,
    normals: number,
    normalSide: number,
    rotation: number,
    light: number,
    gain: number,
    softness: number,
    behind: number,
    scratch: number,
    colour: number,
    out: number,
  ): void;
  /**
   * Moves and tints an interleaved picture (size² × 4) within a window, into planes R, G, B at `out`, 0–1; outside the window `out` stays.
   * change: 5 planes on a grid of 4 pixels, from where each point is taken (x, y, in steps of 4 pixels) and what is added to R, G, B; bilinear
   * between its points. left, width: multiples of 4; width a multiple of 16. scratch: ≥ 5·width bytes.
   */
  move(
    colour: number,
    size: number,
    change: number,
    left: number,
    top: number,
    width: number,
    height: number,
    scratch: number,
    out: number,
  ): void;
  /** Copies a window of `count` planes of size². */
  cut(
    planes: number,
    size: number,
    count: number,
    left: number,
    top: number,
    width: number,
    height: number,
    out: number,
  ): void;
  /**
   * A part of `count` planes of size²: width × height values, every `step` pixels from left and top on, bilinear between pixels. A part that
   * reaches beyond the planes is moved into them. width is a multiple of 4.
   */
  part(
    planes: number,
    size: number,
    count: number,
    left: number,
    top: number,
    step: number,
    width: number,
    height: number,
    out: number,
  ): void;
  /**
   * Composes a part of a face, width × height from left and top on in planes of size², from two that lie on each other: each pixel
   *
   *   made = a(p + from) + ((b(p + other) − a(p + from)) · share + added) · free,  planes = a + (made − a) · w
   *
   * a and b: 3 planes of width × height, R, G, B, 0–1, bilinear, held beyond their edges. change: 8 planes of half the width and height, bilinear:
   * x and y of `from`, of `other`, pixels; share, taken as 0–1; what is added to R, G, B. w falls from 1 to 0 over the outermost `edge` pixels; what is
   * made stays within 0–1. kept: a plane of width × height, 0–1, moved as a is, that says where a is to stay what it is: free is 1 − kept up to a share of
   * 0.1, 1 from 0.3 on, for what is taken from b is no longer a; or 0, and free is 1. held: a plane alike, moved as b is, where it is to stay so up to a share of 0.5, less and less up to 0.8; or 0. width and height are multiples of 8. scratch: width · height · 32 + width · 16 bytes.
   */
  compose(
    a: number,
    b: number,
    width: number,
    height: number,
    change: number,
    edge: number,
    kept: number,
    held: number,
    scratch: number,
    planes: number,
    size: number,
    left: number,
    top: number,
  ): void;
  /** As `cut`, at half the size: the window's width × height means over 2×2 pixels; left and top are where it begins in the planes, width is a multiple of 4. */
  halved(
    planes: number,
    size: number,
    count: number,
    left: number,
    top: number,
    width: number,
    height: number,
    out: number,
  ): void;
  /** `count` planes at twice their width and height, bilinear between their pixels' middles, times `gain`. */
  doubled(planes: number, count: number, width: number, height: number, gain: number, out: number): void;
  /** Means of a window of `count` planes of size² over cells of cell² pixels; left and cell are multiples of 4. */
  means(
    planes: number,
    size: number,
    count: number,
    left: number,
    top: number,
    width: number,
    height: number,
    cell: number,
    out: number,
  ): void;
  /**
   * Blends planar float32 RGBA (straight alpha, 0–1, size²) into a picture through an affine (frame pixel → crop pixel), inside the box x0,y0–x1,y1 (even numbers).
   * Where alpha is 0 the picture keeps its bytes exactly. scratch: 4·size²·4 bytes.
   */
  blend(
    picture: number,
    width: number,
    height: number,
    x0: number,
    y0: number,
    x1: number,
    y1: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    rgba: number,
    size: number,
    scratch: number,
    kr: number,
    kb: number,
    full: number,
  ): void;
  /**
   * Adds planar float32 differences of encoded R, G, B (−1 to 1), and with them where they hold (0–1; nothing is added where it is 0),
   * to a picture, in its own matrix and range; the rest as `blend`. Differences of 0 leave every byte as it was.
   */
  change: Kernels['blend'];
}

const WASM = new URL('../../dist/kernels.wasm', import.meta.url);

/** Compiles the kernels over an arena. Throws a sentence when they have not been built. */
export function loadKernels(arena: Arena): Kernels {
  let bytes: Buffer;
  try {
    bytes = readFileSync(WASM);
  } catch {
    throw new Error('The frame kernels have not been built: run `npm start` or `npm test` once, which build them.');
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)), {
    env: {
      memory: arena.memory,
      abort: () => {
        throw new Error('A frame kernel stopped: this is a defect of Understudy, please report it with the log.');
      },
    },
  });
  return instance.exports as unknown as Kernels;
}

/** Luma weights and range flag of a picture's matrix, for the kernels; `unknown` falls back to BT.709 limited. */
export function matrixOf(colour: { matrix: string; range: string }): [kr: number, kb: number, full: 0 | 1] {
  const full = colour.range === 'full' ? 1 : 0;
  if (colour.matrix === 'bt601') return [0.299, 0.114, full];
  if (colour.matrix === 'bt2020') return [0.2627, 0.0593, full];
  return [0.2126, 0.0722, full];
}
