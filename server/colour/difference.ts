/** Colours as eyes tell them apart: CIE L*a*b* and CIEDE2000. */
export type Lab = readonly [l: number, a: number, b: number];

/** D65, two-degree observer, as sRGB uses it. */
const WHITE = [0.95047, 1, 1.08883] as const;

/** Light, 0–1, of an sRGB code value 0–255. */
export const linearOf = (code: number): number => {
  const v = Math.min(1, Math.max(0, code / 255));
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
};
const cubic = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 / 116) * t + 16 / 116);

/** CIE L*a*b* (D65) of sRGB code values 0–255 (IEC 61966-2-1, CIE 15). */
export const labOf = (red: number, green: number, blue: number): Lab =>
  labOfLinear(linearOf(red), linearOf(green), linearOf(blue));

/** CIE L*a*b* (D65) of linear light in sRGB's primaries. */
export function labOfLinear(r: number, g: number, b: number): Lab {
  const x = cubic((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / WHITE[0]);
  const y = cubic(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = cubic((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / WHITE[2]);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const RAD = Math.PI / 180;
const POW25_7 = 25 ** 7;

/** Hue angle in degrees, 0–360; 0 for a neutral. */
function hue(b: number, a: number): number {
  if (a === 0 && b === 0) return 0;
  const angle = Math.atan2(b, a) / RAD;
  return angle < 0 ? angle + 360 : angle;
}

function hueDifference(h1: number, h2: number, chromas: number): number {
  if (chromas === 0) return 0;
  const d = h2 - h1;
  return d > 180 ? d - 360 : d < -180 ? d + 360 : d;
}

function hueMean(h1: number, h2: number, chromas: number): number {
  if (chromas === 0) return h1 + h2;
  if (Math.abs(h1 - h2) <= 180) return (h1 + h2) / 2;
  return h1 + h2 < 360 ? (h1 + h2 + 360) / 2 : (h1 + h2 - 360) / 2;
}

/** CIEDE2000 with kL = kC = kH = 1 (Sharma, Wu, Dalal, Color Research and Application 30 (2005), equations 2–22). */
export function deltaE2000([l1, a1, b1]: Lab, [l2, a2, b2]: Lab): number {
  const meanC = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2;
  const g = 0.5 * (1 - Math.sqrt(meanC ** 7 / (meanC ** 7 + POW25_7)));
  const [ap1, ap2] = [(1 + g) * a1, (1 + g) * a2];
  const [c1, c2] = [Math.hypot(ap1, b1), Math.hypot(ap2, b2)];
  const [h1, h2] = [hue(b1, ap1), hue(b2, ap2)];
  const dL = l2 - l1;
  const dC = c2 - c1;
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin((hueDifference(h1, h2, c1 * c2) / 2) * RAD);
  const l = (l1 + l2) / 2;
  const c = (c1 + c2) / 2;
  const h = hueMean(h1, h2, c1 * c2);
  const t =
    1 -
    0.17 * Math.cos((h - 30) * RAD) +
    0.24 * Math.cos(2 * h * RAD) +
    0.32 * Math.cos((3 * h + 6) * RAD) -
    0.2 * Math.cos((4 * h - 63) * RAD);
  const turn = 30 * Math.exp(-(((h - 275) / 25) ** 2));
  const rc = 2 * Math.sqrt(c ** 7 / (c ** 7 + POW25_7));
  const sl = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2);
  const [x, y, z] = [dL / sl, dC / (1 + 0.045 * c), dH / (1 + 0.015 * c * t)];
  return Math.sqrt(x * x + y * y + z * z - Math.sin(2 * turn * RAD) * rc * y * z);
}
