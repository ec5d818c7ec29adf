import { join } from 'node:path';
import type { Landmarks } from '../face/types.ts';
import type { Kernels } from '../frame/kernels.ts';
import { checkShapes } from './contract.ts';
import { EyesOpen } from './eyes-open.ts';
import { checkHeld, type DoubleManifest } from './manifest.ts';
import type { OpenOptions } from './open.ts';
import { fillOpening, LIDS, type Lids } from './opening.ts';
import type { Painted, Painter } from './painter.ts';
import { EYE, EYES, MOUTH } from './parts.ts';
import { type Affine, SIZE } from './surface.ts';

type Point = readonly [number, number];

/** Where a feature lies is told by the middle of these landmarks (MediaPipe face mesh); `above` it, crop pixels, is the middle of its part. */
interface Feature {
  landmarks: readonly number[];
  above: number;
}

/** Eyes from left to right on screen where the performer faces the camera. */
const EYE_FEATURES: readonly Feature[] = [
  { landmarks: [33, 133], above: 10 },
  { landmarks: [362, 263], above: 10 },
];
const LIPS: Feature = { landmarks: [61, 291, 0, 17], above: 0 };
/** The double R, G, B, its mesh's alpha, the performer R, G, B. */
export const GIVEN = 7;
/** On a grid of so many crop pixels: from where of the double and of the performer, the performer's share, and what is added to R, G, B. */
const STEP = 2;
const CHANGE = 8;
const PLACES = 4;
/** Address of no plane. */
const NONE = 0;
/** How much of an iris is kept where the performer's eye is open and the network mixes: all of it, half a pixel aside, costs twice as many dB. */
const HELD = 0.75;
/** Pixels over which what is painted fades to nothing at a part's edge. */
const EDGE = 6;

/** The network that paints them. */
export const FEATURES = {
  kind: 'learned',
  inputs: { eyes: [EYES, GIVEN, ...EYE], mouth: [1, GIVEN, ...MOUTH] },
  outputs: {
    eyesChange: [EYES, CHANGE, EYE[0] / STEP, EYE[1] / STEP],
    mouthChange: [1, CHANGE, MOUTH[0] / STEP, MOUTH[1] / STEP],
  },
} as const;

/** A face as it is drawn until now. */
export interface Drawn {
  painted: Painted;
  painter: Pick<Painter, 'place' | 'detail'>;
  landmarks: Landmarks;
  /** Address of a plane of size² that says how much of each pixel is a painted iris, 0–1. */
  iris: number;
}

/** Where a part begins in the crop at SIZE, and how far from the double's feature the performer's lies, crop pixels. */
interface Place {
  left: number;
  top: number;
  aside: Point;
}

/** Cuts what the network is given of a face. @param eyes and mouth address its inputs. Answers where each part lies: eyes, then mouth. */
export function cutFeatures(kernels: Kernels, drawn: Drawn, eyes: number, mouth: number): Place[] {
  const { painted, painter } = drawn;
  const { detail } = painter;
  const cut = (feature: Feature, [height, width]: readonly [number, number], to: number): Place => {
    const place = placeOf(feature, height, width, drawn);
    const plane = width * height * Float32Array.BYTES_PER_ELEMENT;
    // At twice the detail: between four pixels, their mean.
    const middle = (detail - 1) / 2;
    const take = (from: number, planes: number, [x, y]: Point, out: number): void => {
      const [left, top] = [detail * (place.left + x) + middle, detail * (place.top + y) + middle];
      kernels.part(from, painted.size, planes, left, top, detail, width, height, out);
    };
    take(painted.base, 3, [0, 0], to);
    take(painted.base + 4 * painted.size ** 2 * Float32Array.BYTES_PER_ELEMENT, 1, [0, 0], to + 3 * plane);
    take(painted.crop, 3, place.aside, to + 4 * plane);
    return place;
  };
  const each = GIVEN * EYE[0] * EYE[1] * Float32Array.BYTES_PER_ELEMENT;
  return [...EYE_FEATURES.map((eye, k) => cut(eye, EYE, eyes + k * each)), cut(LIPS, MOUTH, mouth)];
}

function placeOf(feature: Feature, height: number, width: number, { painted, painter, landmarks }: Drawn): Place {
  const { detail } = painter;
  const crop = (place: Point): Point => [(place[0] + 0.5) / detail - 0.5, (place[1] + 0.5) / detail - 0.5];
  const double = middleOf(feature.landmarks.map((landmark) => crop(painter.place(landmark))));
  const performer = middleOf(feature.landmarks.map((landmark) => crop(inCrop(landmarks, landmark, painted.toCrop))));
  const begin = (middle: number, length: number): number =>
    Math.min(SIZE - length, Math.max(0, Math.round(middle - (length - 1) / 2)));
  return {
    left: begin(double[0], width),
    top: begin(double[1] - feature.above, height),
    aside: [performer[0] - double[0], performer[1] - double[1]],
  };
}

function inCrop({ points }: Landmarks, landmark: number, [a, b, c, d, e, f]: Affine): Point {
  const [x, y] = [points[3 * landmark]!, points[3 * landmark + 1]!];
  return [a * x + b * y + c, d * x + e * y + f];
}

function middleOf(points: readonly Point[]): Point {
  let [x, y] = [0, 0];
  for (const point of points) {
    x += point[0] / points.length;
    y += point[1] / points.length;
  }
  return [x, y];
}

/** Paints the eyes and the mouth of a drawn double as the performer's are to be seen. */
export interface Features {
  paint(drawn: Drawn): Promise<void>;
  close(): void;
}

/** @throws Error with a sentence where the network is missing, changed, or another than it should be. */
export async function openFeatures(
  options: OpenOptions,
  held: NonNullable<DoubleManifest['features']>,
): Promise<Features> {
  const { runtime, arena, kernels, dir } = options;
  await checkHeld(dir, held);
  const session = await runtime.load(join(dir, held.file), arena);
  let eyesOpen: EyesOpen | null = null;
  let composer: Composer | null = null;
  const close = (): void => {
    session.close();
    eyesOpen?.close();
    composer?.close();
    composer = null;
  };
  try {
    const { eyes, mouth, eyesChange, mouthChange } = checkShapes(session, dir, FEATURES);
    await session.run();
    const lids = await EyesOpen.open(runtime, arena);
    eyesOpen = lids;
    composer = new Composer(options);
    const { compose } = composer;
    return {
      async paint(drawn) {
        const places = cutFeatures(kernels, drawn, eyes.at, mouth.at);
        const looking = lids.look(performersEyes(eyes.data));
        // Both come to their end, whichever fails.
        const [looked, answered] = await Promise.allSettled([looking, session.run()]);
        if (answered.status === 'rejected') throw answered.reason;
        if (looked.status === 'rejected') throw looked.reason;
        const [given, change] = [eyes.data.byteLength / EYES, eyesChange.data.byteLength / EYES];
        for (const [k, place] of places.entries()) {
          const eye = LIDS[k];
          if (eye) {
            const opening = { ...eye, open: looked.value[k]! };
            compose(drawn, place, EYE, eyes.at + k * given, eyesChange.at + k * change, opening);
          } else compose(drawn, place, MOUTH, mouth.at, mouthChange.at);
        }
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function performersEyes(eyes: Float32Array): Float32Array[] {
  const area = EYE[0] * EYE[1];
  return EYE_FEATURES.map((_, k) => eyes.subarray((k * GIVEN + GIVEN - 3) * area, (k + 1) * GIVEN * area));
}

/** A performer's eye: its lids, and whether they are open, 0–1. */
interface Opening extends Lids {
  open: number;
}

/** Puts parts together from the double and the performer as the network says. Owns its kernel memory. */
class Composer {
  readonly #options: OpenOptions;
  readonly #at: number;
  readonly #bytes: number;
  /** Bytes of its parts, one after another: the painted iris, the performer's opening, the kernel's scratch, and what is finer. */
  readonly #plane: number;
  readonly #scratch: number;
  #closed = false;

  constructor(options: OpenOptions) {
    this.#options = options;
    const [height, width] = MOUTH.map((length) => length * (options.closeUps ? 2 : 1)) as [number, number];
    this.#plane = width * height * Float32Array.BYTES_PER_ELEMENT;
    this.#scratch = width * height * 32 + width * 16;
    // At twice the detail: three planes of the double and of the performer, and the network's answer.
    const finer = (6 + CHANGE / STEP ** 2) * width * height * Float32Array.BYTES_PER_ELEMENT;
    this.#bytes = 2 * this.#plane + this.#scratch + (options.closeUps ? finer : 0);
    this.#at = options.arena.allocate(this.#bytes);
  }

  /** @param given what the network was given of this part. @param change what it answered. @param eye the performer's, where it is one: its iris is to stay sharp. */
  compose = (
    drawn: Drawn,
    place: Place,
    [height, width]: readonly [number, number],
    given: number,
    change: number,
    eye?: Opening,
  ): void => {
    const { kernels } = this.#options;
    const { base, size, crop } = drawn.painted;
    const scratch = this.#at + 2 * this.#plane;
    const plane = width * height * Float32Array.BYTES_PER_ELEMENT;
    if (drawn.painter.detail === 1) {
      const performer = given + (GIVEN - 3) * plane;
      const [kept, held] = eye ? this.#iris(drawn, place, width, height, eye) : [NONE, NONE];
      kernels.compose(
        given,
        performer,
        width,
        height,
        change,
        EDGE,
        kept,
        held,
        scratch,
        base,
        size,
        place.left,
        place.top,
      );
      return;
    }
    const [w, h, left, top] = [2 * width, 2 * height, 2 * place.left, 2 * place.top];
    const double = scratch + this.#scratch;
    const performer = double + 3 * 4 * plane;
    const finer = performer + 3 * 4 * plane;
    kernels.part(base, size, 3, left, top, 1, w, h, double);
    kernels.part(crop, size, 3, left + 2 * place.aside[0], top + 2 * place.aside[1], 1, w, h, performer);
    const [columns, rows] = [width / STEP, height / STEP];
    const cells = PLACES * columns * rows * Float32Array.BYTES_PER_ELEMENT;
    kernels.doubled(change, PLACES, columns, rows, 2, finer);
    kernels.doubled(change + cells, CHANGE - PLACES, columns, rows, 1, finer + 4 * cells);
    const [kept, held] = eye ? this.#iris(drawn, place, w, h, eye) : [NONE, NONE];
    kernels.compose(double, performer, w, h, finer, 2 * EDGE, kept, held, scratch, base, size, left, top);
  };

  /**
   * Irises stay sharp: nothing is laid over them, and what is to be seen of them the lids say, the double's, which are moved, and the performer's. Where
   * the network is not certain how far lids are shut it takes some of the performer's eye, and an iris mixed of two has no pupil.
   * Answers addresses: how much of each pixel is a painted iris, and how much lies between the performer's lids.
   */
  #iris(
    { painted, painter, landmarks, iris }: Drawn,
    place: Place,
    width: number,
    height: number,
    { upper, lower, open }: Opening,
  ): [number, number] {
    const { arena, kernels } = this.#options;
    const { detail } = painter;
    const [left, top] = [detail * place.left, detail * place.top];
    kernels.part(iris, painted.size, 1, left, top, 1, width, height, this.#at);
    const seen = (landmark: number): Point => {
      const [x, y] = inCrop(landmarks, landmark, painted.toCrop);
      return [x - left - detail * place.aside[0], y - top - detail * place.aside[1]];
    };
    const held = this.#at + this.#plane;
    fillOpening(arena.floats(held, width * height), width, height, upper.map(seen), lower.map(seen), HELD * open);
    return [this.#at, held];
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.arena.release(this.#at, this.#bytes);
  }
}
