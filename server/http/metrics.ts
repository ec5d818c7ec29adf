import { Counter, Gauge, Registry } from 'prom-client';
import { PROBLEMS, type ProblemCode } from '../config/problem.ts';
import { watchLoopDelay } from '../observe/loop-delay.ts';
import type { Reports } from '../observe/reports.ts';
import { LENIENCIES, type Leniency } from './ice-sessions.ts';
import { FEED_FAMILIES } from './metrics-feeds.ts';
import { storeFamilies } from './metrics-store.ts';
import type { FeedMeasures, StageApi } from './stage-api.ts';
import type { StoreApi } from './store-api.ts';

/** What /metrics tells (server/docs/metrics.md). Labels are feeds, renditions, route patterns and codes: never a session or a person. */
export interface Metrics {
  readonly contentType: string;
  /** The Prometheus text of this moment. */
  text(): Promise<string>;
  /** An answer has gone out. `route` is the pattern, undefined where no route matched. */
  answered(method: string, route: string | undefined, status: number): void;
  refused(code: ProblemCode): void;
  /** A WHIP or WHEP client did something that only `media.signalling: compatible` lets through. */
  lenient(leniency: Leniency): void;
  close(): void;
}

/** Owns a timer: `close()` it. */
export function createMetrics(
  stage: StageApi,
  { store, controlSockets, reports }: { store: StoreApi; controlSockets(): number; reports: Pick<Reports, 'totals'> },
): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const loopDelay = watchLoopDelay();
  let feeds: FeedMeasures[] = [];

  feedFamilies(registry, () => feeds);
  const requests = new Counter({
    name: 'understudy_http_requests_total',
    help: 'HTTP requests answered, by method, route pattern and status.',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const refusals = new Counter({
    name: 'understudy_refusals_total',
    help: 'Requests and control sockets refused, by the code of server/docs/errors.md; token_wrong are refused tokens.',
    labelNames: ['code'],
    registers,
  });
  for (const code of Object.keys(PROBLEMS)) refusals.inc({ code }, 0);

  const leniencies = new Counter({
    name: 'understudy_signalling_leniencies_total',
    help: 'What WHIP and WHEP clients did against the standard and media.signalling: compatible let through.',
    labelNames: ['leniency'],
    registers,
  });
  for (const leniency of LENIENCIES) leniencies.inc({ leniency }, 0);

  new Counter({
    name: 'understudy_reports_total',
    help: 'Warnings and errors of the front process, written to its log singly or in its summary of a minute.',
    labelNames: ['level'],
    registers,
    collect() {
      this.reset();
      for (const [level, count] of Object.entries(reports.totals)) this.inc({ level }, count);
    },
  });

  spareFamilies(registry, () => stage.spare());
  storeFamilies(registry, store);
  frontFamilies(registry, controlSockets, loopDelay.seconds);

  return {
    contentType: registry.contentType,
    async text() {
      feeds = stage.measures();
      return registry.metrics();
    },
    answered: (method, route = 'none', status) => requests.inc({ method, route, status }),
    refused: (code) => refusals.inc({ code }),
    lenient: (leniency) => leniencies.inc({ leniency }),
    close: () => loopDelay.close(),
  };
}

/** The engine that stands by for whichever feed loses its own. */
function spareFamilies(registry: Registry, spare: StageApi['spare']): void {
  new Gauge({
    name: 'understudy_spare_engine_ready',
    help: 'Whether a spare engine stands by with its models loaded.',
    registers: [registry],
    collect() {
      this.set(Number(spare()?.ready ?? false));
    },
  });
  new Gauge({
    name: 'understudy_spare_engine_resident_memory_bytes',
    help: 'Resident memory of the spare engine process; 0 while there is none or it has not said.',
    registers: [registry],
    collect() {
      this.set(spare()?.rssBytes ?? 0);
    },
  });
}

/** The feeds, as they are when they are asked. */
function feedFamilies(registry: Registry, feeds: () => readonly FeedMeasures[]): void {
  const registers = [registry];
  for (const { name, help, type, labelNames, samples } of FEED_FAMILIES) {
    const collect = (family: Gauge | Counter): void => {
      family.reset();
      for (const feed of feeds()) for (const [labels, value] of samples(feed)) family.inc(labels, value);
    };
    const options = { name, help, labelNames, registers };
    // prom-client calls `collect` with the metric as `this`.
    if (type === 'gauge')
      new Gauge({
        ...options,
        collect: function () {
          collect(this);
        },
      });
    else
      new Counter({
        ...options,
        collect: function () {
          collect(this);
        },
      });
  }
}

/** The front process itself. */
function frontFamilies(
  registry: Registry,
  controlSockets: () => number,
  loopDelaySeconds: () => { p50: number; p99: number; max: number },
): void {
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect: function () {
        this.set(value());
      },
    });
  };
  gauge('understudy_control_sockets', 'Pages connected to the control socket.', controlSockets);
  gauge('understudy_front_resident_memory_bytes', 'Resident memory of the front process.', () =>
    process.memoryUsage.rss(),
  );
  gauge(
    'understudy_front_active_resources',
    'Sockets, timers and requests that keep the front process alive.',
    () => process.getActiveResourcesInfo().length,
  );
  // Read once: two clocks read again and again would make the start wander.
  const startedS = Date.now() / 1000 - process.uptime();
  gauge('understudy_front_start_time_seconds', 'When the front process started, seconds since 1970.', () => startedS);
  new Counter({
    name: 'understudy_front_cpu_seconds_total',
    help: 'Processor time of the front process, user and system.',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'understudy_front_loop_delay_seconds',
    help: 'How late the loop of the front process woke over the last ten to twenty seconds; quantile 1 is the worst.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      const { p50, p99, max } = loopDelaySeconds();
      this.set({ quantile: '0.5' }, p50);
      this.set({ quantile: '0.99' }, p99);
      this.set({ quantile: '1' }, max);
    },
  });
}
