/**
 * `bench soak [--hours N] [--quick]`: a server that runs for long. A camera and two monitors stay; a thousand sessions come and go, a share
 * of them killed, left in their handshake or refused; the doors are under load and what writes to a disk stalls. Watched meanwhile: the
 * memory, handles and sessions of every process, the front's loop and the program's rate.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { AvOffset } from './av-offset.ts';
import { type Gate, gate, publish, quantile, say } from './report.ts';
import { Cycles } from './soak-cycles.ts';
import { type Open, pause, SoakRig } from './soak-rig.ts';
import { leaked, MemoryWatch } from './soak-watch.ts';

interface Plan {
  /** Of the sessions that come and go. */
  ms: number;
  /** Memory counts from here, minutes. */
  afterMinutes: number;
  sampleMs: number;
  /** A stall begins this often, and lasts so long. */
  stallEveryMs: number;
  stallMs: number;
  /** What must have been opened and closed. */
  cycles: number;
  /** A process that is seconds old still loads and compiles: its memory climbs. */
  slopeLimit: number;
  /** A session whose peer was killed is noticed within ten seconds. */
  settleMs: number;
}

const MINUTE_MS = 60_000;
const CYCLES_IN_TEN_MINUTES = 1000;
const plan = (minutes: number): Plan => ({
  ms: minutes * MINUTE_MS,
  afterMinutes: 2,
  sampleMs: 5000,
  stallEveryMs: MINUTE_MS,
  stallMs: 10_000,
  cycles: Math.round((CYCLES_IN_TEN_MINUTES * minutes) / 10),
  slopeLimit: 1,
  settleMs: 40_000,
});
const QUICK: Plan = {
  ms: 20_000,
  afterMinutes: 0.15,
  sampleMs: 1000,
  stallEveryMs: 8000,
  stallMs: 4000,
  cycles: 30,
  slopeLimit: 100,
  settleMs: 40_000,
};
/** Between two looks at the front's loop: what it tells is of the last ten to twenty seconds. */
const LOOP_MS = 10_000;
/** Sound is measured for that much less than the rest: it takes its time to come and to settle. */
const SOUND_LESS_MS = 10_000;

interface Watched {
  memory: MemoryWatch;
  loopMs: number[];
  fps: number[];
  stalls: Record<string, number>;
  /** Or why there is none. */
  sound: AvOffset | string;
}

/** Looks at everything until `over` holds. */
async function watch(rig: SoakRig, { sampleMs }: Plan, seen: Watched, over: () => boolean): Promise<void> {
  let [loopAtMs, framesAtMs] = [performance.now(), performance.now()];
  await rig.frames();
  while (!over()) {
    await pause(sampleMs);
    seen.memory.take(await rig.pids());
    const nowMs = performance.now();
    if (nowMs - loopAtMs < LOOP_MS) continue;
    loopAtMs = nowMs;
    // A front that is down has no loop; that it was lost is told by itself.
    const late = await rig.loopP99Ms().catch(() => null);
    if (late !== null) seen.loopMs.push(late);
    const { frames } = await rig.frames();
    seen.fps.push((frames * 1000) / (nowMs - framesAtMs));
    framesAtMs = nowMs;
  }
}

async function stalling(
  rig: SoakRig,
  { stallEveryMs, stallMs }: Plan,
  seen: Watched,
  over: () => boolean,
): Promise<void> {
  while (!over()) {
    const beganMs = performance.now();
    for (const what of await rig.stall(stallMs)) seen.stalls[what] = (seen.stalls[what] ?? 0) + 1;
    while (!over() && performance.now() - beganMs < stallEveryMs) await pause(100);
  }
}

/** Waits until no more is open than was before, or the time is up. */
async function settled(rig: SoakRig, before: Open, settleMs: number): Promise<{ open: Open; left: number }> {
  const untilMs = performance.now() + settleMs;
  for (;;) {
    const open = await rig.openNow().catch((error: unknown) => {
      if (performance.now() > untilMs) throw error;
      return null;
    });
    if (!open) continue;
    const left = leaked(before.handles, open.handles) + Math.max(0, open.sessions - before.sessions);
    if (left === 0 || performance.now() > untilMs) return { open, left };
    await pause(500);
  }
}

/** Sound against picture, or why it could not be measured. */
const listen = (rig: SoakRig, seconds: number, settleMs: number): Promise<AvOffset | string> =>
  rig.sound(seconds, settleMs).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));

async function measure(rig: SoakRig, cycles: Cycles, chosen: Plan) {
  await cycles.warm();
  await listen(rig, 2, 0);
  await pause(1000);
  const before = await rig.openNow();
  const seen: Watched = { memory: new MemoryWatch(), loopMs: [], fps: [], stalls: {}, sound: '' };
  seen.memory.take(await rig.pids());
  await rig.beginLoad();
  let over = false;
  const watching = Promise.all([watch(rig, chosen, seen, () => over), stalling(rig, chosen, seen, () => over)]);
  const listening = listen(rig, Math.max(4, (chosen.ms - SOUND_LESS_MS) / 1000), 4000);
  // A watch that fails ends the run.
  await Promise.race([cycles.run(chosen.ms), watching.then(() => cycles.run(0))]);
  over = true;
  await watching;
  seen.sound = await listening;
  const load = await rig.endLoad();
  const after = await settled(rig, before, chosen.settleMs);
  seen.memory.take(await rig.pids());
  return { before, after, seen, load };
}

type Measured = Awaited<ReturnType<typeof measure>>;

function gatesOf({ before, after, seen }: Measured, cycles: Cycles, chosen: Plan): Gate[] {
  const slopes = seen.memory.slopes(chosen.afterMinutes);
  const tellsHandles = Object.values(before.handles).some((count) => count !== null);
  const { sound } = seen;
  const [offsets, why] = typeof sound === 'string' ? [[], sound] : [sound.offsets.map(Math.abs), 'no beep was heard'];
  return [
    gate('rss_slope_mb_per_min', '<=', chosen.slopeLimit, [Math.max(...Object.values(slopes))]),
    gate('handles_leaked', '==', 0, tellsHandles ? [after.left] : [], 'this system does not list open handles'),
    gate('session_cycles', '>=', chosen.cycles, [cycles.total]),
    gate('cycles_failed', '==', 0, [cycles.counts.failed]),
    gate('processes_lost', '==', 0, [seen.memory.lost.length]),
    gate('front_loop_ms_p99', '<=', 5, seen.loopMs),
    gate('program_fps', '>=', 25, seen.fps),
    gate('av_offset_frames_max', '<=', 1, offsets.length > 0 ? [Math.max(...offsets)] : [], why),
  ];
}

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, hours: { type: 'string' } },
  });
  const hours = Number(values.hours ?? 1 / 6);
  if (!(hours > 0 && hours <= 1000)) throw new Error('--hours takes a number above 0, such as --hours 12.');
  const began = performance.now();
  const chosen = values.quick ? QUICK : plan(hours * 60);
  say(`a camera, two monitors and sessions that come and go, for ${(chosen.ms / MINUTE_MS).toFixed(1)} min`);
  const rig = await SoakRig.open();
  const cycles = new Cycles(rig);
  const close = async (): Promise<void> => {
    await cycles.close();
    await rig.close();
  };
  process.once('SIGINT', () => void close().finally(() => process.exit(130)));
  try {
    const measured = await measure(rig, cycles, chosen).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : String(error)} The server said: ${rig.said}`);
    });
    const gates = gatesOf(measured, cycles, chosen);
    return publish('soak', began, gates, detailsOf(measured, cycles, chosen), values.json ?? false);
  } finally {
    await close();
  }
}

function detailsOf({ before, after, seen, load }: Measured, cycles: Cycles, chosen: Plan): Record<string, unknown> {
  const memory = Object.entries(seen.memory.samples).map(([role, samples]) => {
    const mb = samples.map((sample) => sample.rssMb);
    return [role, { firstMb: mb[0], medianMb: quantile(mb, 0.5), lastMb: mb.at(-1), maxMb: Math.max(...mb) }];
  });
  return {
    slopes: seen.memory.slopes(chosen.afterMinutes),
    memory: Object.fromEntries(memory) as unknown,
    lost: seen.memory.lost,
    cycles: cycles.counts,
    load,
    /** Simulated: the keeper's process stopped, the log's pipe not read. */
    stalls: seen.stalls,
    sound:
      typeof seen.sound === 'string' ? seen.sound : { beeps: seen.sound.offsets.length, missed: seen.sound.missed },
    loopMs: { windows: seen.loopMs, worst: Math.max(...seen.loopMs) },
    open: { before, after: after.open },
    loadAverage: loadavg(),
  };
}
