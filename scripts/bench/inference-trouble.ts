/**
 * What a viewer sees of trouble with a network: a run that hangs, a library that aborts its process in the middle of a run, and a GPU that is
 * removed. They are planted with the recording stand-in for ONNX Runtime (test/fixtures/ort-stub.c), whose GPU is the processor.
 */
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileOrtStub } from '../../test/fixtures/ort-stub.ts';
import { ChaosRig, FEED, isPicture, nowMs, pause } from './chaos-rig.ts';
import { say } from './report.ts';

const CLIP = { width: 640, height: 360, frames: 60, bitrate: 2_000_000 };
const RATE = { num: 30, den: 1 };
const PATIENCE_MS = 20_000;
/** An engine that lived shorter is one that dies soon after its start: after the third of them a feed gets no spare (restart-pause.ts). */
const HEALTHY_MS = 10_500;
/** What becomes of viewers is looked at for so long after a trouble. */
const AFTERMATH_MS = 1500;

/** A run that does not return, a library that ends its process, a GPU that is removed. */
const WORDS = ['hang', 'abort', 'gone'] as const;
type Word = (typeof WORDS)[number];

/** One trouble, in ms from the run that had it. */
interface Trouble {
  word: Word;
  /** To the spare's first picture at the viewer. */
  recoveryMs: number;
  /** To the engine's end, as main saw it. */
  endedMs: number;
  /** The longest time in which the viewer was sent nothing: no covered picture, no slate. */
  silentMs: number;
}

export interface Troubles {
  each: Record<Word, Trouble[]>;
  rawFaces: number;
  connectionsLost: number;
}

/** @throws Error where the stand-in cannot be built. */
export async function measureTrouble(times: number): Promise<Troubles> {
  const built = compileOrtStub();
  if (!built.stub) throw new Error(built.why);
  const folder = mkdtempSync(join(tmpdir(), 'understudy-trouble-'));
  const planted = join(folder, 'trouble');
  // Engines inherit it.
  process.env.UNDERSTUDY_TEST_ORT_TROUBLE = planted;
  try {
    const rig = await ChaosRig.open({
      ...{ clip: CLIP, rate: RATE, others: 0 },
      inference: { providers: ['cuda'], library: built.stub.file },
    });
    try {
      const all: Trouble[] = [];
      for (let k = 0; k < times; k++)
        for (const word of WORDS) all.push(await plant(rig, planted, word, all.length > 1));
      const rawFaces = rig.notes.filter((note) => note.seen?.raw).length;
      const of = (word: Word): Trouble[] => all.filter((one) => one.word === word);
      return {
        each: { hang: of('hang'), abort: of('abort'), gone: of('gone') },
        ...{ rawFaces, connectionsLost: rig.peers.lost },
      };
    } finally {
      await rig.close();
    }
  } finally {
    delete process.env.UNDERSTUDY_TEST_ORT_TROUBLE;
    rmSync(folder, { recursive: true, force: true });
    built.remove();
  }
}

/** Plants one trouble and waits for a picture of the engine that takes over. @param healthy once the present one is trusted. */
async function plant(rig: ChaosRig, planted: string, word: Word, healthy: boolean): Promise<Trouble> {
  await rig.run(healthy ? HEALTHY_MS : AFTERMATH_MS);
  await spareStands(rig);
  const before = rig.server.pids().engines[FEED];
  // Whole at once. Its next run takes it, and not the spare's, which may be loading a look meanwhile: from then on it is there.
  writeFileSync(`${planted}.new`, `${word} ${before}`);
  renameSync(`${planted}.new`, planted);
  const takenMs = await until(() => !existsSync(planted), `No network ran that could ${word}.`);
  const endedMs = await until(
    () => rig.server.pids().engines[FEED] !== before,
    `No other engine took over after a planted ${word}.`,
  );
  await rig.run(AFTERMATH_MS);
  // An engine's first picture is a key frame, and nobody else asks for one now.
  const first = rig.notes.find((note) => note.atMs > takenMs && note.key && isPicture(note));
  if (!first) throw new Error(`No picture of another engine came after a planted ${word}.`);
  const times = rig.notes.filter(({ atMs }) => atMs > takenMs && atMs <= first.atMs).map(({ atMs }) => atMs);
  const trouble: Trouble = {
    word,
    recoveryMs: first.atMs - takenMs,
    endedMs: endedMs - takenMs,
    silentMs: Math.max(...times.map((atMs, k) => atMs - (times[k - 1] ?? takenMs))),
  };
  const [recovery, ended, silent] = [trouble.recoveryMs, trouble.endedMs, trouble.silentMs].map(Math.round);
  say(
    `  ${word}: the spare's picture after ${recovery} ms; the engine's end after ${ended}; nothing sent for ${silent} at most`,
  );
  return trouble;
}

async function until(holds: () => boolean, otherwise: string): Promise<number> {
  for (const beganMs = nowMs(); nowMs() - beganMs < PATIENCE_MS; await pause(1)) if (holds()) return nowMs();
  throw new Error(otherwise);
}

async function spareStands(rig: ChaosRig): Promise<void> {
  const headers = { authorization: `Bearer ${rig.server.apiToken}` };
  for (const untilMs = nowMs() + PATIENCE_MS; nowMs() < untilMs; await pause(100)) {
    const text = await (await fetch(`${rig.server.url}/metrics`, { headers })).text();
    if (/^understudy_spare_engine_ready 1$/m.test(text)) return;
  }
  throw new Error('No spare engine was ready in time.');
}
