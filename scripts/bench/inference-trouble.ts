/**
 * What a viewer sees of trouble with a network: a run that hangs, a library that aborts the process, and looks that are changed while the
 * camera runs. Hangs and aborts are planted with the recording stand-in for ONNX Runtime (test/fixtures/ort-stub.c), whose GPU is the processor.
 */
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { compileOrtStub } from '../../test/fixtures/ort-stub.ts';
import { ChaosRig, FEED, isPicture, MONITOR_LEG, nowMs, pause } from './chaos-rig.ts';
import { say } from './report.ts';

const CLIP = { width: 640, height: 360, frames: 60, bitrate: 2_000_000 };
const RATE = { num: 30, den: 1 };
const PATIENCE_MS = 20_000;
const SETTLE_MS = 2500;

export interface Trouble {
  hangMs: number[];
  abortMs: number[];
  /** The longest time without a picture around a hang. */
  frozenMs: number[];
  rawFaces: number;
  connectionsLost: number;
}

/** @throws Error where the stand-in cannot be built. */
export async function measureTrouble(times: number): Promise<Trouble> {
  const built = compileOrtStub();
  if (!built.stub) throw new Error(built.why);
  const folder = mkdtempSync(join(tmpdir(), 'understudy-trouble-'));
  const planted = join(folder, 'trouble');
  // Engines inherit it.
  process.env.UNDERSTUDY_TEST_ORT_TROUBLE = planted;
  const rig = await ChaosRig.open({
    ...{ clip: CLIP, rate: RATE, others: 0 },
    inference: { providers: ['cuda'], library: built.stub.file },
  });
  const found: Trouble = { hangMs: [], abortMs: [], frozenMs: [], rawFaces: 0, connectionsLost: 0 };
  try {
    for (let k = 0; k < times; k++) {
      for (const [word, list] of [
        ['hang', found.hangMs],
        ['abort', found.abortMs],
      ] as const) {
        const { ms, frozenMs } = await plant(rig, planted, word);
        say(
          `  ${word} ${k + 1}/${times}: the spare's picture after ${ms.toFixed(0)} ms, none for ${frozenMs.toFixed(0)} ms`,
        );
        list.push(ms);
        if (word === 'hang') found.frozenMs.push(frozenMs);
      }
    }
    found.rawFaces = rig.notes.filter((note) => note.seen?.raw).length;
    found.connectionsLost = rig.peers.lost;
    return found;
  } finally {
    await rig.close();
    delete process.env.UNDERSTUDY_TEST_ORT_TROUBLE;
    rmSync(folder, { recursive: true, force: true });
    built.remove();
  }
}

/** Plants one trouble and waits for a picture of the engine that takes over. */
async function plant(rig: ChaosRig, planted: string, word: string): Promise<{ ms: number; frozenMs: number }> {
  await spareStands(rig);
  await rig.run(SETTLE_MS);
  const before = rig.server.pids().engines[FEED];
  writeFileSync(planted, word);
  // The next run takes it: from then on it is there.
  while (existsSync(planted)) await pause(1);
  const atMs = nowMs();
  while (rig.server.pids().engines[FEED] === before) {
    if (nowMs() - atMs > PATIENCE_MS) throw new Error(`No other engine took over after a planted ${word}.`);
    await pause(2);
  }
  const servedMs = nowMs();
  const fresh = await rig.fresh(servedMs, PATIENCE_MS);
  await rig.run(SETTLE_MS / 2);
  const seen = rig.notes.filter(
    (note) => isPicture(note) && note.atMs > atMs - 200 && note.atMs < (fresh?.atMs ?? 0) + 500,
  );
  const gaps = seen.slice(1).map((note, k) => note.atMs - (seen[k]?.atMs ?? note.atMs));
  return { ms: fresh ? fresh.atMs - atMs : PATIENCE_MS, frozenMs: Math.max(0, ...gaps) };
}

async function spareStands(rig: ChaosRig): Promise<void> {
  const headers = { authorization: `Bearer ${rig.server.apiToken}` };
  for (const untilMs = nowMs() + PATIENCE_MS; nowMs() < untilMs; await pause(100)) {
    const text = await (await fetch(`${rig.server.url}/metrics`, { headers })).text();
    if (/^understudy_spare_engine_ready 1$/m.test(text)) return;
  }
  throw new Error('No spare engine was ready in time.');
}

export interface Swaps {
  /** Camera frames of which no program picture came, beyond what the same time without swaps lost. */
  dropped: number;
  /** The most pictures in a row that came later than two frames, around one swap. */
  late: number;
}

/** Changes the look this many times while the camera runs. */
export async function measureSwaps(times: number): Promise<Swaps> {
  const rig = await ChaosRig.open({ clip: CLIP, rate: RATE, others: 0 });
  const { url, apiToken } = rig.server;
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/control`, {
    headers: { authorization: `Bearer ${apiToken}` },
  });
  try {
    await once(socket, 'open');
    await rig.run(SETTLE_MS);
    const idleMs = 400 * times;
    const fromMs = nowMs();
    await rig.run(idleMs);
    const betweenMs = nowMs();
    for (let k = 0; k < times; k++) {
      socket.send(JSON.stringify({ type: 'feed', feed: FEED, look: k % 2 === 0 ? 'ivo' : 'mara' }));
      await pause(400);
    }
    const toMs = nowMs();
    await rig.run(1000);
    const quiet = missing(rig, fromMs, betweenMs);
    const busy = missing(rig, betweenMs, toMs);
    say(
      `  ${times} swaps: ${busy.missing} of ${busy.sent} frames missing, ${quiet.missing} of ${quiet.sent} without swaps`,
    );
    return {
      dropped: Math.max(0, busy.missing - Math.round((quiet.missing * busy.sent) / Math.max(1, quiet.sent))),
      late: busy.late,
    };
  } finally {
    socket.close();
    await rig.close();
  }
}

/** Camera frames that entered in a window and of which nothing left for the monitor. */
function missing(rig: ChaosRig, fromMs: number, toMs: number): { sent: number; missing: number; late: number } {
  const left = new Map((rig.left.get(MONITOR_LEG) ?? []).map(({ rtpTs, atMs }) => [rtpTs, atMs]));
  const sent = [...rig.entered].filter(([, atMs]) => atMs >= fromMs && atMs < toMs).sort((a, b) => a[1] - b[1]);
  let [most, row] = [0, 0];
  for (const [rtpTs, atMs] of sent) {
    const out = left.get(rtpTs);
    row = out !== undefined && out - atMs > 2 * (1000 / 30) ? row + 1 : 0;
    most = Math.max(most, row);
  }
  return { sent: sent.length, missing: sent.filter(([rtpTs]) => !left.has(rtpTs)).length, late: most };
}
