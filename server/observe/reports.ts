import type { Log } from './log.ts';

type Level = 'warn' | 'error';

/** Says that something went wrong. Equal keys are the same kind of trouble; a key holds neither a token nor a person's name. */
type Report = (key: string, sentence: string, fields?: Record<string, unknown>) => void;

/** Warnings and errors that can come in every frame or with every request, told without a flood. */
export interface Reports {
  readonly warn: Report;
  readonly error: Report;
  /** Since the start, written singly or not. */
  readonly totals: Readonly<Record<Level, number>>;
  /** Writes what the last minute still holds, and stops. */
  close(): void;
}

const MINUTE_MS = 60_000;
/** Kinds that are told apart in a minute: a key that holds a peer's data cannot grow memory or the log. */
const MAX_KEYS = 256;
/** Kinds that the summary names, the most frequent first. */
const NAMED = 10;

/**
 * The first report of a kind in a minute is written at once; further ones are counted. Each minute that had any ends with one
 * line that says how many there were of each kind. Owns a timer: `close()` it.
 */
export function createReports(log: Pick<Log, Level>): Reports {
  const kinds = new Map<string, number>();
  const totals = { warn: 0, error: 0 };
  let minute = { warn: 0, error: 0 };

  const report =
    (level: Level): Report =>
    (key, sentence, fields = {}) => {
      totals[level]++;
      minute[level]++;
      const before = kinds.get(key);
      if (before === undefined && kinds.size >= MAX_KEYS) return;
      kinds.set(key, (before ?? 0) + 1);
      if (before === undefined) log[level](fields, sentence);
    };

  const summarise = (): void => {
    if (minute.warn + minute.error === 0) return;
    const named = [...kinds].sort(([, a], [, b]) => b - a).slice(0, NAMED);
    const others = minute.warn + minute.error - named.reduce((sum, [, count]) => sum + count, 0);
    const counts = { ...Object.fromEntries(named), ...(others > 0 && { 'all others': others }) };
    const words = `${many(minute.error, 'error')} and ${many(minute.warn, 'warning')}`;
    log[minute.error > 0 ? 'error' : 'warn']({ counts }, `In the last minute: ${words}.`);
    kinds.clear();
    minute = { warn: 0, error: 0 };
  };

  const timer = setInterval(summarise, MINUTE_MS);
  timer.unref();
  return {
    warn: report('warn'),
    error: report('error'),
    totals,
    close() {
      clearInterval(timer);
      summarise();
    },
  };
}

const many = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
