/**
 * Renders footage of one person that nobody trains on, as somebody would shoot it for `understudy doubles train`: a few takes that talk,
 * turn, look about and stand in other light, less than a minute together.
 *   node scripts/performer/render-footage.ts --assets DIR --skins DIR --out DIR [--person 1100] [--fps 10] [--side 480] [--only talk,turn]
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { quietCodecs } from '../../server/engine/quiet.ts';
import { openAssets } from './assets.ts';
import { createBackdrops } from './backdrops.ts';
import { encodeClip } from './encode.ts';
import { createHeadView } from './head-view.ts';
import { developFast } from './pair.ts';
import { HELD_OUT_SEED, randomIdentity } from './people.ts';
import { CLIP_KINDS, type ClipKind, writePerformance } from './performances.ts';
import { createPerformer, FINE, type Performer } from './performer.ts';
import { rgbToI420 } from './yuv.ts';

/** Share of the picture's height that the face fills. */
const SIZE = 0.6;
const CRF = 14;

const like = (name: string, seconds: number, other: Partial<ClipKind> = {}) => {
  const kind = CLIP_KINDS.find((one) => one.name === name);
  if (!kind) throw new Error(`There is no kind of clip called ${name}.`);
  return { kind: { ...kind, size: SIZE, ...other }, seconds };
};
/** 56 seconds; each take has a light of its own. */
const TAKES = [like('still', 8), like('hand', 14, { name: 'talk', occluders: [] }), like('turn', 18), like('key', 16)];

async function* film(performer: Performer, take: number, person: number, fps: number, side: number) {
  const { kind, seconds } = TAKES[take]!;
  const seed = 7 * person + take;
  const looks = { skin: [0.4, 0.3, 0.2] as const, eyes: 0.3 };
  const performance = writePerformance(kind, seed, seconds, looks);
  const view = createHeadView(performer, { width: side, height: side, detail: true, hidden: [], floor: -6 });
  const backdrops = createBackdrops(side, side);
  const picture = new Float32Array(3 * side * side);
  const frames = Math.round(seconds * fps);
  for (let i = 0; i < frames; i++) {
    const moment = performance.moment(i / fps);
    view.render(moment, backdrops.at(moment.backdrop, moment.light), null, true);
    developFast(view.colour, picture);
    yield rgbToI420(picture, side, side);
    if ((i + 1) % 20 === 0) process.stderr.write(`${kind.name}: ${i + 1}/${frames}\n`);
  }
}

async function main(): Promise<void> {
  quietCodecs();
  const { values } = parseArgs({
    options: {
      assets: { type: 'string' },
      skins: { type: 'string' },
      out: { type: 'string' },
      person: { type: 'string', default: '1100' },
      fps: { type: 'string', default: '10' },
      side: { type: 'string', default: '480' },
      only: { type: 'string' },
    },
  });
  const { assets, skins, out } = values;
  if (!assets || !skins || !out)
    throw new Error('Say --assets DIR, --skins DIR (see models/demo/CARD.md) and --out DIR.');
  const [person, fps, side] = [Number(values.person), Number(values.fps), Number(values.side)];
  if (!(person >= HELD_OUT_SEED)) throw new Error(`People below ${HELD_OUT_SEED} are trained on: name another.`);
  const only = values.only?.split(',');
  const performer = await createPerformer(openAssets(assets, skins), randomIdentity(person), FINE);
  mkdirSync(out, { recursive: true });
  for (const [take, { kind }] of TAKES.entries()) {
    if (only && !only.includes(kind.name)) continue;
    const file = join(out, `${take + 1}-${kind.name}.mp4`);
    await encodeClip(file, film(performer, take, person, fps, side), {
      width: side,
      height: side,
      fps,
      crf: CRF,
      preset: 'medium',
    });
  }
}

await main();
