import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAtRest } from '../../scripts/eval/at-rest.ts';
import { type AllMeasured, gatesOf, type Measured } from '../../scripts/eval/double-gates.ts';
import { RunResult } from '../../scripts/eval/double-run.ts';
import { summaryOf, tidy } from '../../scripts/eval/double-summary.ts';
import { type Performance, readPerformances } from '../../scripts/eval/performances.ts';
import { personAt, WhoWearsWhat } from '../../scripts/eval/wrong-person.ts';
import type { ShownFace } from '../../server/engine/face-stage.ts';

const FRAMES = 60;
/** A rig that moves everything a little differently. */
const rigAt = (i: number) => ({
  jaw: 0.5 + 0.5 * Math.sin(i / 3),
  smile: 0.5 + 0.5 * Math.sin(i / 7),
  blinkLeft: i % 20 < 3 ? 1 : 0,
  blinkRight: i % 20 < 3 ? 1 : 0,
  brows: Math.sin(i / 5),
});
const truth = {
  fps: 30,
  people: [{ name: 'somebody' }],
  light: 'steady',
  occluders: [] as string[],
  still: [0, 20],
  fast: null,
  frames: Array.from({ length: FRAMES }, (_, i) => ({
    people: [
      { person: 0, present: true, box: [0, 0, 9, 9], yawDeg: 0, gazeDeg: [20 * Math.cos(i / 4), 0], rig: rigAt(i) },
    ],
  })),
};

let folder: string;
let performance: Performance;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'performances-'));
  mkdirSync(join(folder, '01-talk'));
  writeFileSync(join(folder, '01-talk', 'truth.json'), JSON.stringify(truth));
  writeFileSync(join(folder, '01-talk', 'plate.mkv'), '');
  performance = readPerformances(folder)[0]!;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A run whose program says exactly what the rig does, scaled, with every third picture lost. */
function faithful(): RunResult {
  const result = new RunResult();
  for (let i = 0; i < FRAMES; i++) {
    const { jaw, smile, blinkLeft, brows } = rigAt(i);
    const one = { mouthOpen: 2 * jaw, blink: blinkLeft - 1, smile: 3 + smile, brow: brows / 2, gazeX: Math.cos(i / 4) };
    const found = i % 3 !== 2;
    result.frames++;
    if (found) result.replaced++;
    result.expressions.plate.push(one);
    result.expressions.program.push(found ? one : null);
    result.expressions.truth.push(one);
    const points = Float32Array.from({ length: 3 * 478 }, (_, k) => 9 * Math.sin(i / 3 + k));
    result.landmarks.plate.push(points);
    result.landmarks.program.push(found ? points : null);
  }
  result.psnr = [30, 32, 31];
  result.kept = { same: 3, count: 4 };
  return result;
}

const measured = (psnr: number, double: string, of = performance): Measured => ({
  double,
  clip: 'a',
  performance: of,
  summary: { ...summaryOf(faithful(), of), psnr_db: psnr },
});
const nothing: AllMeasured = {
  doubles: [],
  trained: [],
  crossings: [],
  ages: [],
  zero: [],
  times: 'no core to hold it on',
};

describe('what a run comes to', () => {
  test('a program that does what the rig does correlates fully; a stiff rig says nothing', () => {
    const summary = summaryOf(faithful(), performance);
    for (const { program } of Object.values(summary.transfer)) expect(program).toBeCloseTo(1, 6);
    expect(summary.replaced_pct).toBeCloseTo((100 * 2) / 3, 6);
    expect([summary.psnr_db, summary.kept_pct]).toEqual([31, 75]);
    expect(summary.ssim).toBeNaN();
    const stiff = { ...performance, frames: performance.frames.map(() => performance.frames[0]!) };
    expect(summaryOf(faithful(), stiff).transfer.corr_smile.program).toBeNaN();
    expect(summaryOf(faithful(), null).transfer.corr_smile.with_plate).toBeCloseTo(1, 6);
  });

  test('numbers that are none become null in the report', () => {
    expect(tidy({ a: Number.NaN, b: [1.23456, 'x'] })).toEqual({ a: null, b: [1.235, 'x'] });
  });
});

describe('gates of eval double', () => {
  test('are exactly those that were agreed, and each says why when nothing was measured', () => {
    const gates = gatesOf(nothing);
    expect(gates.map(({ id }) => id)).toEqual(
      [
        'psnr_db ssim corr_mouth_open corr_blink corr_smile corr_brow corr_gaze_x flicker_still flicker_moving lag_frames',
        'occluder_kept_pct light_de2000 light_sweep_de2000 wrong_person_frames age_gain_pct age_identity_shift_pct',
        'age_zero_error train_gap_db frame_ms_p50 double_ms_p50',
      ].flatMap((line) => line.split(' ')),
    );
    for (const { value, ok, why } of gates) expect([value, ok, Boolean(why)]).toEqual([null, false, true]);
  });

  test('a double made from footage is held against the mean of the bundled ones in the same clip', () => {
    const doubles = [measured(30, 'mara'), measured(28, 'ivo'), { ...measured(40, 'mara'), clip: 'b' }];
    const trained = [measured(27.5, 'mine'), { ...measured(10, 'mine'), clip: 'c' }];
    const gates = gatesOf({ ...nothing, doubles, trained });
    expect(gates.find(({ id }) => id === 'train_gap_db')).toMatchObject({ value: 1.5, ok: true, runs: 1 });
  });

  test('the worse double counts, and two clips by their mean', () => {
    const gates = gatesOf({
      ...nothing,
      doubles: [measured(30, 'mara'), measured(28, 'mara'), measured(20, 'ivo'), measured(24, 'ivo')],
    });
    expect(gates[0]).toMatchObject({ id: 'psnr_db', value: 22, ok: false, runs: 4, min: 20, max: 30 });
  });

  test('a swept light and an occluder count where they belong', () => {
    const swept = { ...performance, light: 'wall', occluders: ['hand'] };
    const of = (one: Performance) => gatesOf({ ...nothing, doubles: [measured(30, 'mara', one)] });
    const value = (gates: ReturnType<typeof gatesOf>, id: string) => gates.find((gate) => gate.id === id)?.value;
    expect([value(of(swept), 'occluder_kept_pct'), value(of(performance), 'occluder_kept_pct')]).toEqual([75, null]);
  });
});

describe('who wears what', () => {
  const people = (boxes: [number, number, number, number][]) =>
    boxes.map((box, person) => ({
      person,
      present: true,
      box,
      yawDeg: 0,
      gazeDeg: [0, 0] as [number, number],
      rig: rigAt(0),
    }));
  const face = (x: number, casting: string | null, kind: 'replace' | 'cover' = 'replace'): ShownFace => ({
    casting,
    neck: null,
    treatment: kind === 'cover' ? { kind, why: 'crossing' } : { kind },
    track: { id: x, box: { x, y: 0, w: 20, h: 20 } } as ShownFace['track'],
  });
  const apart = people([
    [0, 0, 20, 20],
    [60, 0, 20, 20],
  ]);

  test('a double on the other person is wrong, in each picture; a cover and an empty place are not', () => {
    const who = new WhoWearsWhat();
    who.add([face(0, 'p0'), face(60, 'p1')], apart);
    who.add([face(0, 'p0'), face(60, 'p1', 'cover')], apart);
    who.add([face(60, 'p0'), face(0, 'p1')], apart);
    who.add([face(0, null), face(200, 'p1')], apart);
    const { wrong, own_pct, own_after_pct, frames } = who.summary('x', 2);
    expect([wrong, frames]).toEqual([2, 4]);
    expect(own_pct).toEqual([50, 25]);
    expect(own_after_pct).toEqual([0, 0]);
  });

  test('where two faces overlap, the nearer middle says whose it is', () => {
    const near = people([
      [0, 0, 20, 20],
      [8, 0, 20, 20],
    ]);
    expect([personAt(face(1, null), near), personAt(face(7, null), near), personAt(face(90, null), near)]).toEqual([
      0,
      1,
      null,
    ]);
  });

  test('the gate counts all crossings, and none in which nobody wore a double', () => {
    const one = { clip: 'a', frames: 9, wrong: 2, own_pct: [50, 0], own_after_pct: [0, 0] };
    const value = (crossings: AllMeasured['crossings']) =>
      gatesOf({ ...nothing, crossings }).find(({ id }) => id === 'wrong_person_frames')?.value;
    expect(value([one, { ...one, wrong: 1 }])).toBe(3);
    expect(value([{ ...one, wrong: 0, own_pct: [0, 0] }])).toBeNull();
  });
});

describe('reading performances', () => {
  test('videos that are there have a path, others none', () => {
    expect(performance.name).toBe('01-talk');
    expect(performance.video('plate')).toMatch(/plate\.mkv$/);
    expect(performance.video('truth-mara')).toBeNull();
  });

  test('a folder without any, or with one that is not understood, is a sentence', () => {
    const broken = mkdtempSync(join(tmpdir(), 'performances-'));
    expect(() => readPerformances(broken)).toThrow(/holds no performances/);
    mkdirSync(join(broken, 'x'));
    writeFileSync(join(broken, 'x', 'truth.json'), JSON.stringify({ ...truth, fps: 'many' }));
    expect(() => readPerformances(broken)).toThrow(/"fps"/);
    rmSync(broken, { recursive: true });
  });
});

test('a performer is captured at rest: nothing moved, looking ahead', () => {
  const rig = { jaw: 0.02, smile: 0, blinkLeft: 0, blinkRight: 0, brows: -0.04 };
  const one = { ...performance.frames[0]!.people[0]!, rig };
  expect(isAtRest(one)).toBe(true);
  for (const part of Object.keys(rig)) expect(isAtRest({ ...one, rig: { ...rig, [part]: -0.2 } })).toBe(false);
  expect(isAtRest({ ...one, yawDeg: -20 })).toBe(false);
});
