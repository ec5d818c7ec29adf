import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FlickerMeter } from '../../scripts/eval/flicker.ts';
import { keptPixels, maskIn } from '../../scripts/eval/masks.ts';
import { noiseRatio, rms } from '../../scripts/eval/steadiness.ts';
import { type Picture, UNKNOWN_COLOUR } from '../../server/frame/frame.ts';

const { positions } = JSON.parse(
  readFileSync(new URL('../../models/perception/face-mesh.json', import.meta.url), 'utf8'),
) as { positions: [number, number, number][] };
const SIDE = 160;

/** The canonical face, 7 pixels a centimetre, in the middle of the picture, moved by `dx`. */
const face = (dx = 0): Float32Array => {
  const points = new Float32Array(3 * 478);
  for (const [i, [x, y, z]] of positions.entries())
    points.set([SIDE / 2 + dx + 7 * x, SIDE / 2 - 7 * y, -7 * z], 3 * i);
  return points;
};

const picture = (frame: number, luma: (x: number, y: number) => number): Picture => ({
  at: 0,
  width: SIDE,
  height: SIDE,
  format: 'i420',
  colour: UNKNOWN_COLOUR,
  id: { feed: 'test', rtpTs: 3000 * frame, captureUs: (frame * 1e6) / 30 },
  planes: [
    Uint8Array.from({ length: SIDE * SIDE }, (_, i) => luma(i % SIDE, Math.floor(i / SIDE))),
    new Uint8Array((SIDE / 2) ** 2).fill(128),
    new Uint8Array((SIDE / 2) ** 2).fill(128),
  ],
});

let seed = 7;
const noise = (): number => {
  seed = (seed * 16807) % 2147483647;
  return (seed / 2147483647 - 0.5) * Math.sqrt(12);
};
const texture = (x: number, y: number): number => 120 + 40 * Math.sin(x / 5) * Math.cos(y / 6);

/** Twenty pictures of a still or moving face through the meter. */
function measure(
  plate: (frame: number) => Picture,
  program: (frame: number) => Picture,
  points: (frame: number) => Float32Array | null,
  state: 'still' | 'moving' | 'by speed',
): FlickerMeter['result'] {
  const meter = new FlickerMeter();
  for (let frame = 0; frame < 20; frame++)
    meter.add({ plate: plate(frame), program: program(frame), truth: null }, points(frame), state);
  meter.end();
  return meter.result;
}

describe('flicker', () => {
  test('is the deviation of independent noise, and of nothing that stays or changes evenly', () => {
    const still = (frame: number): Picture => picture(frame, (x, y) => texture(x, y) + frame);
    const noisy = (frame: number): Picture => picture(frame, (x, y) => Math.round(texture(x, y) + 4 * noise()));
    const { plate, program, truth } = measure(still, noisy, () => face(), 'still');
    expect(rms(plate.still.fine)).toBeLessThan(0.5);
    // Sampling between pixels takes a part of the noise.
    expect(rms(program.still.fine)).toBeGreaterThan(2);
    expect(rms(program.still.fine)).toBeLessThan(4.2);
    expect(rms(program.still.coarse)).toBeLessThan(1);
    expect(noiseRatio(program.still, plate.still)).toBeGreaterThan(3);
    expect(noiseRatio(plate.still, plate.still)).toBe(1);
    expect(noiseRatio(plate.still, truth.still)).toBeNaN();
  });

  test('a face that pumps as a whole shows in the coarse patches as much', () => {
    const pumping = (frame: number): Picture => picture(frame, (x, y) => texture(x, y) + (frame % 2 ? 3 : -3));
    const { program } = measure(
      (frame) => picture(frame, texture),
      pumping,
      () => face(),
      'still',
    );
    // ±3 alternating: second differences of 12, over √6.
    expect(rms(program.still.coarse)).toBeCloseTo(12 / Math.sqrt(6), 1);
    expect(rms(program.still.fine)).toBeCloseTo(12 / Math.sqrt(6), 1);
  });

  test('what moves with the face is not flicker; what jumps on it is', () => {
    const moved = (frame: number): Picture => picture(frame, (x, y) => texture(x - 2 * frame + 20, y));
    const jumping = (frame: number): Picture =>
      picture(frame, (x, y) => texture(x - 2 * frame + 20 + (frame % 2 ? 2 : -2), y));
    const { plate, program } = measure(moved, jumping, (frame) => face(2 * frame - 20), 'by speed');
    expect(plate.moving.fine.count).toBeGreaterThan(0);
    expect(plate.still.fine.count).toBe(0);
    expect(noiseRatio(program.moving, plate.moving)).toBeGreaterThan(3);
  });

  test('nothing is compared across a picture without its face', () => {
    const { plate } = measure(
      (frame) => picture(frame, texture),
      (frame) => picture(frame, texture),
      (frame) => (frame % 3 === 2 ? null : face()),
      'still',
    );
    expect(plate.still.fine.count).toBe(0);
  });
});

describe('masks', () => {
  const half = picture(0, (x) => (x < SIDE / 2 ? 235 : 16));

  test('what counts is the face and nothing before it', () => {
    const kept = picture(0, (_, y) => (y < SIDE / 2 ? 235 : 16));
    const mask = maskIn([SIDE / 2 - 2, SIDE / 2 - 2, 4, 4], half, kept);
    expect([...mask]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0]);
  });

  test('kept pixels are counted inside the outline of the face, and are the same within a few code values', () => {
    const plate = picture(0, () => 100);
    const all = keptPixels(
      plate,
      picture(0, () => 104),
      picture(0, () => 235),
      face(),
    );
    expect(all.same).toBe(all.count);
    // The canonical face is 15 cm wide and 18 high: an ellipse of that size, in pixels.
    const ellipse = ((Math.PI * 15 * 18) / 4) * 49;
    expect(all.count / ellipse).toBeGreaterThan(0.8);
    expect(all.count / ellipse).toBeLessThan(1.1);
    const painted = keptPixels(
      plate,
      picture(0, (x) => (x < SIDE / 2 ? 120 : 100)),
      picture(0, () => 235),
      face(),
    );
    expect(painted.same / painted.count).toBeCloseTo(0.5, 1);
    expect(
      keptPixels(
        plate,
        plate,
        picture(0, () => 16),
        face(),
      ).count,
    ).toBe(0);
  });
});
