/**
 * `node scripts/eval/double-time.ts CLIP LOOK-FOLDER FRAMES [on|off]`: times landmarks and replacement of a clip, picture by picture, and
 * prints {"frameMs":…,"doubleMs":…} (medians). The evaluation starts it on one processor core.
 */
import { openDouble } from '../../server/double/open.ts';
import { FaceStage } from '../../server/engine/face-stage.ts';
import { median } from '../bench/report.ts';
import { withEngine } from './engine.ts';
import { readVideo } from './video.ts';

/** Pictures before the first that counts: code and caches are cold. */
const WARM_UP = 10;
/** An age treatment does its whole work whatever its dial says; doubles have no dials. */
const DIALS = { age: -1 };

const [clip = '', dir = '', frames = '100', occlusion = 'on'] = process.argv.slice(2);

const times = await withEngine(async ({ engine, runtime }) => {
  const stage = new FaceStage({ ...engine, perceiver: await engine.perceiver(), occlusion: await engine.occlusion() });
  const found: { frame: number[]; double: number[] } = { frame: [], double: [] };
  try {
    stage.use(await openDouble({ ...engine, runtime, dir }));
    let index = 0;
    for await (const picture of readVideo(clip, engine.pictures)) {
      const { faces, ms } = await stage.process(picture, 'look', DIALS);
      engine.pictures.give(picture);
      const replaced = faces.filter(({ treatment }) => ['replace', 'change'].includes(treatment.kind)).length;
      if (index++ >= WARM_UP && replaced === 1) {
        found.frame.push(ms.perceive + ms.replace);
        found.double.push(ms.replace);
      }
      if (index >= WARM_UP + Number(frames)) break;
    }
  } finally {
    stage.close();
  }
  return found;
}, occlusion === 'on');
process.stdout.write(`${JSON.stringify({ frameMs: median(times.frame), doubleMs: median(times.double) })}\n`);
