import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { coverageOf, pageOf } from '../../scripts/own-double/coverage.ts';
import { fillHoles, type Map3 } from '../../scripts/own-double/even.ts';
import { listFootage } from '../../scripts/own-double/footage.ts';
import { PLANE, type Sight } from '../../scripts/own-double/observe.ts';
import { cardOf, licenceOf } from '../../scripts/own-double/papers.ts';
import { createProgress } from '../../scripts/own-double/progress.ts';
import type { Watched } from '../../scripts/own-double/watch.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-own-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const rest = { mouthOpen: 0.05, blink: -0.3, smile: 0, brow: 2, gazeX: 0 };
const crop = new Uint8Array(3 * PLANE).fill(120);
const sight = (over: Partial<Sight>): Sight => ({
  file: 'a.mp4',
  at: 0,
  age: null,
  landmarks: { points: new Float32Array(3 * 478), presence: 1, crop: { cx: 0, cy: 0, size: 1, rot: 0 } },
  canonical: new Float32Array(3 * 478),
  yaw: 0,
  pitch: 0,
  expression: rest,
  faceHeight: 300,
  blur: 0.7,
  cropPoints: new Float32Array(2 * 478).fill(128),
  crop,
  ...over,
});
const watched = (sights: Sight[]): Watched => ({
  sights,
  interval: 0.1,
  looked: sights.length,
  none: 0,
  several: 0,
  small: 0,
  portrait: null,
});
const many = (over: Partial<Sight>): Sight[] => Array.from({ length: 6 }, () => sight(over));

describe('what footage shows', () => {
  test('only a calm face from the front: everything else is to be shot', () => {
    const coverage = coverageOf(watched(many({})), rest);
    const gaps = coverage.cells.filter(({ views, wanted }) => views < wanted).map(({ name }) => name);
    expect(gaps).toContain('turned far to their left');
    expect(gaps).toContain('eyes shut');
    expect(gaps).not.toContain('facing the camera');
    expect(gaps).not.toContain('even light');
    expect(coverage.next.find((line) => line.includes('eyes gently shut'))).toMatch(/^Nothing of “eyes shut”: shoot /);
    expect(coverage.next.join(' ')).toContain('how old');
    expect(pageOf('mine', coverage)).toContain('| expression | eyes shut | 0 | 4 | **gap** |');
  });

  test('turned to their left is their left, and a span of ages is no double', () => {
    const coverage = coverageOf(watched([...many({ yaw: 40, age: 20 }), ...many({ age: 31 })]), rest);
    const cell = (name: string) => coverage.cells.find((one) => one.name === name)?.views;
    expect([cell('turned far to their left'), cell('turned far to their right')]).toEqual([6, 0]);
    expect(coverage.next.join(' ')).toContain('spans ages 20 to 31');
  });

  test('ages stand in names; a folder without pictures is refused with a sentence', () => {
    writeFileSync(join(dir, 'interview-age-34.mp4'), '');
    writeFileSync(join(dir, 'still.JPG'), '');
    writeFileSync(join(dir, 'notes.txt'), '');
    expect(listFootage(dir).map(({ name, age, still }) => [name, age, still])).toEqual([
      ['interview-age-34.mp4', 34, false],
      ['still.JPG', null, true],
    ]);
    expect(() => listFootage(join(dir, 'nowhere'))).toThrow(/^There is no folder .*: name the folder/);
  });
});

test('holes are filled from their rims, and what is known stays', () => {
  const side = 16;
  const map: Map3 = {
    side,
    planes: [0.2, 0.4, 0.6].map((value) => new Float32Array(side * side).fill(value)) as Map3['planes'],
    known: new Float32Array(side * side).fill(1),
  };
  for (let y = 5; y < 9; y++)
    for (let x = 5; x < 9; x++) {
      map.known[y * side + x] = 0;
      for (const plane of map.planes) plane[y * side + x] = 9;
    }
  fillHoles(map);
  for (const [c, value] of [0.2, 0.4, 0.6].entries())
    for (const found of map.planes[c]!) expect(found).toBeCloseTo(value, 5);
});

test('a licence is a draft that nobody has signed', () => {
  const coverage = coverageOf(watched(many({})), rest);
  const made = {
    name: 'mine',
    kind: 'learned',
    network: 'mara',
    eyes: { before: 28.2, after: 15.6 },
    coverage,
    seen: 1,
    model: 'ab12',
    day: '2026-01-01',
  } as const;
  const files = [{ name: 'a.mp4', sha256: 'cd34' }];
  const draft = licenceOf({ ...made, fictional: false, files });
  for (const part of ['DRAFT', 'not valid until', 'ab12', 'cd34', 'Signature ____']) expect(draft).toContain(part);
  expect(cardOf({ ...made, fictional: false, files })).toContain('15.6 code values off instead of 28.2');
});

test('progress says how far it is and how long it will take, once a second at most', () => {
  const lines: string[] = [];
  const progress = createProgress([1, 1], (line) => lines.push(line));
  progress.tell('looking', 0.5);
  progress.tell('looking', 0.6);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^ 25 % looking, about \d+ s left\n$/);
});
