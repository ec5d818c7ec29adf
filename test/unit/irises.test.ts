import { expect, test } from 'vitest';
import { type EyesPicture, Irises } from '../../server/double/irises.ts';

const SIZE = 128;
const PLANE = SIZE * SIZE;
/** A black pupil, a green iris, white from 6 pixels on (scale 10, radius 0.8). */
const IRIS = { radius: 0.8, profile: [0, 0, 0, 0, 0.4, 0, 0, 0.4, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5] };
const TO_CROP = [1, 0, 0, 0, 1, 0] as const;
/** The landmarks put irises too near to the eye's middle: those at 37 and 95 by a third of their way. */
const READ = 2 - 2 / 1.5;
/** Right and left eye on screen: corners, lids, iris. */
const PLACES = new Map<number, readonly [number, number]>([
  [33, [20, 60]],
  [133, [50, 60]],
  [159, [35, 52]],
  [145, [35, 68]],
  [468, [37 - READ, 60]],
  [362, [78, 60]],
  [263, [108, 60]],
  [386, [93, 52]],
  [374, [93, 68]],
  [473, [95 - READ, 60]],
]);

function landmarks(shift: readonly [number, number] = [0, 0]) {
  const points = new Float32Array(3 * 478);
  for (const [point, [x, y]] of PLACES) {
    const iris = point >= 468 ? shift : [0, 0];
    points.set([x + iris[0]!, y + iris[1]!, 0], 3 * point);
  }
  return { points, presence: 1, crop: { cx: 0, cy: 0, size: 1, rot: 0 } };
}

/** Eyes open as ellipses in skin; what shows in them is `white`. */
function eyes(white: number, change: Partial<EyesPicture> = {}, open = 8): EyesPicture & { lids: Float32Array } {
  const colour = new Float32Array(3 * PLANE).fill(0.3);
  const lids = new Float32Array(PLANE).fill(1);
  for (let y = 0; y < SIZE; y++)
    for (let x = 0; x < SIZE; x++) {
      if (![35, 93].some((cx) => ((x - cx) / 15) ** 2 + ((y - 60) / open) ** 2 < 1)) continue;
      lids[y * SIZE + x] = 0;
      for (let k = 0; k < 3; k++) colour[k * PLANE + y * SIZE + x] = white;
    }
  const movedFrom = change.movedFrom ?? ((x: number, y: number) => [x, y] as const);
  return {
    size: SIZE,
    colour,
    painted: new Float32Array(PLANE),
    lids,
    lid(x, y) {
      const [sx, sy] = movedFrom(x, y);
      return lids[Math.min(SIZE - 1, sy) * SIZE + Math.min(SIZE - 1, sx)]!;
    },
    movedFrom,
    place: (landmark) => PLACES.get(landmark)!,
    scale: 10,
    softness: 0,
    ...change,
  };
}

const at = ({ colour }: EyesPicture, x: number, y: number): number[] =>
  [0, 1, 2].map((k) => colour[k * PLANE + y * SIZE + x]!);

test('irises stand where the performer looks, lit as the white around them, and never on a lid', () => {
  const picture = eyes(0.8);
  const before = picture.colour.slice();
  new Irises(IRIS).paint(picture, landmarks(), TO_CROP, 1);
  for (const cx of [37, 95]) {
    expect(Math.max(...at(picture, cx, 60))).toBeLessThan(0.05);
    const [red, green, blue] = at(picture, cx, 63) as [number, number, number];
    // The profile's white, 0.5, is seen at 0.8: the green is lit by as much.
    expect(green).toBeCloseTo((0.4 * 0.8) / 0.5, 1);
    expect(Math.max(red, blue)).toBeLessThan(0.2);
  }
  for (let i = 0; i < PLANE; i++) if (picture.lids[i] === 1) expect(picture.colour[i]).toBe(before[i]);
});

test('they follow the gaze, the double’s proportions and what the network moves', () => {
  const darkest = (picture: EyesPicture): number => {
    const row = Array.from({ length: 64 }, (_, x) => at(picture, x, 60)[1]!);
    return row.indexOf(Math.min(...row));
  };
  const paint = (picture: EyesPicture, look = landmarks()): number => {
    new Irises(IRIS).paint(picture, look, TO_CROP, 1);
    return darkest(picture);
  };
  expect(paint(eyes(0.8))).toBe(37);
  expect(paint(eyes(0.8), landmarks([-5 / 1.5, 0]))).toBe(32);
  // An eye twice as far from the middle of the face, and as wide.
  expect(paint(eyes(0.8, { place: (landmark) => [PLACES.get(landmark)![0] - 2, PLACES.get(landmark)![1]] }))).toBe(35);
  // Everything is taken from two pixels further right: it comes to lie two pixels further left.
  expect(paint(eyes(0.8, { movedFrom: (x, y) => [x + 2, y] }))).toBe(35);
});

test('shut eyes, eyes beyond the picture and landmarks that are no numbers leave it as it was', () => {
  const irises = new Irises(IRIS);
  const shut = eyes(0.8, {}, 0);
  const before = shut.colour.slice();
  irises.paint(shut, landmarks(), TO_CROP, 1);
  expect(shut.colour).toEqual(before);
  const open = eyes(0.8);
  const kept = open.colour.slice();
  irises.paint(open, landmarks([500, 0]), TO_CROP, 1);
  irises.paint(open, landmarks([Number.NaN, 0]), TO_CROP, 2);
  expect(open.colour).toEqual(kept);
});

test('in a blink the light is remembered, per track, until the track is forgotten', () => {
  const irises = new Irises(IRIS);
  irises.paint(eyes(0.8), landmarks(), TO_CROP, 1);
  const narrow = (track: number): number => {
    // One row is open: too little white to tell the light.
    const picture = eyes(0.2, {}, 0.9);
    irises.paint(picture, landmarks(), TO_CROP, track);
    return at(picture, 34, 60)[1]!;
  };
  expect(narrow(1)).toBeGreaterThan(0.5);
  expect(narrow(2)).toBeCloseTo(0.2, 5);
  irises.forget(1);
  expect(narrow(1)).toBeCloseTo(0.2, 5);
});

test('in the slit that the landmarks of a shut eye leave there is no iris, and narrow eyes are not shut ones', () => {
  /** The lids' landmarks stand so far apart; the double's opening is as it was. */
  const paint = (irises: Irises, apart: number): number => {
    const look = landmarks();
    for (const [upper, lower] of [
      [159, 145],
      [386, 374],
    ] as const) {
      look.points[3 * upper + 1] = 60 - apart / 2;
      look.points[3 * lower + 1] = 60 + apart / 2;
    }
    const picture = eyes(0.8);
    irises.paint(picture, look, TO_CROP, 1);
    return at(picture, 37, 60)[1]!;
  };
  const wide = new Irises(IRIS);
  expect(paint(wide, 16)).toBeLessThan(0.05);
  expect(paint(wide, 5)).toBeCloseTo(0.8, 5);
  expect(paint(wide, 12)).toBeLessThan(0.05);
  expect(paint(new Irises(IRIS), 5)).toBeLessThan(0.4);
});

test('a glint stays', () => {
  const picture = eyes(0.6);
  for (let k = 0; k < 3; k++) picture.colour[k * PLANE + 58 * SIZE + 39] = 1;
  new Irises(IRIS).paint(picture, landmarks(), TO_CROP, 1);
  expect(at(picture, 39, 58)[0]).toBeGreaterThan(at(picture, 35, 58)[0]! + 0.1);
});
