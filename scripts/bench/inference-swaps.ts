/**
 * Looks that are changed while a camera runs, as frames enter and leave the server. That a look is really another one each time, and that the
 * network of the one before is let go of, is told by the recording stand-in for ONNX Runtime (test/fixtures/ort-stub.c), which hands every
 * call on to the real library.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { compileOrtStub } from '../../test/fixtures/ort-stub.ts';
import { ChaosRig, FEED, MONITOR_LEG, nowMs, pause } from './chaos-rig.ts';
import { median, say } from './report.ts';

/** What `bench live` films, and less where there is no time. */
const CLIP = { width: 1280, height: 720, frames: 90, bitrate: 6_000_000 };
const SMALL_CLIP = { width: 640, height: 360, frames: 90, bitrate: 2_000_000 };
const RATE = { num: 30, den: 1 };
const FRAME_MS = 1000 / 30;
const SETTLE_MS = 2500;
/** From one swap to the next, at least. */
const EVERY_MS = 800;
const PATIENCE_MS = 20_000;
/** The feed begins with the first of them. */
const LOOKS = ['mara', 'ivo'] as const;

/** Frames of the camera in a time, and what became of them. */
export interface Passed {
  entered: number;
  /** Of which no program picture left. */
  dropped: number;
  /** That left more than a frame later than usual. */
  late: number;
}

export interface Swaps {
  /** One for each swap. */
  swaps: Passed[];
  /** The same camera before, for as long. */
  before: Passed;
  /** Of networks that no look wears any more. */
  sessionsLeft: number;
  /** From the order to the network's being loaded and the old one's being let go of. */
  swapMs: number[];
}

/** Changes the look this many times while the camera runs. @throws Error where the stand-in cannot be built. */
export async function measureSwaps(times: number, small: boolean): Promise<Swaps> {
  const built = compileOrtStub();
  if (!built.stub) throw new Error(built.why);
  const folder = mkdtempSync(join(tmpdir(), 'understudy-swaps-'));
  const counts = join(folder, 'sessions');
  // Engines inherit it.
  process.env.UNDERSTUDY_TEST_ORT_SESSIONS = counts;
  try {
    const rig = await ChaosRig.open({
      ...{ clip: small ? SMALL_CLIP : CLIP, rate: RATE, others: 0 },
      inference: { providers: ['cpu'], library: built.stub.file },
    });
    try {
      return await swapOn(rig, counts, times);
    } finally {
      await rig.close();
    }
  } finally {
    delete process.env.UNDERSTUDY_TEST_ORT_SESSIONS;
    rmSync(folder, { recursive: true, force: true });
    built.remove();
  }
}

async function swapOn(rig: ChaosRig, counts: string, times: number): Promise<Swaps> {
  const { url, apiToken } = rig.server;
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/control`, {
    headers: { authorization: `Bearer ${apiToken}` },
  });
  const engine = rig.server.pids().engines[FEED];
  const sessions = (): { created: number; open: number } => {
    const [created = 0, released = 0] = readFileSync(`${counts}.${engine}`, 'utf8').split(' ').map(Number);
    return { created, open: created - released };
  };
  try {
    await once(socket, 'open');
    // The spare loads its networks meanwhile.
    await rig.run(2 * SETTLE_MS);
    const quietMs = nowMs();
    await pause(EVERY_MS * times);
    const marks = [nowMs()];
    const { open } = sessions();
    const swapMs: number[] = [];
    for (let k = 0; k < times; k++) {
      const wanted = sessions().created + 1;
      const orderedMs = nowMs();
      socket.send(JSON.stringify({ type: 'feed', feed: FEED, look: LOOKS[(k + 1) % 2] }));
      while (sessions().created < wanted || sessions().open > open) {
        if (nowMs() - orderedMs > PATIENCE_MS) {
          const trouble = (await rig.feed())?.message;
          throw new Error(`A look was not changed within 20 seconds${trouble ? `: ${trouble}` : '.'}`);
        }
        if (rig.server.pids().engines[FEED] !== engine)
          throw new Error('The engine was lost while looks were changed.');
        await pause(5);
      }
      swapMs.push(nowMs() - orderedMs);
      await pause(Math.max(EVERY_MS / 2, EVERY_MS - (nowMs() - orderedMs)));
      marks.push(nowMs());
    }
    const sessionsLeft = sessions().open - open;
    // What is still on its way.
    await rig.run(1000);
    const usualMs = median(waysOf(rig, quietMs, marks[0] ?? 0).flatMap((way) => way ?? []));
    const passed = (fromMs = 0, toMs = 0): Passed => {
      const ways = waysOf(rig, fromMs, toMs);
      const late = ways.filter((way) => way !== null && way > usualMs + FRAME_MS).length;
      return { entered: ways.length, dropped: ways.filter((way) => way === null).length, late };
    };
    const swaps = marks.slice(1).map((toMs, k) => passed(marks[k], toMs));
    const before = passed(quietMs, marks[0]);
    say(
      `  before: ${told(before)}, usually after ${usualMs.toFixed(1)} ms; ${times} swaps: ${swaps.map(told).join('; ')}`,
    );
    return { swaps, before, sessionsLeft, swapMs };
  } finally {
    socket.close();
  }
}

export const told = ({ entered, dropped, late }: Passed): string =>
  `${dropped} of ${entered} frames dropped, ${late} late`;

/** How long each of the camera's frames that entered in a time took until its program picture left, ms; null: none did. */
function waysOf(rig: ChaosRig, fromMs: number, toMs: number): (number | null)[] {
  const left = new Map((rig.left.get(MONITOR_LEG) ?? []).map(({ rtpTs, atMs }) => [rtpTs, atMs]));
  return [...rig.entered]
    .filter(([, atMs]) => atMs >= fromMs && atMs < toMs)
    .map(([rtpTs, atMs]) => {
      const outMs = left.get(rtpTs);
      return outMs === undefined ? null : outMs - atMs;
    });
}
