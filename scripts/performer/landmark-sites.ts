import { existsSync, readFileSync } from 'node:fs';
import { eyeMiddle, type Head } from './head.ts';
import { clamp, type Vec3 } from './vec.ts';

/** Where a landmark lies on the skin: three vertices of the head and their weights. Every head has the same vertices. */
export type LandmarkSite = readonly [a: number, b: number, c: number, wa: number, wb: number, wc: number];

const FILE = new URL('./landmark-sites.json', import.meta.url);
let known: readonly LandmarkSite[] | null = null;

/** The 468 landmarks of the face mesh on the base head's skin, as find-landmark-sites.ts wrote them. */
export function landmarkSites(): readonly LandmarkSite[] {
  if (!known) {
    if (!existsSync(FILE))
      throw new Error('There is no landmark-sites.json: run scripts/performer/find-landmark-sites.ts.');
    known = (JSON.parse(readFileSync(FILE, 'utf8')) as { sites: LandmarkSite[] }).sites;
  }
  return known;
}

/** The place of landmark `i` on vertices as deformed. */
export function landmarkOn(sites: readonly LandmarkSite[], i: number, points: Float32Array): [number, number, number] {
  const [a, b, c, wa, wb, wc] = sites[i]!;
  const at = (k: number) => points[3 * a + k]! * wa + points[3 * b + k]! * wb + points[3 * c + k]! * wc;
  return [at(0), at(1), at(2)];
}

/** Landmarks on the rims that touch when mouth or eyes are shut, by which lip or lid they belong to. */
const LOWER_LIP = [95, 88, 178, 87, 14, 317, 402, 318, 324, 146, 91, 181, 84, 17, 314, 405, 321, 375];
const UPPER_LIP = [191, 80, 81, 82, 13, 312, 311, 310, 415, 185, 40, 39, 37, 0, 267, 269, 270, 409];
const UPPER_LIDS = [246, 161, 160, 159, 158, 157, 173, 466, 388, 387, 386, 385, 384, 398];
const LOWER_LIDS = [7, 163, 144, 145, 153, 154, 155, 249, 390, 373, 374, 380, 381, 382];

/** How far (decimetres) a vertex must move with the jaw or the lid to count as lower lip or upper lid, and at most not to. */
const MOVES = 0.06;
const STAYS = 0.02;

/**
 * Finds each landmark of a neutral shape (decimetres from the middle of the eyes) on the head's skin: the nearest surface
 * point, on the right lip and lid where two of them touch.
 */
export function findSites(head: Head, shape: readonly Vec3[]): LandmarkSite[] {
  const skin = head.parts.find((p) => p.name === 'skin')!;
  const moved = (units: Record<string, number>): Float32Array => {
    const out = new Float32Array(3 * head.vertexCount);
    head.deform(units, out);
    return Float32Array.from({ length: head.vertexCount }, (_, i) =>
      Math.hypot(...[0, 1, 2].map((k) => out[3 * i + k]! - head.rest[3 * i + k]!)),
    );
  };
  const jaw = moved({ 'mouth-open': 1 });
  const lids = moved({ 'eye-left-closure': 1, 'eye-right-closure': 1 });
  const origin = eyeMiddle(head);
  return shape.map((p, i) => {
    const rule = LOWER_LIP.includes(i)
      ? (v: number) => jaw[v]! > MOVES
      : UPPER_LIP.includes(i)
        ? (v: number) => jaw[v]! < STAYS
        : UPPER_LIDS.includes(i)
          ? (v: number) => lids[v]! > MOVES
          : LOWER_LIDS.includes(i)
            ? (v: number) => lids[v]! < STAYS
            : () => true;
    return nearestSite(head, skin.triangles, [p[0] + origin[0], p[1] + origin[1], p[2] + origin[2]], rule);
  });
}

function nearestSite(head: Head, triangles: Uint32Array, p: Vec3, allowed: (v: number) => boolean): LandmarkSite {
  let best: LandmarkSite | null = null;
  let least = Infinity;
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [triangles[t]!, triangles[t + 1]!, triangles[t + 2]!];
    if (Math.abs(head.rest[3 * a]! - p[0]) > 0.4 || Math.abs(head.rest[3 * a + 1]! - p[1]) > 0.4) continue;
    if (!allowed(a) || !allowed(b) || !allowed(c)) continue;
    const [wb, wc, d] = closest(head.rest, a, b, c, p);
    if (d < least) {
      least = d;
      best = [a, b, c, 1 - wb - wc, wb, wc];
    }
  }
  if (!best) throw new Error(`No skin lies near the landmark at ${p.map((v) => v.toFixed(2)).join(', ')}.`);
  return best;
}

/** Barycentric weights of b and c of the point of a triangle nearest to p (clamped, not exact past two edges), and its distance². */
function closest(x: Float32Array, a: number, b: number, c: number, p: Vec3): [wb: number, wc: number, d: number] {
  const sub = (i: number, k: number) => x[3 * i + k]! - x[3 * a + k]!;
  const u = [0, 1, 2].map((k) => sub(b, k));
  const v = [0, 1, 2].map((k) => sub(c, k));
  const w = [0, 1, 2].map((k) => p[k]! - x[3 * a + k]!);
  const dot = (m: number[], n: number[]) => m[0]! * n[0]! + m[1]! * n[1]! + m[2]! * n[2]!;
  const [uu, uv, vv, wu, wv] = [dot(u, u), dot(u, v), dot(v, v), dot(w, u), dot(w, v)];
  const det = uu * vv - uv * uv || 1e-12;
  let s = Math.max(0, (wu * vv - wv * uv) / det);
  let t = Math.max(0, (wv * uu - wu * uv) / det);
  if (s + t > 1) [s, t] = [s / (s + t), t / (s + t)];
  s = clamp(s, 0, 1);
  t = clamp(t, 0, 1);
  const d = [0, 1, 2].reduce((sum, k) => sum + (w[k]! - s * u[k]! - t * v[k]!) ** 2, 0);
  return [s, t, d];
}
