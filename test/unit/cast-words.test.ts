import { describe, expect, it } from 'vitest';
import {
  namedFaces,
  neutralWords,
  picturesIn,
  placeOf,
  questionOf,
  whereWords,
} from '../../client/monitor/cast-words.ts';
import { type CastingInfo, WHO_IS_THIS } from '../../server/wire/casting.ts';
import type { FaceInfo } from '../../server/wire/messages.ts';

/** What the monitor page says of faces and castings. */

const face = (track: number, x: number, change: Partial<FaceInfo> = {}): FaceInfo => ({
  track,
  shown: 'replaced',
  why: null,
  neck: null,
  casting: null,
  box: { x, y: 0.2, w: 0.1, h: 0.2 },
  ...change,
});
const unknown = { shown: 'covered', why: WHO_IS_THIS } as const;
const casting = (id: string, performer: string, track: number | null): CastingInfo => ({
  id,
  performer,
  look: 'mara',
  age: 0,
  track,
  neutral: 'none',
  missed: null,
});

describe('faces', () => {
  it('are numbered from left to right, and named where they are cast', () => {
    const cast = {
      faces: [face(9, 0.6), face(4, 0.1), face(7, 0.3, { casting: 'b' })],
      castings: [casting('b', 'Ben', 7)],
    };
    expect(namedFaces(cast).map(({ track, label }) => [track, label])).toEqual([
      [4, 'Face 1'],
      [7, 'Ben'],
      [9, 'Face 3'],
    ]);
  });

  it('are asked about one at a time, and only while somebody who is cast is missing', () => {
    const castings = [casting('a', 'Anna', null), casting('b', 'Ben', 7), casting('c', 'Cleo', null)];
    const faces = [face(9, 0.6, unknown), face(4, 0.1, unknown), face(7, 0.3, { casting: 'b' })];
    const asked = questionOf({ faces, castings });
    expect([asked?.face.track, asked?.names.map(({ performer }) => performer)]).toEqual([4, ['Anna', 'Cleo']]);
    expect(questionOf({ faces, castings }, 9)?.face.track).toBe(9);
    expect(questionOf({ faces, castings: castings.slice(1, 2) })).toBeNull();
    expect(questionOf({ faces: [face(4, 0.1, { shown: 'covered', why: 'just seen' })], castings })).toBeNull();
  });

  it('lie over each picture that a view shows', () => {
    const { box } = face(1, 0.2);
    expect(picturesIn('wipe').map((picture) => placeOf(box, picture))).toEqual([
      { left: '20.000%', top: '20.000%', width: '10.000%', height: '20.000%' },
    ]);
    expect(picturesIn('side').map((picture) => placeOf(box, picture))).toEqual([
      { left: '10.000%', top: '35.000%', width: '5.000%', height: '10.000%' },
      { left: '60.000%', top: '35.000%', width: '5.000%', height: '10.000%' },
    ]);
  });
});

describe('a casting', () => {
  it.each([
    ['In picture', 'green', 7, [face(7, 0.1, { casting: 'a' })]],
    ['In picture, covered: turned too far', 'amber', 7, [face(7, 0.1, { shown: 'covered', why: 'turned too far' })]],
    ['Who is this? Tap the face.', 'amber', null, [face(8, 0.1, unknown)]],
    ['Not in picture', 'quiet', null, [face(8, 0.1)]],
  ] as const)('is “%s”', (text, tone, track, faces) => {
    expect(whereWords(casting('a', 'Anna', track), { faces: [...faces], castings: [] })).toEqual({ text, tone });
  });

  it('says what became of the neutral face, counts down to it, and says what to do when it came to nothing', () => {
    const words = (neutral: CastingInfo['neutral'], missed: CastingInfo['missed'] = null, left: number | null = null) =>
      neutralWords({ ...casting('a', 'Anna', 1), neutral, missed }, left).text;
    expect((['none', 'capturing', 'learned', 'kept'] as const).map((neutral) => words(neutral))).toEqual([
      'No neutral face yet',
      'Hold still…',
      'Face learned, none captured',
      'Neutral face kept',
    ]);
    expect(words('none', 'mouth')).toMatch(/^Mouth open.*try again/);
    expect(words('kept', 'dark')).toMatch(/^Too dark.*light.*The one before is kept/);
    expect(words('capturing', 'dark')).toBe('Hold still…');
    expect(words('none', 'moved', 2)).toBe('Look straight ahead… 2');
  });
});
