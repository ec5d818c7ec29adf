/**
 * Renders many fictional people in many poses, expressions and lights, reads their landmarks with the real model, and writes where
 * the points lie on the head: what scripts/identity/build-shape.ts makes the shape model from.
 * Usage: node scripts/identity/render-population.ts --assets DIR --skins DIR --out FILE [--people 80] [--views 16] [--from 0]
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { onHead, readHead } from '../../server/engine/casting/head.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { createPerceiver } from '../../server/face/perceiver.ts';
import { Arena } from '../../server/frame/arena.ts';
import { i420Bytes, UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import { openAssets } from '../performer/assets.ts';
import { createBackdrops } from '../performer/backdrops.ts';
import { createHeadView } from '../performer/head-view.ts';
import { randomMoment } from '../performer/moments.ts';
import { developFast } from '../performer/pair.ts';
import { randomIdentity } from '../performer/people.ts';
import { createPerformer, QUICK } from '../performer/performer.ts';
import { random } from '../performer/vec.ts';
import { rgbToI420 } from '../performer/yuv.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
const SIDE = 256;
const VIEW = { height: SIDE, faceSize: [85, 130] as const, yaw: 20, pitch: 20, roll: 10 };

/** One reading: degrees, and 3 × 478 coordinates on the head. */
export interface Sighting {
  yaw: number;
  pitch: number;
  points: number[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      assets: { type: 'string' },
      skins: { type: 'string' },
      out: { type: 'string' },
      people: { type: 'string', default: '80' },
      views: { type: 'string', default: '16' },
      from: { type: 'string', default: '0' },
    },
  });
  const { assets, skins, out } = values;
  if (!assets || !skins || !out)
    throw new Error('Say where the CC0 head is and where to write: --assets, --skins, --out.');
  const opened = openAssets(assets, skins);
  const [arena, runtime, head] = [new Arena(256), createRuntime(), readHead(MODELS)];
  const kernels = loadKernels(arena);
  const perceiver = await createPerceiver({ runtime, arena, kernels, modelsDir: MODELS });
  const picture = new Pictures(arena).take(
    SIDE,
    SIDE,
    { ...UNKNOWN_COLOUR, matrix: 'bt709', range: 'limited' },
    { feed: 'population', rtpTs: 0, captureUs: 0 },
  );
  const samples = arena.bytes(picture.at, i420Bytes(SIDE, SIDE));
  const rgb = new Float32Array(3 * SIDE * SIDE);
  const backdrops = createBackdrops(SIDE, SIDE);
  const population: Record<string, Sighting[]> = {};
  for (let k = 0; k < Number(values.people); k++) {
    const seed = Number(values.from) + k;
    const performer = await createPerformer(opened, randomIdentity(seed), QUICK);
    const view = createHeadView(performer, { width: SIDE, height: SIDE, detail: false, hidden: [], floor: -6 });
    const next = random(7000 + seed);
    const seen: Sighting[] = [];
    for (let i = 0; i < Number(values.views); i++) {
      const moment = randomMoment(next, VIEW);
      view.render(moment, backdrops.at(moment.backdrop, moment.light), null, false);
      developFast(view.colour, rgb);
      samples.set(rgbToI420(rgb, SIDE, SIDE));
      perceiver.reset();
      const [track] = await perceiver.perceive(picture).complete;
      if (!track?.landmarks) continue;
      const points = Array.from(onHead(head, track.landmarks.points), (value) => Math.round(value * 1e4) / 1e4);
      seen.push({ yaw: track.yawDeg, pitch: track.pitchDeg, points });
    }
    population[seed] = seen;
    process.stderr.write(`${k + 1} of ${values.people}: ${seen.length} of ${values.views} read\n`);
    if (k % 10 === 9) writeFileSync(out, JSON.stringify(population));
  }
  writeFileSync(out, JSON.stringify(population));
  perceiver.close();
  runtime.close();
}

await main();
