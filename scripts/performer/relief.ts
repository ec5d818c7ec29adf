import { eyeMiddle, type Head } from './head.ts';
import { landmarkOn, landmarkSites } from './landmark-sites.ts';
import { eachTexel, type Site } from './skin.ts';
import type { Texture } from './texture.ts';
import { mix, random, smoothstep, type Vec3 } from './vec.ts';

/** A line that age draws: depth and half width in decimetres. */
interface Groove {
  line: Vec3[];
  depth: number;
  width: number;
}

/** Slopes of up to this size fit the texture's bytes. */
const MOST_SLOPE = 1.6;
/** Step of the slope's finite difference, decimetres. */
const STEP = 0.004;
/** Share of the light that the bottom of a deep groove loses. */
const DARKENING = 0.3;

/**
 * Bakes the wrinkles of a head: a texture of slopes in the skin's layout (128 = flat), and the grooves' darkness into the
 * painted skin. Null when the identity has none. Lines run where anatomy draws them (forehead, glabella, crow's feet,
 * tear troughs, nasolabial folds, marionette lines, upper lip, neck), placed by this head's own landmarks.
 */
export function paintRelief(skin: Texture, head: Head): Texture | null {
  const amount = head.identity.skin.wrinkles ?? 0;
  if (amount <= 0.02) return null;
  const { width, height } = skin;
  const relief: Texture = { width, height, data: new Uint8ClampedArray(4 * width * height).fill(128) };
  const grooves = groovesOf(head, amount);
  eachTexel(skin, head, (k, site) => {
    const near = grooves.filter((g) => closeTo(g, site));
    if (near.length === 0) return;
    const h = heightAt(near, site.x, site.y, site.z);
    if (h === 0) return;
    const slope = [
      heightAt(near, site.x + STEP, site.y, site.z) - h,
      heightAt(near, site.x, site.y + STEP, site.z) - h,
      heightAt(near, site.x, site.y, site.z + STEP) - h,
    ];
    const dark = 1 - DARKENING * Math.min(1, Math.max(0, -h) / 0.014) * Math.min(1, amount);
    for (let c = 0; c < 3; c++) {
      relief.data[4 * k + c] = 128 + (127 * slope[c]!) / STEP / MOST_SLOPE;
      // Red is lost least: a groove is lit through its walls.
      skin.data[4 * k + c] = skin.data[4 * k + c]! * dark ** (0.32 + 0.1 * c);
    }
  });
  return relief;
}

/** Bilinear slope at u, v (v upwards) into out[0..2]. */
export function sampleRelief(t: Texture, u: number, v: number, out: Float32Array): void {
  const { width, height, data } = t;
  const fx = Math.min(width - 1.001, Math.max(0, u * width - 0.5));
  const fy = Math.min(height - 1.001, Math.max(0, (1 - v) * height - 0.5));
  const ix = Math.floor(fx);
  const iy = Math.floor(fy);
  const gx = fx - ix;
  const gy = fy - iy;
  const p = 4 * (iy * width + ix);
  const q = p + 4 * width;
  for (let c = 0; c < 3; c++) {
    const top = data[p + c]! * (1 - gx) + data[p + 4 + c]! * gx;
    const low = data[q + c]! * (1 - gx) + data[q + 4 + c]! * gx;
    out[c] = ((top * (1 - gy) + low * gy - 128) * MOST_SLOPE) / 127;
  }
}

function closeTo(g: Groove, s: Site): boolean {
  const reach = 4 * g.width;
  for (let k = 0; k < 3; k++) {
    const v = k === 0 ? s.x : k === 1 ? s.y : s.z;
    let [low, high] = [Infinity, -Infinity];
    for (const p of g.line) {
      low = Math.min(low, p[k]!);
      high = Math.max(high, p[k]!);
    }
    // Depth is only guessed between landmarks: lines reach further along z.
    const slack = k === 2 ? 0.25 : reach;
    if (v < low - slack || v > high + slack) return false;
  }
  return true;
}

/** Height of the skin, ≤ 0 in a groove, a little above 0 beside it. z only gates: grooves are cut along the line of sight. */
function heightAt(grooves: readonly Groove[], x: number, y: number, z: number): number {
  let h = 0;
  for (const g of grooves) {
    const n = g.line.length - 1;
    let least = Infinity;
    let along = 0;
    for (let i = 0; i < n; i++) {
      const [ax, ay, az] = g.line[i]!;
      const [bx, by, bz] = g.line[i + 1]!;
      const [ux, uy, uz] = [bx - ax, by - ay, 0.3 * (bz - az)];
      const [px, py, pz] = [x - ax, y - ay, 0.3 * (z - az)];
      const t = Math.min(1, Math.max(0, (px * ux + py * uy + pz * uz) / (ux * ux + uy * uy + uz * uz + 1e-12)));
      const d = (px - t * ux) ** 2 + (py - t * uy) ** 2 + (pz - t * uz) ** 2;
      if (d < least) {
        least = d;
        along = (i + t) / n;
      }
    }
    const fade = smoothstep(0, 0.22, along) * smoothstep(1, 0.7, along);
    const q = least / (g.width * g.width);
    // A groove with soft banks: the difference of two bells.
    if (q < 12) h -= g.depth * fade * (Math.exp(-q) - 0.4 * Math.exp(-q / 2.6));
  }
  return h;
}

function groovesOf(head: Head, amount: number): Groove[] {
  const sites = landmarkSites();
  const [ox, oy, oz] = eyeMiddle(head);
  const at = (i: number): Vec3 => {
    const p = landmarkOn(sites, i, head.rest);
    return [p[0] - ox, p[1] - oy, p[2] - oz];
  };
  const next = random(head.identity.seed + 77);
  const list: Groove[] = [];
  const add = (line: Vec3[], depth: number, width: number) =>
    list.push({ line, depth: depth * amount * mix(0.6, 1.25, next()), width: width * mix(0.85, 1.2, next()) });
  forehead(at, next, add);
  for (const side of [0, 1] as const) sideLines(at, side, next, add);
  return list;
}

type At = (i: number) => Vec3;
type Add = (line: Vec3[], depth: number, width: number) => void;

const lerp = (a: Vec3, b: Vec3, t: number): Vec3 => [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)];

function forehead(at: At, next: () => number, add: Add): void {
  const brow = Math.max(at(105)[1], at(334)[1], at(9)[1]);
  const top = at(10)[1];
  const wide = Math.abs(at(105)[0] - at(334)[0]) * 0.8;
  for (let i = 0; i < 4; i++) {
    const y = mix(brow + 0.1, top - 0.08, (i + 0.4 * next()) / 4);
    const phase = 6 * next();
    const z = at(9)[2];
    const line = [-1, -0.66, -0.33, 0, 0.33, 0.66, 1].map(
      (u): Vec3 => [u * wide, y + 0.025 * Math.cos(3 * u + phase) - 0.05 * u * u, z - 0.28 * u * u],
    );
    add(line, 0.011, 0.024);
  }
  const glabella = at(9);
  for (const u of [-0.055, 0.06])
    add(
      [0.09, 0.02, -0.07].map((dy): Vec3 => [u * (1 + 2 * dy), glabella[1] + dy, glabella[2]]),
      0.01,
      0.02,
    );
}

function sideLines(at: At, side: 0 | 1, next: () => number, add: Add): void {
  const own = (right: number, left: number): Vec3 => at(side === 0 ? right : left);
  const out = side === 0 ? -1 : 1;
  const corner = own(33, 263);
  for (let i = 0; i < 4; i++) {
    const a = mix(-0.75, 0.6, (i + 0.5 * next()) / 3);
    const long = mix(0.16, 0.28, next());
    const reach = (t: number): Vec3 => [
      corner[0] + out * (0.05 + t * long * Math.cos(a)),
      corner[1] + 0.02 + t * long * Math.sin(a) - 0.03 * t * t,
      corner[2] - 0.05 - 0.2 * t,
    ];
    add([reach(0), reach(0.35), reach(0.7), reach(1)], 0.0095, 0.015);
  }
  const [inner, below] = [own(133, 362), own(119, 348)];
  const trough = lerp(inner, below, 0.62);
  add([lerp(inner, below, 0.1), trough, lerp(trough, own(118, 347), 0.55), own(117, 346)], 0.014, 0.032);
  const lid = own(145, 374);
  add([lerp(inner, lid, 0.4), [lid[0], lid[1] - 0.07, lid[2]], lerp(corner, lid, 0.35)], 0.007, 0.018);
  const [wing, mouth] = [own(129, 358), own(61, 291)];
  const fold = lerp(own(205, 425), own(92, 322), 0.5);
  const past: Vec3 = [mouth[0] + out * 0.075, mouth[1] - 0.05, mouth[2] - 0.05];
  add(
    [[wing[0] + out * 0.02, wing[1] + 0.05, wing[2]], lerp(wing, fold, 0.55), lerp(fold, past, 0.45), past],
    0.021,
    0.034,
  );
  add([[mouth[0] + out * 0.02, mouth[1] - 0.02, mouth[2]], own(43, 273), own(169, 394)], 0.013, 0.028);
  for (let i = 0; i < 3; i++) {
    const lip = own([37, 39, 40][i]!, [267, 269, 270][i]!);
    add([[lip[0], lip[1] + 0.1, lip[2]], [lip[0] + out * 0.01, lip[1] + 0.05, lip[2]], lip], 0.004, 0.01);
  }
}
