import { fileURLToPath } from 'node:url';
import { canonicalPoints, fitPose } from '../../server/double/pose.ts';
import { blurSigma } from '../../server/double/softness.ts';
import { type Affine, cutPlate, SIZE, Surface } from '../../server/double/surface.ts';
import type { Template } from '../../server/double/template.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { createPerceiver } from '../../server/face/perceiver.ts';
import type { Landmarks, Track } from '../../server/face/types.ts';
import { Arena } from '../../server/frame/arena.ts';
import type { Picture } from '../../server/frame/frame.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import { type Expression, expressionOf } from '../eval/face-signals.ts';
import { rgbOf } from '../eval/rgb.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
/** 4096×2160 several times over, and the networks' tensors. */
const MEMORY_MB = 768;
/** A face beside the largest one counts from this share of its width on: smaller ones are posters and passers-by far away. */
const OTHER_FACE = 0.35;
const PORTRAIT = 512;
export const PLANE = SIZE * SIZE;

/** Which picture: the file's name, seconds from its start, and the person's age in it where that is known. */
export interface Where {
  file: string;
  at: number;
  age: number | null;
}

/** One picture's face, as the server's own perception and alignment see it. */
export interface Sight extends Where {
  landmarks: Landmarks;
  /** The face without its head's pose: 478 × 3, canonical axes and units. */
  canonical: Float32Array;
  /** Degrees, as in Track. */
  yaw: number;
  pitch: number;
  expression: Expression;
  /** Forehead to chin, pixels of the footage. */
  faceHeight: number;
  /** σ of the camera's blur, pixels of the footage. */
  blur: number;
  /** Where the landmarks lie in it, 478 × 2. */
  cropPoints: Float32Array;
  /** The crop that a double is drawn in: R, G, B planes of SIZE² bytes. */
  crop: Uint8Array;
}

/** Quarter turns clockwise. */
export type Quarters = 0 | 1 | 2 | 3;

export type Seen = { kind: 'face'; sight: Sight } | { kind: 'none' } | { kind: 'several'; count: number };

/** What a face is drawn on: u, v, coverage, facing (SIZE² each), and how the head stands. */
export interface DrawnSight {
  surface: Float32Array;
  rotation: Float32Array;
  toCrop: readonly number[];
}

/** Owns the networks and the kernel memory. */
export async function openObserver() {
  const arena = new Arena(MEMORY_MB);
  const kernels = loadKernels(arena);
  const runtime = createRuntime();
  const perceiver = await createPerceiver({ runtime, arena, kernels, modelsDir: MODELS, maxFaces: 4 });
  const pictures = new Pictures(arena);
  const plate = arena.allocate(3 * PLANE * 4);
  const drawn = arena.allocate(4 * PLANE * 4);

  /** Looks at one picture as if it were the first. `template` says what the crop is aligned to. */
  async function look(picture: Picture, surface: Surface, template: Template, where: Where): Promise<Seen> {
    perceiver.reset();
    const faces = facesIn(await perceiver.perceive(picture).complete);
    const [face] = faces;
    if (!face) return { kind: 'none' };
    if (faces.length > 1) return { kind: 'several', count: faces.length };
    const { landmarks } = face;
    const { points } = landmarks;
    const { toCrop } = surface.draw(landmarks, drawn);
    cutPlate(kernels, picture, toCrop, SIZE, plate);
    const values = arena.floats(plate, 3 * PLANE);
    const y = (point: number): number => points[3 * point + 1]!;
    const x = (point: number): number => points[3 * point]!;
    return {
      kind: 'face',
      sight: {
        ...where,
        landmarks,
        canonical: canonicalPoints(points, fitPose(template.canonical, points, template.rigid)),
        yaw: face.yawDeg,
        pitch: face.pitchDeg,
        expression: expressionOf(points),
        faceHeight: Math.hypot(x(10) - x(152), y(10) - y(152)),
        blur: blurSigma(picture, landmarks),
        cropPoints: placed(points, toCrop),
        crop: Uint8Array.from(values, (value) => Math.round(255 * Math.min(1, Math.max(0, value)))),
      },
    };
  }

  return {
    arena,
    kernels,
    runtime,
    pictures,
    look,
    /** A copy of the picture, turned clockwise; the caller's to give back. */
    turned(picture: Picture, quarters: Quarters): Picture {
      if (quarters === 0) return pictures.copy(picture);
      const { width, height, colour, id } = picture;
      const [across, down] = quarters === 2 ? [width, height] : [height, width];
      const upright = pictures.take(across, down, colour, id);
      kernels.turn(picture.at, width, height, quarters, upright.at);
      return upright;
    },
    surface: (template: Template) => new Surface(template, arena, kernels),
    /** Draws a sight's mesh anew; `surface` is valid until the next drawing. */
    draw(surface: Surface, { landmarks }: Sight): DrawnSight {
      const { pose, toCrop } = surface.draw(landmarks, drawn);
      return { surface: arena.floats(drawn, 4 * PLANE), rotation: pose.rotation, toCrop };
    },
    close(): void {
      perceiver.close();
      runtime.close();
    },
  };
}

export type Observer = Awaited<ReturnType<typeof openObserver>>;

function placed(points: Float32Array, [a, b, c, d, e, f]: Affine): Float32Array {
  const out = new Float32Array((2 * points.length) / 3);
  for (let i = 0; i < out.length; i += 2) {
    const [x, y] = [points[1.5 * i]!, points[1.5 * i + 1]!];
    out[i] = a * x + b * y + c;
    out[i + 1] = d * x + e * y + f;
  }
  return out;
}

/** Faces with landmarks, the largest first; those much smaller than it are left out. */
function facesIn(tracks: readonly Track[]): (Track & { landmarks: Landmarks })[] {
  const read = tracks.filter((track): track is Track & { landmarks: Landmarks } => track.landmarks !== null);
  const sorted = read.toSorted((a, b) => b.box.w - a.box.w);
  return sorted.filter(({ box }) => box.w >= OTHER_FACE * sorted[0]!.box.w);
}

/** A square around the head, as a card shows it: packed RGB, PORTRAIT² pixels or the footage's own fewer. */
export function portraitOf(picture: Picture, { landmarks: { points } }: Sight): { rgb: Buffer; side: number } {
  const [top, chin] = [10, 152].map((point) => [points[3 * point]!, points[3 * point + 1]!] as const);
  const height = Math.hypot(top![0] - chin![0], top![1] - chin![1]);
  const side = Math.round(Math.min(2.1 * height, picture.width, picture.height, 4 * PORTRAIT));
  const [cx, cy] = [(top![0] + chin![0]) / 2, (top![1] + chin![1]) / 2 - 0.1 * height];
  const inside = (middle: number, most: number): number =>
    Math.round(Math.min(Math.max(0, most - side), Math.max(0, middle - side / 2)));
  const area = [inside(cx, picture.width), inside(cy, picture.height), side, side] as const;
  return { rgb: rgbOf(picture, area), side };
}
