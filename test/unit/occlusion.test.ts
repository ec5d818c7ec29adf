import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CELLS, COLUMNS, cellsAt, FINE, ROWS, WINDOW } from '../../server/double/occlusion/cells.ts';
import { readFaceShape } from '../../server/double/occlusion/face-place.ts';
import { partsOf } from '../../server/double/occlusion/hole-parts.ts';
import { HoleKeeper, type Judged } from '../../server/double/occlusion/holes.ts';
import { leaveOut } from '../../server/double/occlusion/leave-out.ts';
import { fitPose } from '../../server/double/pose.ts';
import { cropOf, SIZE } from '../../server/double/surface.ts';
import { LANDMARKS, type Landmarks } from '../../server/face/types.ts';
import { Arena } from '../../server/frame/arena.ts';

const shape = readFaceShape(fileURLToPath(new URL('../../models', import.meta.url)));
const FRAME_US = 33_333;
type Field = (x: number, y: number) => number;

/** A cell grid from a function of the crop's pixels. */
const cells = (of: Field): Float32Array =>
  Float32Array.from({ length: CELLS }, (_, i) =>
    of(WINDOW.left + 4 * (i % COLUMNS) + 1.5, WINDOW.top + 4 * Math.floor(i / COLUMNS) + 1.5),
  );

/** A head that looks into the camera, 8 pixels a centimetre. */
const points = new Float32Array(3 * LANDMARKS);
for (let i = 0; i < shape.canonical.length; i++) points[i] = 8 * shape.canonical[i]! + (i % 3 < 2 ? 200 : 0);
const landmarks: Landmarks = { points, presence: 1, crop: { cx: 200, cy: 200, size: 200, rot: 0 } };
const pose = fitPose(shape.canonical, points, shape.rigid);
const toCrop = cropOf(pose);
const inside: Field = (x, y) => Math.min(1, Math.max(0, 6 * (0.95 - Math.hypot((x - 128) / 75, (y - 128) / 95))));
/** Features of a face that no other has, two to five centimetres apart. */
const face: Field = (x, y) => 0.5 + 0.12 * Math.sin(x / 7) * Math.cos(y / 9) + 0.08 * Math.sin((x + 2 * y) / 11);
const hand: Field = (x, y) => 0.55 + 0.1 * Math.cos(x / 5 + y / 17);
/** From below the outline over the mouth. */
const mouth: Field = (x, y) => (x > 85 && x < 170 && y > 160 ? 1 : 0);
/** Frames round both eyes. */
const lenses: Field = (x, y) =>
  Math.abs(Math.hypot((Math.abs(x - 127.5) - 32) / 20, (y - 90) / 20) - 1) < 0.16 ? 1 : 0;
const nothing: Field = () => 0;

/** Of each channel, what luma is multiplied with. */
type Colours = readonly [Field, Field, Field];
const grey: Colours = [() => 1, () => 1, () => 1];

class Clip {
  readonly keeper = new HoleKeeper(shape);
  #frames = 0;

  /** Shows so many frames; answers what may be left out in the last. */
  show(frames: number, luma: Field, hole: Field, colours: Colours = grey): Uint8Array | null {
    let open: Uint8Array | null = null;
    for (let k = 0; k < frames; k++) {
      const judged: Judged = {
        trackId: 1,
        captureUs: FRAME_US * this.#frames++,
        landmarks,
        pose,
        toCrop,
        hole: cells(hole),
        fine: new Float32Array((WINDOW.width / FINE) * (WINDOW.height / FINE)),
        rim: cells(inside),
        plate: colours.map((of) => cells((x, y) => luma(x, y) * of(x, y))) as [
          Float32Array,
          Float32Array,
          Float32Array,
        ],
        drawn: { luma: () => 0.5, alpha: () => 1 },
      };
      open = this.keeper.judge(judged);
    }
    return open;
  }
}

const room = cells(inside);
/** Cells within the outline: beyond it nothing is drawn. */
const opened = (open: Uint8Array | null): number =>
  open?.reduce((sum, cell, i) => sum + (room[i]! > 0 ? cell : 0), 0) ?? 0;
const over =
  (hole: Field, there: Field, elsewhere: Field): Field =>
  (x, y) =>
    hole(x, y) ? there(x, y) : elsewhere(x, y);

describe('what may be left out of a drawn face', () => {
  it('is a hand that came before a face that is remembered', () => {
    const clip = new Clip();
    clip.show(20, face, nothing);
    const open = clip.show(4, over(mouth, hand, face), mouth);
    expect(opened(open)).toBeGreaterThan(100);
    // The forehead stays covered.
    expect(open?.[Math.floor((80 - WINDOW.top) / 4) * COLUMNS + Math.floor((128 - WINDOW.left) / 4)]).toBe(0);
  });

  it('is never what looks like the performer, whatever the network says', () => {
    const clip = new Clip();
    clip.show(20, face, nothing);
    expect(opened(clip.show(6, face, mouth))).toBe(0);
    expect(opened(clip.show(6, face, () => 1))).toBe(0);
  });

  it('nor what looks like them in a light that comes from another side, all at once', () => {
    const clip = new Clip();
    clip.show(20, face, nothing);
    const lit: Field = (x, y) => 0.6 * face(x, y) + 0.002 * (x - 128) + 0.001 * (y - 128) + 0.1;
    expect(opened(clip.show(6, lit, mouth))).toBe(0);
  });

  const skin: Colours = [() => 1.2, () => 1, () => 0.8];
  /** A grey of the skin's luma over the mouth. */
  const covered = skin.map((of) => over(mouth, () => 1.0285, of)) as unknown as Colours;

  it('is a grey thing as bright as the skin that was there, at once', () => {
    const clip = new Clip();
    clip.show(20, face, nothing, skin);
    expect(opened(clip.show(1, face, mouth, covered))).toBeGreaterThan(100);
  });

  it('nor what a coloured light makes of the performer, on one side or all over, or where a channel is clipped', () => {
    const blue: Field = (x) => (x < 128 ? 1 : 1.6);
    const lights: Colours[] = [
      [() => 0.8, () => 1, () => 1.5],
      [() => 1, () => 1, blue],
    ];
    for (const [red, green, of] of lights) {
      const lit: Colours = [(x, y) => 1.2 * red(x, y), green, (x, y) => 0.8 * of(x, y)];
      const clip = new Clip();
      clip.show(20, face, nothing, skin);
      expect(opened(clip.show(6, face, mouth, lit))).toBe(0);
    }
    const bright: Field = (x, y) => Math.min(1, face(x, y) + 0.35);
    const clip = new Clip();
    clip.show(20, bright, nothing, skin);
    expect(opened(clip.show(6, bright, mouth, covered))).toBe(0);
    // A highlight that goes is no colour that comes: the red of one as bright as the skin is clipped here.
    const shiny: Colours = [
      over(
        mouth,
        () => 4,
        () => 1.2,
      ),
      over(
        mouth,
        () => 0.168,
        () => 1,
      ),
      () => 0.8,
    ];
    const other = new Clip();
    other.show(20, face, nothing, shiny);
    expect(opened(other.show(6, face, mouth, skin))).toBe(0);
  });

  it('is all of a hand, a fingertip as bright as the cheek that was there too', () => {
    const tip: Field = (x, y) => (Math.abs(x - 128) < 12 && y > 165 && y < 190 ? 1 : 0);
    const clip = new Clip();
    clip.show(20, face, nothing);
    const open = clip.show(6, over(tip, face, over(mouth, hand, face)), mouth)!;
    const at = Math.floor((176 - WINDOW.top) / 4) * COLUMNS + Math.floor((128 - WINDOW.left) / 4);
    expect(open[at]).toBe(1);
  });

  it('nor anything broad before the face has been learnt', () => {
    const clip = new Clip();
    expect(opened(clip.show(4, over(mouth, hand, face), mouth))).toBe(0);
    expect(clip.keeper.last?.why).toBe('not learnt');
  });

  it('is the frame of spectacles that were worn from the first picture on, two lenses without a bridge too', () => {
    const clip = new Clip();
    const dark = over(lenses, () => 0.1, face);
    expect(opened(clip.show(6, dark, lenses))).toBe(0);
    expect(opened(clip.show(14, dark, lenses))).toBeGreaterThan(80);
    // As soon as none is found, none is left out.
    expect(opened(clip.show(1, face, nothing))).toBe(0);
  });

  it('at once where rings and a bridge are seen, and half of it where the rest is missed once', () => {
    const bridge: Field = (x, y) => (Math.abs(x - 127.5) < 14 && Math.abs(y - 90) < 4 ? 1 : 0);
    const whole: Field = (x, y) => Math.max(lenses(x, y), bridge(x, y));
    const left: Field = (x, y) => (x < 128 ? lenses(x, y) : 0);
    const clip = new Clip();
    const dark = over(whole, () => 0.1, face);
    expect(opened(clip.show(1, dark, whole))).toBe(0);
    const all = opened(clip.show(2, dark, whole));
    expect(all).toBeGreaterThan(80);
    expect(opened(clip.show(1, dark, left))).toBeGreaterThan(0.3 * all);
    expect(opened(clip.show(24, dark, left))).toBe(0);
  });

  it('stays where a hand is missed for a picture or two, not where the face is to be seen again', () => {
    const half: Field = (x, y) => (x < 125 ? mouth(x, y) : 0);
    const shown = (after: Field): number[] => {
      const clip = new Clip();
      clip.show(20, face, nothing);
      const before = opened(clip.show(6, over(mouth, black, face), mouth));
      return [before, opened(clip.show(1, after, half)), opened(clip.show(2, after, half))];
    };
    const black: Field = () => 0.1;
    const [before, missed, later] = shown(over(mouth, black, face));
    expect(missed).toBeGreaterThan(0.9 * before!);
    expect(later).toBeLessThan(0.7 * before!);
    const [, gone] = shown(over(half, black, face));
    expect(gone).toBeLessThan(0.7 * before!);
  });

  it('nor brows, nor what goes round one eye only', () => {
    const brows: Field = (x, y) => (y < 80 ? lenses(x, y) : 0);
    const one: Field = (x, y) => (x < 127 ? lenses(x, y) : brows(x, y));
    for (const hole of [brows, one])
      expect(
        opened(
          new Clip().show(
            20,
            over(hole, () => 0.1, face),
            hole,
          ),
        ),
      ).toBe(0);
  });

  it('at once where it is nothing like what was there a moment ago', () => {
    const black: Field = () => 0.1;
    const clip = new Clip();
    clip.show(20, face, nothing);
    expect(opened(clip.show(1, over(mouth, black, face), mouth))).toBeGreaterThan(100);
  });

  it('is never most of the face at once, but where a hand comes nearer by degrees', () => {
    const from =
      (top: number): Field =>
      (_, y) =>
        y > top ? 1 : 0;
    const palm: Field = (x) => 0.1 + 0.002 * Math.abs(x - 128);
    const show = (clip: Clip, top: number, frames = 1): number =>
      opened(clip.show(frames, over(from(top), palm, face), from(top)));
    const clip = new Clip();
    clip.show(20, face, nothing);
    expect(show(clip, 70, 3)).toBe(0);
    expect(clip.keeper.last?.why).toBe('too much');
    const nearer = new Clip();
    nearer.show(20, face, nothing);
    expect(show(nearer, 120, 3)).toBeGreaterThan(400);
    expect(show(nearer, 70)).toBeGreaterThan(900);
  });

  it('nor what floats before a face: hands and things reach in from its outline', () => {
    const floats: Field = (x, y) => (Math.hypot(x - 128, y - 150) < 30 ? 1 : 0);
    const clip = new Clip();
    clip.show(20, face, nothing);
    expect(opened(clip.show(6, over(floats, hand, face), floats))).toBe(0);
  });

  it('nor what looks like a frame where the performer’s own eyes were to be seen and are', () => {
    const clip = new Clip();
    clip.show(20, face, nothing);
    const shaded: Field = (x, y) => face(x, y) - 0.01 * lenses(x, y);
    expect(opened(clip.show(20, shaded, lenses))).toBe(0);
    expect(
      opened(
        clip.show(
          20,
          over(lenses, () => 0.1, face),
          lenses,
        ),
      ),
    ).toBeGreaterThan(80);
  });

  it('is hair that hangs over the outline from the first picture on, at the forehead only, and no deeper', () => {
    const clip = new Clip();
    const hair: Field = (_, y) => (y < 47 ? 1 : 0);
    const grey = over(hair, () => 0.7, face);
    expect(opened(clip.show(1, grey, hair))).toBe(0);
    const open = clip.show(1, grey, hair)!;
    expect(opened(open)).toBeGreaterThan(15);
    const lowest = WINDOW.top + 4 * Math.floor(open.lastIndexOf(1) / COLUMNS);
    expect(lowest).toBeLessThan(60);
    const chin: Field = (_, y) => (y > 208 ? 1 : 0);
    expect(
      opened(
        new Clip().show(
          12,
          over(chin, () => 0.7, face),
          chin,
        ),
      ),
    ).toBe(0);
  });

  it('is forgotten with the face', () => {
    const clip = new Clip();
    clip.show(20, face, nothing);
    clip.keeper.forget(1);
    clip.show(1, over(mouth, hand, face), mouth);
    expect(clip.keeper.last?.why).toBe('not learnt');
  });
});

it('a hole has parts that hang together, and specks are none', () => {
  const hole = new Float32Array(CELLS);
  const fill = (x: number, y: number, w: number, h: number): void => {
    for (let v = y; v < y + h; v++) hole.fill(1, v * COLUMNS + x, v * COLUMNS + x + w);
  };
  fill(10, 30, 8, ROWS - 30);
  fill(8, 10, 30, 2);
  fill(30, 30, 3, 3);
  const parts = partsOf(hole, cells(inside)).toSorted((a, b) => b.broad.length - a.broad.length);
  expect(parts.map(({ cells: all, broad, fromOutline }) => [all.length, broad.length, fromOutline])).toEqual([
    [8 * (ROWS - 30), 8 * (ROWS - 30), true],
    [60, 0, true],
  ]);
});

it('cells are read between their middles', () => {
  const ramp = cells((x) => x / SIZE);
  const out = new Float32Array(2);
  cellsAt([ramp, cells((_, y) => y / SIZE)], 100, 110, out);
  expect(out[0]! * SIZE).toBeCloseTo(100, 3);
  expect(out[1]! * SIZE).toBeCloseTo(110, 3);
});

describe('a face with a hole', () => {
  const hole = new Float32Array((WINDOW.width / FINE) * (WINDOW.height / FINE)).fill(1);
  const open = new Uint8Array(CELLS);
  for (const row of [19, 20, 21]) open.fill(1, row * COLUMNS + 19, row * COLUMNS + 22);
  const [x0, y0] = [WINDOW.left + 80, WINDOW.top + 80];
  const holes = { hole, open, toCrop: [1, 0, 0, 0, 1, 0] as const };

  function faceOf(size: number, crop: readonly [number, number, number, number, number, number]): Float32Array {
    const arena = new Arena(16);
    const at = arena.allocate(4 * size * size * 4);
    const alpha = arena.floats(at + 3 * size * size * 4, size * size).fill(0.8);
    leaveOut({ how: 'cover', at, size, toCrop: crop }, holes, arena);
    return alpha.slice();
  }

  it('shows the plate there, not with an edge of cells, and nowhere else', () => {
    const alpha = faceOf(SIZE, [1, 0, 0, 0, 1, 0]);
    const at = (x: number, y: number): number => alpha[y * SIZE + x]!;
    for (const [x, y] of [0, 1, 2, 3].flatMap((v) => [0, 1, 2, 3].map((u) => [x0 + u, y0 + v] as const)))
      expect(at(x, y)).toBe(0);
    expect(at(x0 - 4, y0)).toBeGreaterThan(0.4);
    expect(at(x0 - 4, y0)).toBeLessThan(0.8);
    expect(at(x0 - 5, y0)).toBeCloseTo(0.8, 5);
    expect(alpha.filter((value) => value < 0.79).length).toBeLessThanOrEqual(12 * 12);
  });

  it.each([128, 512])('shows it at the same place of the frame where the look draws %i pixels across', (size) => {
    const k = size / SIZE;
    const alpha = faceOf(size, [k, 0, 0, 0, k, 0]);
    expect(alpha[Math.round(k * (y0 + 2)) * size + Math.round(k * (x0 + 2))]).toBeCloseTo(0, 5);
    expect(alpha.filter((value) => value < 0.79).length).toBeLessThanOrEqual((k * 12) ** 2);
  });
});
