import { monitorEventLoopDelay } from 'node:perf_hooks';

type IntervalHistogram = ReturnType<typeof monitorEventLoopDelay>;

const RESOLUTION_MS = 5;
const WINDOW_MS = 10_000;

export interface LoopDelay {
  /** Seconds that the loop was late by, over the last ten to twenty seconds; 0 before anything was measured. */
  seconds(): { p50: number; p99: number; max: number };
  close(): void;
}

/**
 * How late this process's loop wakes. The last whole window is told together with the current one, so that any number of
 * scrapers see the same and none takes a spike away from another.
 */
export function watchLoopDelay(): LoopDelay {
  const start = (): IntervalHistogram => {
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    histogram.enable();
    return histogram;
  };
  let [before, current]: [IntervalHistogram | null, IntervalHistogram] = [null, start()];
  const turn = setInterval(() => {
    current.disable();
    [before, current] = [current, start()];
  }, WINDOW_MS);
  turn.unref();

  /** The histogram holds whole sleeps, the sampling interval included. An empty one answers 0 or nonsense. */
  const late = (histogram: IntervalHistogram, ns: number): number =>
    histogram.count === 0 ? 0 : Math.max(0, ns / 1e6 - RESOLUTION_MS) / 1000;
  const worst = (read: (histogram: IntervalHistogram) => number): number =>
    Math.max(late(current, read(current)), before ? late(before, read(before)) : 0);
  return {
    seconds: () => ({
      p50: worst((histogram) => histogram.percentile(50)),
      p99: worst((histogram) => histogram.percentile(99)),
      max: worst((histogram) => histogram.max),
    }),
    close() {
      clearInterval(turn);
      current.disable();
    },
  };
}
