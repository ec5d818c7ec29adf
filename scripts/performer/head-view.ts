import { blendLayer, fillBackground, type Moment, perspective, resolve, SUPERSAMPLE, shadeSolid } from './frame.ts';
import type { Part, PartName } from './head.ts';
import { type DepthMap, renderDepth } from './occlusion.ts';
import { cutOut, type Performer } from './performer.ts';
import {
  backToFront,
  clearGBuffer,
  createGBuffer,
  drawPart,
  type GBuffer,
  type Projected,
  scan,
  type TriangleList,
} from './raster.ts';
import type { Camera } from './scene.ts';
import { createShader, type Shader } from './shade.ts';

/** A thing in the picture besides the head: posed, projected, and with its own way to be shaded. */
export interface Extra {
  part: Part;
  points: Float32Array;
  view: Projected;
  shader(camera: Camera, lighting: Moment['lighting'], shadow: DepthMap, penumbra: number): Shader;
}

export interface HeadView {
  parts: readonly Part[];
  /** Part number of the extra thing in the buffer's ids. */
  extraPart: number;
  gbuffer: GBuffer;
  view: Projected;
  points: Float32Array;
  /** Linear RGB, 3 floats a pixel. */
  colour: Float32Array;
  /** Share of each pixel that anything drawn covers, hair included, 0–1. */
  alpha: Float32Array;
  /** Share of each pixel that hair covers, 0–1. */
  hair: Float32Array;
  /** Poses and draws; `extra` is drawn when `shown`, and casts its shadow in any case. */
  render(moment: Moment, background: Float32Array, extra: Extra | null, shown: boolean): void;
  /** The moment that was rendered last, painted with another skin: textures and relief of a performer with the same geometry (withSkin in performer.ts). */
  repaint(skin: Performer): void;
}

export interface HeadViewOptions {
  width: number;
  height: number;
  hidden: readonly PartName[];
  /** Lowest skin kept, decimetres from the eyes on the neutral head. */
  floor: number;
  /** Whether pores and weave are worth their time; null: from faces of some 160 pixels on. */
  detail: boolean | null;
}

/** Pixels a decimetre from which pores and weave are drawn. */
const DETAIL_FROM = 100;
/** Shadow maps: what they cover, and texels for a hard and for the softest key. */
const SHADOW_SPAN = 6.5;
const SHADOW_CENTRE = [0, -0.6, 0] as const;
const SHADOW_TEXELS = [640, 110] as const;
const BLENDED: readonly PartName[] = ['brows', 'lashes', 'hair'];

/** A renderer of one head with what is never seen left out and hair drawn at one sample a pixel: several times faster than frame.ts. */
export function createHeadView(performer: Performer, o: HeadViewOptions): HeadView {
  const { width, height } = o;
  const [w, h] = [width * SUPERSAMPLE, height * SUPERSAMPLE];
  const n = performer.head.vertexCount;
  const parts = performer.head.parts.filter((p) => !o.hidden.includes(p.name)).map((p) => trim(performer, p, o.floor));
  const solid = parts.filter((p) => !BLENDED.includes(p.name));
  const keep = parts.map((p) => cutOut(performer, p));
  const casters: TriangleList[] = parts.filter((p) => p.name === 'skin' || p.name === 'hair');
  const g = createGBuffer(w, h);
  const points = new Float32Array(3 * n);
  const normals = new Float32Array(3 * n);
  const view: Projected = {
    x: new Float32Array(n),
    y: new Float32Array(n),
    near: new Float32Array(n),
    perspective: true,
  };
  const samples = new Float32Array(3 * w * h);
  const covered = new Float32Array(w * h);
  const colour = new Float32Array(3 * width * height);
  const alpha = new Float32Array(width * height);
  const hair = new Float32Array(width * height);
  let paint: ((skin: Performer) => void) | null = null;
  const render: HeadView['render'] = (moment, background, extra, shown) => {
    performer.animate(moment.expression, moment.pose, points, normals);
    perspective(points, view, w, h, moment.camera);
    clearGBuffer(g);
    for (const p of solid) drawPart(g, parts.indexOf(p), p, view, 'back', keep[parts.indexOf(p)]!);
    if (extra && shown) drawPart(g, parts.length, extra.part, extra.view, 'back', null);
    const { shadow, penumbra } = castShadow(casters, points, moment, extra);
    const pixels = height / (moment.camera.opening * moment.camera.position[2]);
    const detail = o.detail ?? pixels > DETAIL_FROM;
    const other = extra?.shader(moment.camera, moment.lighting, shadow, penumbra);
    paint = (skin) => {
      const own = shaderOf(skin, moment, points, normals, shadow, penumbra, detail);
      const shade: Shader = (p, t, b1, b2, out) =>
        other && p === extra?.part ? other(p, t, b1, b2, out) : own(p, t, b1, b2, out);
      fillBackground(samples, covered, background, width, height);
      shadeSolid(g, extra ? [...parts, extra.part] : parts, shade, samples, covered);
      for (const p of parts)
        if (p.name === 'brows' || p.name === 'lashes') blendLayer(g, p, view, own, samples, covered);
      resolve(samples, covered, colour, alpha, width, height);
      hair.fill(0);
      const strands = parts.find((p) => p.name === 'hair');
      if (strands) blendHair(g, strands, view, own, colour, hair, width, height);
      for (let i = 0; i < alpha.length; i++) alpha[i] = alpha[i]! + (1 - alpha[i]!) * hair[i]!;
    };
    paint(performer);
  };
  const repaint: HeadView['repaint'] = (skin) => paint?.(skin);
  return { parts, extraPart: parts.length, gbuffer: g, view, points, colour, alpha, hair, render, repaint };
}

/** Leaves out triangles that are never seen: cloth above its edge, skin far below it, everything under the floor. */
function trim(performer: Performer, part: Part, floor: number): Part {
  if (part.name !== 'skin' && part.name !== 'garment') return part;
  const { rest } = performer;
  const wanted = (i: number): boolean => {
    const [x, y, z] = [rest[3 * i]!, rest[3 * i + 1]!, rest[3 * i + 2]!];
    if (y < floor) return false;
    const above = performer.neckline(x, y, z);
    return part.name === 'garment' ? above < 0 : above > -0.25;
  };
  const triangles: number[] = [];
  const corners: number[] = [];
  for (let t = 0; t < part.triangles.length; t += 3) {
    const abc = [0, 1, 2].map((k) => part.triangles[t + k]!);
    if (!abc.some(wanted)) continue;
    triangles.push(...abc);
    corners.push(part.corners[t]!, part.corners[t + 1]!, part.corners[t + 2]!);
  }
  return { ...part, triangles: Uint32Array.from(triangles), corners: Uint32Array.from(corners) };
}

/** A softer key has a coarser map: its filter of a few texels then spans more of the face. */
function castShadow(
  casters: readonly TriangleList[],
  points: Float32Array,
  moment: Moment,
  extra: Extra | null,
): { shadow: DepthMap; penumbra: number } {
  const soft = moment.lighting.key.soft ?? 0;
  const size = Math.round(SHADOW_TEXELS[0] * (SHADOW_TEXELS[1] / SHADOW_TEXELS[0]) ** soft);
  const key = moment.lighting.key.direction;
  const shadow = renderDepth(casters, points, key, SHADOW_CENTRE, SHADOW_SPAN, size);
  if (extra) {
    const more = renderDepth([extra.part], extra.points, key, SHADOW_CENTRE, SHADOW_SPAN, size).depth;
    for (let i = 0; i < more.length; i++) if (more[i]! > shadow.depth[i]!) shadow.depth[i] = more[i]!;
  }
  return { shadow, penumbra: soft < 0.35 ? 1 : 2 };
}

function shaderOf(
  performer: Performer,
  moment: Moment,
  points: Float32Array,
  normals: Float32Array,
  shadow: DepthMap,
  penumbra: number,
  detail: boolean,
): Shader {
  return createShader({
    identity: performer.head.identity,
    points,
    normals,
    rest: performer.rest,
    occlusion: performer.occlusion,
    textures: performer.textures,
    relief: performer.relief,
    lighting: moment.lighting,
    shadow,
    penumbra,
    detail,
    camera: moment.camera,
    eyes: performer.poser.eyes(moment.pose),
    neckline: performer.neckline,
  });
}

/** Hair over the resolved picture: one sample a pixel, hidden by the share of the pixel's solid samples before it. */
function blendHair(
  g: GBuffer,
  part: Part,
  view: Projected,
  shade: Shader,
  colour: Float32Array,
  hair: Float32Array,
  width: number,
  height: number,
): void {
  const half: Projected = {
    x: view.x.map((v) => v / SUPERSAMPLE),
    y: view.y.map((v) => v / SUPERSAMPLE),
    near: view.near,
    perspective: view.perspective,
  };
  const rgba = new Float32Array(4);
  const { near } = g;
  scan(part, half, width, height, 'none', backToFront(part, half), (k, z, b1, b2, t) => {
    const y = (k / width) | 0;
    const s = 2 * y * g.width + 2 * (k - y * width);
    const reach = z * 1.0001;
    const seen =
      (reach >= near[s]! ? 0.25 : 0) +
      (reach >= near[s + 1]! ? 0.25 : 0) +
      (reach >= near[s + g.width]! ? 0.25 : 0) +
      (reach >= near[s + g.width + 1]! ? 0.25 : 0);
    if (seen === 0) return;
    shade(part, t, b1, b2, rgba);
    const a = rgba[3]! * seen;
    if (a < 0.004) return;
    for (let c = 0; c < 3; c++) colour[3 * k + c] = colour[3 * k + c]! * (1 - a) + rgba[c]! * a;
    hair[k] = hair[k]! + (1 - hair[k]!) * a;
  });
}
