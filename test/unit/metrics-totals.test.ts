import { expect, test } from 'vitest';
import { Totals } from '../../server/stage/totals.ts';

test('totals keep what has ended and add what still counts, and never fall', () => {
  const totals = new Totals(['packets', 'lost']);
  expect(totals.sum([])).toEqual({ packets: 0, lost: 0 });
  expect(
    totals.sum([
      { packets: 5, lost: 1 },
      { packets: 2, lost: 0 },
    ]),
  ).toEqual({ packets: 7, lost: 1 });
  totals.end({ packets: 5, lost: 1 });
  expect(totals.sum([{ packets: 2, lost: 0 }])).toEqual({ packets: 7, lost: 1 });
  totals.end({ packets: 2, lost: 0 });
  expect(totals.sum([{ packets: 1, lost: 0 }])).toEqual({ packets: 8, lost: 1 });
  expect(totals.sum([])).toEqual({ packets: 7, lost: 1 });
});
