import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeptRecord } from '../../server/keeper/messages.ts';
import { KeeperQueue } from '../../server/stage/keeper-queue.ts';

const session = (id: number): KeptRecord => ({
  type: 'ended',
  id: String(id),
  why: 'It was closed.',
  counters: {},
  atMs: id,
});
const setting = (value: string, feed = 'a'): KeptRecord => ({
  type: 'setting',
  feed,
  key: 'uncast',
  value,
  over: 'look',
  atMs: 0,
});
const dropped: KeptRecord = { type: 'settingDropped', feed: 'a', key: 'uncast', atMs: 1 };

describe('what the keeper has not yet acknowledged', () => {
  test('goes in order, one batch at a time, and all of it again to another keeper', () => {
    const queue = new KeeperQueue();
    for (let id = 1; id <= 300; id++) queue.add(session(id), id);
    const first = queue.next();
    expect(first.map(({ n }) => n)).toEqual(Array.from({ length: 256 }, (_, index) => index + 1));
    expect(queue.next()).toEqual([]);
    expect(queue.stored(256, 0)).toBe(256);
    expect(queue.next().map(({ n }) => n)).toEqual(Array.from({ length: 44 }, (_, index) => index + 257));
    queue.again();
    expect(queue.next()).toHaveLength(44);
    expect([queue.size, queue.oldestMs]).toEqual([44, 257]);
    expect(queue.stored(300, 1)).toBe(43);
    expect([queue.size, queue.lost, queue.oldestMs]).toEqual([0, 1, null]);
  });

  test('holds the newest of each setting, unless an older one is already on its way', () => {
    const queue = new KeeperQueue();
    queue.add(setting('blur'), 0);
    queue.add(setting('blur', 'b'), 0);
    queue.add(setting('pass'), 0);
    expect(queue.next().map(({ record }) => record)).toEqual([setting('blur', 'b'), setting('pass')]);
    queue.add(setting('blur'), 0);
    queue.add(dropped, 0);
    expect(queue.size).toBe(3);
    queue.again();
    expect(queue.next().map(({ record }) => record)).toEqual([setting('blur', 'b'), setting('pass'), dropped]);
  });

  test('holds the newest of each casting, and of one that is gone not even its face', () => {
    const queue = new KeeperQueue();
    const casting = (age: number): KeptRecord => ({
      type: 'casting',
      feed: 'a',
      casting: { id: '1', performer: 'Anna', look: 'mara', age },
      atMs: 0,
    });
    const face: KeptRecord = {
      type: 'neutralFace',
      feed: 'a',
      casting: '1',
      face: { points: [], spread: 0, atMs: 0 },
      atMs: 0,
    };
    const gone: KeptRecord = { type: 'castingDropped', feed: 'a', casting: '1', atMs: 0 };
    for (const record of [casting(1), face, casting(2)]) queue.add(record, 0);
    expect(queue.next().map(({ record }) => record)).toEqual([face, casting(2)]);
    queue.again();
    queue.add(gone, 0);
    expect(queue.next().map(({ record }) => record)).toEqual([gone]);
  });

  test('is bounded: the oldest of the sessions goes, counted, and never a setting', () => {
    const queue = new KeeperQueue(3);
    queue.add(setting('blur'), 0);
    for (let id = 1; id <= 5; id++) queue.add(session(id), id);
    expect([queue.size, queue.lost]).toEqual([3, 3]);
    expect(queue.next().map(({ record }) => record)).toEqual([setting('blur'), session(4), session(5)]);
  });

  test('reaches a keeper that comes and goes: of each setting the last, of the sessions all but the counted', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant('session' as const) },
      { weight: 2, arbitrary: fc.constantFrom('blur', 'pass', 'look') },
      { weight: 2, arbitrary: fc.constant('store' as const) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new KeeperQueue(20);
        const kept = new Set<string>();
        let [added, holds, wanted]: [number, string | null, string | null] = [0, null, null];
        let onTheWay = queue.next();
        const store = (): void => {
          for (const { record } of onTheWay) {
            if (record.type === 'setting') holds = record.value;
            else if (record.type === 'ended') kept.add(record.id);
          }
          const last = onTheWay.at(-1);
          if (last) queue.stored(last.n, 0);
          onTheWay = queue.next();
        };
        for (const what of steps) {
          if (what === 'session') queue.add(session(added++), 0);
          else if (what === 'store') store();
          else if (what === 'restart') {
            // Some of it was on the disk before the keeper died.
            const seen = onTheWay.slice(0, onTheWay.length / 2);
            for (const { record } of seen) if (record.type === 'ended') kept.add(record.id);
            queue.again();
            onTheWay = queue.next();
          } else {
            wanted = what;
            queue.add(setting(what), 0);
          }
          if (onTheWay.length === 0) onTheWay = queue.next();
        }
        while (queue.size > 0) store();
        expect(holds).toBe(wanted);
        expect(kept.size).toBeGreaterThanOrEqual(added - queue.lost);
        expect(kept.size).toBeLessThanOrEqual(added);
      }),
    );
  });
});
