/**
 * `bench chaos`: what a set does to a stream. Packets are lost, a camera's cable comes loose, a monitor hangs on a weak link, the engine
 * and the front are killed; what monitors receive meanwhile is timed at the peers and at a relay, and every picture's face is looked at.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { ReceiverStats } from '../../server/media/rtp/receiver.ts';
import type { Note } from './chaos-peers.ts';
import { CAMERA_LEG, ChaosRig, isPicture, MONITOR_LEG, nowMs, pause } from './chaos-rig.ts';
import type { Direction } from './relay.ts';
import { attempt, type Gate, gate, median, type Outcome, publish, quantile, say } from './report.ts';

const CLIP = { width: 1280, height: 720, frames: 90, bitrate: 6_000_000 };
const RATE = { num: 30, den: 1 };
/** Beside the monitor that looks; the last of them gets the weak link. */
const OTHERS = 2;
const SLOW_LEG = MONITOR_LEG + OTHERS;
const LOSS = 0.05;
const WEAK_KBPS = 300;
const CUT_MS = 5000;
const SETTLE_MS = 2000;
const PATIENCE_MS = 30_000;

export interface Plan {
  lossMs: number;
  /** Pairs of windows with and without the weak link; an even number, for every other one runs the other way round. */
  pairs: number;
  windowMs: number;
  kills: number;
  /** From one kill to the next. */
  killEveryMs: number;
}
const FULL: Plan = { lossMs: 60_000, pairs: 6, windowMs: 24_000, kills: 10, killEveryMs: 30_000 };
const QUICK: Plan = { lossMs: 6000, pairs: 2, windowMs: 3000, kills: 2, killEveryMs: 5000 };

/** Longest time without a new picture, ms, the window's edges included. */
export function longestGap(notes: readonly Pick<Note, 'atMs'>[], fromMs: number, toMs: number): number {
  const times = notes.map(({ atMs }) => atMs).filter((atMs) => atMs >= fromMs && atMs <= toMs);
  return Math.max(...[...times, toMs].map((atMs, index) => atMs - (times[index - 1] ?? fromMs)));
}

/** The longest time without a new picture, and how long nothing passed meanwhile where the camera's frames enter and where frames leave. */
interface Freeze {
  atMonitorMs: number;
  /** Here as long as at the monitor: the server was late, or waited for a key frame. */
  leavingMs: number;
  /** Here too: the camera, or the way from it. */
  enteringMs: number;
}

/** A frame that was on its way when the standstill began entered and left a little before. */
const ON_ITS_WAY_MS = 200;

function longestFreeze(rig: ChaosRig, fromMs: number, toMs: number): Freeze {
  const times = [fromMs, ...rig.notes.filter(isPicture).map(({ atMs }) => atMs), toMs]
    .filter((atMs) => atMs >= fromMs && atMs <= toMs)
    .map((atMs, index, all) => ({ beginMs: all[index - 1] ?? fromMs, endMs: atMs }));
  const longest = times.reduce((a, b) => (b.endMs - b.beginMs > a.endMs - a.beginMs ? b : a));
  const passed = (crossings: readonly { atMs: number }[]): number =>
    longestGap(crossings, longest.beginMs - ON_ITS_WAY_MS, longest.endMs);
  return {
    atMonitorMs: longest.endMs - longest.beginMs,
    leavingMs: passed(rig.left.get(MONITOR_LEG) ?? []),
    enteringMs: passed([...rig.entered.values()].map((atMs) => ({ atMs }))),
  };
}

async function freeze(rig: ChaosRig, leg: number, direction: Direction, loss: number, ms: number): Promise<Freeze> {
  await rig.impair(leg, direction, { loss });
  const fromMs = nowMs();
  await pause(ms);
  const toMs = nowMs();
  await rig.impair(leg, direction, {});
  await rig.run(SETTLE_MS);
  const longest = longestFreeze(rig, fromMs, toMs);
  const { atMonitorMs, leavingMs, enteringMs } = longest;
  say(
    `  ${loss * 100} % loss ${leg === CAMERA_LEG ? 'from the camera' : 'to the monitor'}: longest gap ${atMonitorMs.toFixed(0)} ms (leaving the server ${leavingMs.toFixed(0)}, entering it ${enteringMs.toFixed(0)})`,
  );
  return longest;
}

interface Loss {
  none: Freeze;
  up: Freeze;
  down: Freeze;
  /** What the monitor's packets went through. */
  packets: ReceiverStats | null;
}

async function lossPhase(rig: ChaosRig, { lossMs }: Plan): Promise<Loss> {
  const none = await freeze(rig, CAMERA_LEG, 'up', 0, Math.min(lossMs, 10_000) / 2);
  const up = await freeze(rig, CAMERA_LEG, 'up', LOSS, lossMs);
  const down = await freeze(rig, MONITOR_LEG, 'down', LOSS, lossMs);
  return { none, up, down, packets: rig.packets };
}

/** Nothing passes the camera's cable in either direction for a while. */
async function cutPhase(rig: ChaosRig): Promise<number> {
  const both = async (cut: boolean): Promise<void> => {
    for (const direction of ['up', 'down'] as const) await rig.impair(CAMERA_LEG, direction, { cut });
  };
  await both(true);
  await pause(CUT_MS);
  await both(false);
  const restoredMs = nowMs();
  const fresh = await rig.fresh(restoredMs, PATIENCE_MS);
  const ms = fresh ? fresh.atMs - restoredMs : Number.NaN;
  say(`  ingest cut for ${CUT_MS / 1000} s: program back after ${ms.toFixed(0)} ms`);
  return ms;
}

/** Delays of frames that left for the other monitors within a window: last packet out minus last packet in, ms. */
function delaysOfOthers(rig: ChaosRig, fromMs: number, toMs: number): number[] {
  const delays: number[] = [];
  for (let leg = MONITOR_LEG; leg < SLOW_LEG; leg++) {
    for (const { rtpTs, atMs } of rig.left.get(leg) ?? []) {
      const from = rig.entered.get(rtpTs);
      if (from !== undefined && atMs >= fromMs && atMs <= toMs) delays.push(atMs - from);
    }
  }
  return delays;
}

export interface Slow {
  /** Of all pairs' frames together. */
  changePct: number;
  p99: { without: number; with: number };
  pairsPct: number[];
  /** Key frames a second, which the weak link's monitor asks for and everybody gets. */
  keysPerSecond: { without: number; with: number };
  slowMonitorLost: number;
}

/** Windows with and without the cap take turns, so that what else the machine does falls on both. */
export async function slowPhase(rig: ChaosRig, { pairs, windowMs }: Plan): Promise<Slow> {
  const all = { without: [] as number[], with: [] as number[] };
  const pairsPct: number[] = [];
  const keys = { without: 0, with: 0 };
  const lostBefore = rig.lostOn(SLOW_LEG);
  for (let pair = 0; pair < pairs; pair++) {
    const p99: Record<keyof typeof all, number> = { without: 0, with: 0 };
    for (const weak of pair % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)) {
      await rig.impair(SLOW_LEG, 'down', weak === 'with' ? { kbps: WEAK_KBPS } : {});
      await pause(SETTLE_MS / 4);
      const fromMs = nowMs();
      await rig.run(windowMs);
      const delays = delaysOfOthers(rig, fromMs, nowMs());
      keys[weak] += rig.notes.filter(({ key, atMs }) => key && atMs >= fromMs).length;
      all[weak].push(...delays);
      p99[weak] = quantile(delays, 0.99);
    }
    pairsPct.push(100 * (p99.with / p99.without - 1));
  }
  await rig.impair(SLOW_LEG, 'down', {});
  const p99 = { without: quantile(all.without, 0.99), with: quantile(all.with, 0.99) };
  const changePct = 100 * (p99.with / p99.without - 1);
  say(`  one monitor at ${WEAK_KBPS} kbps: others' p99 ${p99.without.toFixed(1)} → ${p99.with.toFixed(1)} ms`);
  const seconds = (pairs * windowMs) / 1000;
  const keysPerSecond = { without: keys.without / seconds, with: keys.with / seconds };
  return { changePct, p99, pairsPct, keysPerSecond, slowMonitorLost: rig.lostOn(SLOW_LEG) - lostBefore };
}

interface Kills {
  recoveries: number[];
  /** Of those, until the picture's coded frame, a key frame, had come from the camera. */
  keyFrames: number[];
  dropped: number;
  raw: number;
  pictures: number;
  unread: number;
  undecodable: number;
  rawLimit: number;
  /** Of pictures with the camera's counter: distance of the face from the plate's. */
  difference: { least: number; median: number };
}

async function killPhase(rig: ChaosRig, { kills, killEveryMs }: Plan): Promise<Kills> {
  await rig.run(SETTLE_MS);
  const [from, lost, undecodable] = [rig.notes.length, rig.peers.lost, rig.undecodable];
  const recoveries: number[] = [];
  const keyFrames: number[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const killedMs = rig.kill('engine');
    // A frame that the old engine had taken in cannot have entered after its death.
    const fresh = await rig.fresh(killedMs, PATIENCE_MS);
    recoveries.push(fresh ? fresh.atMs - killedMs : PATIENCE_MS);
    keyFrames.push(fresh ? (rig.entered.get(fresh.rtpTs) ?? Number.NaN) - killedMs : PATIENCE_MS);
    const [ms, keyMs] = [recoveries.at(-1)?.toFixed(0), keyFrames.at(-1)?.toFixed(0)];
    say(`  engine killed ${kill + 1}/${kills}: fresh picture after ${ms} ms, its coded frame in after ${keyMs}`);
    await rig.run(Math.max(SETTLE_MS, killEveryMs - (nowMs() - killedMs)));
  }
  const notes = rig.notes.slice(from);
  const seen = notes.flatMap((note) => (note.seen ? [note.seen] : []));
  const differences = seen.filter(({ counter }) => counter !== null).map(({ difference }) => difference);
  return {
    recoveries,
    keyFrames,
    dropped: rig.peers.lost - lost,
    raw: seen.filter(({ raw }) => raw).length,
    pictures: differences.length,
    unread: seen.length - differences.length,
    undecodable: rig.undecodable - undecodable,
    rawLimit: rig.rawLimit,
    difference: { least: Math.min(...differences), median: median(differences) },
  };
}

async function frontPhase(rig: ChaosRig): Promise<number> {
  const killedMs = rig.kill('front');
  const fresh = await rig.fresh(killedMs, PATIENCE_MS);
  const ms = fresh ? fresh.atMs - killedMs : Number.NaN;
  say(`  front killed: pictures back after ${ms.toFixed(0)} ms`);
  return ms;
}

/** The gate over what an outcome holds, or why there is none. */
function from<T>(
  id: string,
  op: Gate['op'],
  limit: number,
  outcome: Outcome<T>,
  pick: (value: T) => number | number[],
): Gate {
  return typeof outcome === 'string' ? gate(id, op, limit, [], outcome) : gate(id, op, limit, [pick(outcome)].flat());
}

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean' }, quick: { type: 'boolean' } } });
  const began = performance.now();
  const plan = values.quick ? QUICK : FULL;
  say('a camera and three monitors, 1280×720 at 30, with replacement');
  const rig = await ChaosRig.open({ clip: CLIP, rate: RATE, others: OTHERS });
  try {
    await rig.run(SETTLE_MS);
    const loss = await attempt('loss, up and down', () => lossPhase(rig, plan));
    const cut = await attempt("the camera's way cut", () => cutPhase(rig));
    const slow = await attempt('one weak monitor', () => slowPhase(rig, plan));
    const kills = await attempt('the engine killed', () => killPhase(rig, plan));
    const front = await attempt('the front killed', () => frontPhase(rig));
    const gates = [
      from('freeze_ms_max', '<=', 500, loss, ({ up, down }) => Math.max(up.atMonitorMs, down.atMonitorMs)),
      from('ingest_return_ms', '<=', 2000, cut, (ms) => ms),
      // The pairs' median: one window in which the machine did something else does not decide.
      from('slow_viewer_p99_change_pct', '<=', 5, slow, ({ pairsPct }) => pairsPct),
      from('engine_kill_connections_dropped', '==', 0, kills, ({ dropped }) => dropped),
      from('engine_kill_raw_faces', '==', 0, kills, ({ raw }) => raw),
      from('engine_recovery_ms_p95', '<=', 500, kills, ({ recoveries }) => quantile(recoveries, 0.95)),
      from('front_recovery_ms', '<=', 5000, front, (ms) => ms),
    ];
    const details = { loss, cut, slow, kills, front, loadAverage: loadavg() };
    return publish('chaos', began, gates, details, values.json ?? false);
  } finally {
    await rig.close();
  }
}
