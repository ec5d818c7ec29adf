import type { Landmarks } from '../face/types.ts';
import type { Affine } from './surface.ts';

/** How a double's irises look: round, and alike. */
export interface Iris {
  /** To the last step of the profile, canonical units. */
  radius: number;
  /** Encoded R, G, B under the texture's own light, from the middle of the pupil outwards in even steps, into the white around the iris. */
  profile: readonly number[];
}

/** A square of size² pixels, planar, that irises are painted into. */
export interface EyesPicture {
  size: number;
  /** R, G, B, encoded, 0–1. */
  colour: Float32Array;
  /** How much of each pixel is painted here; zeros before. */
  painted: Float32Array;
  /** 0 where the double's eyes are open, 1 on its lids, at a whole pixel. */
  lid(x: number, y: number): number;
  /** From where a point was moved, x and y, crop pixels. */
  movedFrom(x: number, y: number): readonly [number, number];
  /** Where a landmark of the double lies before it is moved. */
  place(landmark: number): readonly [number, number];
  /** Pixels a canonical unit. */
  scale: number;
  /** As the `paint` kernel's. */
  softness: number;
}

/** MediaPipe face mesh: corners from left to right on screen where the performer faces the camera, lids, iris. */
const EYES = [
  { corners: [33, 133], lids: [159, 145], iris: 468 },
  { corners: [362, 263], lids: [386, 374], iris: 473 },
] as const;
type Eye = (typeof EYES)[number];
type Point = readonly [number, number];

/** The upper lid's shadow on an iris: its deepest, and how far down it reaches, shares of the radius from its upper edge. */
const LID_SHADOW = 0.35;
const LID_REACH = 1.1;
/** A glint is this much brighter than its iris, encoded. */
const GLINT = 0.22;
/**
 * The landmarks of a shut eye leave a slit, through which the performer's own lid is to be seen and no iris. How wide an eye is open is measured
 * by the widest that it lately was: narrow eyes are not shut ones. At the first of these shares of it nothing is painted, at the second all.
 */
const SHUT_SHARE = 0.4;
const OPEN_SHARE = 0.6;
/** Opening over width that an eye is taken to reach before it was seen, and how much of the widest is forgotten with each picture. */
const USUAL_OPENING = 0.2;
const FORGET = 0.002;

/**
 * The landmark model puts irises too near to the middle of the eye. Where they truly are over where it says, along the eye: 1.1 to 1.7 on eight
 * rendered performances; on cameras' clips, where the irises' darkness tells their place, 1.5 to 2.1 (server/docs/decisions/detail.md).
 */
const READ_SHORT = 1.5;

/** Samples of white that have to be seen, both eyes together, for the light on them to be known. */
const ENOUGH_WHITE = 20;
/** Every so many pixels, across and down, are asked. */
const SPARSE = 2;
/** Share of a new picture in what is remembered of the light. */
const FOLLOW = 0.25;

/**
 * Paints a double's irises where the performer looks: what shows through its openings until then are the performer's own, tinted. Their glints
 * stay. How brightly irises are lit is told by the white around them, not by the skin, which has a complexion; it is kept steady per track.
 */
export class Irises {
  readonly #iris: Iris;
  readonly #lights = new Map<number, readonly [number, number, number]>();
  readonly #widest = new Map<number, number>();

  constructor(iris: Iris) {
    this.#iris = iris;
  }

  /** @param toCrop frame pixel → pixel of the picture. */
  paint(picture: EyesPicture, landmarks: Landmarks, toCrop: Affine, trackId: number): void {
    const radius = this.#iris.radius * picture.scale;
    const eyes = EYES.map((eye) => irisAt(eye, picture, landmarks, toCrop));
    const middles = eyes.map(({ middle }) => middle);
    const light = this.#light(picture, middles, radius, trackId);
    const widest = this.#open(eyes, trackId);
    if (!light) return;
    for (const { middle, opening } of eyes) {
      const shown = Math.min(1, Math.max(0, (opening / widest - SHUT_SHARE) / (OPEN_SHARE - SHUT_SHARE)));
      if (shown > 0) disc(picture, middle, radius, this.#iris.profile, light, shown);
    }
  }

  forget(trackId: number): void {
    this.#lights.delete(trackId);
    this.#widest.delete(trackId);
  }

  #open(eyes: readonly { opening: number }[], trackId: number): number {
    const now = Math.max(...eyes.map(({ opening }) => (opening > 0 ? opening : 0)));
    const widest = Math.max(now, (this.#widest.get(trackId) ?? USUAL_OPENING) * (1 - FORGET));
    this.#widest.set(trackId, widest);
    return widest;
  }

  #light(picture: EyesPicture, middles: readonly Point[], radius: number, trackId: number) {
    const white = whiteAround(picture, middles, radius);
    const before = this.#lights.get(trackId);
    if (!white) return before;
    const { profile } = this.#iris;
    const follow = before ? FOLLOW : 1;
    const light = [0, 1, 2].map((k) => {
      const now = white[k]! / Math.max(0.05, profile[profile.length - 3 + k]!);
      return (before?.[k] ?? now) * (1 - follow) + now * follow;
    }) as [number, number, number];
    this.#lights.set(trackId, light);
    return light;
  }
}

/** Where the double's iris belongs: as far along its eye, and from its axis, as the performer's is in theirs. And how wide that is open, over its width. */
function irisAt({ corners, lids, iris }: Eye, picture: EyesPicture, { points }: Landmarks, toCrop: Affine) {
  const [a, b, c, d, e, f] = toCrop;
  const seen = (point: number): Point => {
    const [x, y] = [points[3 * point]!, points[3 * point + 1]!];
    return [a * x + b * y + c, d * x + e * y + f];
  };
  const own = frameOf(corners.map(seen), lids.map(seen));
  const theirs = frameOf(corners.map(picture.place), lids.map(picture.place));
  const [along, across] = within(own, seen(iris));
  const stretch = theirs.width / own.width;
  const sideways = READ_SHORT * along * stretch;
  const down = across * stretch;
  const x = theirs.middle[0] + theirs.axis[0] * sideways - theirs.axis[1] * down;
  const y = theirs.middle[1] + theirs.axis[1] * sideways + theirs.axis[0] * down;
  const [movedX, movedY] = movedBy(picture, [...corners, ...lids].map(picture.place));
  const middle: Point = [x + movedX, y + movedY];
  return { middle, opening: own.opening / own.width };
}

/** How far the network moved the eye: as its corners and lids, for between them it follows the performer's own iris. */
function movedBy(picture: EyesPicture, points: readonly Point[]): Point {
  let [x, y] = [0, 0];
  for (const point of points) {
    // What lies here was taken from there: it was moved by as much the other way.
    const [fromX, fromY] = picture.movedFrom(...point);
    x += (point[0] - fromX) / points.length;
    y += (point[1] - fromY) / points.length;
  }
  return [x, y];
}

/** Mean R, G, B of what shows in the openings beside the irises; null where that is too little. */
function whiteAround(picture: EyesPicture, middles: readonly Point[], radius: number): number[] | null {
  const { size, colour } = picture;
  const sums = [0, 0, 0];
  let weight = 0;
  const inner = (0.9 * radius) ** 2;
  for (const [cx, cy] of middles) {
    const [x0, x1, y0, y1] = around(picture, [cx, cy], 2.2 * radius);
    for (let y = y0; y <= y1; y += SPARSE)
      for (let x = x0; x <= x1; x += SPARSE) {
        if ((x - cx) ** 2 + (y - cy) ** 2 < inner) continue;
        const open = openAt(picture, x, y);
        if (open < 0.9) continue;
        weight++;
        for (let k = 0; k < 3; k++) sums[k]! += colour[k * size * size + y * size + x]!;
      }
  }
  return weight < ENOUGH_WHITE ? null : sums.map((sum) => sum / weight);
}

/** 1 between the lids, 0 on them. They end in a ramp of about two pixels, of which the half towards the eye is lid as well. */
const openAt = (picture: EyesPicture, x: number, y: number): number => Math.max(0, 1 - 2 * picture.lid(x, y));

const around = ({ size }: EyesPicture, [cx, cy]: Point, reach: number): [number, number, number, number] =>
  [cx - reach, cx + reach, cy - reach, cy + reach].map((v) => Math.min(size - 1, Math.max(0, Math.round(v)))) as [
    number,
    number,
    number,
    number,
  ];

interface EyeFrame {
  middle: Point;
  /** Unit vector from the left corner to the right. */
  axis: Point;
  width: number;
  /** Between the lids. */
  opening: number;
}

function frameOf(corners: readonly Point[], lids: readonly Point[]): EyeFrame {
  const [[x0, y0], [x1, y1]] = corners as [Point, Point];
  const [[ux, uy], [lx, ly]] = lids as [Point, Point];
  const width = Math.hypot(x1 - x0, y1 - y0) || 1;
  return {
    middle: [(x0 + x1) / 2, (y0 + y1) / 2],
    axis: [(x1 - x0) / width, (y1 - y0) / width],
    width,
    opening: Math.hypot(lx - ux, ly - uy),
  };
}

/** Along the eye's axis and across it, from its middle. */
function within({ middle, axis }: EyeFrame, [x, y]: Point): Point {
  const [dx, dy] = [x - middle[0], y - middle[1]];
  return [dx * axis[0] + dy * axis[1], dy * axis[0] - dx * axis[1]];
}

function disc(
  picture: EyesPicture,
  middle: Point,
  radius: number,
  profile: readonly number[],
  light: readonly number[],
  shown: number,
): void {
  const { size, colour, softness } = picture;
  const [cx, cy] = middle;
  if (!(cx > 0 && cy > 0 && cx < size && cy < size)) return;
  const edge = 1 + softness;
  const [steps, plane] = [profile.length / 3 - 1, size * size];
  const box = around(picture, middle, radius + edge);
  const glint = glintOf(picture, box);
  for (let y = box[2]; y <= box[3]; y++) {
    for (let x = box[0]; x <= box[1]; x++) {
      const away = Math.sqrt((x - cx) ** 2 + (y - cy) ** 2);
      const share = shown * Math.min(1, Math.max(0, (radius - away) / edge + 0.5)) * openAt(picture, x, y);
      if (!(share > 0)) continue;
      const ring = Math.min(steps - 1e-6, (away / radius) * steps);
      const inner = Math.floor(ring);
      const part = ring - inner;
      const down = Math.max(0, (y - cy + radius) / (LID_REACH * radius));
      const shadow = 1 - LID_SHADOW * Math.max(0, 1 - down);
      const at = y * size + x;
      picture.painted[at] = share;
      for (let k = 0; k < 3; k++) {
        const painted = profile[3 * inner + k]! * (1 - part) + profile[3 * inner + 3 + k]! * part;
        const there = colour[k * plane + at]!;
        const wanted = Math.min(1, painted * light[k]! * shadow + Math.max(0, there - glint));
        colour[k * plane + at] = there + (wanted - there) * share;
      }
    }
  }
}

/** What is brighter than this, of the pixels around an iris, is a glint. */
function glintOf({ size, colour }: EyesPicture, [x0, x1, y0, y1]: readonly [number, number, number, number]): number {
  let [sum, count] = [0, 0];
  for (let y = y0; y <= y1; y++)
    for (let x = x0; x <= x1; x++) {
      sum += colour[size * size + y * size + x]!;
      count++;
    }
  return sum / Math.max(1, count) + GLINT;
}
