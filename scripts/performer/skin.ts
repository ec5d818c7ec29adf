import { eyeMiddle, type Head } from './head.ts';
import type { SkinLook } from './identity.ts';
import { landmarkOn, landmarkSites } from './landmark-sites.ts';
import { createNoise, type Noise } from './noise.ts';
import { scan } from './raster.ts';
import { encodeSrgb, LINEAR, type Texture } from './texture.ts';
import { signedDistance } from './unwrap.ts';
import { clamp, mix, smoothstep } from './vec.ts';

/** Below this, decimetres from the eyes, cloth covers the skin. */
const PAINT_FLOOR = -3;

/** Where a texel lies on the neutral head, in decimetres from the middle of the eyes. */
export interface Site {
  x: number;
  y: number;
  z: number;
}

/**
 * Paints an identity's skin over the CC0 albedo, texel by texel at the texel's place on the neutral head:
 * tint, mottling, freckles, blush, lips, make-up, stubble. Alpha becomes a gloss mask: 0 skin … 255 lips.
 */
export function paintSkin(texture: Texture, head: Head): void {
  const { data } = texture;
  for (let i = 3; i < data.length; i += 4) data[i] = 0;
  const { skin, seed } = head.identity;
  const painter = createPainter(skin, seed, skin.lips.outlined ? lipOutline(head) : null);
  eachTexel(texture, head, (k, site) => painter(data, 4 * k, site));
}

/** Visits every texel of the skin above the cloth once, with its place on the neutral head. The site is reused. */
export function eachTexel(
  size: { width: number; height: number },
  head: Head,
  visit: (texel: number, site: Site) => void,
): void {
  const part = head.parts.find((p) => p.name === 'skin')!;
  const { width, height } = size;
  const count = part.uvs.length / 2;
  const x = new Float32Array(count);
  const y = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    x[i] = part.uvs[2 * i]! * width;
    y[i] = (1 - part.uvs[2 * i + 1]!) * height;
  }
  const view = { x, y, near: new Float32Array(count), perspective: false };
  const eye = eyeMiddle(head);
  const done = new Uint8Array(width * height);
  const rest = head.rest;
  const site = { x: 0, y: 0, z: 0 };
  scan({ triangles: part.corners }, view, width, height, 'none', null, (k, _near, b1, b2, t) => {
    if (done[k]) return;
    done[k] = 1;
    const [a, b, c] = [3 * part.triangles[3 * t]!, 3 * part.triangles[3 * t + 1]!, 3 * part.triangles[3 * t + 2]!];
    const b0 = 1 - b1 - b2;
    const at = (i: number) => rest[a + i]! * b0 + rest[b + i]! * b1 + rest[c + i]! * b2 - eye[i]!;
    site.x = at(0);
    site.y = at(1);
    site.z = at(2);
    if (site.y > PAINT_FLOOR) visit(k, site);
  });
}

/** Forehead and cheeks: neither brows nor lips, and nothing of the mouth's and the eye sockets' insides. */
export function isPlainSkin({ x, y, z }: Site): boolean {
  const aside = Math.abs(x);
  return (
    (y > 0.28 && y < 0.5 && aside < 0.4 && z > -0.3) ||
    (y > -0.6 && y < -0.25 && aside > 0.25 && aside < 0.55 && z > -0.35)
  );
}

const hump = (d2: number): number => Math.exp(-d2);

type Outline = readonly (readonly [x: number, y: number])[];

function createPainter(
  look: SkinLook,
  seed: number,
  outline: Outline | null,
): (data: Uint8ClampedArray, k: number, s: Site) => void {
  const noise = createNoise(seed);
  const fine = createNoise(seed + 1);
  const rgb = [0, 0, 0];
  return (data, k, s) => {
    for (let c = 0; c < 3; c++) rgb[c] = LINEAR[data[k + c]!]!;
    const lips = outline ? outlinedLips(outline, s) : lipMask(rgb, s);
    const face = smoothstep(-1.9, -1.4, s.y) * smoothstep(-1.6, -0.9, s.z);
    for (let c = 0; c < 3; c++) rgb[c] = rgb[c]! * look.tint[c]!;
    mottle(rgb, s, noise, fine);
    if (face > 0) {
      blush(rgb, s, look.blush * face * (1 - lips));
      freckle(rgb, s, look.freckles * face * (1 - lips), fine, noise);
      stubble(rgb, s, look.stubble * (1 - lips), fine, noise);
      makeUp(rgb, s, look);
    }
    const l = lips * look.lips.amount;
    const shade = clamp((rgb[0]! + rgb[1]! + rgb[2]!) / 0.75, 0.35, 1.35);
    for (let c = 0; c < 3; c++) data[k + c] = encodeSrgb(mix(rgb[c]!, look.lips.colour[c]! * shade, l));
    data[k + 3] = 255 * lips;
  };
}

/** The painted lips are the reddest place around the mouth. */
function lipMask(rgb: readonly number[], s: Site): number {
  const place = hump(((s.x / 0.36) ** 2 + ((s.y + 0.78) / 0.26) ** 2) ** 2) * smoothstep(-0.4, -0.1, s.z);
  if (place < 0.05) return 0;
  const red = rgb[0]! / (rgb[1]! + rgb[2]! + 1e-4);
  return smoothstep(1.02, 1.5, red) * smoothstep(0.1, 0.5, place);
}

const OUTER_LIPS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185];

/** The lips of this head as its landmarks outline them, decimetres from the middle of the eyes. */
function lipOutline(head: Head): Outline {
  const eye = eyeMiddle(head);
  return OUTER_LIPS.map((i) => {
    const p = landmarkOn(landmarkSites(), i, head.rest);
    return [p[0], p[1] - eye[1]] as const;
  });
}

function outlinedLips(outline: Outline, s: Site): number {
  const place = smoothstep(-0.4, -0.1, s.z);
  if (place === 0 || Math.abs(s.x) > 0.5 || s.y > -0.45 || s.y < -1.15) return 0;
  return place * smoothstep(-0.015, 0.025, signedDistance(outline, s.x, s.y));
}

function mottle(rgb: number[], s: Site, noise: Noise, fine: Noise): void {
  const slow = noise.at(s.x * 5, s.y * 5, s.z * 5) + 0.6 * noise.at(s.x * 13, s.y * 13, s.z * 13);
  const quick = fine.at(s.x * 45, s.y * 45, s.z * 45) + 0.7 * fine.at(s.x * 110, s.y * 110, s.z * 110);
  rgb[0] = rgb[0]! * (1 + 0.02 * slow + 0.025 * quick);
  rgb[1] = rgb[1]! * (1 - 0.02 * slow + 0.035 * quick);
  rgb[2] = rgb[2]! * (1 - 0.025 * slow + 0.035 * quick);
}

function blush(rgb: number[], s: Site, amount: number): void {
  const cheek = hump(((Math.abs(s.x) - 0.44) / 0.22) ** 2 + ((s.y + 0.42) / 0.2) ** 2);
  const nose = 0.7 * hump((s.x / 0.14) ** 2 + ((s.y + 0.45) / 0.12) ** 2 + ((s.z - 0.35) / 0.2) ** 2);
  const ear = 0.8 * smoothstep(0.68, 0.8, Math.abs(s.x)) * hump(((s.y + 0.2) / 0.35) ** 2);
  const w = amount * clamp(cheek + nose + ear, 0, 1);
  rgb[1] = rgb[1]! * (1 - 0.2 * w);
  rgb[2] = rgb[2]! * (1 - 0.17 * w);
}

function freckle(rgb: number[], s: Site, amount: number, fine: Noise, noise: Noise): void {
  if (amount <= 0) return;
  const where =
    hump((s.x / 0.6) ** 4 + ((s.y + 0.3) / 0.26) ** 2) + 0.2 * hump((s.x / 0.6) ** 4 + ((s.y + 0.3) / 1) ** 4);
  if (where < 0.02) return;
  const patch = clamp(0.7 + 0.7 * noise.at(s.x * 5 + 9, s.y * 5, s.z * 5), 0, 1.2);
  const small = smoothstep(0.4, 0.85, fine.spots(s.x * 40, s.y * 40, s.z * 40));
  const large = smoothstep(0.5, 0.85, noise.spots(s.x * 24 + 3, s.y * 24, s.z * 24));
  const w = amount * where * patch * Math.max(0.75 * small, 0.8 * large);
  rgb[0] = rgb[0]! * (1 - 0.3 * w);
  rgb[1] = rgb[1]! * (1 - 0.5 * w);
  rgb[2] = rgb[2]! * (1 - 0.6 * w);
}

function stubble(rgb: number[], s: Site, amount: number, fine: Noise, noise: Noise): void {
  if (amount <= 0 || s.y > -0.25 || s.y < -1.75) return;
  const jaw =
    smoothstep(0.28, 0.62, Math.hypot(s.x / 1.05, (s.y + 0.55) / 1.15)) *
    smoothstep(-0.45, -0.8, s.y - 0.35 * Math.abs(s.x));
  const lip = hump(((s.x / 0.3) ** 2) ** 2 + ((s.y + 0.61) / 0.085) ** 2);
  const chin = hump((s.x / 0.32) ** 4 + ((s.y + 1.12) / 0.17) ** 2);
  const place =
    clamp(Math.max(jaw, lip, chin), 0, 1) *
    smoothstep(-1.55, -1.25, s.y - 0.15 * s.z) *
    smoothstep(-0.95, -0.45, s.z) *
    smoothstep(-0.3, -0.62, s.y);
  const hairs = 0.66 + 0.5 * fine.at(s.x * 75, s.y * 55, s.z * 75) + 0.2 * noise.at(s.x * 9, s.y * 9, s.z * 9);
  const w = amount * place * clamp(hairs, 0, 1.2);
  rgb[0] = rgb[0]! * (1 - 0.62 * w);
  rgb[1] = rgb[1]! * (1 - 0.54 * w);
  rgb[2] = rgb[2]! * (1 - 0.46 * w);
}

function makeUp(rgb: number[], s: Site, look: SkinLook): void {
  if (s.z < -0.35) return;
  const ax = Math.abs(s.x);
  const lid = look.shadow * hump(((ax - 0.31) / 0.17) ** 2 + ((s.y - 0.075) / 0.065) ** 2);
  rgb[0] = rgb[0]! * (1 - 0.35 * lid);
  rgb[1] = rgb[1]! * (1 - 0.5 * lid);
  rgb[2] = rgb[2]! * (1 - 0.5 * lid);
  const near = hump(((ax - 0.31) / 0.22) ** 4 + ((s.y - 0.01) / 0.11) ** 4);
  const dark = smoothstep(0.32, 0.12, (rgb[0]! + rgb[1]! + rgb[2]!) / 3) * near * look.liner;
  for (let c = 0; c < 3; c++) rgb[c] = rgb[c]! * (1 - 0.75 * dark);
}
