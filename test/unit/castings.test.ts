import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { Castings, type Claim } from '../../server/engine/casting/castings.ts';
import { readHead } from '../../server/engine/casting/head.ts';
import { readShapeModel, type ShapeModel } from '../../server/engine/casting/shape.ts';
import { LANDMARKS, type Track } from '../../server/face/types.ts';
import type { NeutralFace } from '../../server/wire/casting.ts';

const MODELS = fileURLToPath(new URL('../../models', import.meta.url));
const head = readHead(MODELS);
const FRAME_US = 33_333;
const WIDTH = 1280;

/** Points of the outline that the pose is not fitted to: what a person is told by here, one direction each. */
const OUTLINE = [93, 323, 58, 288];
const SPREAD = 0.05;
const model: ShapeModel = {
  points: OUTLINE,
  basis: OUTLINE.map((_, k) => Float32Array.from({ length: 12 }, (_v, at) => (at === 3 * k ? 1 / SPREAD : 0))),
  between: OUTLINE.map(() => 400),
};

/** How far somebody's outline lies from the average, in a person's own spreads. */
type Person = readonly [number, number, number, number];
const ANNA: Person = [6, -5, 4, 7];
const BERT: Person = [-6, 4, -7, -3];
const STRANGER: Person = [3, 6, -2, -6];

const jaw =
  (open: number) =>
  (k: number): number =>
    k === 14 ? open : 0;

function pointsOf(person: Person, x: number, y: number, scale: number, mouth = jaw(0)): Float32Array {
  const points = new Float32Array(3 * LANDMARKS);
  for (let k = 0; k < LANDMARKS; k++) {
    const side = OUTLINE.indexOf(k);
    const own = side < 0 ? 0 : (person[side] ?? 0) * SPREAD;
    points[3 * k] = x + scale * ((head.canonical[3 * k] ?? 0) + own);
    points[3 * k + 1] = y + scale * ((head.canonical[3 * k + 1] ?? 0) + mouth(k));
    points[3 * k + 2] = scale * (head.canonical[3 * k + 2] ?? 0);
  }
  return points;
}

interface Shown {
  id: number;
  person: Person;
  x: number;
  state?: Track['state'];
  yaw?: number;
  pitch?: number;
  mouth?: number;
}

function trackOf({ id, person, x, state = 'known', yaw = 0, pitch = 0, mouth = 0 }: Shown): Track {
  const seen = state === 'known' || state === 'ambiguous';
  const points = pointsOf(person, x, 360, 8, jaw(mouth));
  return {
    id,
    state,
    box: { x: x - 60, y: 290, w: 120, h: 140 },
    landmarks: seen ? { points, presence: 1, crop: { cx: x, cy: 360, size: 200, rot: 0 } } : null,
    yawDeg: yaw,
    pitchDeg: pitch,
    rollDeg: 0,
    confidence: 1,
    ageFrames: 9,
    lostFrames: 0,
  };
}

const neutralOf = (person: Person): NeutralFace => ({
  points: [...pointsOf(person, 0, 0, 1)],
  spread: 0.03,
  atMs: 1,
});
const cast = (id: string, neutral: NeutralFace | null = null) => ({
  casting: { id, performer: id, look: 'mara', age: 0 },
  neutral,
});

describe('who is who', () => {
  let castings: Castings;
  let us: number;

  beforeEach(() => {
    castings = new Castings({ head, model });
    us = 0;
  });

  /** Shows so many pictures. @returns what each face was taken for in each of them, by track. */
  function show(frames: number, faces: (frame: number) => Shown[]): Map<number, string[]> {
    const seen = new Map<number, string[]>();
    for (let i = 0; i < frames; i++) {
      us += FRAME_US;
      const shown = faces(i);
      castings.see(shown.map(trackOf), us, WIDTH);
      for (const { id } of shown) seen.set(id, [...(seen.get(id) ?? []), words(castings.claim(id))]);
    }
    return seen;
  }
  const words = (claim: Claim): string => (claim.kind === 'cast' ? claim.casting.id : claim.kind);
  const last = (seen: Map<number, string[]>, id: number): string | undefined => seen.get(id)?.at(-1);

  /** Anna, cast, at 300 as track 1, and Bert, cast, at 900 as track 2. */
  function both(neutrals = true): void {
    castings.set([cast('anna', neutrals ? neutralOf(ANNA) : null), cast('bert', neutrals ? neutralOf(BERT) : null)]);
    castings.bind('anna', 1);
    castings.bind('bert', 2);
    const seen = show(20, () => [
      { id: 1, person: ANNA, x: 300 },
      { id: 2, person: BERT, x: 900 },
    ]);
    expect([last(seen, 1), last(seen, 2)]).toEqual(['anna', 'bert']);
  }
  function annaAlone(neutral = true): void {
    castings.set([cast('anna', neutral ? neutralOf(ANNA) : null)]);
    castings.bind('anna', 1);
    expect(
      last(
        show(20, () => [{ id: 1, person: ANNA, x: 300 }]),
        1,
      ),
    ).toBe('anna');
  }

  test('nobody cast: every face is nobody’s; somebody cast but not yet shown: any face may be theirs', () => {
    expect(
      last(
        show(3, () => [{ id: 1, person: ANNA, x: 300 }]),
        1,
      ),
    ).toBe('none');
    castings.set([cast('anna')]);
    expect(
      last(
        show(30, () => [{ id: 1, person: ANNA, x: 300 }]),
        1,
      ),
    ).toBe('unsure');
    castings.bind(null, 1);
    expect(
      last(
        show(3, () => [{ id: 1, person: ANNA, x: 300 }]),
        1,
      ),
    ).toBe('none');
    castings.bind('anna', 1);
    expect(
      last(
        show(3, () => [{ id: 1, person: ANNA, x: 300 }]),
        1,
      ),
    ).toBe('anna');
    expect(castings.states).toEqual([{ id: 'anna', track: 1, neutral: 'none', missed: null }]);
  });

  test('after an exit the performer is known again by face and place, and covered until then', () => {
    annaAlone();
    show(60, () => []);
    expect(castings.states[0]?.track).toBeNull();
    const seen = show(20, () => [{ id: 5, person: ANNA, x: 320 }]).get(5) ?? [];
    expect(seen[0]).toBe('unsure');
    expect(seen.at(-1)).toBe('anna');
    expect(new Set(seen)).toEqual(new Set(['unsure', 'anna']));
  });

  test('another engine knows them again by their face and by where the one before it saw them last, and not by one alone', () => {
    const place = { x: 300 / WIDTH, y: 360 / WIDTH, w: 120 / WIDTH, captureUs: 0 };
    const shown = (last: typeof place | null, person: Person) => {
      castings = new Castings({ head, model });
      us = 500_000;
      castings.set([{ ...cast('anna', neutralOf(ANNA)), last }]);
      return show(30, () => [{ id: 1, person, x: 340 }]).get(1) ?? [];
    };
    expect(shown(place, ANNA).at(-1)).toBe('anna');
    expect(shown(null, ANNA)).not.toContain('anna');
    expect(shown({ ...place, x: 0.9 }, ANNA)).not.toContain('anna');
    expect(shown(place, STRANGER)).not.toContain('anna');
  });

  test('somebody else who comes to their place is never taken for them, and at last for nobody', () => {
    annaAlone();
    show(30, () => []);
    const seen = show(40, () => [{ id: 5, person: STRANGER, x: 300 }]).get(5) ?? [];
    expect(seen).not.toContain('anna');
    expect(seen.slice(0, 10)).not.toContain('none');
    expect(seen.at(-1)).toBe('none');
  });

  test('their own face at another place where they cannot be so soon waits for the operator', () => {
    annaAlone();
    show(3, () => []);
    const seen = show(40, () => [{ id: 5, person: ANNA, x: 1100 }]).get(5) ?? [];
    expect(new Set(seen)).toEqual(new Set(['unsure']));
    castings.bind('anna', 5);
    expect(
      last(
        show(2, () => [{ id: 5, person: ANNA, x: 1100 }]),
        5,
      ),
    ).toBe('anna');
  });

  /** Two faces meet in the middle and part; the tracker may have swapped them. */
  function crossing(left: Person, right: Person): Map<number, string[]> {
    show(10, (i) => [
      { id: 1, person: ANNA, x: 300 + 28 * i },
      { id: 2, person: BERT, x: 900 - 28 * i },
    ]);
    const meeting = show(10, () => [
      { id: 1, person: left, x: 590, state: 'ambiguous' },
      { id: 2, person: right, x: 630, state: 'ambiguous' },
    ]);
    const parted = show(25, (i) => [
      { id: 1, person: left, x: 570 - 8 * Math.min(i, 20) },
      { id: 2, person: right, x: 650 + 8 * Math.min(i, 20) },
    ]);
    return new Map([1, 2].map((id) => [id, [...(meeting.get(id) ?? []).slice(1), ...(parted.get(id) ?? [])]]));
  }

  test.each([
    ['swapped', BERT, ANNA, ['bert', 'anna']],
    ['not swapped', ANNA, BERT, ['anna', 'bert']],
  ] as const)(
    'two performers behind each other, tracks %s: each gets their own look back',
    (_what, left, right, own) => {
      both();
      const seen = crossing(left, right);
      expect([last(seen, 1), last(seen, 2)]).toEqual(own);
      // A face in a crossing is covered by its state, whosever it was; afterwards no picture may be wrong.
      const parted = [1, 2].map((id) => new Set(seen.get(id)?.slice(9)));
      expect(parted).toEqual(own.map((name) => new Set(['unsure', name])));
    },
  );

  test('a face too unlike itself to be known after an exit is known after a crossing, where it can only be one of two', () => {
    const tired = ANNA.map((value) => value + 2.6) as unknown as Person;
    both();
    const crossed = crossing(BERT, tired);
    expect([last(crossed, 1), last(crossed, 2)]).toEqual(['bert', 'anna']);
    show(60, () => []);
    expect(new Set(show(40, () => [{ id: 9, person: tired, x: 700 }]).get(9))).toEqual(new Set(['unsure']));
  });

  test('twins behind each other stay covered until the operator has told one, and the other follows from it', () => {
    castings.set([cast('anna', neutralOf(ANNA)), cast('bert', neutralOf(ANNA))]);
    castings.bind('anna', 1);
    castings.bind('bert', 2);
    const seen = crossing(ANNA, ANNA);
    expect([1, 2].map((id) => new Set(seen.get(id)?.slice(9)))).toEqual([new Set(['unsure']), new Set(['unsure'])]);
  });

  test('a stranger who passes before a performer takes nothing over', () => {
    castings.set([cast('anna', neutralOf(ANNA))]);
    castings.bind('anna', 1);
    const seen = crossing(STRANGER, ANNA);
    expect(seen.get(1)?.slice(9)).not.toContain('anna');
    expect(last(seen, 2)).toBe('anna');
  });

  describe('without a face at rest', () => {
    test('a moment’s loss at the same place, alone, changes nothing; a longer one needs a tap', () => {
      annaAlone(false);
      show(6, () => [{ id: 1, person: ANNA, x: 300, state: 'lost' }]);
      expect(
        last(
          show(1, () => [{ id: 1, person: ANNA, x: 310 }]),
          1,
        ),
      ).toBe('anna');
      show(20, () => [{ id: 1, person: ANNA, x: 310, state: 'lost' }]);
      expect(
        last(
          show(30, () => [{ id: 1, person: ANNA, x: 310 }]),
          1,
        ),
      ).toBe('unsure');
    });

    test('a moment’s loss with another face near needs a tap', () => {
      annaAlone(false);
      const other = { id: 7, person: BERT, x: 440 };
      show(5, () => [{ id: 1, person: ANNA, x: 300 }, other]);
      show(3, () => [{ id: 1, person: ANNA, x: 300, state: 'lost' }, other]);
      expect(
        last(
          show(30, () => [{ id: 1, person: ANNA, x: 300 }, other]),
          1,
        ),
      ).toBe('unsure');
    });

    test('a leap from one picture to the next is not the same face', () => {
      annaAlone(false);
      expect(
        last(
          show(1, () => [{ id: 1, person: ANNA, x: 420 }]),
          1,
        ),
      ).toBe('unsure');
    });
  });

  describe('without a face at rest, but calm since the tap', () => {
    const anna = { id: 1, person: ANNA, x: 300 };
    const state = () => castings.states[0]?.neutral;
    const back = (person: Person) => {
      show(30, () => []);
      return show(40, () => [{ id: 5, person, x: 300 }]).get(5) ?? [];
    };

    test('a performer is learned, and known again after an exit; somebody else is not; it is told to nobody', () => {
      const told: string[] = [];
      castings.captured = (id) => void told.push(id);
      annaAlone(false);
      expect(state()).toBe('none');
      show(40, () => [anna]);
      expect(state()).toBe('learned');
      expect(castings.claim(1)).toMatchObject({ kind: 'cast', neutral: null });
      expect(new Set(back(ANNA))).toEqual(new Set(['unsure', 'anna']));
      expect(back(STRANGER)).not.toContain('anna');
      expect(told).toEqual([]);
    });

    test.each([
      ['who speaks all the time', () => [{ ...anna, mouth: Math.sin(us / 1e5) }]],
      ['whom another face comes near', () => [anna, { id: 2, person: BERT, x: us < 1_000_000 ? 480 : 1100 }]],
      ['who is not who was tapped any more', () => [{ ...anna, person: us < 600_000 ? ANNA : STRANGER }]],
    ] as const)('a performer %s is not', (_what, faces) => {
      castings.set([cast('anna')]);
      castings.bind('anna', 1);
      show(120, () => [...faces()]);
      expect(state()).toBe('none');
      expect(back(ANNA)).not.toContain('anna');
    });

    test('what was learned does not hold against the operator: not them, or another face is theirs', () => {
      annaAlone(false);
      show(40, () => [anna]);
      castings.bind(null, 1);
      show(2, () => [anna]);
      expect(state()).toBe('none');
      castings.bind('anna', 1);
      show(60, () => [anna]);
      expect(state()).toBe('learned');
      castings.bind('anna', 7);
      show(2, () => [anna, { id: 7, person: BERT, x: 900 }]);
      expect(state()).toBe('none');
    });

    test('a captured face takes its place, and is never replaced by a learned one', () => {
      annaAlone(false);
      show(40, () => [anna]);
      castings.set([cast('anna', neutralOf(ANNA))]);
      expect(state()).toBe('kept');
      castings.bind('anna', 7);
      show(90, () => [{ id: 7, person: STRANGER, x: 900 }]);
      expect(state()).toBe('kept');
      expect(back(STRANGER)).not.toContain('anna');
    });
  });

  test('under a camera that hangs high a performer is captured and known again', () => {
    const shown = (id: number) => () => [{ id, person: ANNA, x: 300, pitch: -28 }];
    castings.set([cast('anna')]);
    castings.bind('anna', 1);
    show(3, shown(1));
    castings.capture('anna');
    show(40, shown(1));
    expect(castings.states[0]).toMatchObject({ neutral: 'kept', missed: null });
    show(30, () => []);
    expect(last(show(40, shown(5)), 5)).toBe('anna');
  });

  test('a face that looks unlike itself in another pose is known by its own views there, and is never nobody’s where it has none', () => {
    /** What landmarks make of Anna when she looks down. */
    const down = ANNA.map((value) => value - 6) as unknown as Person;
    const shown = (id: number, i: number, most: number) => {
      const share = Math.min(1, i / 60) * most;
      return [{ id, person: ANNA.map((v) => v - 6 * share) as unknown as Person, x: 300, pitch: -26 * share }];
    };
    const back = () => {
      show(30, () => []);
      return show(40, () => [{ id: 5, person: down, x: 300, pitch: -26 }]).get(5) ?? [];
    };
    annaAlone();
    expect(new Set(back())).toEqual(new Set(['unsure']));
    castings.bind('anna', 1);
    show(20, (i) => shown(1, i, 0));
    show(100, (i) => shown(1, i, 1));
    expect(back().at(-1)).toBe('anna');
  });

  test('a co-star who stood beside a performer stays nobody’s when the performer leaves', () => {
    castings.set([cast('anna')]);
    castings.bind('anna', 1);
    const costar = { id: 2, person: BERT, x: 900 };
    show(10, () => [{ id: 1, person: ANNA, x: 300 }, costar]);
    expect(new Set(show(30, () => [costar]).get(2))).toEqual(new Set(['none']));
  });

  test('a followed face that turns into another’s without a doubt of the tracker is let go', () => {
    annaAlone();
    const seen = show(25, () => [{ id: 1, person: STRANGER, x: 300 }]).get(1) ?? [];
    expect(seen.at(-1)).not.toBe('anna');
  });

  test('the operator’s tap holds against the shape, and ends with the next doubt', () => {
    castings.set([cast('anna', neutralOf(ANNA))]);
    castings.bind('anna', 1);
    expect(
      last(
        show(40, () => [{ id: 1, person: STRANGER, x: 300 }]),
        1,
      ),
    ).toBe('anna');
    show(30, () => []);
    expect(show(40, () => [{ id: 3, person: STRANGER, x: 300 }]).get(3)).not.toContain('anna');
  });

  describe('a face at rest', () => {
    function capture(frames: number, mouth: (frame: number) => number): NeutralFace[] {
      const got: NeutralFace[] = [];
      castings.captured = (_id, neutral) => got.push(neutral);
      castings.capture('anna');
      show(frames, (i) => [{ id: 1, person: ANNA, x: 300, mouth: mouth(i) }]);
      return got;
    }

    test('is captured while the performer holds still, blinks and all, and knows them again', () => {
      annaAlone(false);
      const [neutral, ...more] = capture(40, () => 0);
      expect(more).toEqual([]);
      expect(neutral?.points).toHaveLength(3 * LANDMARKS);
      expect(neutral?.spread).toBeLessThan(0.01);
      expect(neutral?.points[3 * 93]).toBeCloseTo((head.canonical[3 * 93] ?? 0) + ANNA[0] * SPREAD, 2);
      expect(castings.states[0]?.neutral).toBe('kept');
      show(30, () => []);
      expect(
        last(
          show(20, () => [{ id: 4, person: ANNA, x: 300 }]),
          4,
        ),
      ).toBe('anna');
    });

    test('that was not held is said to be missed, and why, until another try succeeds', () => {
      annaAlone(false);
      const speaks = (i: number): number => (i % 8 < 4 ? 1 : 0);
      expect(capture(50, speaks)).toEqual([]);
      expect(castings.states[0]).toMatchObject({ neutral: 'capturing', missed: null });
      expect(capture(130, speaks)).toEqual([]);
      expect(castings.states[0]).toMatchObject({ missed: 'mouth' });
      expect(capture(40, () => 0)).toHaveLength(1);
      expect(castings.states[0]).toMatchObject({ neutral: 'kept', missed: null });
    });

    test('of somebody who walks out meanwhile was missed because they were gone', () => {
      annaAlone(false);
      castings.capture('anna');
      show(10, () => [{ id: 1, person: ANNA, x: 300 }]);
      show(5, () => []);
      expect(castings.states[0]).toMatchObject({ neutral: 'none', missed: 'gone' });
    });

    test('a newer one that the front keeps is not undone by older settings on their way', () => {
      annaAlone(false);
      const [neutral] = capture(40, () => 0);
      castings.set([cast('anna', null)]);
      castings.set([cast('anna', { ...neutralOf(STRANGER), atMs: (neutral?.atMs ?? 0) - 1 })]);
      show(30, () => []);
      expect(
        last(
          show(20, () => [{ id: 4, person: ANNA, x: 300 }]),
          4,
        ),
      ).toBe('anna');
    });
  });
});

test('the shipped shape model is whole', () => {
  const shipped = readShapeModel(MODELS);
  expect(shipped.basis.length).toBeGreaterThanOrEqual(8);
  expect(shipped.between.every((variance) => variance > 0)).toBe(true);
});
