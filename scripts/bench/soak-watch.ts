/** What a long run is watched by: memory, handles and sessions of every process of the server, and its loop's own measure. */
import { readdirSync } from 'node:fs';
import type { FeedInfo } from '../../server/wire/messages.ts';
import { rssMb } from './cpu.ts';

export interface Sample {
  /** Since the watch began. */
  minutes: number;
  rssMb: number;
}

/** Least squares, MB a minute; NaN for fewer than three samples. */
export function slope(samples: readonly Sample[]): number {
  if (samples.length < 3) return Number.NaN;
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [x, y] = [mean(({ minutes }) => minutes), mean((sample) => sample.rssMb)];
  const over = samples.reduce((sum, { minutes, rssMb: mb }) => sum + (minutes - x) * (mb - y), 0);
  const under = samples.reduce((sum, { minutes }) => sum + (minutes - x) ** 2, 0);
  return over / under;
}

/** File handles that a process has open; null where the system does not tell. */
export function handles(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return null;
  }
}

/** Cameras and viewers that the server knows of. */
export const sessions = (feeds: readonly FeedInfo[]): number =>
  feeds.reduce(
    (sum, { state, viewers }) =>
      sum + (state === 'idle' ? 0 : 1) + Object.values(viewers).reduce((all, count) => all + count, 0),
    0,
  );

/** Milliseconds that the front's loop was late by at p99 over the last ten to twenty seconds, from the text of /metrics. */
export function loopP99Ms(metrics: string): number {
  const line = /^understudy_front_loop_delay_seconds\{quantile="0\.99"\} (\S+)$/m.exec(metrics);
  return line ? Number(line[1]) * 1000 : Number.NaN;
}

/** How much is open now that was not at the baseline. A process that has come since, such as a feed's engine, is not counted. */
export function leaked(before: Record<string, number | null>, now: Record<string, number | null>): number {
  return Object.entries(before).reduce((sum, [role, count]) => {
    const left = now[role];
    return sum + (count === null || left === null || left === undefined ? 0 : Math.max(0, left - count));
  }, 0);
}

interface Watched {
  role: string;
  samples: Sample[];
  ended: boolean;
}

/** Memory of every process, sampled. A process may change its role: a spare engine becomes a feed's. */
export class MemoryWatch {
  readonly #processes = new Map<number, Watched>();
  readonly #beganMs = performance.now();

  take(pids: Record<string, number>): void {
    const minutes = (performance.now() - this.#beganMs) / 60_000;
    for (const [role, pid] of Object.entries(pids)) {
      const watched = this.#processes.get(pid) ?? { role, samples: [], ended: false };
      this.#processes.set(pid, watched);
      watched.role = role;
      try {
        watched.samples.push({ minutes, rssMb: rssMb(pid) });
      } catch {
        // It has just ended: the next look shows it.
      }
    }
    const alive = new Set(Object.values(pids));
    for (const [pid, watched] of this.#processes) if (!alive.has(pid)) watched.ended = true;
  }

  /** Roles of the processes that have ended. */
  get lost(): string[] {
    return [...this.#processes.values()].filter(({ ended }) => ended).map(({ role }) => role);
  }

  /** Samples of each process under its last role. */
  get samples(): Record<string, Sample[]> {
    const named: Record<string, Sample[]> = {};
    for (const [pid, { role, samples }] of this.#processes) named[role in named ? `${role} (${pid})` : role] = samples;
    return named;
  }

  /** MB a minute by role, of samples after a minute of the watch; a process of which there are too few has none. */
  slopes(afterMinutes: number): Record<string, number> {
    const all = Object.entries(this.samples).map(([role, samples]): [string, number] => [
      role,
      slope(samples.filter(({ minutes }) => minutes >= afterMinutes)),
    ]);
    return Object.fromEntries(all.filter(([, value]) => Number.isFinite(value)));
  }
}
