import type { Part } from './head.ts';
import type { Identity, Rgb } from './identity.ts';
import { createNoise, type Noise } from './noise.ts';
import { type DepthMap, lightAt } from './occlusion.ts';
import { sampleRelief } from './relief.ts';
import type { Camera, Lighting } from './scene.ts';
import { sample, type Texture } from './texture.ts';
import { clamp, normalize, smoothstep, type Vec3 } from './vec.ts';

/** Per-vertex streams of one posed frame, and what the light needs. */
export interface ShadeInput {
  identity: Identity;
  /** Posed positions, decimetres from the middle of the neutral eyes. */
  points: Float32Array;
  /** Unit normals. */
  normals: Float32Array;
  /** Neutral positions in the same frame: where painted and procedural detail sticks. */
  rest: Float32Array;
  occlusion: Float32Array;
  textures: Readonly<Record<string, Texture>>;
  lighting: Lighting;
  shadow: DepthMap;
  /** Half width of the shadow's filter, texels; 2 when not given. */
  penumbra?: number;
  /** Slopes of wrinkles in the skin's own layout, as relief.ts bakes them. */
  relief?: Texture | null;
  /** False leaves out pores and weave: nobody sees them on a small face, and they cost a third of the time. */
  detail?: boolean;
  camera: Camera;
  /** Eye centres as posed. */
  eyes: readonly [Vec3, Vec3];
  neckline: (x: number, y: number, z: number) => number;
}

/** What lighting alone needs: any surface can be lit with it. */
export type LightInput = Pick<ShadeInput, 'lighting' | 'camera' | 'shadow' | 'penumbra'>;

/** Shades one surface point of a part into out[0..2] (linear), out[3] = coverage 0–1. */
export type Shader = (part: Part, triangle: number, b1: number, b2: number, out: Float32Array) => void;

/** The surface under one sample, filled anew for every sample. */
export interface Surface {
  p: [number, number, number];
  n: [number, number, number];
  rest: [number, number, number];
  ao: number;
  u: number;
  v: number;
}

export interface Material {
  albedo: [number, number, number];
  /** Wrap of the diffuse term by channel: cheap subsurface scattering (d'Eon & Luebke 2007, wrap form). */
  wrap: Rgb;
  rough: number;
  /** Reflectance at normal incidence. */
  f0: number;
  /** Cloth fuzz or skin down at grazing angles. */
  sheen: number;
}

const SKIN_WRAP: Rgb = [0.34, 0.17, 0.1];
const CLOTH_WRAP: Rgb = [0.2, 0.2, 0.2];

export function createShader(input: ShadeInput): Shader {
  const s: Surface = { p: [0, 0, 0], n: [0, 0, 0], rest: [0, 0, 0], ao: 1, u: 0, v: 0 };
  const m: Material = { albedo: [0, 0, 0], wrap: SKIN_WRAP, rough: 0.45, f0: 0.028, sheen: 0 };
  const light = createLight(input);
  const noise = createNoise(input.identity.seed + 2);
  const paint: Record<Part['name'], (out: Float32Array) => void> = {
    skin: (out) => skin(input, s, m, noise, out),
    garment: (out) => garment(input, s, m, noise, out),
    eyes: (out) => eyes(input, s, m, out),
    teeth: (out) => mouth(input.textures.teeth!, s, m, [2.35, 2.08, 1.66], out),
    tongue: (out) => mouth(input.textures.tongue!, s, m, [0.75, 0.62, 0.6], out),
    lashes: (out) =>
      strands(input.textures.lashes!, s, m, [0.02, 0.016, 0.014], input.identity.lashes.density, false, out),
    brows: (out) =>
      strands(input.textures.brows!, s, m, input.identity.brows.tint, input.identity.brows.density, false, out),
    hair: (out) => strands(input.textures.hair!, s, m, input.identity.hair?.tint ?? [1, 1, 1], 1.25, true, out),
  };
  return (part, triangle, b1, b2, out) => {
    fetchSurface(input, part, triangle, b1, b2, s);
    out[3] = 1;
    paint[part.name](out);
    if (out[3]! > 0.004) light(part.name, s, m, out);
  };
}

function fetchSurface(input: ShadeInput, part: Part, t: number, b1: number, b2: number, s: Surface): void {
  const b0 = 1 - b1 - b2;
  const { points, normals, rest, occlusion } = input;
  const va = part.triangles[3 * t]!;
  const vb = part.triangles[3 * t + 1]!;
  const vc = part.triangles[3 * t + 2]!;
  for (let i = 0; i < 3; i++) {
    s.p[i] = points[3 * va + i]! * b0 + points[3 * vb + i]! * b1 + points[3 * vc + i]! * b2;
    s.n[i] = normals[3 * va + i]! * b0 + normals[3 * vb + i]! * b1 + normals[3 * vc + i]! * b2;
    s.rest[i] = rest[3 * va + i]! * b0 + rest[3 * vb + i]! * b1 + rest[3 * vc + i]! * b2;
  }
  unit(s.n);
  s.ao = occlusion[va]! * b0 + occlusion[vb]! * b1 + occlusion[vc]! * b2;
  const ca = 2 * part.corners[3 * t]!;
  const cb = 2 * part.corners[3 * t + 1]!;
  const cc = 2 * part.corners[3 * t + 2]!;
  s.u = part.uvs[ca]! * b0 + part.uvs[cb]! * b1 + part.uvs[cc]! * b2;
  s.v = part.uvs[ca + 1]! * b0 + part.uvs[cb + 1]! * b1 + part.uvs[cc + 1]! * b2;
}

function unit(n: [number, number, number]): void {
  // Math.hypot guards against overflow and is several times slower.
  const l = 1 / (Math.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) || 1);
  n[0] *= l;
  n[1] *= l;
  n[2] *= l;
}

const slope = new Float32Array(3);

function bump(s: Surface, noise: Noise, frequency: number, height: number): void {
  noise.gradient(s.rest[0] * frequency, s.rest[1] * frequency, s.rest[2] * frequency, slope);
  for (let i = 0; i < 3; i++) s.n[i] = s.n[i]! - height * slope[i]!;
  unit(s.n);
}

function skin(input: ShadeInput, s: Surface, m: Material, noise: Noise, out: Float32Array): void {
  sample(input.textures.skin!, s.u, s.v, out);
  const lips = out[3]!;
  for (let c = 0; c < 3; c++) m.albedo[c] = out[c]!;
  out[3] = 1;
  m.wrap = SKIN_WRAP;
  const oily = Math.exp(-((s.rest[0] / 0.3) ** 2));
  m.rough = 0.52 - 0.05 * oily - 0.1 * lips;
  m.f0 = 0.028 + 0.006 * lips;
  m.sheen = 0.04;
  if (input.relief) addRelief(input.relief, s);
  if (input.detail === false) return;
  m.rough += 0.06 * noise.at(s.rest[0] * 18, s.rest[1] * 18, s.rest[2] * 18);
  bump(s, noise, 42, 0.035 + 0.03 * lips);
  bump(s, noise, 14, 0.022);
}

function addRelief(relief: Texture, s: Surface): void {
  sampleRelief(relief, s.u, s.v, slope);
  for (let i = 0; i < 3; i++) s.n[i] = s.n[i]! - slope[i]!;
  unit(s.n);
}

function garment(input: ShadeInput, s: Surface, m: Material, noise: Noise, out: Float32Array): void {
  const below = -input.neckline(s.rest[0], s.rest[1], s.rest[2]);
  const around = Math.atan2(s.rest[0], s.rest[2] + 1.1) * 9;
  const collar = smoothstep(0.26, 0.235, below);
  const rib = Math.sin(around * 26);
  const knit = Math.sin(s.rest[1] * 95 + 2 * Math.abs(Math.sin(around * 20)));
  const pattern = collar * rib * 0.16 + (1 - collar) * knit * 0.045;
  const edge = 0.45 + 0.55 * smoothstep(0, 0.03, below);
  const seam = 1 - 0.4 * Math.exp(-(((below - 0.25) / 0.012) ** 2));
  const fuzz =
    1 +
    0.12 * noise.at(s.rest[0] * 60, s.rest[1] * 60, s.rest[2] * 60) +
    0.08 * noise.at(s.rest[0] * 6, s.rest[1] * 6, s.rest[2] * 6);
  for (let c = 0; c < 3; c++) m.albedo[c] = input.identity.garment.colour[c]! * (1 + pattern) * edge * seam * fuzz;
  m.wrap = CLOTH_WRAP;
  m.rough = 0.85;
  m.f0 = 0.02;
  m.sheen = 0.12;
  out[3] = 1;
  if (input.detail === false) return;
  bump(s, noise, 2.2, 0.16);
  bump(s, noise, 5.5, 0.07);
}

function eyes(input: ShadeInput, s: Surface, m: Material, out: Float32Array): void {
  sample(input.textures.eyes!, s.u, s.v, out);
  const white = smoothstep(0.25, 0.6, (out[0]! + out[1]! + out[2]!) / 3);
  const grey = (out[0]! + out[1]! + out[2]!) / 3;
  for (let c = 0; c < 3; c++) m.albedo[c] = (0.65 * out[c]! + 0.35 * grey) * (0.72 + 0.14 * white);
  out[3] = 1;
  m.wrap = [0.3, 0.22, 0.2];
  m.rough = 0.09;
  m.f0 = 0.04;
  m.sheen = 0;
  // The cornea's film follows the ball, not the dished iris.
  const ball = input.eyes[s.p[0] > (input.eyes[0][0] + input.eyes[1][0]) / 2 ? 0 : 1];
  for (let i = 0; i < 3; i++) s.n[i] = s.p[i]! - ball[i]!;
  unit(s.n);
}

function mouth(texture: Texture, s: Surface, m: Material, tint: Rgb, out: Float32Array): void {
  sample(texture, s.u, s.v, out);
  for (let c = 0; c < 3; c++) m.albedo[c] = out[c]! * tint[c]!;
  out[3] = 1;
  m.wrap = [0.25, 0.2, 0.18];
  m.rough = 0.25;
  m.f0 = 0.035;
  m.sheen = 0;
  // Lips part and let light in that the baked, nearly shut mouth does not know of.
  s.ao = 0.16 + 0.74 * s.ao;
}

function strands(
  texture: Texture,
  s: Surface,
  m: Material,
  tint: Rgb,
  density: number,
  coloured: boolean,
  out: Float32Array,
): void {
  sample(texture, s.u, s.v, out);
  out[3] = clamp(out[3]! * density, 0, 1);
  for (let c = 0; c < 3; c++) m.albedo[c] = coloured ? out[c]! * tint[c]! : tint[c]!;
  m.wrap = CLOTH_WRAP;
  // Strands scatter their highlight: the painted light and dark decides how much of it shows.
  m.rough = coloured ? 0.55 : 0.7;
  m.f0 = coloured ? 0.004 + 0.2 * Math.min(0.06, (out[0]! + out[1]! + out[2]!) / 3) : 0.01;
  m.sheen = 0;
}

export type Light = (name: Part['name'], s: Surface, m: Material, out: Float32Array) => void;

export function createLight(input: LightInput): Light {
  const { lighting: l, camera, shadow } = input;
  const key = normalize(l.key.direction);
  const fill = normalize(l.fill.direction);
  const rims = l.rims.map((r) => ({ ...r, direction: normalize(r.direction), wrap: 0.05 + 0.45 * (r.soft ?? 0) }));
  const gloss = l.gloss ?? 1;
  const radius = input.penumbra ?? 2;
  const keyWrap = 0.5 * (l.key.soft ?? 0);
  const rimShare: Partial<Record<Part['name'], number>> = { hair: 0.3, garment: 0.45, brows: 0, lashes: 0 };
  const v: [number, number, number] = [0, 0, 0];
  return (name, s, m, out) => {
    for (let i = 0; i < 3; i++) v[i] = camera.position[i]! - s.p[i]!;
    unit(v);
    const n = s.n;
    let nv = n[0] * v[0] + n[1] * v[1] + n[2] * v[2];
    if (nv < 0 && (name === 'hair' || name === 'brows' || name === 'lashes')) {
      for (let i = 0; i < 3; i++) n[i] = -n[i]!;
      nv = -nv;
    }
    nv = Math.max(nv, 0.02);
    const behind = rimShare[name] ?? 1;
    const open = s.ao * s.ao * 0.35 + s.ao * 0.65;
    const lit = lightAt(shadow, s.p[0] + 0.03 * n[0], s.p[1] + 0.03 * n[1], s.p[2] + 0.03 * n[2], 0.012, radius);
    const dk = n[0] * key[0] + n[1] * key[1] + n[2] * key[2];
    const df = n[0] * fill[0] + n[1] * fill[1] + n[2] * fill[2];
    const up = 0.5 + 0.5 * n[1];
    const spec = ggx(n, v, key, m, nv, dk) * lit;
    const fillSpec = ggx(n, v, fill, m, nv, df) * open;
    const edge = m.sheen * (1 - nv) ** 3;
    for (let c = 0; c < 3; c++) {
      const w = m.wrap[c]!;
      // Red light leaks into the shadow's rim first.
      const soft = name === 'skin' && c === 0 ? Math.sqrt(lit) * 0.5 + lit * 0.5 : lit;
      let d = l.key.colour[c]! * wrapped(dk, w + keyWrap) * soft * (0.55 + 0.45 * s.ao);
      d += l.fill.colour[c]! * wrapped(df, w) * open;
      d += (l.ground[c]! + (l.sky[c]! - l.ground[c]!) * up) * open;
      let shine = spec * l.key.colour[c]! * (0.4 + 0.6 * s.ao) + fillSpec * l.fill.colour[c]!;
      for (const r of rims) {
        const dr = n[0] * r.direction[0] + n[1] * r.direction[1] + n[2] * r.direction[2];
        d += behind * r.colour[c]! * wrapped(dr, r.wrap) * open * open;
        if (dr > 0) shine += behind * ggx(n, v, r.direction, m, nv, dr) * r.colour[c]! * open * open;
      }
      out[c] = m.albedo[c]! * d + gloss * (shine + edge * (0.3 + 0.7 * lit) * l.key.colour[c]! * open);
    }
    if (name === 'eyes') catchLight(l.key, s, v, key, lit, out);
  };
}

const wrapped = (cos: number, w: number): number => clamp((cos + w) / (1 + w), 0, 1);

/** GGX specular with Schlick's Fresnel and the Smith visibility fit V ≈ 1/(4·mix) (Karis 2013), times cos. */
function ggx(
  n: readonly number[],
  v: readonly number[],
  l: readonly number[],
  m: Material,
  nv: number,
  nl: number,
): number {
  if (nl <= 0) return 0;
  let hx = v[0]! + l[0]!;
  let hy = v[1]! + l[1]!;
  let hz = v[2]! + l[2]!;
  const il = 1 / Math.sqrt(hx * hx + hy * hy + hz * hz);
  hx *= il;
  hy *= il;
  hz *= il;
  const nh = Math.max(0, n[0]! * hx + n[1]! * hy + n[2]! * hz);
  const vh = Math.max(0, v[0]! * hx + v[1]! * hy + v[2]! * hz);
  const a = m.rough * m.rough;
  const d = nh * nh * (a * a - 1) + 1;
  const k = ((m.rough + 1) * (m.rough + 1)) / 8;
  const visible = 1 / (4 * (nv * (1 - k) + k) * (nl * (1 - k) + k));
  const e = 1 - vh;
  const f = m.f0 + (1 - m.f0) * e * e * e * e * e;
  return Math.min(6, ((a * a) / (Math.PI * d * d)) * visible * f * nl * Math.PI);
}

/** The key's soft box mirrored in the wet eye: a rounded rectangle around the key's direction. */
function catchLight(
  light: Lighting['key'],
  s: Surface,
  v: readonly number[],
  key: Vec3,
  lit: number,
  out: Float32Array,
): void {
  const n = s.n;
  const nv = n[0] * v[0]! + n[1] * v[1]! + n[2] * v[2]!;
  const r: Vec3 = [2 * nv * n[0] - v[0]!, 2 * nv * n[1] - v[1]!, 2 * nv * n[2] - v[2]!];
  const toward = r[0] * key[0] + r[1] * key[1] + r[2] * key[2];
  if (toward <= 0) return;
  const side = Math.abs(r[0] * key[2] - r[2] * key[0]);
  const rise = Math.abs(r[1] - key[1] * toward);
  const w = smoothstep(0.3, 0.2, side) * smoothstep(0.36, 0.26, rise) * (0.2 + 0.8 * lit) * s.ao;
  for (let c = 0; c < 3; c++) out[c] = out[c]! + 0.75 * w * light.colour[c]!;
}
