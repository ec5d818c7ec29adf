import { deltaE2000, type Lab, labOf } from '../colour/difference.ts';
import type { Track } from '../face/types.ts';
import type { Picture } from '../frame/frame.ts';
import { matrixOf } from '../frame/kernels.ts';

/** How far a face's skin lies from the neck's below it, CIEDE2000: in the program, and in the plate, where both are the performer's own. */
export interface NeckReading {
  program: number;
  plate: number;
}

/** What was seen of a picture before its face was replaced. */
export interface Seen {
  neck: Lab;
  plate: Lab;
}

interface Kept {
  captureUs: number;
  neck: Lab;
  plate: Lab;
  program: Lab | null;
}

/** Cheeks and the sides of the mouth and chin, MediaPipe face mesh: bare skin near the neck. */
const SKIN = [50, 280, 205, 425, 187, 411, 200] as const;
/** The bridge of the nose and the tip of the chin: the face's axis. */
const [BRIDGE, CHIN] = [168, 152] as const;
/** Places on a neck: from the chin along the axis and across it, shares of bridge to chin. */
const NECK = [
  [0.28, 0],
  [0.24, -0.22],
  [0.24, 0.22],
  [0.42, -0.1],
  [0.42, 0.1],
] as const;
/** Radius of a patch, share of bridge to chin. */
const RADIUS = 0.06;
/** So many samples across a patch at most. */
const ACROSS = 8;
/** From the performer's face in L*, and in a* and b* together: what is further away is a collar, hair or a beard. A neck lies in shadow. */
const DARKER = 40;
const BRIGHTER = 15;
const OTHER_HUE = 14;
/** Codes: what varies more within a patch is an edge. */
const EVEN = 14;
/** Turned further than this a neck's place is not where its chin says. */
const MAX_YAW_DEG = 35;
/** Often enough for eyes, and a hundredth of a frame's time on the average. */
const EVERY_US = 200_000;
const TAU_US = 1_000_000;
/** Longer ago than this it says nothing about now. */
const FORGET_US = 2_000_000;

/**
 * Measures whether replaced faces sit in the light of their necks. Looks at few samples, five times a second, and keeps a mean over a second:
 * codes are taken for sRGB's, as a monitor shows them.
 */
export class NeckMatch {
  readonly #kept = new Map<number, Kept>();

  /** Looks at the plate, before the face is replaced in it. Null where it was looked at lately or shows no bare neck. */
  plate(picture: Picture, track: Track): Seen | null {
    const { captureUs } = picture.id;
    const kept = this.#kept.get(track.id);
    const elapsedUs = kept ? captureUs - kept.captureUs : Number.POSITIVE_INFINITY;
    if (elapsedUs >= 0 && elapsedUs < EVERY_US) return null;
    const points = track.landmarks?.points;
    if (!points || Math.abs(track.yawDeg) > MAX_YAW_DEG) return null;
    const plate = faceOf(picture, points);
    const neck = plate && neckOf(picture, points, plate);
    return neck ? { neck, plate } : null;
  }

  /** Looks at the same picture after its face was replaced. */
  program(picture: Picture, { id, landmarks }: Track, { neck, plate }: Seen): void {
    const program = landmarks && faceOf(picture, landmarks.points);
    if (!program) return;
    const { captureUs } = picture.id;
    const kept = this.#kept.get(id);
    const elapsedUs = kept ? captureUs - kept.captureUs : -1;
    if (!kept?.program || elapsedUs < 0 || elapsedUs > FORGET_US) {
      this.#kept.set(id, { captureUs, neck, plate, program });
      return;
    }
    const share = 1 - Math.exp(-elapsedUs / TAU_US);
    this.#kept.set(id, {
      captureUs,
      neck: between(kept.neck, neck, share),
      plate: between(kept.plate, plate, share),
      program: between(kept.program, program, share),
    });
  }

  /** Null where no neck was seen for two seconds before `captureUs`. */
  of(trackId: number, captureUs: number): NeckReading | null {
    const kept = this.#kept.get(trackId);
    if (!kept?.program || Math.abs(captureUs - kept.captureUs) > FORGET_US) return null;
    return { program: deltaE2000(kept.program, kept.neck), plate: deltaE2000(kept.plate, kept.neck) };
  }

  forget(trackId: number): void {
    this.#kept.delete(trackId);
  }
}

const between = (from: Lab, to: Lab, share: number): Lab => [
  from[0] + (to[0] - from[0]) * share,
  from[1] + (to[1] - from[1]) * share,
  from[2] + (to[2] - from[2]) * share,
];

/** The median patch of the face's skin, by lightness: a highlight or a strand of hair does not count. */
function faceOf(picture: Picture, points: Float32Array): Lab | null {
  const radius = RADIUS * axisOf(points).length;
  const patches = SKIN.map((point) => patchAt(picture, points[3 * point]!, points[3 * point + 1]!, radius));
  return middle(patches.filter((patch) => patch !== null));
}

function neckOf(picture: Picture, points: Float32Array, face: Lab): Lab | null {
  const { x, y, length } = axisOf(points);
  const [chinX, chinY] = [points[3 * CHIN]!, points[3 * CHIN + 1]!];
  const patches = NECK.map(([along, across]) =>
    patchAt(
      picture,
      chinX + (x * along - y * across) * length,
      chinY + (y * along + x * across) * length,
      RADIUS * length,
    ),
  );
  return middle(patches.filter((patch) => patch !== null).filter((patch) => isSkin(patch, face)));
}

function isSkin({ lab: [l, a, b], spread }: Patch, [faceL, faceA, faceB]: Lab): boolean {
  return spread <= EVEN && l > faceL - DARKER && l < faceL + BRIGHTER && Math.hypot(a - faceA, b - faceB) <= OTHER_HUE;
}

function middle(patches: Patch[]): Lab | null {
  patches.sort((one, other) => one.lab[0] - other.lab[0]);
  return patches[patches.length >> 1]?.lab ?? null;
}

interface Patch {
  lab: Lab;
  /** Standard deviation of its luma, codes. */
  spread: number;
}

function patchAt(picture: Picture, cx: number, cy: number, radius: number): Patch | null {
  const { planes, width, height } = picture;
  if (!(cx >= radius && cy >= radius && cx < width - radius && cy < height - radius)) return null;
  const [luma, blue, red] = planes;
  const step = Math.max(1, Math.floor((2 * radius) / ACROSS));
  let [y, square, u, v, count] = [0, 0, 0, 0, 0];
  for (let py = Math.round(cy - radius); py <= cy + radius; py += step) {
    for (let px = Math.round(cx - radius); px <= cx + radius; px += step) {
      if ((px - cx) ** 2 + (py - cy) ** 2 > radius * radius) continue;
      const value = luma[py * width + px]!;
      const chroma = (py >> 1) * ((width + 1) >> 1) + (px >> 1);
      y += value;
      square += value * value;
      u += blue[chroma]!;
      v += red[chroma]!;
      count++;
    }
  }
  if (count === 0) return null;
  const mean = y / count;
  return { lab: labOfCodes(picture, mean, u / count, v / count), spread: Math.sqrt(square / count - mean * mean) };
}

/** Y′CbCr codes by the picture's own matrix and range (ITU-R BT.601, 709, 2020). */
function labOfCodes({ colour }: Picture, y: number, cb: number, cr: number): Lab {
  const [kr, kb, full] = matrixOf(colour);
  const luma = full ? y : ((y - 16) * 255) / 219;
  const chroma = full ? 1 : 255 / 224;
  const red = luma + 2 * (1 - kr) * chroma * (cr - 128);
  const blue = luma + 2 * (1 - kb) * chroma * (cb - 128);
  return labOf(red, (luma - kr * red - kb * blue) / (1 - kr - kb), blue);
}

/** From the bridge of the nose to the chin: its direction and length, frame pixels. */
function axisOf(points: Float32Array): { x: number; y: number; length: number } {
  const dx = points[3 * CHIN]! - points[3 * BRIDGE]!;
  const dy = points[3 * CHIN + 1]! - points[3 * BRIDGE + 1]!;
  const length = Math.hypot(dx, dy);
  return { x: dx / length, y: dy / length, length };
}
