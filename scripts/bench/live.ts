/**
 * `bench live`: a camera over WebRTC through the server and back to a monitor, with replacement and with decode and encode only.
 * Delay is taken at a relay outside the server: last packet of a frame out minus last packet of the same frame in. A counter in the
 * picture proves that it is the same frame. With the wrtc media engine, which keeps no timestamps, the counter alone tells the frame.
 */
import { parseArgs } from 'node:util';
import type { ClipOptions } from './clip.ts';
import { cpuSeconds, rssMb } from './cpu.ts';
import { attempt, type Gate, gate, median, publish, quantile, say } from './report.ts';
import { addedDelays, addedDelaysByNumber, Rig, type RigOptions, type Window } from './rig.ts';

const CLIP = { width: 1280, height: 720, bitrate: 6_000_000 };
const NTSC_FREE = { num: 30, den: 1 };
const STAGES = ['decode', 'perceive', 'replace', 'composite', 'encode'] as const;
/** The design's budget for these stages, ms a frame. */
const BUDGET: Record<(typeof STAGES)[number], number> = {
  decode: 3,
  perceive: 6,
  replace: 11,
  composite: 3,
  encode: 5,
};

/** The middle of the picture twice beside each other, two moments of the clip: two performers. */
const BESIDE = 'crop=iw/2:ih,tile=2x1';

interface Plan {
  /** Of the clip, which is coded for each measurement anew. */
  frames: number;
  settleSeconds: number;
  windows: number;
  seconds: number;
  viewerSeconds: number;
  /** Further monitors, one measurement each. */
  viewers: readonly number[];
}

interface Measured {
  fps: number[];
  p50: number[];
  p95: number[];
  lostPct: number[];
  reordered: number[];
  stages: Record<string, number[]>;
  rss: { front: number; engine: number };
  replacedShare: number;
  scale: number;
  mbps: number;
}

/** Frames a second that left the server, from the relay's clock. */
function fpsOf({ down }: Window): number {
  const [first, last] = [down[0], down.at(-1)];
  return first && last && last.atMs > first.atMs ? ((down.length - 1) * 1000) / (last.atMs - first.atMs) : 0;
}

/** Camera frames that never reached the monitor, in percent; those still on their way at the window's edges do not count. */
function lostPct({ up, down }: Window): number {
  const [first, last] = [down[0]?.rtpTs ?? 0, down.at(-1)?.rtpTs ?? 0];
  const due = new Set(up.map(({ rtpTs }) => rtpTs).filter((ts) => ts >= first && ts <= last));
  const came = new Set(down.map(({ rtpTs }) => rtpTs));
  const missing = [...due].filter((ts) => !came.has(ts)).length;
  return due.size > 0 ? (100 * missing) / due.size : Number.NaN;
}

const countersOf = ({ counts: { right, wrong, unread } }: Window): string =>
  `, counters ${right} right, ${wrong} wrong, ${unread} unread`;

/** Share of looks at the feed, one a second, in which all its faces are replaced. */
async function replacedShare(rig: Rig, seconds: number, faces: number): Promise<number> {
  let replaced = 0;
  for (let look = 0; look < seconds; look++) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    if ((await rig.feed()).faces.filter(({ shown }) => shown === 'replaced').length >= faces) replaced++;
  }
  return replaced / seconds;
}

/** @param faces how many performers are in the picture. @param then measures further things on the same rig. */
async function measure(
  options: RigOptions,
  plan: Plan,
  title: string,
  faces = 1,
  then: (rig: Rig) => Promise<void> = async () => undefined,
): Promise<Measured> {
  const rig = await Rig.open(options);
  try {
    await rig.window(plan.settleSeconds);
    const measured: Measured = {
      fps: [],
      p50: [],
      p95: [],
      lostPct: [],
      reordered: [],
      stages: {},
      rss: { front: 0, engine: 0 },
      replacedShare: 0,
      scale: 1,
      mbps: 0,
    };
    for (let run = 0; run < plan.windows; run++) {
      const [window, replaced] = await Promise.all([rig.window(plan.seconds), replacedShare(rig, plan.seconds, faces)]);
      const delays = options.engine === 'wrtc' ? addedDelaysByNumber(window) : addedDelays(window);
      measured.fps.push(fpsOf(window));
      measured.p50.push(median(delays));
      measured.p95.push(quantile(delays, 0.95));
      measured.lostPct.push(lostPct(window));
      measured.reordered.push(window.counts.reordered + window.counts.wrong);
      const feed = await rig.feed();
      for (const stage of [...STAGES, 'wait', 'total']) {
        measured.stages[stage] = [...(measured.stages[stage] ?? []), feed.stageMs[stage] ?? Number.NaN];
      }
      measured.replacedShare += replaced / plan.windows;
      measured.scale = feed.program.scale;
      say(
        `  ${title} ${run + 1}/${plan.windows}: ${fpsOf(window).toFixed(2)} fps, added ${median(delays).toFixed(1)} / ${quantile(delays, 0.95).toFixed(1)} ms (p50 / p95)${options.engine === 'wrtc' ? '' : countersOf(window)}`,
      );
    }
    const { front, engines } = rig.server.pids();
    measured.rss = { front: front ? rssMb(front) : 0, engine: engines.bench ? rssMb(engines.bench) : 0 };
    await then(rig);
    return measured;
  } finally {
    await rig.close();
  }
}

interface ViewerCost {
  slope: number;
  points: { viewers: number; cpuPct: number }[];
  mbps: number;
}

/** CPU of the front, percent of a core, with more and more monitors; the least-squares slope is the cost of one. */
async function viewerCost(rig: Rig, plan: Plan): Promise<ViewerCost> {
  const points: ViewerCost['points'] = [];
  let viewers = 0;
  let bytes = 0;
  for (const wanted of plan.viewers) {
    for (; viewers < wanted; viewers++) await rig.addViewer();
    await rig.window(1);
    const front = rig.server.pids().front ?? 0;
    const before = cpuSeconds(front);
    const window = await rig.window(plan.viewerSeconds);
    points.push({ viewers, cpuPct: (100 * (cpuSeconds(front) - before)) / window.seconds });
    bytes = window.counts.bytes / window.seconds;
    say(
      `  front with ${viewers} further monitors: ${points.at(-1)?.cpuPct.toFixed(1)} % of a core at ${((bytes * 8) / 1e6).toFixed(2)} Mbps`,
    );
  }
  const meanX = points.reduce((sum, { viewers: x }) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, { cpuPct }) => sum + cpuPct, 0) / points.length;
  const slope =
    points.reduce((sum, { viewers: x, cpuPct }) => sum + (x - meanX) * (cpuPct - meanY), 0) /
    points.reduce((sum, { viewers: x }) => sum + (x - meanX) ** 2, 0);
  return { slope, points, mbps: (bytes * 8) / 1e6 };
}

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, clip: { type: 'string' } },
  });
  const began = performance.now();
  const plan: Plan = values.quick
    ? { frames: 90, settleSeconds: 1, windows: 1, seconds: 3, viewerSeconds: 1.5, viewers: [0, 4, 8] }
    : { frames: 300, settleSeconds: 3, windows: 5, seconds: 15, viewerSeconds: 8, viewers: [0, 1, 2, 4, 8] };
  const source: ClipOptions = { ...CLIP, frames: plan.frames, ...(values.clip ? { file: values.clip } : {}) };
  const live = (passThrough: boolean, change: Partial<RigOptions> = {}) => ({
    passThrough,
    rate: NTSC_FREE,
    clip: source,
    ...change,
  });

  let cost: ViewerCost | string = 'not measured: decode and encode only failed';
  const pass = await attempt('decode and encode only, 1280×720 at 30', () =>
    measure(live(true), plan, 'pass-through', 1, async (rig) => {
      cost = await attempt('further monitors', () => viewerCost(rig, plan));
    }),
  );
  const full = await attempt('replacement, 1280×720 at 30', () => measure(live(false), plan, 'replacement'));
  const wrtc = await attempt('replacement with the wrtc media engine, VP8 in and out', () =>
    measure(live(false, { engine: 'wrtc', clip: { ...source, codec: 'vp8' } }), plan, 'wrtc'),
  );
  const rates: Record<string, Measured | string> = {};
  if (!values.quick) {
    const short = { ...plan, windows: 2 };
    rates['24'] = await attempt('replacement at 24', () =>
      measure(live(false, { rate: { num: 24, den: 1 } }), short, '24 fps'),
    );
    rates['25'] = await attempt('replacement at 25', () =>
      measure(live(false, { rate: { num: 25, den: 1 } }), short, '25 fps'),
    );
    const pair = { ...source, filter: BESIDE };
    rates.two = await attempt('two faces, 1280×720 at 30', () =>
      measure(live(false, { clip: pair }), short, 'two faces', 2),
    );
    const large = { ...source, width: 1920, height: 1080, bitrate: 9_000_000 };
    rates['1080p'] = await attempt('replacement, 1920×1080 at 30 (reported, no gate)', () =>
      measure(live(false, { clip: large }), short, '1080p'),
    );
  }
  return publish(
    'live',
    began,
    gatesOf(pass, full, cost, wrtc, rates),
    { pass, full, cost, wrtc, rates },
    values.json ?? false,
  );
}

function gatesOf(
  pass: Measured | string,
  full: Measured | string,
  cost: ViewerCost | string,
  wrtc: Measured | string,
  rates: Record<string, Measured | string>,
): Gate[] {
  const of = (from: Measured | string | undefined, pick: (measured: Measured) => number[]): [number[], string?] =>
    typeof from === 'object' ? [pick(from)] : [[], from ?? 'not measured with --quick'];
  const gates = [
    gate('program_fps', '>=', 29.5, ...of(full, ({ fps }) => fps)),
    gate('added_ms_p50', '<=', 24, ...of(full, ({ p50 }) => p50)),
    gate('added_ms_p95', '<=', 45, ...of(full, ({ p95 }) => p95)),
    gate('passthrough_ms_p50', '<=', 12, ...of(pass, ({ p50 }) => p50)),
    gate(
      'viewer_cpu_pct',
      '<=',
      1,
      typeof cost === 'object' ? [cost.slope] : [],
      typeof cost === 'string' ? cost : undefined,
    ),
    gate('frames_reordered', '==', 0, ...of(full, ({ reordered }) => reordered)),
    gate('frames_lost_pct', '<=', 0.5, ...of(full, (measured) => measured.lostPct)),
    gate('replaced_share', '>=', 0.97, ...of(full, ({ replacedShare }) => [Math.round(replacedShare * 100) / 100])),
    ...STAGES.map((stage) =>
      gate(`stage_ms_${stage}`, '<=', BUDGET[stage], ...of(full, ({ stages }) => stages[stage] ?? [])),
    ),
    gate('rss_front_mb', '<=', 200, ...of(full, ({ rss }) => [rss.front])),
    gate('rss_engine_mb', '<=', 500, ...of(full, ({ rss }) => [rss.engine])),
    gate('wrtc_program_fps', '>=', 25, ...of(wrtc, ({ fps }) => fps)),
    // Expected of a machine with room: libwebrtc's jitter buffer 30 to 40, faces 18, its VP8 decoder and encoder 14, its pacer 5.
    gate('wrtc_added_ms_p50', '<=', 120, ...of(wrtc, ({ p50 }) => p50)),
  ];
  if (rates.two !== undefined)
    gates.push(
      gate('two_faces_fps', '>=', 20, ...of(rates.two, (measured) => measured.fps)),
      gate('two_faces_replaced_share', '>=', 0.97, ...of(rates.two, (measured) => [measured.replacedShare])),
    );
  for (const fps of ['24', '25']) {
    if (rates[fps] === undefined) continue;
    gates.push(
      gate(`program_fps_${fps}`, '>=', Number(fps) - 0.5, ...of(rates[fps], (measured) => measured.fps)),
      gate(`added_ms_p50_${fps}`, '<=', 24, ...of(rates[fps], ({ p50 }) => p50)),
    );
  }
  return gates;
}
