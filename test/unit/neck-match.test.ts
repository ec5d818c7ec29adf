import { describe, expect, it } from 'vitest';
import { deltaE2000, labOf } from '../../server/colour/difference.ts';
import { NeckMatch } from '../../server/engine/neck-match.ts';
import { LANDMARKS, type Track } from '../../server/face/types.ts';
import { i420Bytes, type Picture, UNKNOWN_COLOUR } from '../../server/frame/frame.ts';

const [WIDTH, HEIGHT] = [320, 240];
type Rgb = readonly [number, number, number];
const FACE: Rgb = [196, 152, 130];
const NECK: Rgb = [170, 126, 106];
const SHIRT: Rgb = [60, 70, 150];

/** A face from (130, 40) to (190, 140), and below it whatever the neck is to be. */
function picture(face: Rgb, neck: Rgb, captureUs = 0): Picture {
  const bytes = new Uint8Array(i420Bytes(WIDTH, HEIGHT));
  const luma = bytes.subarray(0, WIDTH * HEIGHT);
  const blue = bytes.subarray(luma.length, luma.length * 1.25);
  const red = bytes.subarray(luma.length * 1.25);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const [r, g, b] = y < 142 ? face : neck;
      const value = 0.2126 * r + 0.7152 * g + 0.0722 * b;
      luma[y * WIDTH + x] = Math.round(16 + (219 / 255) * value);
      const chroma = (y >> 1) * (WIDTH >> 1) + (x >> 1);
      blue[chroma] = Math.round(128 + ((224 / 255) * (b - value)) / 1.8556);
      red[chroma] = Math.round(128 + ((224 / 255) * (r - value)) / 1.5748);
    }
  }
  return {
    at: 0,
    format: 'i420',
    width: WIDTH,
    height: HEIGHT,
    planes: [luma, blue, red],
    colour: { ...UNKNOWN_COLOUR, matrix: 'bt709' },
    id: { feed: 'test', rtpTs: 0, captureUs },
  };
}

function track(yawDeg = 0): Track {
  const points = new Float32Array(3 * LANDMARKS);
  for (let i = 0; i < LANDMARKS; i++) points.set([140 + (i % 40), 80 + (i % 50), 0], 3 * i);
  points.set([160, 80, 0], 3 * 168);
  points.set([160, 140, 0], 3 * 152);
  return {
    ...{ id: 7, state: 'known', box: { x: 130, y: 40, w: 60, h: 100 }, yawDeg, pitchDeg: 0, rollDeg: 0 },
    ...{ landmarks: { points, presence: 1, crop: { cx: 160, cy: 90, size: 120, rot: 0 } } },
    ...{ confidence: 1, ageFrames: 30, lostFrames: 0 },
  };
}

function read(match: NeckMatch, plate: Picture, program: Picture): void {
  const seen = match.plate(plate, track());
  if (seen) match.program(program, track(), seen);
}

describe('a replaced face against its neck', () => {
  it('is CIEDE2000 of the colours that a monitor shows, in program and plate', () => {
    const match = new NeckMatch();
    const double: Rgb = [210, 150, 140];
    read(match, picture(FACE, NECK), picture(double, NECK));
    const reading = match.of(7, 0);
    expect(reading?.plate).toBeCloseTo(deltaE2000(labOf(...FACE), labOf(...NECK)), 0);
    expect(reading?.program).toBeCloseTo(deltaE2000(labOf(...double), labOf(...NECK)), 0);
  });

  it('is nothing where a collar or nothing at all is where the neck should be, or where the head is turned away', () => {
    const match = new NeckMatch();
    expect(match.plate(picture(FACE, SHIRT), track())).toBeNull();
    expect(match.plate(picture(FACE, NECK), track(50))).toBeNull();
    expect(match.plate(picture(FACE, NECK), { ...track(), landmarks: null })).toBeNull();
    expect(match.of(7, 0)).toBeNull();
  });

  it('is looked at five times a second, follows within seconds and is forgotten after two without a neck', () => {
    const match = new NeckMatch();
    read(match, picture(FACE, NECK), picture(FACE, NECK));
    expect(match.plate(picture(FACE, NECK, 100_000), track())).toBeNull();
    const level = match.of(7, 0)?.program ?? 0;
    const brighter: Rgb = [230, 180, 160];
    for (let us = 200_000; us <= 4_000_000; us += 200_000)
      read(match, picture(FACE, NECK, us), picture(brighter, NECK, us));
    const wanted = deltaE2000(labOf(...brighter), labOf(...NECK));
    expect(wanted).toBeGreaterThan(level + 5);
    expect(match.of(7, 4_000_000)?.program).toBeCloseTo(wanted, 0);
    expect(match.of(7, 6_100_000)).toBeNull();
  });
});
