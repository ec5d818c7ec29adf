import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FromEngine, ToEngine } from '../../server/channel/messages.ts';
import { CPU_ONLY } from '../../server/inference/settings.ts';
import type { EngineEvents, EngineLink } from '../../server/stage/engine-links.ts';
import { type EngineLoss, EnginePool } from '../../server/stage/engine-pool.ts';
import { RestartPause } from '../../server/stage/restart-pause.ts';
import { Watchdog } from '../../server/stage/watchdog.ts';

/** Which engine serves which feed, with processes that live and die by the test's hand and a clock that it turns. */

const STATS = {
  type: 'stats' as const,
  width: 0,
  height: 0,
  scale: 1,
  decoded: 0,
  encoded: 0,
  skipped: 0,
  undecodable: 0,
  provider: 'cpu',
  faces: [],
  castings: [],
  stageMs: {},
  rssMb: 100,
  overloaded: false,
};

interface Process {
  key: string;
  feed: string | null;
  events: EngineEvents;
  told: ToEngine[];
  ended: 'at once' | 'by itself' | null;
}

let pool: EnginePool;
let processes: Process[];
let heard: Record<string, string[]>;
let warnings: string[];

function open(spare = true, places = [{ index: 0, memoryMb: 0 }]): void {
  const expected = new Map<string, EngineEvents>();
  const of = (key: string): Process => processes.find((one) => one.key === key) as Process;
  pool = new EnginePool({
    spare,
    places,
    prepare: { media: 'rtp', memoryMb: 128, passThrough: false, inference: CPU_ONLY },
    links: {
      expect: (events) => {
        const key = `key ${expected.size}`;
        expected.set(key, events);
        return key;
      },
      forget: () => undefined,
    },
    start: (key, feed) =>
      void processes.push({ key, feed, events: expected.get(key) as EngineEvents, told: [], ended: null }),
    serves: (key, feed) => {
      of(key).feed = feed;
    },
    end: (key, atOnce) => {
      of(key).ended = atOnce ? 'at once' : 'by itself';
    },
    warn: (sentence) => void warnings.push(sentence),
  });
}

function serve(feed: string): void {
  heard[feed] = [];
  const note = (line: string): void => void heard[feed]?.push(line);
  pool.serve(feed, {
    connected: (_link, { prepared, gpu }) => note(`${prepared ? 'spare' : 'connected'}${gpu ? ` on ${gpu}` : ''}`),
    frame: () => note('frame'),
    message: ({ type }) => note(type),
    lost: ({ sentence, hung }: EngineLoss) => note(`lost${hung ? `, hung: ${sentence}` : ''}`),
  });
}

const alive = (): Process[] => processes.filter(({ ended }) => ended === null);
const engineOf = (feed: string | null): Process => {
  const found = alive().filter((one) => one.feed === feed);
  expect(found.length, `engines of ${feed}`).toBe(1);
  return found[0] as Process;
};
function connect(process: Process): void {
  process.events.connected({ send: (message: ToEngine) => process.told.push(message) } as unknown as EngineLink);
}
const say = (process: Process, ...messages: FromEngine[]): void => {
  for (const message of messages) process.events.message(message);
};
const ready: FromEngine = { type: 'ready', provider: 'cpu' };
/** A process that dies: the channel's end and main's word come in either order. */
function die(process: Process, mainFirst = false): void {
  if (mainFirst) pool.ended(process.key);
  process.events.lost(null);
  if (!mainFirst) pool.ended(process.key);
}
/** Turns the clock while every engine gives its signs of life. */
function pass(ms: number, silent: Process[] = []): void {
  for (let passed = 0; passed < ms; passed += 100) {
    vi.advanceTimersByTime(100);
    if (passed % 500 !== 0) continue;
    for (const process of alive()) {
      if (silent.includes(process)) continue;
      if (process.feed === null) process.events.message({ type: 'idle', rssMb: 200 });
      else process.events.message({ ...STATS, working: null });
    }
  }
}
function spareReady(): Process {
  pass(1500);
  const spare = engineOf(null);
  connect(spare);
  say(spare, { type: 'prepared', rssMb: 200 });
  return spare;
}
function begin(feed: string): Process {
  serve(feed);
  const engine = engineOf(feed);
  connect(engine);
  say(engine, ready);
  return engine;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  [processes, heard, warnings] = [[], {}, []];
});
afterEach(() => {
  pool.close();
  vi.useRealTimers();
});

describe('the spare', () => {
  it('is started when every feed has its engine, prepared with every look, and again when a look changes', () => {
    open();
    serve('a');
    pool.prepare(['mara', 'mara', 'ivo']);
    pass(5000);
    expect(alive().map(({ feed }) => feed)).toEqual(['a']);
    connect(engineOf('a'));
    say(engineOf('a'), ready);
    const spare = spareReady();
    expect(spare.told).toHaveLength(1);
    expect(spare.told[0]).toMatchObject({ type: 'prepare', looks: ['mara', 'ivo'], memoryMb: 128, passThrough: false });
    pool.prepare(['mara', 'nora']);
    pool.prepare(['mara', 'nell']);
    // The feed that changes its look loads it first.
    vi.advanceTimersByTime(999);
    expect(spare.told).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(spare.told[1]).toMatchObject({ type: 'prepare', looks: ['mara', 'nell'] });
    pass(1000);
    expect(pool.spare).toEqual({ ready: true, rssMb: 200 });
    expect(heard.a).not.toContain('idle');
  });

  it.each([false, true])(
    'takes a lost feed over at once, whoever tells of the death first (main first: %s)',
    (mainFirst) => {
      open();
      const first = begin('a');
      const spare = spareReady();
      pass(20_000);
      heard.a = [];
      die(first, mainFirst);
      expect(heard.a).toEqual(['lost', 'spare']);
      expect(engineOf('a')).toBe(spare);
      expect(first.ended).toBe('at once');
      say(spare, ready);
      pass(1500);
      expect(alive().map(({ feed }) => feed)).toEqual(['a', null]);
      expect(pool.spare?.ready).toBe(false);
    },
  );

  it('serves a new feed at once, even while it is still loading', () => {
    open();
    vi.advanceTimersByTime(10);
    const loading = engineOf(null);
    serve('a');
    expect(engineOf('a')).toBe(loading);
    connect(loading);
    expect(heard.a).toEqual(['connected']);
    say(loading, ready);
    const spare = spareReady();
    serve('b');
    expect(engineOf('b')).toBe(spare);
    expect(heard.b).toEqual(['spare']);
  });

  it('is not kept where the configuration says so; a lost engine is then started anew', () => {
    open(false);
    const first = begin('a');
    pass(20_000);
    expect(alive()).toEqual([first]);
    die(first);
    expect(engineOf('a')).not.toBe(first);
    expect(pool.spare).toBeNull();
  });

  it('that dies is replaced with growing pauses, and no feed hears of it', () => {
    open();
    begin('a');
    heard.a = [];
    let started = 0;
    for (let second = 0; second < 60; second++) {
      pass(1000);
      for (const spare of alive().filter(({ feed }) => feed === null)) {
        started++;
        pool.ended(spare.key);
      }
    }
    expect(started).toBeGreaterThan(8);
    expect(started).toBeLessThan(25);
    expect(heard.a.filter((line) => line !== 'stats')).toEqual([]);
  });
});

it('places each engine, and the spare, on the GPU with the least to do, and tells both which; a feed stays where it is', () => {
  const two = [0, 1].map((index) => ({ index, memoryMb: 8000 }));
  open(true, two);
  for (const feed of ['a', 'b', 'c']) begin(feed);
  expect([heard.a, heard.b, heard.c].map((lines) => lines?.[0])).toEqual(['connected', 'connected on 1', 'connected']);
  const spare = spareReady();
  expect(spare.told[0]).toMatchObject({ type: 'prepare', inference: { device: 1 } });
  die(engineOf('a'));
  expect(heard.a?.slice(-2)).toEqual(['lost', 'spare on 1']);
  say(engineOf('a'), ready);
  // Two feeds on the second now, and one on the first.
  expect(spareReady().told[0]).toMatchObject({ inference: { device: 0 } });
});

it('leaves a GPU alone for a while that an engine has lost, where there is another', () => {
  const two = [0, 1].map((index) => ({ index, memoryMb: 8000 }));
  open(false, two);
  const gone: FromEngine = { type: 'broken', sentence: 'The GPU was removed.', why: 'gpu_gone' };
  const first = begin('a');
  say(first, gone);
  expect(first.ended).toBe('at once');
  connect(engineOf('a'));
  expect(heard.a?.at(-1)).toBe('connected on 1');
  // Its process ends when it does.
  die(first);
  begin('b');
  expect(heard.b?.[0]).toBe('connected on 1');
  pass(61_000);
  begin('c');
  expect(heard.c?.[0]).toBe('connected');
  begin('d');
  expect(heard.d?.[0]).toBe('connected');
});

describe('an engine that dies', () => {
  it('again and again waits longer each time and leaves the spare to the others; after a healthy while all is forgiven', () => {
    open();
    begin('a');
    begin('b');
    spareReady();
    pass(20_000);
    // As a look that kills its engine with the first picture.
    const startsAt: number[] = [];
    const spares = new Set<string>();
    for (let ms = 0; ms < 60_000; ms += 100) {
      pass(100);
      for (const process of alive()) {
        if (process.told.length === 0 && process.feed === null) {
          connect(process);
          say(process, { type: 'prepared', rssMb: 200 });
          spares.add(process.key);
        } else if (process.feed === 'a') {
          startsAt.push(ms);
          die(process);
        }
      }
    }
    expect(startsAt.length).toBeGreaterThan(12);
    expect(startsAt.length).toBeLessThan(22);
    expect(Math.max(...startsAt.slice(1).map((ms, index) => ms - (startsAt[index] as number)))).toBeLessThan(5500);
    expect(spares.size).toBeLessThanOrEqual(3);
    expect(alive().filter(({ feed }) => feed === 'b').length).toBe(1);
    pass(6000);
    const well = engineOf('a');
    connect(well);
    say(well, ready);
    pass(15_000);
    const spare = engineOf(null);
    die(well);
    expect(engineOf('a')).toBe(spare);
  });

  it('before it has connected is started again without a word to the feed', () => {
    open(false);
    serve('a');
    const first = engineOf('a');
    pool.ended(first.key);
    expect(heard.a).toEqual([]);
    expect(engineOf('a')).not.toBe(first);
  });

  it('of a feed that has gone is not started again', () => {
    open(false);
    const first = begin('a');
    pool.forget('a');
    expect(first.ended).toBe('by itself');
    die(first);
    pass(6000);
    expect(alive()).toEqual([]);
  });
});

describe('an engine that hangs', () => {
  it('in a network says so, and the spare takes over without waiting for its process to end', () => {
    open();
    const engine = begin('a');
    spareReady();
    say(engine, { type: 'broken', sentence: 'The model did not answer.', why: 'hung' });
    expect(heard.a?.slice(-2)).toEqual(['lost, hung: The model did not answer.', 'spare']);
    expect(engine.ended).toBe('at once');
    die(engine);
    expect(heard.a?.at(-1)).toBe('spare');
    say(engineOf('a'), ready);
    const second = spareReady();
    say(second, { type: 'broken', sentence: 'The GPU was removed.', why: 'gpu_gone' });
    expect(warnings).toEqual(['The spare engine: The GPU was removed.']);
    expect(second.ended).toBe('at once');
    spareReady();
  });

  it('without a sign of life is ended, told in a sentence, and replaced by the spare', () => {
    open();
    const first = begin('a');
    const spare = spareReady();
    pass(1500, [first]);
    expect(first.ended).toBeNull();
    heard.a = [];
    pass(1500, [first]);
    expect(first.ended).toBe('at once');
    expect(heard.a.slice(0, 2)).toEqual([
      'lost, hung: The engine of this feed did not answer any more and was ended; another takes over.',
      'spare',
    ]);
    expect(engineOf('a')).toBe(spare);
    // What it had still said is nobody's any more.
    heard.a = [];
    first.events.message(ready);
    first.events.frame('program', {} as never);
    expect(heard.a).toEqual([]);
  });

  it('in one picture, with its loop alive, is ended too; one that only works slowly is not', () => {
    open(false);
    const slow = begin('a');
    for (let report = 0; report < 40; report++) {
      vi.advanceTimersByTime(500);
      say(slow, { ...STATS, working: Math.floor(report / 4) });
    }
    expect(slow.ended).toBeNull();
    for (let report = 0; report < 12; report++) {
      vi.advanceTimersByTime(500);
      if (slow.ended === null) say(slow, { ...STATS, working: 99 });
    }
    expect(slow.ended).toBe('at once');
    expect(heard.a?.join()).toContain('stuck in one picture');
  });

  it('may be silent for long while it loads a look', () => {
    open(false);
    const engine = begin('a');
    say(engine, { type: 'loading' });
    pass(15_000, [engine]);
    expect(engine.ended).toBeNull();
    say(engine, { type: 'loaded' });
    pass(3000, [engine]);
    expect(engine.ended).toBe('at once');
  });

  it('as a spare is replaced before anybody needs it', () => {
    open();
    begin('a');
    const spare = spareReady();
    pass(6000, [spare]);
    expect(spare.ended).toBe('at once');
    expect(warnings).toEqual(['The spare engine did not answer any more: another is started.']);
    pass(1500);
    expect(engineOf(null)).not.toBe(spare);
  });
});

it('a watcher that was held up itself, as by a machine that slept, ends nobody for it', () => {
  const watchdog = new Watchdog(2000);
  expect(watchdog.passed(3_600_000)).toBe(false);
  watchdog.heard();
  expect([watchdog.passed(900), watchdog.passed(900), watchdog.passed(900), watchdog.passed(900)]).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(watchdog.passed(100)).toBe(true);
});

it('a process that dies soon after its start, again and again, waits longer each time, at most five seconds', () => {
  const restarts = new RestartPause(1);
  expect([60_000, 500].map((servedMs) => restarts.died(servedMs))).toEqual([0, 0]);
  expect(restarts.distrusted).toBe(false);
  expect(Array.from({ length: 8 }, () => restarts.died(500))).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  expect(restarts.distrusted).toBe(true);
  expect(restarts.died(60_000)).toBe(0);
  expect(restarts.distrusted).toBe(false);
});
