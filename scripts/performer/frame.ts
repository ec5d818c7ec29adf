import type { Part } from './head.ts';
import type { Weights } from './morph.ts';
import { renderDepth } from './occlusion.ts';
import { cutOut, type Performer } from './performer.ts';
import type { Pose } from './pose.ts';
import {
  backToFront,
  clearGBuffer,
  createGBuffer,
  drawPart,
  type GBuffer,
  PART_SHIFT,
  type Projected,
  scan,
  TRIANGLE_MASK,
} from './raster.ts';
import type { Camera, Lighting } from './scene.ts';
import { createShader, type Shader } from './shade.ts';
import { encodeSrgb } from './texture.ts';

/** Everything that changes from picture to picture. */
export interface Moment {
  expression: Weights;
  pose: Pose;
  camera: Camera;
  lighting: Lighting;
}

/** Where vertices land: screen coordinates in samples. Replace it to render into another layout (a cylinder unwrap). */
export type Projection = (points: Float32Array, view: Projected, width: number, height: number, camera: Camera) => void;

export interface FrameRenderer {
  width: number;
  height: number;
  /** Linear RGB, 3 floats a pixel; valid until the next call. Alpha (coverage) in `alpha`. */
  render(moment: Moment): Float32Array;
  alpha: Float32Array;
  /** The last picture's samples and posed vertices, for ground truth. */
  gbuffer: GBuffer;
  view: Projected;
  points: Float32Array;
}

export const SUPERSAMPLE = 2;
/** Blended over the solid parts, in this order. */
const LAYERS = ['brows', 'lashes', 'hair'];
/** Samples of one pixel share a shading when they lie on one part within this nearness ratio. */
const SAME_SURFACE = 0.004;

export const perspective: Projection = (points, view, width, height, camera) => {
  const focal = height / camera.opening;
  const [cx, cy, cz] = camera.position;
  for (let i = 0; i < view.x.length; i++) {
    const near = 1 / (cz - points[3 * i + 2]!);
    view.x[i] = width / 2 + focal * (points[3 * i]! - cx) * near;
    view.y[i] = height / 2 - focal * (points[3 * i + 1]! - cy) * near;
    view.near[i] = near;
  }
};

/** Renders one performer at a fixed size over a background (linear RGB, same size) or black. */
export function createFrameRenderer(
  performer: Performer,
  width: number,
  height: number,
  background: Float32Array | null,
  project: Projection = perspective,
  hidden: readonly string[] = [],
): FrameRenderer {
  const w = width * SUPERSAMPLE;
  const h = height * SUPERSAMPLE;
  const n = performer.head.vertexCount;
  const g = createGBuffer(w, h);
  const colour = new Float32Array(3 * w * h);
  const covered = new Float32Array(w * h);
  const points = new Float32Array(3 * n);
  const normals = new Float32Array(3 * n);
  const view: Projected = {
    x: new Float32Array(n),
    y: new Float32Array(n),
    near: new Float32Array(n),
    perspective: project === perspective,
  };
  const out = new Float32Array(3 * width * height);
  const alpha = new Float32Array(width * height);
  const parts = performer.head.parts.filter((p) => !hidden.includes(p.name));
  const keep = parts.map((p) => cutOut(performer, p));
  const casters = parts.filter((p) => p.name === 'skin' || p.name === 'hair');
  const render = (moment: Moment): Float32Array => {
    performer.animate(moment.expression, moment.pose, points, normals);
    project(points, view, w, h, moment.camera);
    clearGBuffer(g);
    parts.forEach((part, i) => {
      if (!LAYERS.includes(part.name)) drawPart(g, i, part, view, 'back', keep[i]!);
    });
    const key = moment.lighting.key.direction;
    const shade = createShader({
      identity: performer.head.identity,
      points,
      normals,
      rest: performer.rest,
      occlusion: performer.occlusion,
      textures: performer.textures,
      lighting: moment.lighting,
      shadow: renderDepth(casters, points, key, [0, -1.1, -0.3], 8, 960),
      camera: moment.camera,
      eyes: performer.poser.eyes(moment.pose),
      neckline: performer.neckline,
    });
    fillBackground(colour, covered, background, width, height);
    shadeSolid(g, parts, shade, colour, covered);
    for (const name of LAYERS) {
      const part = parts.find((p) => p.name === name);
      if (part) blendLayer(g, part, view, shade, colour, covered);
    }
    resolve(colour, covered, out, alpha, width, height);
    return out;
  };
  return { width, height, render, alpha, gbuffer: g, view, points };
}

export function fillBackground(
  colour: Float32Array,
  covered: Float32Array,
  background: Float32Array | null,
  width: number,
  height: number,
): void {
  covered.fill(0);
  if (!background) {
    colour.fill(0);
    return;
  }
  const w = width * SUPERSAMPLE;
  for (let y = 0; y < height * SUPERSAMPLE; y++)
    for (let x = 0; x < w; x++) {
      const from = 3 * ((y >> 1) * width + (x >> 1));
      const to = 3 * (y * w + x);
      colour[to] = background[from]!;
      colour[to + 1] = background[from + 1]!;
      colour[to + 2] = background[from + 2]!;
    }
}

/** One shading for the samples of a pixel that see the same surface, one each where an edge runs through it. */
export function shadeSolid(
  g: GBuffer,
  parts: readonly Part[],
  shade: Shader,
  colour: Float32Array,
  covered: Float32Array,
): void {
  const { width, height, id, near, b1, b2 } = g;
  const rgba = new Float32Array(4);
  const put = (k: number) => {
    colour[3 * k] = rgba[0]!;
    colour[3 * k + 1] = rgba[1]!;
    colour[3 * k + 2] = rgba[2]!;
    covered[k] = 1;
  };
  for (let y = 0; y < height; y += 2)
    for (let x = 0; x < width; x += 2) {
      const first = y * width + x;
      const quad = [first, first + 1, first + width, first + width + 1];
      let done = 0;
      for (let i = 0; i < 4; i++) {
        const k = quad[i]!;
        if (id[k]! < 0 || done & (1 << i)) continue;
        const part = id[k]! >> PART_SHIFT;
        shade(parts[part]!, id[k]! & TRIANGLE_MASK, b1[k]!, b2[k]!, rgba);
        put(k);
        for (let j = i + 1; j < 4; j++) {
          const q = quad[j]!;
          if (done & (1 << j) || id[q]! < 0 || id[q]! >> PART_SHIFT !== part) continue;
          if (Math.abs(near[q]! - near[k]!) > SAME_SURFACE * Math.abs(near[k]!)) continue;
          done |= 1 << j;
          put(q);
        }
      }
    }
}

/** Hair, brows and lashes: alpha-blended from the back, hidden behind solid parts but allowed to lie right on them. */
export function blendLayer(
  g: GBuffer,
  part: Part,
  view: Projected,
  shade: Shader,
  colour: Float32Array,
  covered: Float32Array,
): void {
  const rgba = new Float32Array(4);
  const slack = part.name === 'hair' ? 1e-4 : 1.2e-3;
  scan(part, view, g.width, g.height, 'none', backToFront(part, view), (k, z, b1, b2, t) => {
    if (z < g.near[k]! - slack * Math.abs(g.near[k]!)) return;
    shade(part, t, b1, b2, rgba);
    const a = rgba[3]!;
    if (a < 0.004) return;
    for (let c = 0; c < 3; c++) colour[3 * k + c] = colour[3 * k + c]! * (1 - a) + rgba[c]! * a;
    covered[k] = covered[k]! + (1 - covered[k]!) * a;
  });
}

export function resolve(
  colour: Float32Array,
  covered: Float32Array,
  out: Float32Array,
  alpha: Float32Array,
  width: number,
  height: number,
): void {
  const w = width * SUPERSAMPLE;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const a = 2 * y * w + 2 * x;
      const o = y * width + x;
      for (let c = 0; c < 3; c++)
        out[3 * o + c] =
          (colour[3 * a + c]! + colour[3 * (a + 1) + c]! + colour[3 * (a + w) + c]! + colour[3 * (a + w + 1) + c]!) / 4;
      alpha[o] = (covered[a]! + covered[a + 1]! + covered[a + w]! + covered[a + w + 1]!) / 4;
    }
}

/** Film-like tone curve and sRGB coding: linear RGB → 8-bit RGB, values not yet rounded. */
export function develop(linear: Float32Array, out: Float32Array): void {
  for (let i = 0; i < linear.length; i++) {
    const x = Math.max(0, linear[i]!);
    out[i] = encodeSrgb((x * (1 + 0.14 * x)) / (1 + 0.52 * x));
  }
}
