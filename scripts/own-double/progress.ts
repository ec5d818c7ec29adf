/** Says on stderr what is being done, how far it is and about how long it will take; a line every second at most. */
export interface Progress {
  /** @param share 0–1 of this part of the work. */
  tell(what: string, share: number): void;
  /** A line of its own. */
  say(line: string): void;
}

/** @param parts share of the whole work's time that each part takes; `next` goes on to the next. */
export function createProgress(
  parts: readonly number[],
  write: (line: string) => unknown = (line) => process.stderr.write(line),
) {
  const began = performance.now();
  const whole = parts.reduce((sum, part) => sum + part, 0);
  let part = 0;
  let last = Number.NEGATIVE_INFINITY;
  return {
    tell(what: string, share: number): void {
      const now = performance.now();
      if (now - last < 1000) return;
      last = now;
      const before = parts.slice(0, part).reduce((sum, value) => sum + value, 0);
      const done = (before + (parts[part] ?? 0) * Math.min(1, Math.max(0, share))) / whole;
      const left = done > 0.02 ? `, about ${spell(((now - began) / done) * (1 - done))} left` : '';
      write(`${String(Math.floor(100 * done)).padStart(3)} % ${what}${left}\n`);
    },
    say: (line: string): void => void write(`${line}\n`),
    next: (): void => void part++,
  };
}

const spell = (ms: number): string => (ms > 90_000 ? `${Math.ceil(ms / 60_000)} min` : `${Math.ceil(ms / 1000)} s`);
