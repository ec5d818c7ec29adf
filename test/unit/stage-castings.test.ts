import { describe, expect, test } from 'vitest';
import { type EngineStats, type FeedSettings, feedSettings } from '../../server/channel/messages.ts';
import { Problem } from '../../server/config/problem.ts';
import type { KeptRecord } from '../../server/keeper/messages.ts';
import { obey } from '../../server/stage/casting-orders.ts';
import { Castings } from '../../server/stage/castings.ts';
import { LastPlaces } from '../../server/stage/last-places.ts';
import { ToldFaces } from '../../server/stage/told-faces.ts';
import type { NeutralFace } from '../../server/wire/casting.ts';
import { type CastingOrder, clientMessage } from '../../server/wire/messages.ts';
import { engineStats as stats } from '../fixtures/engine-stats.ts';

const engineStats = stats(1000, 500);

/** Who is cast: what operators may say, and what outlives this process. */

const face = (value: number): NeutralFace => ({ points: Array<number>(3 * 478).fill(value), spread: 0.1, atMs: 5 });
const anna = { performer: 'Anna', look: 'mara', age: 0 };

function house() {
  const kept: KeptRecord[] = [];
  const castings = new Castings({ looks: ['mara', 'ivo'], keep: (record) => void kept.push(record), nowMs: () => 7 });
  return { kept, castings };
}

const codeOf = (act: () => void): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return 'done';
};

describe('castings', () => {
  test('are changed field by field, keep their face, and go with it', () => {
    const { castings, kept } = house();
    const id = castings.cast('a', anna);
    expect(id).toMatch(/^[a-z0-9]{1,16}$/);
    castings.keepFace('a', id, face(1));
    castings.recast('a', id, { age: -20 });
    expect(castings.of('a')).toEqual([{ casting: { id, ...anna, age: -20 }, neutral: face(1) }]);
    expect(castings.of('b')).toEqual([]);
    castings.uncast('a', id);
    castings.keepFace('a', id, face(2));
    expect(castings.of('a')).toEqual([]);
    expect(kept.map(({ type }) => type)).toEqual(['casting', 'neutralFace', 'casting', 'castingDropped']);
  });

  test('are the same array until something changes: engines are told no more than needed', () => {
    const { castings } = house();
    expect(castings.of('a')).toBe(castings.of('b'));
    const id = castings.cast('a', anna);
    const before = castings.of('a');
    castings.cast('b', anna);
    expect(castings.of('a')).toBe(before);
    castings.recast('a', id, {});
    expect(castings.of('a')).not.toBe(before);
  });

  test('are refused in sentences: a look or a casting that is not there, and a ninth', () => {
    const { castings } = house();
    expect(codeOf(() => castings.cast('a', { ...anna, look: 'nobody' }))).toBe('look_unknown');
    const ids = Array.from({ length: 8 }, () => castings.cast('a', anna));
    expect(new Set(ids).size).toBe(8);
    expect(codeOf(() => castings.cast('a', anna))).toBe('castings_full');
    expect(codeOf(() => castings.cast('b', anna))).toBe('done');
    expect(codeOf(() => castings.recast('b', ids[0] as string, { age: 1 }))).toBe('casting_unknown');
    expect(codeOf(() => castings.recast('a', ids[0] as string, { look: 'nobody' }))).toBe('look_unknown');
    expect(codeOf(() => castings.uncast('a', 'x'))).toBe('casting_unknown');
    expect(castings.of('a')).toHaveLength(8);
  });

  test('come from a store that is late without undoing what was said meanwhile', () => {
    const { castings } = house();
    const stored = (id: string, performer: string) => ({
      feed: 'a',
      casting: { ...anna, id, performer },
      neutral: face(1),
    });
    castings.learn([stored('1', 'Anna'), stored('2', 'Ben')]);
    castings.recast('a', '1', { performer: 'Anne' });
    castings.uncast('a', '2');
    // The keeper was restarted and says again what it has, which is older.
    castings.learn([stored('1', 'Anna'), stored('2', 'Ben'), { ...stored('3', 'Cleo'), feed: 'b' }]);
    expect(castings.of('a').map(({ casting, neutral }) => [casting.performer, neutral !== null])).toEqual([
      ['Anne', true],
    ]);
    expect(castings.held).toEqual(['a: 1 cast', 'b: 1 cast']);
  });
});

describe('what an operator says', () => {
  /** A feed with one face, whose engine writes down what it is told. */
  function stage() {
    const { castings } = house();
    const told: string[] = [];
    const feed = {
      name: 'a',
      checkFace(track: number) {
        if (track !== 3) throw new Problem('face_unknown');
      },
      bind: (casting: string | null, track: number) => void told.push(`bind ${casting ? 'Anna' : 'nobody'} ${track}`),
      captureFace: () => void told.push('capture'),
    };
    const say = (said: object) =>
      codeOf(() => {
        const message = clientMessage.parse({ feed: 'a', ...said });
        if (['clock', 'timecode', 'feed', 'follow'].includes(message.type)) return;
        const order = message as CastingOrder;
        obey(order, castings, feed, () => void told.push(`${castings.of('a').length} cast`));
      });
    return { castings, told, say };
  }

  test('casts the face that was tapped: the engine knows the casting before it hears whose face it is', () => {
    const { castings, told, say } = stage();
    expect(say({ type: 'cast', track: 3, performer: ' Anna ', look: 'mara' })).toBe('done');
    expect(told).toEqual(['1 cast', 'bind Anna 3']);
    const casting = castings.of('a').map((one) => one.casting)[0];
    expect(casting).toMatchObject({ performer: 'Anna', age: 0 });
    for (const order of [
      { type: 'neutral' },
      { type: 'bind', track: 3 },
      { type: 'recast', age: 4 },
      { type: 'uncast' },
    ])
      expect(say({ casting: casting?.id, ...order })).toBe('done');
    expect(say({ type: 'bind', casting: null, track: 3 })).toBe('done');
    expect(told.slice(2)).toEqual(['capture', 'bind Anna 3', '1 cast', '0 cast', 'bind nobody 3']);
  });

  test('that cannot be done changes nothing', () => {
    const { castings, told, say } = stage();
    expect(say({ type: 'cast', track: 4, performer: 'Anna', look: 'mara' })).toBe('face_unknown');
    expect(say({ type: 'cast', performer: 'Anna', look: 'nobody' })).toBe('look_unknown');
    for (const type of ['recast', 'uncast', 'neutral']) expect(say({ type, casting: 'x' })).toBe('casting_unknown');
    expect(say({ type: 'bind', casting: 'x', track: 3 })).toBe('casting_unknown');
    expect([castings.of('a'), told]).toEqual([[], []]);
  });
});

test('the next engine is told where performers were last, whoever has been out of the picture since', () => {
  const places = new LastPlaces();
  const box = { x: 0.2, y: 0.25, w: 0.1, h: 0.5 };
  const stats = (track: number | null): EngineStats => ({
    ...engineStats,
    faces: [{ track: 4, shown: 'replaced', why: null, casting: null, neck: null, box }],
    castings: [{ id: 'c1', track, neutral: 'kept', missed: null }],
  });
  places.heard(stats(4), 1000);
  places.heard(stats(null), 2000);
  const casting = { id: 'c1', ...anna };
  const settings = {
    look: 'mara',
    uncast: 'blur' as const,
    age: 0,
    castings: [casting, { ...casting, id: 'c2' }].map((one) => ({ casting: one, neutral: null })),
  };
  const told = feedSettings.parse(places.tell(settings)).castings;
  expect(told?.map(({ last }) => last)).toEqual([{ x: 0.25, y: 0.25, w: 0.1, captureUs: 1000 }, null]);
});

test('an engine is told a neutral face once, however often a dial is turned, and the next engine again', () => {
  const { castings } = house();
  const ids = ['Anna', 'Ben'].map((performer) => castings.cast('a', { ...anna, performer }));
  const [first = '', second = ''] = ids;
  castings.keepFace('a', first, face(1));
  castings.keepFace('a', second, face(2));
  const told = new ToldFaces();
  const settings = (): FeedSettings => ({ look: 'mara', uncast: 'blur', age: 0, castings: castings.of('a') });
  const said = (sent: FeedSettings) =>
    feedSettings.parse(sent).castings?.map(({ neutral }) => neutral?.points[0] ?? null);
  expect(said(told.opening(settings()))).toEqual([1, 2]);
  for (let age = -1; age > -20; age--) {
    castings.recast('a', first, { age });
    const sent = told.news(settings());
    expect(said(sent)).toEqual([null, null]);
    expect(JSON.stringify(sent).length).toBeLessThan(400);
    expect(sent.castings?.[0]?.casting.age).toBe(age);
  }
  // Another face: what the engine captured itself it has, what came from elsewhere it has not.
  castings.keepFace('a', first, { ...face(3), atMs: 6 });
  told.captured(first, { ...face(3), atMs: 6 });
  castings.keepFace('a', second, { ...face(4), atMs: 7 });
  expect(said(told.news(settings()))).toEqual([null, 4]);
  expect(said(told.opening(settings()))).toEqual([3, 4]);
});
