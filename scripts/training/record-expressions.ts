/**
 * Cuts faces out of what scripts/training/record.ts has recorded, as `npm run eval -- double` looks at them, for train_ruler.py:
 *   node scripts/training/record-expressions.ts RECORDED/DOUBLE --out DIR
 * RECORDED/DOUBLE is any double's folder: only the performers are looked at. A driver's OUT/driver-NNNN.bin holds three planes (R, G, B) of SIDE²
 * bytes a face, its .json what the rig did and what the landmarks say.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { SIZE } from '../../server/double/surface.ts';
import { UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { type EngineParts, MODELS_DIR, withEngine } from '../eval/engine.ts';
import { lookedAt, SIDE } from '../eval/expression-ruler.ts';
import { FaceReader } from '../eval/face-reader.ts';
import { expressionOf } from '../eval/face-signals.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { rgbToI420 } from '../performer/yuv.ts';
import { byteOf } from './crop.ts';
import { driverFile, driversIn, openRecording } from './files.ts';
import { pictured, readRecorded } from './recorded.ts';
import { CROP, PICTURE } from './sample.ts';

/** What a recording says of a face. */
const recorded = z.looseObject({
  rig: z.looseObject({
    jaw: z.number(),
    blinkLeft: z.number(),
    blinkRight: z.number(),
    smile: z.number(),
    brows: z.number(),
    gaze: z.number(),
  }),
});

/** Where a face lies in the recorded crop, about: the reader looks twice. */
function guess(): Float32Array {
  const points = new Float32Array(3 * 478);
  for (const [i, [x, y]] of readFaceMesh().positions.entries())
    points.set([PICTURE / 2 + (9 / 256) * SIZE * x, PICTURE / 2 - (9 / 256) * SIZE * y, 0], 3 * i);
  return points;
}

/** @param cut SIDE² × 3 float32 of kernel memory. */
async function readDriver(
  { arena, pictures }: EngineParts,
  reader: FaceReader,
  cut: number,
  from: string,
  to: string,
): Promise<number> {
  const { about, planes } = readRecorded(from);
  const recording = openRecording(to);
  const faces: object[] = [];
  const start = guess();
  for (const [i, face] of about.faces.entries()) {
    const { success, data } = recorded.safeParse(face);
    if (!success) throw new Error(`${from}.json does not say what the rig did: record this driver again.`);
    const id = { feed: 'reading', rtpTs: i, captureUs: i };
    const picture = pictures.take(PICTURE, PICTURE, { ...UNKNOWN_COLOUR, matrix: 'bt709' }, id);
    arena.bytes(picture.at, (PICTURE * PICTURE * 3) / 2).set(rgbToI420(pictured(planes(i, CROP, 3)), PICTURE, PICTURE));
    reader.forget();
    const points = await reader.read('crop', picture, start);
    if (points) {
      reader.looked.cut(lookedAt(points), SIDE, cut, 1 / 255, 0);
      recording.write(Uint8Array.from(arena.floats(cut, 3 * SIDE * SIDE), byteOf));
      const { jaw, blinkLeft, blinkRight, smile, brows, gaze } = data.rig;
      const rig = { mouthOpen: jaw, blink: (blinkLeft + blinkRight) / 2, smile, brow: brows, gazeX: gaze };
      faces.push({ driver: face.driver, rig, landmarks: expressionOf(points) });
    }
    pictures.give(picture);
  }
  recording.finish({ faces });
  return faces.length;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
  const [from] = positionals;
  const { out } = values;
  if (!from || !out) throw new Error('Say which folder scripts/training/record.ts wrote, and --out DIR.');
  mkdirSync(out, { recursive: true });
  await withEngine(async ({ engine, runtime }) => {
    const reader = await FaceReader.open({ ...engine, runtime, modelsDir: MODELS_DIR });
    const cut = engine.arena.allocate(4 * 3 * SIDE * SIDE);
    for (const seed of driversIn(from)) {
      if (existsSync(`${driverFile(out, seed)}.bin`)) continue;
      const count = await readDriver(engine, reader, cut, driverFile(from, seed), driverFile(out, seed));
      process.stderr.write(`driver ${seed}: ${count} faces\n`);
    }
    reader.close();
  });
}

await main();
