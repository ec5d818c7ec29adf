import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLog } from '../../server/observe/log.ts';
import { createReports } from '../../server/observe/reports.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function collect() {
  const lines: string[] = [];
  const reports = createReports(
    createLog({ level: 'info', pretty: false, to: { write: (line) => void lines.push(line) } }),
  );
  const told = () =>
    lines.splice(0).map((line) => JSON.parse(line) as { level: number; msg: string; counts?: object; feed?: string });
  return { reports, told };
}

test('the first of a kind is written at once, further ones are counted, and the minute ends with one line', () => {
  const { reports, told } = collect();
  for (let count = 0; count < 1000; count++) reports.warn('a: late', 'A frame came late.', { feed: 'a' });
  reports.warn('b: late', 'A frame came late.', { feed: 'b' });
  expect(told().map(({ msg, feed }) => [msg, feed])).toEqual([
    ['A frame came late.', 'a'],
    ['A frame came late.', 'b'],
  ]);
  vi.advanceTimersByTime(60_000);
  expect(told()).toMatchObject([
    { level: 40, msg: 'In the last minute: 0 errors and 1001 warnings.', counts: { 'a: late': 1000, 'b: late': 1 } },
  ]);
  expect(reports.totals).toEqual({ warn: 1001, error: 0 });
  reports.close();
});

test('a quiet minute says nothing; trouble that goes on is written once a minute', () => {
  const { reports, told } = collect();
  vi.advanceTimersByTime(180_000);
  expect(told()).toEqual([]);
  for (let second = 0; second < 120; second++) {
    reports.error('GET /x', 'A request failed inside.');
    vi.advanceTimersByTime(1000);
  }
  expect(told().map(({ level, msg }) => [level, msg])).toEqual([
    [50, 'A request failed inside.'],
    [50, 'In the last minute: 60 errors and 0 warnings.'],
    [50, 'A request failed inside.'],
    [50, 'In the last minute: 60 errors and 0 warnings.'],
  ]);
  vi.advanceTimersByTime(60_000);
  expect(told()).toEqual([]);
  reports.close();
});

test('keys without end grow neither the log nor the summary, and every one is counted', () => {
  const { reports, told } = collect();
  for (let key = 0; key < 5000; key++) reports.warn(`key ${key}`, 'x');
  reports.warn('key 7', 'x');
  expect(told()).toHaveLength(256);
  reports.close();
  const [summary] = told();
  expect(summary?.msg).toBe('In the last minute: 0 errors and 5001 warnings.');
  const counts = Object.values(summary?.counts ?? {}) as number[];
  expect(counts).toHaveLength(11);
  expect(counts.reduce((sum, count) => sum + count)).toBe(5001);
  expect(summary?.counts).toMatchObject({ 'key 7': 2 });
});

test('closing writes what is left, once', () => {
  const { reports, told } = collect();
  reports.error('k', 'x');
  reports.close();
  reports.close();
  expect(told().map(({ msg }) => msg)).toEqual(['x', 'In the last minute: 1 error and 0 warnings.']);
});
